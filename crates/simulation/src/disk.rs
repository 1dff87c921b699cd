//! A validator's disk: what its process sees, what is durable, and what lies in between when the power goes.
//!
//! A write is seen at once and durable once it is synchronized. [`Disk::cut`] ends the power: whatever the process still
//! does reaches nobody and nothing. [`Disk::restore`] decides, by seed, what became of each write that was not
//! synchronized: kept, lost, or torn in blocks. Names of files are durable at once, as the engine demands of its storage.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use yilian_testkit::ledger::Seeded;

/// Folder and name.
pub type Path = (String, Vec<u8>);

/// A change that a file has seen since it was last synchronized.
#[derive(Clone, Debug)]
enum Change {
    /// With `true` for one that was synchronized by itself.
    Write(usize, Vec<u8>, bool),
    Resize(usize),
}

/// One file.
#[derive(Debug, Default)]
pub struct File {
    pub version: u16,
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// How a crash treats what was not synchronized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// All is lost.
    Lost,
    /// All is kept.
    Kept,
    /// What came first is kept, up to some point.
    Prefix,
    /// Any part of any write, in blocks of so many bytes.
    Blocks(usize),
}

impl Tear {
    fn draw(rng: &mut Seeded) -> Self {
        match rng.below(6) {
            0 => Self::Lost,
            1 => Self::Kept,
            2 => Self::Prefix,
            3 => Self::Blocks(64),
            4 => Self::Blocks(512),
            _ => Self::Blocks(4096),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// As the process sees them, and as they are on disk: the same until the power goes.
    files: BTreeMap<Path, Shared>,
    durable: Option<BTreeMap<Path, Shared>>,
    /// How often the disk was restored.
    life: u64,
    /// Writes and synchronizations so far.
    operations: u64,
    /// Operations until the power goes.
    fuse: Option<u64>,
    /// Claims to synchronize this file, and does not.
    lies_about: Option<String>,
}

type Shared = Arc<Mutex<File>>;

/// Of so many bytes, one rots.
const ROT: usize = 1021;

/// Shared by everything that belongs to one validator, and outlives its process.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// A file as one life of the process has it open.
#[derive(Clone, Debug)]
pub struct Open {
    disk: Disk,
    file: Shared,
    life: u64,
    folder: Arc<str>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Opens a file or makes it; also tells whether it is new.
    pub fn open(&self, path: &Path) -> (Open, bool) {
        let mut state = lock(&self.0);
        let life = state.life;
        let is_new = !state.files.contains_key(path);
        let file = state.files.entry(path.clone()).or_default().clone();
        (Open { disk: self.clone(), file, life, folder: path.0.as_str().into() }, is_new)
    }

    /// Removes a file, or a folder; `false` if there was none.
    pub fn remove(&self, folder: &str, name: Option<&[u8]>) -> bool {
        let mut state = lock(&self.0);
        let before = state.files.len();
        state.files.retain(|(in_folder, called), _| in_folder != folder || name.is_some_and(|n| n != called));
        state.files.len() < before
    }

    /// Names in a folder, in order.
    pub fn names(&self, folder: &str) -> Vec<Vec<u8>> {
        let state = lock(&self.0);
        state
            .files
            .keys()
            .filter(|(in_folder, _)| in_folder == folder)
            .map(|(_, name)| name.clone())
            .collect()
    }

    pub fn has_power(&self) -> bool {
        lock(&self.0).durable.is_none()
    }

    pub fn operations(&self) -> u64 {
        lock(&self.0).operations
    }

    /// The power goes after so many more operations.
    pub fn arm(&self, operations: u64) {
        lock(&self.0).fuse = Some(operations);
    }

    pub fn disarm(&self) {
        lock(&self.0).fuse = None;
    }

    /// Bytes of this folder rot.
    pub fn rot(&self, folder: &str) {
        for (_, file) in lock(&self.0).files.iter().filter(|((of, _), _)| of == folder) {
            let file = &mut *lock(file);
            for bytes in [&mut file.seen, &mut file.durable] {
                bytes.iter_mut().skip(ROT / 2).step_by(ROT).for_each(|byte| *byte ^= 1);
            }
        }
    }

    /// A disk that does not do what it says, for files of this folder.
    pub fn lie_about(&self, folder: &str) {
        lock(&self.0).lies_about = Some(folder.into());
    }

    /// The power goes now.
    pub fn cut(&self) {
        lock(&self.0).cut();
    }

    /// The power comes back, and what was not synchronized turns out to be kept, lost or torn.
    pub fn restore(&self, seed: u64) {
        let mut state = lock(&self.0);
        state.cut();
        let mut rng = Seeded::new(seed);
        let tear = Tear::draw(&mut rng);
        state.files = state.durable.take().unwrap_or_default();
        for (index, file) in state.files.values_mut().enumerate() {
            let rest = lock(file).crashed(tear, &mut Seeded::new(seed ^ (index as u64 + 1) << 32));
            *file = Arc::new(Mutex::new(rest));
        }
        state.life += 1;
    }

    /// Counts an operation; `false` if it comes too late to reach the disk.
    fn admit(&self, life: u64) -> bool {
        let mut state = lock(&self.0);
        if state.durable.is_some() || state.life != life {
            return false;
        }
        state.operations += 1;
        match state.fuse {
            Some(0) => {
                state.cut();
                false
            }
            Some(left) => {
                state.fuse = Some(left - 1);
                true
            }
            None => true,
        }
    }
}

impl State {
    /// What follows happens to copies.
    fn cut(&mut self) {
        self.fuse = None;
        if self.durable.is_none() {
            self.durable = Some(self.files.clone());
        }
    }
}

impl Open {
    pub fn len(&self) -> usize {
        lock(&self.file).seen.len()
    }

    /// `None` beyond the end.
    pub fn read<T>(&self, offset: usize, length: usize, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let file = lock(&self.file);
        file.seen.get(offset..offset.checked_add(length)?).map(read)
    }

    pub fn write(&self, offset: usize, bytes: &[u8], synchronized: bool) {
        let reaches = self.disk.admit(self.life);
        let mut file = lock(&self.file);
        place(&mut file.seen, offset, bytes);
        if reaches {
            file.change(Change::Write(offset, bytes.to_vec(), synchronized && !self.is_lied_about()));
        }
    }

    pub fn resize(&self, length: usize) {
        let reaches = self.disk.admit(self.life);
        let mut file = lock(&self.file);
        file.seen.resize(length, 0);
        if reaches {
            file.change(Change::Resize(length));
        }
    }

    pub fn sync(&self) {
        if self.disk.admit(self.life) && !self.is_lied_about() {
            lock(&self.file).settle();
        }
    }

    pub fn version(&self) -> u16 {
        lock(&self.file).version
    }

    pub fn set_version(&self, version: u16) {
        lock(&self.file).version = version;
    }

    fn is_lied_about(&self) -> bool {
        lock(&self.disk.0).lies_about.as_deref() == Some(&*self.folder)
    }
}

impl File {
    fn change(&mut self, change: Change) {
        self.pending.push(change);
        if self.pending.iter().all(Change::is_synchronized) {
            self.settle();
        }
    }

    /// All changes are durable.
    fn settle(&mut self) {
        for change in self.pending.drain(..) {
            change.keep(&mut self.durable);
        }
    }

    /// What is left of it.
    fn crashed(&self, tear: Tear, rng: &mut Seeded) -> Self {
        let mut durable = self.durable.clone();
        let point = rng.below(self.pending.len() as u64 + 1) as usize;
        let mut torn = Torn { seed: rng.below(u64::MAX), writes: BTreeMap::new() };
        for (index, change) in self.pending.iter().cloned().enumerate() {
            match tear {
                _ if change.is_synchronized() => change.keep(&mut durable),
                Tear::Kept => change.keep(&mut durable),
                Tear::Prefix if index < point => change.keep(&mut durable),
                Tear::Lost | Tear::Prefix => {}
                Tear::Blocks(size) => torn.keep(change, size, &mut durable),
            }
        }
        Self { version: self.version, seen: durable.clone(), durable, pending: Vec::new() }
    }
}

impl Change {
    fn is_synchronized(&self) -> bool {
        matches!(self, Self::Write(_, _, true))
    }

    fn keep(self, durable: &mut Vec<u8>) {
        match self {
            Self::Resize(length) => durable.resize(length, 0),
            Self::Write(offset, bytes, _) => place(durable, offset, &bytes),
        }
    }
}

/// Chooses for every block of every write; the choice hangs on where the block lies and how often it was written, not on
/// the order of writes to different places.
struct Torn {
    seed: u64,
    writes: BTreeMap<usize, u64>,
}

impl Torn {
    fn keeps(&mut self, block: usize) -> bool {
        let nth = self.writes.entry(block).or_default();
        *nth += 1;
        Seeded::new(self.seed ^ (block as u64) << 16 ^ *nth).below(2) == 1
    }

    fn keep(&mut self, change: Change, size: usize, durable: &mut Vec<u8>) {
        match change {
            Change::Resize(length) => {
                if self.keeps(usize::MAX) {
                    durable.resize(length, 0);
                }
            }
            Change::Write(offset, bytes, _) => {
                let mut start = 0;
                while start < bytes.len() {
                    let block = (offset + start) / size;
                    let end = ((block + 1) * size - offset).min(bytes.len());
                    if self.keeps(block) {
                        place(durable, offset + start, &bytes[start..end]);
                    }
                    start = end;
                }
            }
        }
    }
}

fn place(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> Path {
        ("folder".into(), name.into())
    }

    fn content(disk: &Disk) -> Vec<u8> {
        let (file, _) = disk.open(&path("a"));
        file.read(0, file.len(), <[u8]>::to_vec).unwrap_or_default()
    }

    #[test]
    fn what_was_synchronized_stays_and_the_rest_may_go() {
        let mut ends = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let disk = Disk::default();
            let (file, is_new) = disk.open(&path("a"));
            assert!(is_new);
            file.write(0, &[1; 8192], false);
            file.sync();
            file.write(4096, &[2; 4096], false);
            file.write(0, &[3; 1], true);
            assert_eq!(file.read(4096, 1, |b| b[0]), Some(2));
            disk.cut();
            disk.restore(seed);
            let found = content(&disk);
            assert_eq!(found.len(), 8192);
            assert_eq!((found[0], found[1]), (3, 1));
            assert!(found[4096..].iter().all(|b| [1, 2].contains(b)));
            ends.insert(found[4096..].iter().filter(|b| **b == 2).count());
        }
        assert!(ends.contains(&0) && ends.contains(&4096) && ends.len() > 2, "{ends:?}");
    }

    #[test]
    fn without_power_nothing_reaches_the_disk_and_a_former_life_sees_none_of_the_next() {
        let disk = Disk::default();
        let (file, _) = disk.open(&path("a"));
        file.write(0, b"durable", true);
        disk.arm(1);
        file.write(0, b"arrives", true);
        assert!(disk.has_power());
        file.write(0, b"too lat", true);
        assert!(!disk.has_power());
        assert_eq!(file.read(0, 7, <[u8]>::to_vec), Some(b"too lat".to_vec()));
        let _ = disk.open(&path("b"));
        disk.remove("folder", Some(b"a"));
        disk.restore(1);
        assert_eq!(content(&disk), b"arrives");
        assert_eq!(disk.names("folder"), [b"a".to_vec()]);
        file.write(0, b"a ghost", true);
        assert_eq!(content(&disk), b"arrives");
    }

    #[test]
    fn a_disk_that_lies_loses_what_it_claims_to_keep() {
        let disk = Disk::default();
        disk.lie_about("folder");
        let (file, _) = disk.open(&path("a"));
        file.write(0, b"kept?", true);
        file.sync();
        let lost = (0..32).filter(|seed| {
            let disk = disk.clone();
            disk.cut();
            disk.restore(*seed);
            content(&disk).is_empty()
        });
        assert!(lost.count() > 0);
    }
}
