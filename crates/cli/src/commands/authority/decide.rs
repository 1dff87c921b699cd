//! What an operator decides: who is admitted, refused, expelled. Asked of the running service.

use clap::{ArgGroup, Args};
use serde::Serialize;
use serde_json::json;
use yilian_crypto::certificate::Role;

use super::{Operated, role};
use crate::{
    args::Global,
    authority::operator::{Admitted, Operator, TicketKeyState, Waiting},
    output::{self, Output},
};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("who").required(true))]
pub struct Admit {
    /// Application, as `applications` lists it
    #[arg(value_name = "ID", group = "who")]
    id: Option<String>,

    /// Everybody who waits
    #[arg(long, group = "who")]
    all: bool,

    /// How long the certificate holds
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,

    #[command(flatten)]
    operated: Operated,
}

#[derive(Debug, Args)]
pub struct Refuse {
    /// Application, as `applications` lists it
    #[arg(value_name = "ID")]
    id: String,

    /// Told to the applicant
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    operated: Operated,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// Member id, as `members` lists it
    #[arg(value_name = "MEMBER")]
    member: String,

    /// This certificate only (64 hex digits); without it, the member is expelled
    #[arg(long, value_name = "ID")]
    certificate: Option<String>,

    #[command(flatten)]
    operated: Operated,
}

pub async fn applications(args: Operated, global: &Global, output: Output) -> anyhow::Result<()> {
    let waiting = args.operator(global)?.applications().await?;
    output.result(&waiting, || {
        if waiting.is_empty() {
            return "Nobody waits.".into();
        }
        let rows = waiting.iter().map(|Waiting { id, application }| {
            [id.clone(), application.name.clone(), application.subject_id.clone(), roles(&application.roles)]
        });
        output::table(&["application", "name", "subject", "roles"], rows)
    })
}

fn roles(values: &[u8]) -> String {
    let names = values.iter().map(|value| Role::from_u8(*value).map_or("?", role::name));
    names.collect::<Vec<_>>().join(", ")
}

/// One admission, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Admission {
    application: String,
    #[serde(flatten)]
    admitted: Admitted,
}

pub async fn admit(args: Admit, global: &Global, output: Output) -> anyhow::Result<()> {
    let operator = args.operated.operator(global)?;
    let ids = match args.id {
        Some(id) => vec![id],
        None => operator.applications().await?.into_iter().map(|waiting| waiting.id).collect(),
    };
    let admissions = admit_each(&operator, ids, args.days).await?;
    output.result(&admissions, || match admissions.is_empty() {
        true => "Nobody waits.".into(),
        false => output::table(
            &["application", "member"],
            admissions.iter().map(|a| [a.application.clone(), a.admitted.member.clone()]),
        ),
    })
}

async fn admit_each(operator: &Operator, ids: Vec<String>, days: u32) -> anyhow::Result<Vec<Admission>> {
    let mut admissions = Vec::with_capacity(ids.len());
    for application in ids {
        let admitted = operator.admit(&application, days).await?;
        admissions.push(Admission { application, admitted });
    }
    Ok(admissions)
}

pub async fn refuse(args: Refuse, global: &Global, output: Output) -> anyhow::Result<()> {
    let status = args.operated.operator(global)?.refuse(&args.id, &args.reason).await?;
    output.result(&status, || format!("Application {} is refused.", args.id))
}

pub async fn revoke(args: Revoke, global: &Global, output: Output) -> anyhow::Result<()> {
    args.operated.operator(global)?.revoke(&args.member, args.certificate.as_deref()).await?;
    let result = json!({ "member": args.member, "certificate": args.certificate });
    output.result(&result, || match &args.certificate {
        Some(certificate) => {
            format!("Certificate {certificate} has ended. What it signed before still counts.")
        }
        None => format!("Member {} is expelled. What it signed before still counts.", args.member),
    })
}

pub async fn tickets(args: Operated, global: &Global, output: Output) -> anyhow::Result<()> {
    let keys = args.operator(global)?.tickets().await?;
    output.result(&keys, || {
        let rows = keys.iter().map(|key: &TicketKeyState| {
            let state = if key.set { "in the ledger" } else { "not in the ledger yet" };
            [key.period.to_string(), key.class.clone(), output::time(key.begins), state.to_owned()]
        });
        output::table(&["period", "class", "begins", "key"], rows)
    })
}
