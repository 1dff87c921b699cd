//! Files as sources and sinks of content: read and written piece by piece, whatever their size.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use yilian_client::content::{IoError, Sink, Source};

fn failed(path: &Path, error: &std::io::Error) -> IoError {
    IoError(format!("{}: {error}", path.display()))
}

#[derive(Debug)]
pub struct FileSource {
    file: File,
    length: u64,
}

impl FileSource {
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let file = File::open(path).map_err(|e| failed(path, &e))?;
        let meta = file.metadata().map_err(|e| failed(path, &e))?;
        if !meta.is_file() {
            return Err(IoError(format!("{} is not a file", path.display())));
        }
        Ok(Self { file, length: meta.len() })
    }
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), IoError> {
        let at = self.file.seek(SeekFrom::Start(offset));
        at.and_then(|_| self.file.read_exact(buf)).map_err(|error| IoError(error.to_string()))
    }
}

/// Writes beside the target and takes its name only when all is there, so that a broken transfer leaves no half file.
#[derive(Debug)]
pub struct FileSink {
    file: tempfile::NamedTempFile,
}

impl FileSink {
    pub fn create(target: &Path) -> Result<Self, IoError> {
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(folder, &e))?;
        Ok(Self { file })
    }

    pub fn finish(self, target: &Path) -> Result<(), IoError> {
        self.file.as_file().sync_all().map_err(|e| failed(target, &e))?;
        self.file.persist(target).map(drop).map_err(|e| failed(target, &e.error))
    }
}

impl Sink for FileSink {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.file.write_all(bytes).map_err(|error| IoError(error.to_string()))
    }
}
