//! Looking whether index and files belong together, without changing either (spec ST-7).

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use redb::{ReadableDatabase as _, ReadableTable as _};
use yilian_dag::{Cid, Codec, LEAF};

use crate::{
    StoreError,
    files::Files,
    index::{self, NODES, OBJECTS, ObjectEntry, ROOTS},
};

/// What was found. Objects are named by their roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Objects that are whole, as far as it was looked.
    pub whole: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Indexed, but the file is missing, of another length, or does not hash to its name.
    pub damaged: Vec<Cid>,
    /// Files that the index does not know: what a crash left, removed at the next start.
    pub unknown_files: u64,
}

/// Compares the index of the store in `folder` with its files. `thorough` hashes every byte. The store must not be open.
pub fn audit(folder: &Path, thorough: bool) -> Result<Audit, StoreError> {
    let files = Files::at(folder);
    let index = yilian_files::database::open_existing(&files.index(), index::FORMAT, index::CACHE)?;
    let tx = index.begin_read()?;
    let (roots, objects, nodes) = (tx.open_table(ROOTS)?, tx.open_table(OBJECTS)?, tx.open_table(NODES)?);
    let mut found = Audit::default();
    for row in objects.iter()? {
        let (number, row) = row?;
        let entry = ObjectEntry::from_row(number.value(), row.value())?;
        let is_whole = has_length(&files, &entry)?
            && (!thorough || {
                let leaves = index::blocks_of(&nodes, entry.root, entry.bytes);
                leaves.is_ok_and(|(_, leaves)| hashes_to(&files, &entry, &leaves).unwrap_or(false))
            });
        if is_whole && !entry.damaged {
            found.whole += 1;
            found.bytes += entry.bytes;
        } else {
            found.damaged.push(entry.root);
        }
    }
    for file in files.objects()? {
        let is_known = match file {
            Ok(cid) => index::object(&roots, &objects, &cid)?.is_some(),
            Err(_) => false,
        };
        found.unknown_files += u64::from(!is_known);
    }
    Ok(found)
}

fn has_length(files: &Files, entry: &ObjectEntry) -> Result<bool, StoreError> {
    match std::fs::metadata(files.object(&entry.root)) {
        Ok(file) => Ok(file.len() == entry.bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn hashes_to(files: &Files, entry: &ObjectEntry, leaves: &[[u8; 32]]) -> io::Result<bool> {
    let mut file = File::open(files.object(&entry.root))?;
    let mut leaf = Vec::with_capacity(LEAF);
    for digest in leaves {
        leaf.clear();
        (&mut file).take(LEAF as u64).read_to_end(&mut leaf)?;
        if !Cid::new(Codec::Raw, *digest).matches(&leaf) {
            return Ok(false);
        }
    }
    Ok(true)
}
