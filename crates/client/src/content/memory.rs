//! Source and sink in memory, for small objects.

use super::{IoError, Sink, Source};

/// A source over bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Source for Bytes<'_> {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), IoError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buf.len());
        let part = self.0.get(start..end).ok_or_else(|| IoError("end of input".into()))?;
        buf.copy_from_slice(part);
        Ok(())
    }
}

/// A sink that keeps at most so many bytes.
#[derive(Clone, Debug)]
pub struct Collected {
    pub bytes: Vec<u8>,
    limit: usize,
}

impl Collected {
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }
}

impl Sink for Collected {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(IoError(format!("more than {} bytes", self.limit)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
