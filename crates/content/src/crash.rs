//! A crash after every step, and a disk that fills up: played inside the store, then the folder is opened again.
#![allow(clippy::unwrap_used)]

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use yilian_dag::{Cid, LEAF, root_of};

use crate::{Limits, Opened, Paid, Payment, PinKey, Store, StoreError, UploadId, UploadRequest, files::Step};

/// What strikes at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends here: nothing after it runs, no clean-up either.
    Crash,
    /// The device has no space.
    Full,
}

impl Fault {
    pub fn strike(self) -> io::Result<()> {
        match self {
            Self::Crash => std::panic::resume_unwind(Box::new("crash")),
            Self::Full => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

const PIN: PinKey = PinKey([7; 33]);
const ID: UploadId = UploadId([1; 16]);

/// The machine that tests run on may have little room left.
fn limits() -> Limits {
    Limits { reserve: 0, ..Limits::default() }
}

fn content(leaves: usize) -> Vec<u8> {
    (0..leaves * LEAF - 100).map(|i| (i / 1000) as u8 ^ (i / LEAF) as u8).collect()
}

fn request(bytes: &[u8]) -> UploadRequest {
    UploadRequest { root: root_of(bytes).unwrap(), bytes: bytes.len() as u64, pin: PIN }
}

fn set(store: &Store, fault: Option<(Step, Fault)>) {
    *crate::store::lock(&store.files.fault) = fault;
}

/// Opens, or resumes, and carries an upload to its end.
fn upload(store: &Store, bytes: &[u8], paid: &[Paid]) -> Result<u64, StoreError> {
    let mut sent = 0;
    if let Opened::Upload(id, status) =
        store.open_upload(&request(bytes), &Payment::Tickets(paid.to_vec()), ID, 0)?
    {
        for (leaf, part) in bytes.chunks(LEAF).enumerate().skip(status.next_leaf as usize) {
            store.put_leaf(&id, leaf as u64, part, 0)?;
            sent += 1;
        }
        store.finish_upload(&id, 0)?;
    }
    Ok(sent)
}

fn read(store: &Store, root: &Cid) -> Vec<u8> {
    let mut out = Vec::new();
    store.object(root).unwrap().unwrap().read(0..u64::MAX, &mut out).unwrap();
    out
}

fn crash(store: &Store, at: Step, run: impl FnOnce(&Store)) {
    set(store, Some((at, Fault::Crash)));
    assert!(catch_unwind(AssertUnwindSafe(|| run(store))).is_err(), "{at:?} was never reached");
}

/// Files left in the uploads folder.
fn parts(folder: &std::path::Path) -> usize {
    fs::read_dir(folder.join("uploads")).unwrap().count()
}

#[test]
fn an_upload_survives_a_crash_after_every_step() {
    let bytes = content(4);
    let paid = [Paid { id: [5; 32], until: 9 }];
    let steps = [
        (Step::LeafWritten, 4),
        (Step::LeafNoted, 3),
        (Step::DataSynced, 0),
        (Step::Renamed, 0),
        (Step::FolderSynced, 0),
        (Step::Indexed, 0),
        (Step::Cleaned, 0),
    ];
    for (step, again) in steps {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), limits()).unwrap();
        crash(&store, step, |store| drop(upload(store, &bytes, &paid)));
        drop(store);
        let store = Store::open(folder.path(), limits()).unwrap();
        let whole = store.object_bytes(&request(&bytes).root).unwrap();
        assert_eq!(whole.is_some(), matches!(step, Step::Indexed | Step::Cleaned), "{step:?}");
        // The ticket is used up, and still pays for going on.
        assert_eq!(upload(&store, &bytes, &paid).unwrap(), again, "leaves sent again after {step:?}");
        assert_eq!(read(&store, &request(&bytes).root), bytes);
        assert!(store.is_pinned_by(&request(&bytes).root, &PIN).unwrap());
        assert_eq!(parts(folder.path()), 0);
        let stats = store.stats().unwrap();
        assert_eq!((stats.objects, stats.bytes, stats.uploads), (1, bytes.len() as u64, 0));
    }
}

#[test]
fn a_put_survives_a_crash_after_every_step() {
    let bytes = content(2);
    let root = root_of(&bytes).unwrap();
    for step in [Step::LeafWritten, Step::DataSynced, Step::Renamed, Step::FolderSynced, Step::Indexed] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), limits()).unwrap();
        crash(&store, step, |store| drop(store.put(bytes.as_slice(), &PIN, 0)));
        drop(store);
        let store = Store::open(folder.path(), limits()).unwrap();
        assert_eq!(parts(folder.path()), 0, "{step:?}");
        assert_eq!(store.object(&root).unwrap().is_some(), step == Step::Indexed);
        assert_eq!(store.files.object(&root).exists(), step == Step::Indexed, "no orphan after {step:?}");
        assert_eq!(store.put(bytes.as_slice(), &PIN, 0).unwrap(), root);
        assert_eq!(read(&store, &root), bytes);
    }
}

#[test]
fn a_collection_survives_a_crash_after_every_step() {
    let bytes = content(2);
    let root = root_of(&bytes).unwrap();
    for step in [Step::Unindexed, Step::Deleted] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), limits()).unwrap();
        store.put(bytes.as_slice(), &PIN, 0).unwrap();
        store.unpin(&root, &PIN, 1, 1).unwrap();
        crash(&store, step, |store| drop(store.collect(10, 5)));
        drop(store);
        let store = Store::open(folder.path(), limits()).unwrap();
        assert!(store.object(&root).unwrap().is_none());
        assert!(!store.files.object(&root).exists());
        assert_eq!(store.stats().unwrap().bytes, 0);
        store.put(bytes.as_slice(), &PIN, 2).unwrap();
        assert_eq!(read(&store, &root), bytes);
    }
}

#[test]
fn a_torn_tail_is_asked_for_again() {
    let bytes = content(4);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limits()).unwrap();
    let Opened::Upload(id, _) =
        store.open_upload(&request(&bytes), &Payment::Tickets(Vec::new()), ID, 0).unwrap()
    else {
        panic!()
    };
    for (leaf, part) in bytes.chunks(LEAF).enumerate() {
        store.put_leaf(&id, leaf as u64, part, 0).unwrap();
    }
    let part = store.files.part(&id.to_string());
    drop(store);
    // Power failed before the second leaf's pages reached the disk: zeros lie there.
    let mut data = fs::read(&part).unwrap();
    data[LEAF..2 * LEAF].fill(0);
    fs::write(&part, data).unwrap();
    let store = Store::open(folder.path(), limits()).unwrap();
    assert_eq!(store.upload(&id, 0).unwrap().next_leaf, 1);
    assert_eq!(upload(&store, &bytes, &[]).unwrap(), 3);
    assert_eq!(read(&store, &request(&bytes).root), bytes);
}

#[test]
fn a_full_disk_is_named_and_finishing_can_be_tried_again() {
    let bytes = content(2);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limits()).unwrap();
    for step in [Step::LeafWritten, Step::FolderSynced] {
        set(&store, Some((step, Fault::Full)));
        assert!(matches!(upload(&store, &bytes, &[]), Err(StoreError::DiskFull)), "{step:?}");
        assert_eq!(store.object_bytes(&request(&bytes).root).unwrap(), None);
    }
    set(&store, Some((Step::LeafWritten, Fault::Full)));
    assert!(matches!(store.put(content(1).as_slice(), &PIN, 0), Err(StoreError::DiskFull)));
    set(&store, None);
    upload(&store, &bytes, &[]).unwrap();
    assert_eq!(read(&store, &request(&bytes).root), bytes);
    assert_eq!(parts(folder.path()), 0);
}

#[test]
fn what_would_fall_below_the_disks_reserve_is_refused_and_goes_on_when_there_is_room() {
    const RESERVE: u64 = 1 << 30;
    let bytes = content(3);
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { reserve: RESERVE, ..limits() };
    let store = Store::open(folder.path(), limits).unwrap();
    let free = |free: u64| *crate::store::lock(&store.files.free) = Some(free);
    let open = |bytes: &[u8], id| {
        store.open_upload(&request(bytes), &Payment::Tickets(Vec::new()), UploadId([id; 16]), 0)
    };
    // Refused before the ticket is taken.
    let paid = [Paid { id: [5; 32], until: 9 }];
    free(RESERVE + bytes.len() as u64 - 1);
    let refused = upload(&store, &bytes, &paid);
    let (wanted, left) = (bytes.len() as u64, bytes.len() as u64 - 1);
    assert!(
        matches!(refused, Err(StoreError::Reserve { wanted: w, free: f }) if (w, f) == (wanted, left)),
        "{refused:?}"
    );
    free(RESERVE);
    assert!(matches!(store.put(content(1).as_slice(), &PIN, 0), Err(StoreError::Reserve { .. })));

    // What open uploads still announce counts, what they have sent does not.
    free(RESERVE + 4 * LEAF as u64);
    let Opened::Upload(id, _) = open(&bytes, 1).unwrap() else { panic!() };
    let other = content(2);
    assert!(matches!(open(&other, 2), Err(StoreError::Reserve { .. })));
    store.put_leaf(&id, 0, &bytes[..LEAF], 0).unwrap();
    open(&other, 2).unwrap();

    // Something else fills the disk meanwhile: the upload waits, and goes on.
    free(RESERVE + LEAF as u64 - 1);
    let next = &bytes[LEAF..2 * LEAF];
    assert!(matches!(store.put_leaf(&id, 1, next, 0), Err(StoreError::Reserve { .. })));
    free(RESERVE / 2);
    assert!(matches!(store.put_leaf(&id, 1, next, 0), Err(StoreError::Reserve { free: 0, .. })));
    free(u64::MAX);
    assert_eq!(upload(&store, &bytes, &paid).unwrap(), 2);
    assert_eq!(read(&store, &request(&bytes).root), bytes);
}
