//! `records list`, `note`: what this device knows, without asking anybody.

use serde::Serialize;
use yilian_client::wallet::{index::RecordIndex, state::OfferStatus};

use super::display::{class, plain};
use crate::{commands::hint::Explain as _, output, profile::Patient};

#[derive(Serialize)]
struct Listed {
    records: Vec<Record>,
    offers: Vec<Offer>,
}

#[derive(Serialize)]
struct Record {
    record: String,
    aid: String,
    /// The ledger's time of the entry, Unix ms.
    time: u64,
    /// `None` until it was read once on this device.
    title: Option<String>,
    kind: Option<String>,
    class: Option<&'static str>,
    author: Option<String>,
    attachments: Option<u16>,
    note: String,
}

#[derive(Serialize)]
struct Offer {
    record: String,
    created: u64,
    status: &'static str,
    note: String,
}

pub fn list(patient: &Patient) -> anyhow::Result<()> {
    let state = patient.wallet.state();
    let record = |(index, record): (&RecordIndex, &yilian_client::wallet::state::Record)| {
        let summary = record.summary.as_ref();
        Record {
            record: index.to_string(),
            aid: record.aid.0.to_string(),
            time: record.time.0,
            title: summary.map(|s| plain(s.title.as_str())),
            kind: summary.map(|s| plain(s.kind.as_str())),
            class: summary.map(|s| class(s.class)),
            author: summary.map(|s| plain(s.author.as_str())),
            attachments: summary.map(|s| s.attachments),
            note: plain(record.note.as_str()),
        }
    };
    let offer = |(index, offer): (&RecordIndex, &yilian_client::wallet::state::Offer)| {
        let status = match offer.status {
            OfferStatus::Open => "open",
            OfferStatus::Refused => "refused",
            OfferStatus::Adopting => "adopting",
            OfferStatus::Abandoned => "abandoned",
            OfferStatus::Adopted => return None,
        };
        Some(Offer {
            record: index.to_string(),
            created: offer.created.0,
            status,
            note: plain(offer.note.as_str()),
        })
    };
    let listed = Listed {
        records: state.records.iter().map(record).collect(),
        offers: state.offers.iter().filter_map(offer).collect(),
    };
    patient.output.result(&listed, || render(&listed))
}

fn render(listed: &Listed) -> String {
    let mut text = String::new();
    if listed.records.is_empty() {
        text += "No records yet: `yilian records offer`, or `yilian records import`.\n";
    } else {
        let row = |r: &Record| {
            let unread = || "not read on this device yet".to_owned();
            let class = r.class.unwrap_or_default().to_owned();
            let by = r.author.clone().unwrap_or_default();
            let title = r.title.clone().unwrap_or_else(unread);
            [r.record.clone(), title, class, by, output::time(r.time), r.note.clone()]
        };
        let header = ["record", "title", "class", "author, as it says", "on the chain since", "note"];
        text += &(output::table(&header, listed.records.iter().map(row)) + "\n");
    }
    if !listed.offers.is_empty() {
        let row =
            |o: &Offer| [o.record.clone(), o.status.to_owned(), output::time(o.created), o.note.clone()];
        text += &output::table(&["offer", "status", "made", "note"], listed.offers.iter().map(row));
    }
    text
}

pub async fn note(index: RecordIndex, text: &str, patient: &mut Patient) -> anyhow::Result<()> {
    if !patient.wallet.state().records.contains_key(&index) {
        return Err(yilian_client::ClientError::UnknownRecord(index)).explain();
    }
    patient.wallet.annotate(index, text).await.explain()?;
    let value = serde_json::json!({ "record": index.to_string(), "note": text });
    patient
        .output
        .result(&value, || format!("Noted on record {index}, on this device and in its backups only."))
}
