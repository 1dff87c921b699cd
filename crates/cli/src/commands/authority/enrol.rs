//! `authority enrol`: a code for a patient whose identity was checked at a hospital's counter.

use anyhow::Context as _;
use clap::Args;
use yilian_client::{Member, practitioner};
use yilian_ledger::{Kind, name::MemberId};

use super::apply::{self, Key};
use crate::{
    args::Global,
    client,
    output::{self, Output},
};

#[derive(Debug, Args)]
pub struct Enrol {
    /// The hospital's own number for the person; never reaches the chain
    #[arg(value_name = "PATIENT")]
    patient: String,

    #[command(flatten)]
    key: Key,

    /// The hospital's identity under the authority, as it applied
    #[arg(long, value_name = "ID")]
    subject_id: String,
}

pub async fn enrol(args: Enrol, global: &Global, output: Output) -> anyhow::Result<()> {
    let client = client::connect(global)?;
    let id = MemberId::of(Some(apply::issuer(global)?), &args.subject_id);
    let keys = args.key.open()?;
    let member = client.member(id, Kind::Institution).await?;
    let certificate =
        member.current().context("the hospital is not certified now; see `yilian authority members`")?;
    let hospital = Member::new(id, certificate.clone(), keys)?;
    let code = practitioner::enrol_patient(&client, &hospital, &args.patient).await?;
    output.result(&code, || format!("{}\nGood once, until {}.", code.code, output::time(code.expires)))
}
