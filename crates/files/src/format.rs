//! Format numbers (spec ST-2): every file and database says which format it has, and one that this program does not know is
//! an error that says what to do.

use std::path::{Path, PathBuf};

/// A kind of file, and the format of it that this program reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// What it is, for people: `the entry store`.
    pub what: &'static str,
    /// Grows when a program that knows the one before could no longer read it.
    pub number: u32,
}

/// Why a file is not read: it is whole, but of another format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error(
        "{} ({what}) was written in format {found} by a newer version of this program, which knows format {known}: \
         install that version; nothing was changed", path.display()
    )]
    Newer { path: PathBuf, what: &'static str, found: u32, known: u32 },
    #[error(
        "{} ({what}) was written in format {found} by an older version of this program, which reads format {known} only: \
         use that version, or restore from a snapshot; nothing was changed", path.display()
    )]
    Older { path: PathBuf, what: &'static str, found: u32, known: u32 },
}

impl Format {
    pub const fn new(what: &'static str, number: u32) -> Self {
        Self { what, number }
    }

    /// Refuses any format but this one.
    pub fn check(&self, path: &Path, found: u32) -> Result<(), FormatError> {
        let (path, what, known) = (path.to_owned(), self.what, self.number);
        match found {
            found if found > known => Err(FormatError::Newer { path, what, found, known }),
            found if found < known => Err(FormatError::Older { path, what, found, known }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_file_which_format_and_what_to_do() {
        let format = Format::new("a test file", 3);
        let path = Path::new("/somewhere/file");
        assert_eq!(format.check(path, 3), Ok(()));
        let newer = format.check(path, 4).map_err(|error| error.to_string());
        let older = format.check(path, 2).map_err(|error| error.to_string());
        for (answer, found, advice) in [(newer, "format 4", "install"), (older, "format 2", "restore")] {
            let text = answer.err().unwrap_or_default();
            for part in ["/somewhere/file", "a test file", found, "format 3", advice] {
                assert!(text.contains(part), "{text:?} lacks {part:?}");
            }
        }
    }
}
