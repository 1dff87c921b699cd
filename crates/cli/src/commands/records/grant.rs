//! `records grant`, `dossier`, `withdraw`, `grants`, `log`, `deliver`: who may read, until when, and who did.

use clap::Args;
use serde::Serialize;
use yilian_api::encoding::digest_from_hex;
use yilian_client::{
    patient::{
        access::{self, Access},
        dossier,
        grant::{self as flow, DEFAULT_DELAY, Delivery, Terms},
    },
    wallet::{
        index::{GrantIndex, RecordIndex},
        state::GrantStatus,
    },
};
use yilian_ledger::{Parameters, Time, name::MemberId};

use super::display::{full_name, plain};
use crate::{
    commands::hint::{self, Explain as _},
    native::rng,
    output,
    profile::{Patient, prompt},
};

#[derive(Debug, Args)]
pub struct Grant {
    /// Number of the record, as `yilian records list` shows it
    record: RecordIndex,
    /// Member id of the reader, 64 digits: it shows it with `yilian practitioner status`
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    to: MemberId,
    /// How long, in periods: one of the chain's classes, 7, 30, 90 and 365 by default
    #[arg(long = "for", value_name = "PERIODS", default_value_t = 30)]
    periods: u32,
    /// The reader is here: send at once, without the random delay that hides who was granted
    #[arg(long)]
    now: bool,
    /// For the reader, sealed
    #[arg(long, default_value = "")]
    note: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub struct NewDossier {
    /// At least two
    #[arg(required = true, num_args = 2..)]
    records: Vec<RecordIndex>,
    #[arg(long)]
    title: String,
}

pub(in crate::commands) fn member(text: &str) -> Result<MemberId, String> {
    digest_from_hex(text).map(MemberId).map_err(|_| "a member's id is 64 hexadecimal digits".into())
}

/// Place of a length in the chain's classes.
pub(in crate::commands) fn expiry_class(parameters: &Parameters, periods: u32) -> anyhow::Result<u8> {
    let place = parameters.expiry_classes.iter().position(|class| *class == periods);
    place.and_then(|place| u8::try_from(place).ok()).ok_or_else(|| {
        let classes = parameters.expiry_classes.map(|class| class.to_string()).join(", ");
        hint::refused(
            "grant.expiry-class",
            format!(
                "{periods} is none of the chain's lengths; they are {classes} (others would be fingerprints)"
            ),
        )
    })
}

#[derive(Serialize)]
struct Granted {
    record: String,
    grant: String,
    bid: String,
    reader: String,
    reader_name: String,
    /// Unix ms.
    expiry: u64,
    /// When the opening leaves at the latest is random; `None`: it left.
    sends_after: Option<u64>,
}

pub async fn grant(args: Grant, patient: &mut Patient) -> anyhow::Result<()> {
    let parameters = patient.client.parameters().await.explain()?;
    let expiry_class = expiry_class(&parameters, args.periods)?;
    let card = patient.client.reader_card(args.to).await.explain()?;
    let reader = full_name(card.name(), card.institution());
    let question = format!(
        "{reader} can then read record {} for {} periods, and remember it after. Grant?",
        args.record, args.periods
    );
    prompt::confirm(args.yes, &question)?;
    let delivery = if args.now { Delivery::Now } else { DEFAULT_DELAY };
    let terms = Terms { record: args.record, reader: &card, expiry_class, delivery, note: &args.note };
    let spinner = patient.output.spinner("Granting");
    let index = flow::grant(&patient.client, &mut patient.wallet, terms, &mut rng()).await;
    spinner.finish_and_clear();
    let index = index.explain()?;
    let known = patient.wallet.state().grants.get(&(args.record, index));
    let granted = Granted {
        record: args.record.to_string(),
        grant: index.to_string(),
        bid: known.map(|grant| grant.bid.0.to_string()).unwrap_or_default(),
        reader: card.id().0.to_string(),
        reader_name: plain(card.name()),
        expiry: known.map(|grant| grant.expiry.0).unwrap_or_default(),
        sends_after: known.and_then(|grant| grant.outgoing.as_ref()).map(|outgoing| outgoing.not_before.0),
    };
    patient.output.result(&granted, || render_granted(&granted, &reader))
}

fn render_granted(granted: &Granted, reader: &str) -> String {
    let sent = match granted.sends_after {
        None => "It was sent.".to_owned(),
        Some(time) => format!(
            "It is to be sent after {}, a random time: `yilian records deliver` does it then.",
            output::time(time)
        ),
    };
    format!(
        "Grant {} of record {} to {reader}, until {}. {sent}\nIt ends earlier with `yilian records withdraw {} {}`.",
        granted.grant,
        granted.record,
        output::time(granted.expiry),
        granted.record,
        granted.grant
    )
}

pub async fn dossier(args: NewDossier, patient: &mut Patient) -> anyhow::Result<()> {
    let Patient { client, wallet, output, .. } = patient;
    let spinner = output.spinner("Making the dossier");
    let made = dossier::dossier(client, wallet, &args.title, &args.records, &mut rng()).await;
    spinner.finish_and_clear();
    let index = made.explain()?;
    let value = serde_json::json!({ "record": index.to_string(), "records": args.records.len() });
    output.result(&value, || {
        format!("Record {index} opens {} records. Grant it instead of them.", args.records.len())
    })
}

pub async fn withdraw(record: RecordIndex, grant: GrantIndex, patient: &mut Patient) -> anyhow::Result<()> {
    let spinner = patient.output.spinner("Withdrawing");
    let ended = flow::withdraw(&patient.client, &mut patient.wallet, record, grant).await;
    spinner.finish_and_clear();
    let ended = ended.explain()?;
    let value = serde_json::json!({
        "record": record.to_string(), "grant": grant.to_string(), "ended": ended.0
    });
    patient.output.result(&value, || {
        format!(
            "Withdrawn at {}. No one can fetch it any more. Who has read it may remember it.",
            output::time(ended.0)
        )
    })
}

#[derive(Serialize)]
struct Listed {
    record: String,
    grant: String,
    bid: String,
    /// `None` after a recovery without backup.
    reader: Option<String>,
    reader_name: Option<String>,
    status: &'static str,
    granted: u64,
    expiry: u64,
    sent: bool,
    /// First fetched by the reader, by its signed receipt; Unix ms.
    opened: Option<u64>,
}

impl Listed {
    fn of(access: &Access, now: Time) -> Self {
        Self {
            record: access.record.to_string(),
            grant: access.grant.to_string(),
            bid: access.bid.0.to_string(),
            reader: access.reader.as_ref().map(|reader| reader.member.0.to_string()),
            reader_name: access.reader.as_ref().map(|reader| plain(reader.name.as_str())),
            status: match access.status {
                GrantStatus::Submitted => "on its way",
                GrantStatus::Active if access.expiry <= now => "expired",
                GrantStatus::Active => "active",
                GrantStatus::Withdrawn => "withdrawn",
                GrantStatus::Failed => "failed",
            },
            granted: access.granted.0,
            expiry: access.expiry.0,
            sent: access.sent,
            opened: access.opened.map(|time| time.0),
        }
    }
}

pub fn list(patient: &Patient) -> anyhow::Result<()> {
    print(&access::log(&patient.wallet), patient, false)
}

pub async fn log(patient: &mut Patient) -> anyhow::Result<()> {
    let spinner = patient.output.spinner("Fetching receipts");
    let log = access::access_log(&patient.client, &mut patient.wallet).await;
    spinner.finish_and_clear();
    print(&log.explain()?, patient, true)
}

fn print(log: &[Access], patient: &Patient, receipts: bool) -> anyhow::Result<()> {
    let listed: Vec<Listed> = log.iter().map(|access| Listed::of(access, patient.client.now())).collect();
    patient.output.result(&listed, || {
        if listed.is_empty() {
            return "Nothing was granted.".into();
        }
        let last = if receipts { "first fetched" } else { "sent" };
        output::table(
            &["record", "grant", "reader", "status", "granted", "until", last],
            listed.iter().map(|grant| row(grant, receipts)),
        )
    })
}

fn row(grant: &Listed, receipts: bool) -> [String; 7] {
    let sent = if grant.sent { "yes" } else { "not yet" };
    let last = match (receipts, grant.opened) {
        (true, Some(time)) => format!("at {}, by its receipt", output::time(time)),
        (true, None) => "no receipt".into(),
        (false, _) => sent.into(),
    };
    [
        grant.record.clone(),
        grant.grant.clone(),
        grant.reader_name.clone().unwrap_or_else(|| "not known here".into()),
        grant.status.into(),
        output::time(grant.granted),
        output::time(grant.expiry),
        last,
    ]
}

pub async fn deliver(patient: &mut Patient) -> anyhow::Result<()> {
    flow::settle(&patient.client, &mut patient.wallet).await.explain()?;
    let sent = flow::deliver(&patient.client, &mut patient.wallet).await.explain()?;
    let grants = patient.wallet.state().grants.values();
    let waiting = grants.filter(|grant| grant.outgoing.is_some()).count();
    let value = serde_json::json!({ "sent": sent, "waiting": waiting });
    patient.output.result(&value, || format!("{sent} messages sent; {waiting} wait for their random time."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_length_is_one_of_the_classes() {
        let parameters = Parameters::default();
        assert_eq!(expiry_class(&parameters, 90).unwrap(), 2);
        let error = expiry_class(&parameters, 31).unwrap_err().to_string();
        assert!(error.contains("7, 30, 90, 365"), "{error}");
    }

    #[test]
    fn a_member_is_64_digits() {
        assert!(member(&"0a".repeat(32)).is_ok());
        for wrong in ["", "zz", &"0A".repeat(32), &"0a".repeat(31)] {
            assert!(member(wrong).is_err(), "{wrong}");
        }
    }
}
