//! The index: which block lies where, who pinned what, what is being uploaded (spec CS-3).
//!
//! Row types only; what a change means is decided by the modules that make it, each in one transaction.

use redb::{Database, MultimapTableDefinition, ReadableTable, TableDefinition, TableError, WriteTransaction};
use yilian_dag::{Cid, Layout, Reader};
use yilian_files::Format;

use crate::{StoreError, holds};

type CidRow = [u8; 33];
type Digest = [u8; 32];

/// Object's number by root.
pub(crate) const ROOTS: TableDefinition<CidRow, u64> = TableDefinition::new("roots");
/// Root, bytes, active pins, since when it has none (ms), damaged.
pub(crate) const OBJECTS: TableDefinition<u64, ObjectRow> = TableDefinition::new("objects");
/// Every place of a leaf: object, leaf number.
pub(crate) const LEAVES: MultimapTableDefinition<Digest, (u64, u64)> = MultimapTableDefinition::new("leaves");
/// Interior nodes: references (4 bytes, big-endian), block.
pub(crate) const NODES: TableDefinition<Digest, &[u8]> = TableDefinition::new("nodes");
/// By root and pin key: active, time of the last request, end if it has one (ms).
pub(crate) const PINS: TableDefinition<(CidRow, [u8; 33]), PinRow> = TableDefinition::new("pins");
/// Root, bytes, pin key, last activity (ms), paid by a member's signature.
pub(crate) const UPLOADS: TableDefinition<[u8; 16], UploadRow> = TableDefinition::new("uploads");
/// Tickets used here, until when they are remembered (ms).
pub(crate) const SPENT: TableDefinition<Digest, u64> = TableDefinition::new("spent");
/// By member: day, bytes paid for by signature that day.
pub(crate) const ALLOWANCES: TableDefinition<Digest, (u64, u64)> = TableDefinition::new("allowances");
/// By root, pin key and origin (zeros: this node): the origin's word on a pin.
pub(crate) const HOLDS: TableDefinition<HoldKey, HoldRow> = TableDefinition::new("holds");
/// Holds in the order of their last change.
pub(crate) const JOURNAL: TableDefinition<u64, HoldKey> = TableDefinition::new("journal");
/// Roots of content that is to be here and is not whole, with its length.
pub(crate) const WANTED: TableDefinition<CidRow, u64> = TableDefinition::new("wanted");
/// By origin: bytes and number of its holds.
pub(crate) const CHARGED: TableDefinition<Digest, (u64, u64)> = TableDefinition::new("charged");
/// By node: its journal, the assignment under which it was read, how far.
pub(crate) const PEERS: TableDefinition<Digest, ([u8; 16], [u8; 16], u64)> = TableDefinition::new("peers");
/// Names that the store was given.
pub(crate) const NAMES: TableDefinition<&str, [u8; 16]> = TableDefinition::new("names");
/// Counters.
pub(crate) const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");

pub(crate) type ObjectRow = (CidRow, u64, u32, u64, bool);
pub(crate) type PinRow = (bool, u64, Option<u64>);
pub(crate) type UploadRow = (CidRow, u64, [u8; 33], u64, bool);
pub(crate) type HoldKey = (CidRow, [u8; 33], Digest);
/// Bytes, payer, active, time of the last request, end if it has one, version, place in the journal, signature.
pub(crate) type HoldRow = (u64, u8, bool, u64, Option<u64>, u64, u64, [u8; 64]);

/// Number of the next object.
pub(crate) const NEXT: &str = "next-object";
/// Bytes of all objects.
pub(crate) const STORED: &str = "stored-bytes";
/// The journal's last place.
pub(crate) const JOURNALED: &str = "journaled";
/// Which file the index was when its journal got its name.
pub(crate) const INODE: &str = "index-inode";
pub(crate) const BORN: &str = "index-born";
/// Number of the object up to which the present scrub has come.
pub(crate) const SCRUBBED: &str = "scrubbed";

/// Format of the index (spec ST-3).
pub const FORMAT: Format = Format::new("the content index", 1);
/// Page cache: the index of a terabyte is a few hundred megabytes, its hot part small.
pub const CACHE: usize = 16 << 20;

/// An object as indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectEntry {
    pub number: u64,
    pub root: Cid,
    pub bytes: u64,
    pub pins: u32,
    pub idle_since: u64,
    pub damaged: bool,
}

impl ObjectEntry {
    pub fn row(&self) -> ObjectRow {
        (self.root.to_compact(), self.bytes, self.pins, self.idle_since, self.damaged)
    }

    pub fn from_row(number: u64, row: ObjectRow) -> Result<Self, StoreError> {
        let (root, bytes, pins, idle_since, damaged) = row;
        Ok(Self { number, root: cid(&root)?, bytes, pins, idle_since, damaged })
    }
}

pub(crate) fn cid(row: &CidRow) -> Result<Cid, StoreError> {
    Cid::from_compact(row).map_err(|_| StoreError::IndexDamaged("a row holds no CID"))
}

/// Opens the index and makes sure that every table exists.
pub(crate) fn open(path: &std::path::Path) -> Result<Database, StoreError> {
    let database = yilian_files::database::open(path, FORMAT, CACHE)?;
    let tx = database.begin_write()?;
    create_tables(&tx)?;
    holds::introduce(&tx)?;
    tx.commit()?;
    Ok(database)
}

fn create_tables(tx: &WriteTransaction) -> Result<(), TableError> {
    tx.open_table(ROOTS)?;
    tx.open_table(OBJECTS)?;
    tx.open_multimap_table(LEAVES)?;
    tx.open_table(NODES)?;
    tx.open_table(PINS)?;
    tx.open_table(UPLOADS)?;
    tx.open_table(SPENT)?;
    tx.open_table(ALLOWANCES)?;
    tx.open_table(HOLDS)?;
    tx.open_table(JOURNAL)?;
    tx.open_table(WANTED)?;
    tx.open_table(CHARGED)?;
    tx.open_table(PEERS)?;
    tx.open_table(NAMES)?;
    tx.open_table(COUNTERS)?;
    Ok(())
}

/// An object by root.
pub(crate) fn object(
    roots: &impl ReadableTable<CidRow, u64>,
    objects: &impl ReadableTable<u64, ObjectRow>,
    root: &Cid,
) -> Result<Option<ObjectEntry>, StoreError> {
    let Some(number) = roots.get(root.to_compact())?.map(|row| row.value()) else { return Ok(None) };
    let row = objects.get(number)?.ok_or(StoreError::IndexDamaged("a root leads to no object"))?;
    ObjectEntry::from_row(number, row.value()).map(Some)
}

/// An object by root, within a writing transaction.
pub(crate) fn object_in(tx: &WriteTransaction, root: &Cid) -> Result<Option<ObjectEntry>, StoreError> {
    object(&tx.open_table(ROOTS)?, &tx.open_table(OBJECTS)?, root)
}

/// Writes an object's row back.
pub(crate) fn set_object(tx: &WriteTransaction, entry: &ObjectEntry) -> Result<(), StoreError> {
    tx.open_table(OBJECTS)?.insert(entry.number, entry.row())?;
    Ok(())
}

/// A counter, 0 before its first use.
pub(crate) fn counter(
    counters: &impl ReadableTable<&'static str, u64>,
    name: &'static str,
) -> Result<u64, StoreError> {
    Ok(counters.get(name)?.map_or(0, |row| row.value()))
}

/// An interior node's block, not yet verified.
pub(crate) fn node(
    nodes: &impl ReadableTable<Digest, &'static [u8]>,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(row) = nodes.get(digest)? else { return Ok(None) };
    let block = row.value().get(4..).ok_or(StoreError::IndexDamaged("a node's row is too short"))?;
    Ok(Some(block.to_vec()))
}

/// One more reference to a node.
pub(crate) fn add_node(tx: &WriteTransaction, digest: &Digest, block: &[u8]) -> Result<(), StoreError> {
    set_node(tx, digest, block, 1)
}

/// A known node's bytes once more.
pub(crate) fn renew_node(tx: &WriteTransaction, digest: &Digest, block: &[u8]) -> Result<(), StoreError> {
    set_node(tx, digest, block, 0)
}

fn set_node(tx: &WriteTransaction, digest: &Digest, block: &[u8], more: u32) -> Result<(), StoreError> {
    let mut nodes = tx.open_table(NODES)?;
    let refs = nodes.get(digest)?.map_or(0, |row| references(row.value()));
    let row = [refs.saturating_add(more).max(1).to_be_bytes().as_slice(), block].concat();
    nodes.insert(digest, row.as_slice())?;
    Ok(())
}

/// One reference less; the last one takes the node away.
pub(crate) fn drop_node(tx: &WriteTransaction, digest: &Digest) -> Result<(), StoreError> {
    let mut nodes = tx.open_table(NODES)?;
    let Some(mut row) = nodes.get(digest)?.map(|row| row.value().to_vec()) else { return Ok(()) };
    let refs = references(&row);
    if refs <= 1 {
        nodes.remove(digest)?;
    } else {
        row[..4].copy_from_slice(&(refs - 1).to_be_bytes());
        nodes.insert(digest, row.as_slice())?;
    }
    Ok(())
}

fn references(row: &[u8]) -> u32 {
    row.first_chunk().map_or(0, |refs| u32::from_be_bytes(*refs))
}

/// Digests of an object's interior nodes, repeated ones repeatedly, and of its leaves in order; 32 bytes a block.
pub(crate) fn blocks_of(
    nodes: &impl ReadableTable<Digest, &'static [u8]>,
    root: Cid,
    bytes: u64,
) -> Result<(Vec<Digest>, Vec<Digest>), StoreError> {
    let leaves = Layout::new(bytes)?.leaves();
    let mut reader = Reader::with_length(root, bytes).map_err(|_| StoreError::Corrupt(root))?;
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    while (outer.len() as u64) < leaves {
        let next = outer.len() as u64;
        let mut descended = false;
        for want in reader.wanted(next..leaves, 512) {
            if want.at.level == 0 {
                outer.push(*want.cid.digest());
                continue;
            }
            let block = node(nodes, want.cid.digest())?.ok_or(StoreError::Corrupt(want.cid))?;
            reader.accept(want.at, &block).map_err(|_| StoreError::Corrupt(want.cid))?;
            inner.push(*want.cid.digest());
            descended = true;
            break;
        }
        if !descended {
            reader.release(outer.len() as u64);
        }
    }
    Ok((inner, outer))
}
