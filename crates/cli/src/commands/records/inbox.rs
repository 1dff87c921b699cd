//! `records inbox`, `view`, `accept`, `refuse`: what came is verified, looked at, and taken or not.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use yilian_client::{
    patient::{
        adopt,
        inbox::{self, Inbox, ReceivedDraft, ReceivedRequest, Unreadable},
    },
    wallet::index::RecordIndex,
};

use super::{
    display::{Shown, Signer, plain, shown, signer},
    files,
};
use crate::{
    commands::hint::{self, Explain as _},
    native::rng,
    output,
    profile::{Patient, prompt},
};

/// Hex digits of a message's id in the table: enough to tell one from another.
const ID_SHOWN: usize = 12;

#[derive(Debug, Args)]
pub struct View {
    /// Offer that the draft answers
    record: RecordIndex,
    /// Which message, if several answer the same offer: the beginning of its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Also write its FHIR Bundle to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub struct Accept {
    /// Offer that the draft answers; it becomes the record's number
    record: RecordIndex,
    /// Which message, if several answer the same offer: the beginning of its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub struct Refuse {
    /// Offer that the draft answers
    record: RecordIndex,
    /// Which message, if several answer the same offer: the beginning of its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// What the author is told
    #[arg(long)]
    reason: String,
}

#[derive(Serialize)]
struct Listed {
    drafts: Vec<Draft>,
    requests: Vec<Request>,
    unreadable: Vec<Bad>,
}

#[derive(Serialize)]
struct Draft {
    record: String,
    message: String,
    received: u64,
    #[serde(flatten)]
    document: Shown,
}

#[derive(Serialize)]
struct Request {
    record: String,
    message: String,
    received: u64,
    reader: Signer,
    purpose: String,
    wanted: String,
    /// Place in the chain's expiry classes.
    expiry_class: u8,
}

#[derive(Serialize)]
struct Bad {
    record: String,
    message: String,
    code: String,
    reason: String,
}

impl From<&ReceivedDraft> for Draft {
    fn from(draft: &ReceivedDraft) -> Self {
        Self {
            record: draft.offer.to_string(),
            message: draft.message.to_string(),
            received: draft.received.0,
            document: shown(&draft.document, draft.author.time()),
        }
    }
}

impl From<&ReceivedRequest> for Request {
    fn from(received: &ReceivedRequest) -> Self {
        Self {
            record: received.offer.to_string(),
            message: received.message.to_string(),
            received: received.received.0,
            reader: signer(&received.reader, received.reader.time()),
            purpose: plain(received.request.purpose.as_str()),
            wanted: plain(received.request.wanted.as_str()),
            expiry_class: received.request.expiry_class,
        }
    }
}

impl From<&Unreadable> for Bad {
    fn from(bad: &Unreadable) -> Self {
        Self {
            record: bad.offer.to_string(),
            message: bad.message.to_string(),
            code: bad.reason.code().to_owned(),
            reason: bad.reason.to_string(),
        }
    }
}

async fn fetch(patient: &Patient) -> anyhow::Result<Inbox> {
    let spinner = patient.output.spinner("Asking the nodes");
    let inbox = inbox::inbox(&patient.client, &patient.wallet).await;
    spinner.finish_and_clear();
    inbox.explain()
}

pub async fn list(patient: &Patient) -> anyhow::Result<()> {
    let inbox = fetch(patient).await?;
    let listed = Listed {
        drafts: inbox.drafts.iter().map(Into::into).collect(),
        requests: inbox.requests.iter().map(Into::into).collect(),
        unreadable: inbox.unreadable.iter().map(Into::into).collect(),
    };
    patient.output.result(&listed, || render(&listed))
}

fn render(listed: &Listed) -> String {
    if listed.drafts.is_empty() && listed.requests.is_empty() && listed.unreadable.is_empty() {
        return "Nothing came.".into();
    }
    let mut text = String::new();
    if !listed.drafts.is_empty() {
        let row = |draft: &Draft| {
            let by = draft.document.signer.as_ref().map(Signer::full_name);
            let title = draft.document.title.clone();
            let id = draft.message.chars().take(ID_SHOWN).collect();
            [draft.record.clone(), title, by.unwrap_or_default(), output::time(draft.received), id]
        };
        let header = ["offer", "draft", "signed by", "came", "message"];
        text += &output::table(&header, listed.drafts.iter().map(row));
        text += "\nLook at one with `yilian records view OFFER`; then `accept` or `refuse` it.\n";
    }
    if !listed.requests.is_empty() {
        let row = |request: &Request| {
            let who = format!("{}\n{}", request.reader.full_name(), request.reader.member);
            [request.record.clone(), who, request.wanted.clone(), request.purpose.clone()]
        };
        text += &output::table(&["offer", "who asks", "for what", "why"], listed.requests.iter().map(row));
        text += "\nGrant with `yilian records grant RECORD --to MEMBER`; not answering is refusing.\n";
    }
    if !listed.unreadable.is_empty() {
        let row = |bad: &Bad| [bad.record.clone(), output::short(&bad.message), bad.reason.clone()];
        text += &output::table(&["offer", "message", "not believed"], listed.unreadable.iter().map(row));
    }
    text
}

/// The one draft for an offer.
async fn draft(
    patient: &Patient,
    record: RecordIndex,
    message: Option<&str>,
) -> anyhow::Result<ReceivedDraft> {
    let inbox = fetch(patient).await?;
    let named = |draft: &ReceivedDraft| message.is_none_or(|id| draft.message.to_string().starts_with(id));
    let mut drafts = inbox.drafts.into_iter().filter(|draft| draft.offer == record && named(draft));
    match (drafts.next(), drafts.next()) {
        (Some(draft), None) => Ok(draft),
        (Some(_), Some(_)) => Err(hint::refused(
            "draft.several",
            format!(
                "several drafts answer offer {record}; say which with --message and an id of `yilian records inbox`"
            ),
        )),
        (None, _) => match inbox.unreadable.iter().find(|bad| bad.offer == record) {
            Some(bad) => Err(hint::explain(&bad.reason).context("what came is not believed")),
            None if patient.wallet.state().records.contains_key(&record) => {
                Err(hint::refused("draft.accepted", format!("record {record} is yours already")))
            }
            None => Err(hint::refused("draft.none", format!("no draft for offer {record} came yet"))),
        },
    }
}

pub async fn view(args: View, patient: &Patient) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        files::check_target(out, args.force)?;
    }
    let draft = draft(patient, args.record, args.message.as_deref()).await?;
    let body = draft.document.document().body();
    if let Some(out) = &args.out {
        files::write(out, body)?;
    }
    let shown = Draft::from(&draft);
    patient.output.result(&shown, || {
        let bundle = match draft.document.contents() {
            yilian_client::opened::Contents::Fhir(bundle) => {
                serde_json::to_string_pretty(bundle.value()).unwrap_or_default()
            }
            yilian_client::opened::Contents::Dossier(_) => String::new(),
        };
        let bundle: Vec<String> = bundle.lines().map(plain).collect();
        format!(
            "{}\n{}\nIt is a draft: not yours, and not on the chain. `yilian records accept {}` or `refuse`.",
            bundle.join("\n"),
            shown.document.render(),
            shown.record
        )
    })
}

#[derive(Serialize)]
struct Accepted {
    record: String,
    aid: String,
}

pub async fn accept(args: Accept, patient: &mut Patient) -> anyhow::Result<()> {
    let draft = draft(patient, args.record, args.message.as_deref()).await?;
    if !args.yes {
        patient.output.note(Draft::from(&draft).document.render());
    }
    prompt::confirm(args.yes, "From now on this is yours; nobody can change or delete it. Accept?")?;
    let spinner = patient.output.spinner("Encrypting under a key of your own, storing, entering");
    let index = adopt::accept(&patient.client, &mut patient.wallet, &draft, &mut rng()).await;
    spinner.finish_and_clear();
    let index = index.explain()?;
    let aid = patient.wallet.keys().aid(index).0.to_string();
    let accepted = Accepted { record: index.to_string(), aid };
    patient
        .output
        .result(&accepted, || format!("Record {index} is yours. On the chain it is {}.", accepted.aid))
}

pub async fn refuse(args: Refuse, patient: &mut Patient) -> anyhow::Result<()> {
    let draft = draft(patient, args.record, args.message.as_deref()).await?;
    inbox::refuse(&patient.client, &mut patient.wallet, &draft, &args.reason, &mut rng()).await.explain()?;
    let value = serde_json::json!({ "record": args.record.to_string(), "refused": true });
    patient.output.result(&value, || "Refused; its author is told why, sealed.".into())
}
