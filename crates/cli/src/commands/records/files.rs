//! Files of the person's: bundles to read, attachments to send and to fetch, exports to write.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use yilian_client::{
    content::Progress,
    patient::read::read_attachment,
    record::{Attachment, Bundle, statement::MAX_BODY},
};
use yilian_files::durable;

use crate::{
    commands::hint::{self, Explain as _},
    native::FileSink,
    output::Output,
    profile::NativeClient,
};

/// A bar that follows a transfer.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(output: Output, total: u64, what: String) -> Self {
        Self(output.bytes(total, what))
    }
}

impl Progress for Bar {
    fn advance(&mut self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Reads a FHIR Bundle and checks its profile; the bytes are what will be signed.
pub fn read_bundle(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| hint::file(path, &error))?;
    file.take(MAX_BODY as u64 + 1).read_to_end(&mut bytes).map_err(|error| hint::file(path, &error))?;
    match Bundle::parse(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(hint::explain(&error.into()).context(path.display().to_string())),
    }
}

/// Files as named; of folders the `.json` files inside, by name. Nothing hidden, no folders in folders.
pub fn bundle_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| hint::file(path, &error))?;
        let mut inside = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| hint::file(path, &error))?.path();
            let json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
            if json && file.is_file() {
                inside.push(file);
            }
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// The last part of a path, for titles.
pub fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// By the ending; what is not known is a stream of octets.
pub fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "dcm" => "application/dicom",
        "pdf" => "application/pdf",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "tif" | "tiff" => "image/tiff",
        "nii" => "application/x-nifti",
        "mp4" => "video/mp4",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

/// Refuses to overwrite unless told to.
pub fn check_target(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && path.exists() {
        return Err(hint::refused(
            "file.exists",
            format!("{} exists; choose another name, or say --force", path.display()),
        ));
    }
    Ok(())
}

pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    durable::write(path, bytes).map_err(|error| hint::file(path, &error))
}

/// Attachment `number`, from 1.
pub fn pick(attachments: &[Attachment], number: usize) -> anyhow::Result<&Attachment> {
    let missing = || {
        let message = format!("there is no attachment {number}; the record has {}", attachments.len());
        hint::refused("record.no-attachment", message)
    };
    number.checked_sub(1).and_then(|place| attachments.get(place)).ok_or_else(missing)
}

/// Fetches, decrypts and checks an attachment against the signed digest; the file appears when all of it is true.
pub async fn download(
    client: &NativeClient,
    attachment: &Attachment,
    target: &Path,
    output: Output,
) -> anyhow::Result<()> {
    let mut sink = FileSink::create(target).explain()?;
    let mut bar = Bar::new(output, attachment.length, name_of(target));
    read_attachment(client, attachment, &mut sink, &mut bar).await.explain()?;
    sink.finish(target).explain()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::failure::Refused;

    fn code(error: &anyhow::Error) -> String {
        error.chain().find_map(|cause| cause.downcast_ref::<Refused>()).unwrap().code.clone()
    }

    #[test]
    fn takes_the_json_files_of_a_folder_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.JSON", "c.txt"] {
            std::fs::write(dir.path().join(name), "{}").unwrap();
        }
        std::fs::create_dir(dir.path().join("d.json")).unwrap();
        let files = bundle_files(&[dir.path().to_owned()]).unwrap();
        let names: Vec<_> = files.iter().map(|file| name_of(file)).collect();
        assert_eq!(names, ["a.JSON", "b.json"]);
    }

    #[test]
    fn a_bundle_is_checked_when_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        for (text, expected) in [
            ("not json", "record.not-json"),
            ("{\"resourceType\":\"Patient\"}", "record.not-a-bundle"),
            ("{\"resourceType\":\"Bundle\",\"type\":\"document\"}", "record.no-composition"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(code(&read_bundle(&path).unwrap_err()), expected);
        }
        std::fs::write(&path, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}").unwrap();
        read_bundle(&path).unwrap();
        assert_eq!(code(&read_bundle(&dir.path().join("absent")).unwrap_err()), "file.failed");
    }

    #[test]
    fn an_existing_file_is_not_overwritten_unless_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        check_target(&path, false).unwrap();
        std::fs::write(&path, "x").unwrap();
        assert_eq!(code(&check_target(&path, false).unwrap_err()), "file.exists");
        check_target(&path, true).unwrap();
    }

    #[test]
    fn attachments_are_counted_from_one() {
        for number in [0, 1, usize::MAX] {
            assert_eq!(code(&pick(&[], number).unwrap_err()), "record.no-attachment");
        }
    }
}
