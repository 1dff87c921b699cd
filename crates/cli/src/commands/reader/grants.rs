//! `reader inbox`, `open`: openings are kept on this device, encrypted; records are fetched anew, with every check.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use yilian_client::{
    opened::Contents,
    reader::{self, DossierRecord, GrantedRecord},
};

use crate::{
    commands::{
        hint::{self, Explain},
        records::{
            display::{ShownRecord, Signer, plain},
            files,
        },
    },
    output,
    profile::{ListedGrant, Staff},
};

#[derive(Debug, Args)]
pub struct Open {
    /// As `yilian reader inbox` numbers it
    grant: usize,
    /// Of a dossier: which of its records, from 1
    #[arg(long, value_name = "N")]
    record: Option<usize>,
    /// Write the FHIR Bundle here; with --attachment, that attachment
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Fetch this attachment, numbered from 1
    #[arg(long, value_name = "N", requires = "out")]
    attachment: Option<usize>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Listed {
    grant: usize,
    /// By a node's clock, Unix ms.
    received: u64,
    bid: String,
    note: String,
}

pub async fn inbox(staff: &mut Staff) -> anyhow::Result<()> {
    let member = staff.member()?;
    let spinner = staff.output.spinner("Asking the nodes");
    let received = reader::inbox(&staff.client, &member).await;
    spinner.finish_and_clear();
    let new = staff.memory.keep(&received.explain()?);
    staff.save_memory()?;
    let row = |listed: ListedGrant| Listed {
        grant: listed.number,
        received: listed.received,
        bid: listed.opening.bid.0.to_string(),
        note: plain(listed.opening.note.as_str()),
    };
    let listed: Vec<Listed> = staff.memory.grants().into_iter().map(row).collect();
    staff.output.result(&listed, || {
        if listed.is_empty() {
            return "Nothing was granted yet.".into();
        }
        let row = |l: &Listed| {
            [l.grant.to_string(), output::time(l.received), l.note.clone(), output::short(&l.bid)]
        };
        let table = output::table(&["grant", "came", "note", "on the chain as"], listed.iter().map(row));
        format!("{table}\n{new} new. `yilian reader open GRANT` reads one; the patient sees when it was first fetched.")
    })
}

#[derive(Serialize)]
struct Opened {
    grant: usize,
    /// Unix ms, the ledger's.
    granted: u64,
    expiry: u64,
    #[serde(flatten)]
    record: ShownRecord,
    /// Of a dossier, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Inside>,
}

#[derive(Serialize)]
struct InsideRecord {
    #[serde(flatten)]
    record: ShownRecord,
    /// It names another patient than the dossier's first record that names one.
    other_patient: bool,
}

impl InsideRecord {
    fn of(opened: &DossierRecord) -> Self {
        Self { record: ShownRecord::of(&opened.record), other_patient: opened.other_patient }
    }

    fn render(&self) -> String {
        let mut text = self.record.render();
        if self.other_patient {
            text += OTHER_PATIENT;
        }
        text
    }
}

const OTHER_PATIENT: &str = "Attention: this names another patient than the dossier's first record does.\n";

#[derive(Serialize)]
#[serde(untagged)]
enum Inside {
    Record(Box<InsideRecord>),
    Failed { code: String, error: String },
}

pub async fn open(args: Open, staff: &mut Staff) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        files::check_target(out, args.force)?;
    }
    let member = staff.member()?;
    let unknown = || {
        let message = format!("there is no grant {}; `yilian reader inbox` lists them", args.grant);
        hint::refused("grant.unknown", message)
    };
    let listed = staff.memory.grants().into_iter().find(|listed| listed.number == args.grant);
    let opening = listed.ok_or_else(unknown)?.opening;
    let spinner = staff.output.spinner("Fetching and checking");
    let granted = reader::open(&staff.client, &member, &opening).await;
    let inside = match granted.as_ref().ok().and_then(GrantedRecord::dossier) {
        Some(dossier) => reader::open_dossier(&staff.client, dossier).await,
        None => Vec::new(),
    };
    spinner.finish_and_clear();
    let granted = granted.explain()?;
    match args.out.clone() {
        Some(out) => save(&args, out, &granted, inside, staff).await,
        None => show(&args, &granted, inside, staff),
    }
}

fn show(
    args: &Open,
    granted: &GrantedRecord,
    inside: Vec<Result<DossierRecord, yilian_client::ClientError>>,
    staff: &Staff,
) -> anyhow::Result<()> {
    if args.record.is_some() {
        let shown = InsideRecord::of(&pick(args, granted, inside)?);
        return staff.output.result(&shown, || shown.render());
    }
    let inside = inside.iter().map(|record| match record {
        Ok(record) => Inside::Record(Box::new(InsideRecord::of(record))),
        Err(error) => Inside::Failed { code: error.code().to_owned(), error: error.to_string() },
    });
    let opened = Opened {
        grant: args.grant,
        granted: granted.granted.0,
        expiry: granted.expiry.0,
        record: ShownRecord::of(&granted.record),
        records: inside.collect(),
    };
    staff.output.result(&opened, || render(&opened))
}

fn render(opened: &Opened) -> String {
    let mut text = opened.record.render();
    text += &format!("Granted at {}, until {}.\n", output::time(opened.granted), output::time(opened.expiry));
    if !opened.records.is_empty() {
        let row = |(place, inside): (usize, &Inside)| match inside {
            Inside::Record(record) => {
                let (other, record) = (record.other_patient, &record.record);
                let by = record.document.signer.as_ref().map(Signer::full_name);
                let by = by.unwrap_or_else(|| "the patient".into());
                let mut patient = record.document.patient.render();
                if other {
                    patient += " (another patient!)";
                }
                let title = record.document.title.clone();
                [(place + 1).to_string(), title, patient, by, output::time(record.time)]
            }
            Inside::Failed { error, .. } => {
                let failed = format!("not believed: {error}");
                [(place + 1).to_string(), failed, String::new(), String::new(), String::new()]
            }
        };
        let header = ["record", "title", "patient", "signed by", "on the chain since"];
        text += &output::table(&header, opened.records.iter().enumerate().map(row));
        let other = |inside: &Inside| matches!(inside, Inside::Record(record) if record.other_patient);
        if opened.records.iter().any(other) {
            text += "\nAttention: not all of these name the same patient.";
        }
        text += &format!("\nOne of them: `yilian reader open {} --record N`.", opened.grant);
    }
    text
}

/// The granted record, or the chosen one of a dossier.
fn pick(
    args: &Open,
    granted: &GrantedRecord,
    inside: Vec<Result<DossierRecord, yilian_client::ClientError>>,
) -> anyhow::Result<DossierRecord> {
    let Some(number) = args.record else {
        return Ok(DossierRecord { record: granted.record.clone(), other_patient: false });
    };
    let count = inside.len();
    let chosen = number.checked_sub(1).and_then(|place| inside.into_iter().nth(place));
    chosen.map(Explain::explain).unwrap_or_else(|| {
        Err(hint::refused(
            "record.not-in-dossier",
            format!("there is no record {number} inside; there are {count}"),
        ))
    })
}

async fn save(
    args: &Open,
    out: PathBuf,
    granted: &GrantedRecord,
    inside: Vec<Result<DossierRecord, yilian_client::ClientError>>,
    staff: &Staff,
) -> anyhow::Result<()> {
    let record = pick(args, granted, inside)?.record;
    let bytes = match args.attachment {
        Some(number) => {
            let attachment = files::pick(&record.document().statement().attachments, number)?;
            files::download(&staff.client, attachment, &out, staff.output).await?;
            attachment.length
        }
        None => {
            if matches!(record.document().contents(), Contents::Dossier(_)) {
                return Err(hint::refused(
                    "record.dossier",
                    "the grant is a dossier; choose one of its records with --record",
                ));
            }
            files::write(&out, record.body())?;
            record.body().len() as u64
        }
    };
    let value = serde_json::json!({ "grant": args.grant, "file": out, "bytes": bytes });
    staff.output.result(&value, || {
        format!("{}: {}, exactly what the record's author signed.", out.display(), output::bytes(bytes))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::records::display::{Patient, Shown};

    fn shown(patient: &str) -> ShownRecord {
        let document = Shown {
            class: "clinical",
            kind: String::new(),
            title: "Visit note".into(),
            date: String::new(),
            author: String::new(),
            patient: Patient { name: patient.into(), identifier: String::new(), birth_date: String::new() },
            signer: None,
            statement: String::new(),
            supersedes: None,
            attachments: Vec::new(),
            dossier: None,
        };
        ShownRecord { aid: String::new(), time: 0, document, verified: [""; 5] }
    }

    fn opened(patients: [(&str, bool); 2]) -> Opened {
        let inside = |(patient, other_patient): (&str, bool)| {
            Inside::Record(Box::new(InsideRecord { record: shown(patient), other_patient }))
        };
        let records = patients.into_iter().map(inside).collect();
        Opened { grant: 1, granted: 0, expiry: 0, record: shown(""), records }
    }

    #[test]
    fn a_dossier_shows_whose_its_records_are_and_warns_of_other_patients() {
        let mixed = opened([("Alice", false), ("Mallory", true)]);
        let text = render(&mixed);
        assert!(text.contains("Alice") && text.contains("Mallory (another patient!)"), "{text}");
        assert!(text.contains("Attention"), "{text}");
        let json = serde_json::to_value(&mixed).unwrap();
        assert_eq!(json["records"][0]["other_patient"], false);
        assert_eq!(json["records"][1]["other_patient"], true);
        assert_eq!(json["records"][1]["patient"]["name"], "Mallory");

        let one = render(&opened([("Alice", false), ("Alice", false)]));
        assert!(!one.contains("Attention") && !one.contains("another patient"), "{one}");
    }

    #[test]
    fn a_single_record_of_another_patient_says_so() {
        let text = |other_patient| InsideRecord { record: shown("Mallory"), other_patient }.render();
        assert!(text(true).contains(OTHER_PATIENT));
        assert!(!text(false).contains(OTHER_PATIENT));
    }
}
