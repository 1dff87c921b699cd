//! `records import`, `attach`: records of one's own, signed by the patient, shown to everybody as uncertified.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use yilian_client::{
    ClientError,
    patient::own,
    record::{Attachment, statement::MAX_BODY},
};

use super::files::{self, Bar};
use crate::{
    args::Global,
    commands::hint::{self, Explain as _},
    failure,
    native::{FileSource, rng},
    output::{self, Output},
    profile::{Patient, ProfileArgs},
};

/// What became of one file.
#[derive(Serialize)]
struct Imported {
    file: PathBuf,
    record: Option<String>,
    error: Option<String>,
}

pub async fn import(
    paths: Vec<PathBuf>,
    args: &ProfileArgs,
    global: &Global,
    output: Output,
) -> anyhow::Result<()> {
    let files = files::bundle_files(&paths)?;
    if files.is_empty() {
        return Err(failure::usage("name files or folders with FHIR Bundles in JSON"));
    }
    // One file that is none fails at once, before a password is asked for.
    if let [file] = files.as_slice() {
        files::read_bundle(file)?;
    }
    let mut patient = Patient::open(args, global, output)?;
    patient.claim().await?;
    let (outcomes, left) = import_all(&files, &mut patient).await;
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    output.result(&outcomes, || render(&outcomes))?;
    if !left.is_empty() {
        output.note(format!("Not begun, for want of tickets: {}", list(left)));
    }
    anyhow::ensure!(
        failed == 0,
        "{failed} of {} files were not imported; the others are records now",
        files.len()
    );
    Ok(())
}

/// File by file; a bad one stops nothing, the end of the tickets does. Also what was not begun.
async fn import_all<'a>(files: &'a [PathBuf], patient: &mut Patient) -> (Vec<Imported>, &'a [PathBuf]) {
    let bar = patient.output.spinner("");
    let mut outcomes = Vec::new();
    for (place, file) in files.iter().enumerate() {
        bar.set_message(format!("{} of {}: {}", place + 1, files.len(), files::name_of(file)));
        let (outcome, stop) = import_one(file, patient).await;
        outcomes.push(outcome);
        if stop {
            bar.finish_and_clear();
            return (outcomes, &files[place + 1..]);
        }
    }
    bar.finish_and_clear();
    (outcomes, &[])
}

async fn import_one(file: &Path, patient: &mut Patient) -> (Imported, bool) {
    let failed = |error: String| Imported { file: file.to_owned(), record: None, error: Some(error) };
    let bytes = match files::read_bundle(file) {
        Ok(bytes) => bytes,
        Err(error) => return (failed(error.root_cause().to_string()), false),
    };
    let recorded =
        own::record(&patient.client, &mut patient.wallet, &bytes, Vec::new(), None, &mut rng()).await;
    match recorded {
        Ok(index) => {
            (Imported { file: file.to_owned(), record: Some(index.to_string()), error: None }, false)
        }
        Err(error) => {
            let stop = matches!(error, ClientError::NoTickets);
            (failed(hint::explain(&error).to_string()), stop)
        }
    }
}

fn render(outcomes: &[Imported]) -> String {
    let row = |outcome: &Imported| {
        let what = outcome.record.as_ref().map(|index| format!("record {index}"));
        [files::name_of(&outcome.file), what.or(outcome.error.clone()).unwrap_or_default()]
    };
    output::table(&["file", ""], outcomes.iter().map(row))
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Args)]
pub struct Attach {
    /// Files of any size
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// FHIR Bundle that the files belong to; else one is made that lists them
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Title of the record, if a Bundle is made
    #[arg(long, conflicts_with = "bundle")]
    title: Option<String>,
}

#[derive(Serialize)]
struct Attached {
    record: String,
    attachments: usize,
    bytes: u64,
}

pub async fn attach(
    attach: Attach,
    args: &ProfileArgs,
    global: &Global,
    output: Output,
) -> anyhow::Result<()> {
    let bundle = attach.bundle.as_deref().map(files::read_bundle).transpose()?;
    for file in &attach.files {
        FileSource::open(file).explain()?;
    }
    let mut patient = Patient::open(args, global, output)?;
    patient.claim().await?;
    let mut attachments = Vec::new();
    for file in &attach.files {
        attachments.push(upload(file, &mut patient).await?);
    }
    let bytes = attachments.iter().map(|attachment| attachment.length).sum();
    let bundle = match bundle {
        Some(bundle) => bundle,
        None => listing(attach.title.as_deref(), &attachments)?,
    };
    let count = attachments.len();
    let recorded =
        own::record(&patient.client, &mut patient.wallet, &bundle, attachments, None, &mut rng()).await;
    let index = recorded.explain()?;
    let attached = Attached { record: index.to_string(), attachments: count, bytes };
    output.result(&attached, || {
        format!("Record {index} is made, with {count} attachments of {} in all.", output::bytes(bytes))
    })
}

async fn upload(file: &Path, patient: &mut Patient) -> anyhow::Result<Attachment> {
    let mut source = FileSource::open(file).explain()?;
    let name = files::name_of(file);
    let mut bar = Bar::new(patient.output, 0, name.clone());
    let what = (files::media_type(file), name.as_str());
    own::attach(&patient.client, &mut patient.wallet, &mut source, what, &mut rng(), &mut bar).await.explain()
}

/// A collection with one `DocumentReference` a file (FHIR R4), so that any FHIR reader can list them.
fn listing(title: Option<&str>, attachments: &[Attachment]) -> anyhow::Result<Vec<u8>> {
    let reference = |attachment: &Attachment| {
        serde_json::json!({ "resource": {
            "resourceType": "DocumentReference",
            "status": "current",
            "description": title.unwrap_or(attachment.title.as_str()),
            "content": [{ "attachment": {
                "contentType": attachment.media_type.as_str(),
                "title": attachment.title.as_str(),
                // FHIR's size is a 32-bit number.
                "size": u32::try_from(attachment.length).ok(),
            }}],
        }})
    };
    let entries: Vec<_> = attachments.iter().map(reference).collect();
    let bundle = serde_json::json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let bytes = serde_json::to_vec_pretty(&without_null(bundle))?;
    anyhow::ensure!(bytes.len() <= MAX_BODY, "too many files for one record");
    Ok(bytes)
}

/// FHIR has no nulls.
fn without_null(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_null(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_null).collect()),
        other => other,
    }
}
