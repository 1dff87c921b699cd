//! `practitioner write`, `refusals`: a signed record for an offer, and the patients who did not take one.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use yilian_api::encoding::digest_from_hex;
use yilian_client::{
    Member, OfferCard,
    practitioner::{NewRecord, ReceivedRefusal, attach, refusals as fetch, write as flow},
    record::Attachment,
};
use yilian_crypto::Digest;
use yilian_ledger::ChainId;

use crate::{
    args::Global,
    commands::{
        hint::{self, Explain as _},
        records::{
            display::plain,
            files::{self, Bar},
        },
    },
    failure,
    native::{FileSource, rng},
    output::{self, Output},
    profile::{ProfileArgs, SentRecord, Staff, connect},
};

/// Longest offer file, bytes.
const MAX_OFFER: u64 = 4096;

#[derive(Debug, Args)]
#[group(id = "offer_source", required = true, multiple = false)]
pub struct OfferArgs {
    /// The patient's offer, as text: YILIAN1:...
    #[arg(long, value_name = "TEXT")]
    offer: Option<String>,
    /// File with the offer; - for standard input
    #[arg(long, value_name = "FILE")]
    offer_file: Option<PathBuf>,
}

impl OfferArgs {
    pub fn card(&self, chain: ChainId) -> anyhow::Result<OfferCard> {
        let text = match (&self.offer, &self.offer_file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => read_text(path)?,
            (None, None) => {
                return Err(failure::usage("name the patient's offer with --offer or --offer-file"));
            }
        };
        OfferCard::from_text(&text, chain).explain()
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().lock().take(MAX_OFFER).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(MAX_OFFER).read_to_string(&mut text)),
    };
    read.map_err(|error| hint::file(path, &error))?;
    Ok(text)
}

#[derive(Debug, Args)]
pub struct Write {
    #[command(flatten)]
    offer: OfferArgs,
    /// FHIR R4 Bundle that names the patient; these bytes are signed
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// File that belongs to it; may be given several times
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// Statement id of the record that this one corrects
    #[arg(long, value_name = "ID", value_parser = statement)]
    supersedes: Option<Digest>,
    /// For yourself, encrypted on this device: for whom, about what
    #[arg(long, default_value = "")]
    note: String,
}

fn statement(text: &str) -> Result<Digest, String> {
    digest_from_hex(text).map_err(|_| "a statement's id is 64 hexadecimal digits".into())
}

#[derive(Serialize)]
struct Sent {
    statement: String,
    message: String,
    /// Address of the draft.
    cid: String,
    bytes: u64,
    attachments: usize,
}

pub async fn write(
    args: Write,
    profile: &ProfileArgs,
    global: &Global,
    output: Output,
) -> anyhow::Result<()> {
    // Whatever is wrong with the input shows before a password is asked for and before anything is sent.
    let offer = args.offer.card(connect(global)?.chain())?;
    let bundle = files::read_bundle(&args.bundle)?;
    for file in &args.attach {
        FileSource::open(file).explain()?;
    }
    let mut staff = Staff::open(profile, global, output)?;
    let member = staff.member()?;
    let mut attachments = Vec::new();
    for file in &args.attach {
        attachments.push(upload(&staff, &member, file).await?);
    }
    let count = attachments.len();
    let record = NewRecord { bundle, attachments, supersedes: args.supersedes };
    let spinner = output.spinner("Signing, encrypting, sending");
    let sent = flow(&staff.client, &member, &offer, record, &mut rng()).await;
    spinner.finish_and_clear();
    let sent = sent.explain()?;
    staff.memory.sent.push(SentRecord {
        time: crate::query::now_ms(),
        statement: sent.statement.to_string(),
        owner_commitment: sent.owner_commitment.to_string(),
        mailbox: offer.mailbox.id.to_string(),
        note: args.note,
    });
    staff.save_memory()?;
    let shown = Sent {
        statement: sent.statement.to_string(),
        message: sent.message.to_string(),
        cid: sent.stored.cid.to_string(),
        bytes: sent.stored.bytes,
        attachments: count,
    };
    output.result(&shown, || {
        format!(
            "Sent. The patient sees it with `yilian records inbox` and accepts or refuses it.\nStatement {}",
            shown.statement
        )
    })
}

async fn upload(staff: &Staff, member: &Member, file: &Path) -> anyhow::Result<Attachment> {
    let mut source = FileSource::open(file).explain()?;
    let name = files::name_of(file);
    let mut bar = Bar::new(staff.output, 0, name.clone());
    let what = (files::media_type(file), name.as_str());
    attach(&staff.client, member, &mut source, what, &mut rng(), &mut bar).await.explain()
}

#[derive(Serialize)]
struct Refused {
    /// By a node's clock, Unix ms.
    received: u64,
    statement: String,
    reason: String,
    /// The member's own note on what was refused; `None` if this device did not write it.
    note: Option<String>,
    /// Signed with the key of the offer that the record was written for.
    by_the_patient: bool,
}

pub async fn refusals(staff: &Staff) -> anyhow::Result<()> {
    let received = fetch(&staff.client, &staff.member()?).await.explain()?;
    let refused: Vec<Refused> =
        received.iter().map(|refusal| describe(refusal, &staff.memory.sent)).collect();
    staff.output.result(&refused, || {
        if refused.is_empty() {
            return "No refusals.".into();
        }
        let row = |refused: &Refused| {
            let known = if refused.by_the_patient { "yes" } else { "cannot be told here" };
            let note = refused.note.clone().unwrap_or_else(|| output::short(&refused.statement));
            [output::time(refused.received), note, refused.reason.clone(), known.into()]
        };
        output::table(&["came", "record", "reason", "from the patient"], refused.iter().map(row))
    })
}

fn describe(received: &ReceivedRefusal, sent: &[SentRecord]) -> Refused {
    let refusal = &received.refusal;
    let statement = refusal.statement.to_string();
    let known = sent.iter().find(|record| record.statement == statement);
    let mailbox = yilian_api::mailbox::mailbox_id(&refusal.mailbox).to_string();
    Refused {
        received: received.received.0,
        by_the_patient: known.is_some_and(|record| {
            record.mailbox == mailbox && record.owner_commitment == refusal.owner_commitment.to_string()
        }),
        note: known.map(|record| plain(&record.note)),
        reason: plain(refusal.reason.as_str()),
        statement,
    }
}
