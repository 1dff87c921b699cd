//! `records show`, `export`: one's own records, read with every check that a stranger would make.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use yilian_client::{opened::OpenedRecord, patient::read, wallet::index::RecordIndex};

use super::{display::ShownRecord, files};
use crate::{
    commands::hint::{self, Explain as _},
    failure::Refused,
    output,
    profile::Patient,
};

#[derive(Debug, Args)]
pub struct Show {
    /// Number of the record, as `yilian records list` shows it
    record: RecordIndex,
    /// Fetch this attachment, numbered from 1
    #[arg(long, value_name = "N", requires = "out")]
    attachment: Option<usize>,
    /// File for the attachment
    #[arg(long, value_name = "FILE", requires = "attachment")]
    out: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Which record
    #[arg(required_unless_present = "all")]
    record: Option<RecordIndex>,
    /// Every record, into the folder that --out names
    #[arg(long, conflicts_with = "record", requires = "out")]
    all: bool,
    /// File to write, or folder with --all; standard output otherwise
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    force: bool,
}

/// Code of what is refused because a record is a dossier.
const DOSSIER: &str = "record.dossier";

async fn open(patient: &mut Patient, index: RecordIndex) -> anyhow::Result<OpenedRecord> {
    let spinner = patient.output.spinner(format!("Fetching record {index}"));
    let record = read::read(&patient.client, &mut patient.wallet, index).await;
    spinner.finish_and_clear();
    record.explain()
}

#[derive(Serialize)]
struct Fetched {
    record: String,
    attachment: usize,
    file: PathBuf,
    bytes: u64,
}

pub async fn show(args: Show, patient: &mut Patient) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        files::check_target(out, args.force)?;
    }
    let record = open(patient, args.record).await?;
    if let (Some(number), Some(file)) = (args.attachment, args.out) {
        let attachment = files::pick(&record.document().statement().attachments, number)?;
        files::download(&patient.client, attachment, &file, patient.output).await?;
        let fetched =
            Fetched { record: args.record.to_string(), attachment: number, file, bytes: attachment.length };
        return patient.output.result(&fetched, || {
            let (file, size) = (fetched.file.display(), output::bytes(fetched.bytes));
            format!("{file}: {size}, exactly what the record's author signed.")
        });
    }
    let shown = ShownRecord::of(&record);
    patient.output.result(&shown, || shown.render())
}

#[derive(Serialize)]
struct Exported {
    record: String,
    file: PathBuf,
    bytes: usize,
}

pub async fn export(args: Export, patient: &mut Patient) -> anyhow::Result<()> {
    let Some(index) = args.record else {
        let folder = args.out.unwrap_or_default();
        return export_all(&folder, args.force, patient).await;
    };
    let Some(file) = args.out else {
        let record = open(patient, index).await?;
        let value: serde_json::Value = serde_json::from_slice(fhir(&record, index)?)?;
        return patient.output.result(&value, || String::from_utf8_lossy(record.body()).into_owned());
    };
    let exported = export_one(index, file, args.force, patient).await?;
    patient.output.result(&exported, || {
        format!("{}: {}, as it was signed.", exported.file.display(), output::bytes(exported.bytes as u64))
    })
}

/// The bundle; a dossier is none.
fn fhir(record: &OpenedRecord, index: RecordIndex) -> anyhow::Result<&[u8]> {
    match record.document().contents() {
        yilian_client::opened::Contents::Fhir(_) => Ok(record.body()),
        yilian_client::opened::Contents::Dossier(_) => Err(hint::refused(
            DOSSIER,
            format!("record {index} is a dossier: it opens other records and holds no Bundle; export those"),
        )),
    }
}

fn is_dossier(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.code == DOSSIER)
}

async fn export_one(
    index: RecordIndex,
    file: PathBuf,
    force: bool,
    patient: &mut Patient,
) -> anyhow::Result<Exported> {
    files::check_target(&file, force)?;
    let record = open(patient, index).await?;
    let bytes = fhir(&record, index)?;
    files::write(&file, bytes)?;
    Ok(Exported { record: index.to_string(), file, bytes: bytes.len() })
}

async fn export_all(folder: &std::path::Path, force: bool, patient: &mut Patient) -> anyhow::Result<()> {
    let indexes: Vec<_> = patient.wallet.state().records.keys().copied().collect();
    let (mut done, mut failed) = (Vec::new(), 0);
    // A dossier holds nothing of its own; the records that it opens are exported themselves.
    for index in indexes {
        let name = format!("record-{}.json", index.to_string().replace('/', "-"));
        match export_one(index, folder.join(name), force, patient).await {
            Ok(exported) => done.push(exported),
            Err(error) if is_dossier(&error) => {}
            Err(error) => {
                failed += 1;
                patient.output.note(format!("record {index}: {error:#}"));
            }
        }
    }
    patient.output.result(&done, || format!("{} records written to {}.", done.len(), folder.display()))?;
    anyhow::ensure!(failed == 0, "{failed} records were not exported; the reasons stand above");
    Ok(())
}
