//! The store by its public face: what goes in comes out, what is wrong is refused by name.
#![allow(clippy::unwrap_used)]

use std::{fs, io::Read, os::unix::fs::FileExt, path::PathBuf, sync::Arc, thread};

use tempfile::TempDir;
use yilian_content::{
    Audit, Hold, Limits, MEMBER_OBJECT, Opened, Paid, Payer, Payment, PinKey, Store, StoreError, UploadId,
    UploadRequest, audit,
};
use yilian_dag::{Cid, Codec, LEAF, Node, StreamVerifier, car, root_of};
use yilian_files::{FormatError, OpenError};

const ALICE: PinKey = PinKey([1; 33]);
const BOB: PinKey = PinKey([2; 33]);
const ID: UploadId = UploadId([9; 16]);
const OTHER: UploadId = UploadId([8; 16]);
const UNPAID: Payment = Payment::Tickets(Vec::new());

/// The machine that tests run on may have little room left.
fn limits() -> Limits {
    Limits { reserve: 0, ..Limits::default() }
}

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limits()).unwrap();
    (folder, store)
}

/// Bytes whose leaves all differ, and differ by seed.
fn content(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| seed ^ (i % 251) as u8 ^ (i / LEAF) as u8).collect()
}

fn request(bytes: &[u8], pin: PinKey) -> UploadRequest {
    UploadRequest { root: root_of(bytes).unwrap(), bytes: bytes.len() as u64, pin }
}

fn open(store: &Store, request: &UploadRequest, id: UploadId) -> UploadId {
    match store.open_upload(request, &UNPAID, id, 0).unwrap() {
        Opened::Upload(id, _) => id,
        Opened::Complete => panic!("there already"),
    }
}

fn upload(store: &Store, bytes: &[u8], pin: PinKey, id: UploadId) -> Result<Cid, StoreError> {
    let id = open(store, &request(bytes, pin), id);
    for (leaf, part) in bytes.chunks(LEAF).enumerate() {
        store.put_leaf(&id, leaf as u64, part, 0)?;
    }
    store.finish_upload(&id, 0)
}

fn read(store: &Store, root: &Cid, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let written = store.object(root).unwrap().unwrap().read(range, &mut out).unwrap();
    assert_eq!(written, out.len() as u64);
    out
}

fn object_file(folder: &TempDir, root: &Cid) -> PathBuf {
    folder.path().join("objects").join(hex(root.digest()[0])).join(root.to_string())
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

fn flip(folder: &TempDir, root: &Cid, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(object_file(folder, root)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn gives_back_every_size_whole_by_range_and_by_block() {
    let (_folder, store) = store();
    for len in [0, 1, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF + 7, 176 * LEAF] {
        let bytes = content(len, 3);
        let root = store.put(bytes.as_slice(), &ALICE, 0).unwrap();
        assert_eq!(root, root_of(&bytes).unwrap());
        assert_eq!(store.object_bytes(&root).unwrap(), Some(len as u64));
        assert_eq!(read(&store, &root, 0..u64::MAX), bytes);
        let (from, to) = (len / 3, len / 3 + len.min(300_000));
        assert_eq!(read(&store, &root, from as u64..to as u64), bytes[from..to.min(len)]);
        let block = store.block(&root).unwrap().unwrap();
        assert!(root.matches(&block));
        if root.codec() == Codec::DagPb {
            let first = Node::decode(&block).unwrap().links[0].cid;
            assert!(first.matches(&store.block(&first).unwrap().unwrap()));
        }
    }
    assert!(store.block(&Cid::of(Codec::Raw, b"never stored")).unwrap().is_none());
    assert!(store.object(&Cid::of(Codec::DagPb, b"never stored")).unwrap().is_none());
}

#[test]
fn walks_depth_first_as_a_verifier_wants_it() {
    let (_folder, store) = store();
    let bytes = content(180 * LEAF, 5);
    let root = store.put(bytes.as_slice(), &ALICE, 0).unwrap();
    let mut object = store.object(&root).unwrap().unwrap();
    let mut verifier = StreamVerifier::with_length(root, bytes.len() as u64).unwrap();
    let mut got = Vec::new();
    verifier.push(&car::header(&root), |_, _| {}).unwrap();
    let mut next = 0;
    while let Some((want, block)) = object.next_block(next).unwrap() {
        verifier.push(&car::frame_head(&want.cid, block.len()), |_, _| {}).unwrap();
        verifier.push(&block, |_, leaf| got.extend_from_slice(leaf)).unwrap();
        next += u64::from(want.at.level == 0);
    }
    verifier.finish().unwrap();
    assert_eq!(got, bytes);
}

#[test]
fn stores_a_large_stream_without_holding_it() {
    struct Zeros(u64);
    impl Read for Zeros {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = buffer.len().min(self.0 as usize);
            buffer[..len].fill(0);
            self.0 -= len as u64;
            Ok(len)
        }
    }
    let resident = || {
        let status = fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let (_folder, store) = store();
    let before = resident();
    let root = store.put(Zeros(128 << 20), &ALICE, 0).unwrap();
    // Other tests run beside this one; holding the stream would cost 128 MiB.
    assert!(resident().saturating_sub(before) < 100 << 20);
    assert_eq!(store.object_bytes(&root).unwrap(), Some(128 << 20));
    store.unpin(&root, &ALICE, 1, 1).unwrap();
    assert_eq!(store.collect(2, 0).unwrap().bytes, 128 << 20, "repeated leaves are collected too");
}

#[test]
fn refuses_content_whose_bytes_are_not_its_cid() {
    let (_folder, store) = store();
    let bytes = content(2 * LEAF, 1);
    let mut forged = request(&bytes, ALICE);
    forged.root = root_of(&content(2 * LEAF, 2)).unwrap();
    let id = open(&store, &forged, ID);
    for (leaf, part) in bytes.chunks(LEAF).enumerate() {
        store.put_leaf(&id, leaf as u64, part, 0).unwrap();
    }
    let got = root_of(&bytes).unwrap();
    match store.finish_upload(&id, 0) {
        Err(StoreError::RootMismatch { announced, got: found }) => {
            assert_eq!((announced, found), (forged.root, got))
        }
        other => panic!("{other:?}"),
    }
    assert!(store.object(&forged.root).unwrap().is_none() && store.object(&got).unwrap().is_none());
    assert!(matches!(store.upload(&id, 0), Err(StoreError::UnknownUpload)));
    assert_eq!(store.stats().unwrap().uploads, 0);
}

#[test]
fn refuses_swapped_missing_oversize_and_surplus_leaves() {
    let (_folder, store) = store();
    let bytes = content(2 * LEAF + 50, 1);
    let id = open(&store, &request(&bytes, ALICE), ID);
    let leaf = |n: usize| bytes.chunks(LEAF).nth(n).unwrap();
    assert!(matches!(store.put_leaf(&id, 1, leaf(1), 0), Err(StoreError::LeafOrder { got: 1, expected: 0 })));
    let oversize = vec![0; LEAF + 1];
    assert!(matches!(store.put_leaf(&id, 0, &oversize, 0), Err(StoreError::LeafSize { .. })));
    assert!(matches!(store.put_leaf(&id, 0, b"short", 0), Err(StoreError::LeafSize { .. })));
    store.put_leaf(&id, 0, leaf(0), 0).unwrap();
    // The last leaf again, as after a lost answer; other bytes in its place are refused.
    assert_eq!(store.put_leaf(&id, 0, leaf(0), 0).unwrap().next_leaf, 1);
    assert!(matches!(store.put_leaf(&id, 0, leaf(1), 0), Err(StoreError::LeafOrder { .. })));
    assert!(matches!(store.finish_upload(&id, 0), Err(StoreError::Incomplete { next: 1, leaves: 3 })));
    store.put_leaf(&id, 1, leaf(1), 0).unwrap();
    store.put_leaf(&id, 2, leaf(2), 0).unwrap();
    assert!(matches!(store.put_leaf(&id, 3, leaf(2), 0), Err(StoreError::LeafOrder { .. })));
    assert!(matches!(store.put_leaf(&id, u64::MAX, leaf(2), 0), Err(StoreError::LeafOrder { .. })));
    assert!(store.object(&request(&bytes, ALICE).root).unwrap().is_none(), "not served before its end");
    store.finish_upload(&id, 0).unwrap();
}

#[test]
fn swapped_leaves_of_equal_size_end_as_another_root() {
    let (_folder, store) = store();
    let bytes = content(2 * LEAF, 1);
    let id = open(&store, &request(&bytes, ALICE), ID);
    store.put_leaf(&id, 0, &bytes[LEAF..], 0).unwrap();
    store.put_leaf(&id, 1, &bytes[..LEAF], 0).unwrap();
    assert!(matches!(store.finish_upload(&id, 0), Err(StoreError::RootMismatch { .. })));
}

#[test]
fn bounds_objects_uploads_and_space() {
    let folder = tempfile::tempdir().unwrap();
    let limits =
        Limits { object: 1000, total: 2500, uploads: 3, upload_bytes: 1800, upload_idle: 100, ..limits() };
    let store = Store::open(folder.path(), limits).unwrap();
    let request = |len: usize, seed: u8| request(&content(len, seed), ALICE);
    let try_open = |len, seed| store.open_upload(&request(len, seed), &UNPAID, UploadId([seed; 16]), 0);
    assert!(matches!(try_open(1001, 1), Err(StoreError::ObjectTooLarge { bytes: 1001, limit: 1000 })));
    let huge = UploadRequest { bytes: u64::MAX, ..request(5, 1) };
    assert!(matches!(store.open_upload(&huge, &UNPAID, ID, 0), Err(StoreError::ObjectTooLarge { .. })));
    try_open(1000, 1).unwrap();
    assert!(matches!(try_open(801, 2), Err(StoreError::UploadBytes { wanted: 801, free: 800 })));
    try_open(10, 2).unwrap();
    try_open(10, 3).unwrap();
    assert!(matches!(try_open(10, 4), Err(StoreError::TooManyUploads(3))));
    assert_eq!(store.collect(101, 0).unwrap().uploads, 3);
    store.put(content(1000, 5).as_slice(), &ALICE, 0).unwrap();
    store.put(content(1000, 6).as_slice(), &ALICE, 0).unwrap();
    assert!(matches!(try_open(501, 7), Err(StoreError::Quota { wanted: 501, free: 500 })));
    assert!(matches!(store.put(content(600, 7).as_slice(), &ALICE, 0), Err(StoreError::Quota { .. })));
    let long = content(1001, 7);
    assert!(matches!(store.put(long.as_slice(), &ALICE, 0), Err(StoreError::ObjectTooLarge { .. })));
    try_open(500, 8).unwrap();
}

#[test]
fn a_ticket_pays_once() {
    let (_folder, store) = store();
    let ticket = Payment::Tickets(vec![Paid { id: [3; 32], until: 50 }]);
    let (first, second) = (request(&content(10, 1), ALICE), request(&content(10, 2), ALICE));
    let Opened::Upload(id, _) = store.open_upload(&first, &ticket, ID, 0).unwrap() else { panic!() };
    let refused = store.open_upload(&second, &ticket, OTHER, 0);
    assert!(matches!(refused, Err(StoreError::TicketSpent)));
    assert!(matches!(store.upload(&OTHER, 0), Err(StoreError::UnknownUpload)));
    // The same request again resumes and costs nothing.
    let Opened::Upload(again, _) = store.open_upload(&first, &ticket, OTHER, 0).unwrap() else { panic!() };
    assert_eq!(again, id);
    store.put_leaf(&id, 0, &content(10, 1), 0).unwrap();
    store.finish_upload(&id, 0).unwrap();
    assert_eq!(store.open_upload(&first, &ticket, OTHER, 0).unwrap(), Opened::Complete);
    // Pinning stored content under another key costs a ticket of its own.
    let bob = UploadRequest { pin: BOB, ..first };
    assert!(matches!(store.open_upload(&bob, &ticket, OTHER, 0), Err(StoreError::TicketSpent)));
    let fresh = Payment::Tickets(vec![Paid { id: [4; 32], until: 50 }]);
    assert_eq!(store.open_upload(&bob, &fresh, OTHER, 0).unwrap(), Opened::Complete);
    assert!(store.is_pinned_by(&first.root, &BOB).unwrap());
    // Two tickets of which one is used: none is taken.
    let unused = Paid { id: [6; 32], until: 50 };
    let mixed = Payment::Tickets(vec![unused, Paid { id: [3; 32], until: 50 }]);
    assert!(store.open_upload(&second, &mixed, OTHER, 0).is_err());
    store.open_upload(&second, &Payment::Tickets(vec![unused]), OTHER, 0).unwrap();
    // Forgotten when its period is over and the ticket itself invalid.
    store.collect(51, 0).unwrap();
}

#[test]
fn uploads_survive_a_restart_and_idle_ones_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = content(3 * LEAF, 4);
    let limits = Limits { upload_idle: 1000, ..limits() };
    let store = Store::open(folder.path(), limits).unwrap();
    let id = open(&store, &request(&bytes, ALICE), ID);
    store.put_leaf(&id, 0, &bytes[..LEAF], 0).unwrap();
    drop(store);
    let store = Store::open(folder.path(), limits).unwrap();
    assert_eq!(store.upload(&id, 500).unwrap().next_leaf, 1);
    store.put_leaf(&id, 1, &bytes[LEAF..2 * LEAF], 900).unwrap();
    assert_eq!(store.collect(1800, 0).unwrap().uploads, 0, "active at 900");
    assert_eq!(store.collect(1901, 0).unwrap().uploads, 1);
    assert!(matches!(store.upload(&id, 1901), Err(StoreError::UnknownUpload)));
    assert_eq!(fs::read_dir(folder.path().join("uploads")).unwrap().count(), 0);
}

#[test]
fn only_a_paying_key_pins_and_requests_cannot_be_replayed() {
    let (_folder, store) = store();
    let bytes = content(10, 1);
    let root = upload(&store, &bytes, ALICE, ID).unwrap();
    assert!(matches!(store.pin(&root, &BOB, 1, 1), Err(StoreError::UnknownPin)));
    assert!(matches!(store.unpin(&root, &BOB, 1, 1), Err(StoreError::UnknownPin)));
    let unknown = Cid::of(Codec::Raw, b"unknown");
    assert!(matches!(store.unpin(&unknown, &ALICE, 1, 1), Err(StoreError::UnknownObject)));
    store.unpin(&root, &ALICE, 10, 10).unwrap();
    store.pin(&root, &ALICE, 11, 11).unwrap();
    assert!(matches!(store.unpin(&root, &ALICE, 10, 12), Err(StoreError::PinReplayed)));
    assert!(store.is_pinned_by(&root, &ALICE).unwrap());
}

#[test]
fn collects_what_nobody_pins_after_the_grace_time() {
    let (folder, store) = store();
    // Both objects begin with the same two leaves and share them and nothing else.
    let first = content(3 * LEAF, 1);
    let mut second = first.clone();
    second[2 * LEAF..].fill(9);
    let one = upload(&store, &first, ALICE, ID).unwrap();
    let two = upload(&store, &second, BOB, OTHER).unwrap();
    let shared = Cid::of(Codec::Raw, &first[..LEAF]);
    assert_eq!(store.collect(u64::MAX, 0).unwrap().objects, 0, "pinned objects stay");
    store.unpin(&one, &ALICE, 100, 100).unwrap();
    assert_eq!(store.collect(149, 50).unwrap().objects, 0, "within the grace time");
    let mut reading = store.object(&one).unwrap().unwrap();
    assert_eq!(store.collect(150, 50).unwrap().bytes, first.len() as u64);
    assert!(store.object(&one).unwrap().is_none() && !object_file(&folder, &one).exists());
    assert!(
        store.block(&one).unwrap().is_none()
            && store.block(&Cid::of(Codec::Raw, &first[2 * LEAF..])).unwrap().is_none()
    );
    assert_eq!(reading.leaf(2).unwrap(), first[2 * LEAF..], "a reader that began before goes on");
    assert!(shared.matches(&store.block(&shared).unwrap().unwrap()), "the other object still has it");
    assert_eq!(read(&store, &two, 0..u64::MAX), second);
    assert_eq!(store.stats().unwrap().bytes, second.len() as u64);
    assert_eq!(store.stats().unwrap().corrupt, 0);
}

#[test]
fn an_object_keeps_living_while_one_of_its_pins_does() {
    let (_folder, store) = store();
    let bytes = content(10, 1);
    let root = store.put(bytes.as_slice(), &ALICE, 0).unwrap();
    store.put(bytes.as_slice(), &BOB, 0).unwrap();
    store.unpin(&root, &ALICE, 1, 1).unwrap();
    assert_eq!(store.collect(1000, 0).unwrap().objects, 0);
    store.unpin(&root, &BOB, 1, 1).unwrap();
    assert_eq!(store.collect(1000, 0).unwrap().objects, 1);
}

#[test]
fn damage_on_disk_is_reported_never_served_and_can_be_repaired() {
    let (folder, store) = store();
    let bytes = content(3 * LEAF, 1);
    let root = upload(&store, &bytes, ALICE, ID).unwrap();
    flip(&folder, &root, LEAF as u64 + 77);
    let bad = Cid::of(Codec::Raw, &bytes[LEAF..2 * LEAF]);
    assert!(matches!(store.block(&bad), Err(StoreError::Corrupt(cid)) if cid == bad));
    let mut out = Vec::new();
    let mut object = store.object(&root).unwrap().unwrap();
    assert!(matches!(object.read(0..u64::MAX, &mut out), Err(StoreError::Corrupt(cid)) if cid == bad));
    assert_eq!(out, bytes[..LEAF], "the whole leaves before it, nothing of it");
    assert_eq!(object.leaf(2).unwrap(), bytes[2 * LEAF..]);
    assert_eq!(store.stats().unwrap().corrupt, 2);
    assert_eq!(store.object_bytes(&root).unwrap(), None, "no longer counted as stored");
    upload(&store, &bytes, ALICE, ID).unwrap();
    assert_eq!(read(&store, &root, 0..u64::MAX), bytes);
    assert_eq!(store.stats().unwrap().objects, 1);
    store.unpin(&root, &ALICE, 1, 1).unwrap();
    assert_eq!(store.collect(2, 0).unwrap().objects, 1);
    assert!(store.block(&root).unwrap().is_none(), "repair added no reference");
}

#[test]
fn a_truncated_or_missing_file_is_damage_and_other_copies_serve() {
    let (folder, store) = store();
    let first = content(2 * LEAF, 1);
    let mut second = first.clone();
    second[LEAF..].fill(3);
    let one = upload(&store, &first, ALICE, ID).unwrap();
    let two = upload(&store, &second, ALICE, OTHER).unwrap();
    let shared = Cid::of(Codec::Raw, &first[..LEAF]);
    fs::OpenOptions::new().write(true).open(object_file(&folder, &one)).unwrap().set_len(10).unwrap();
    assert!(shared.matches(&store.block(&shared).unwrap().unwrap()), "served from the whole copy");
    fs::remove_file(object_file(&folder, &two)).unwrap();
    assert!(matches!(store.block(&shared), Err(StoreError::Corrupt(_))));
    assert!(matches!(store.object(&two), Err(StoreError::Corrupt(_))));
}

#[test]
fn many_readers_and_writers_work_at_once() {
    let (_folder, store) = store();
    let store = Arc::new(store);
    let common = content(4 * LEAF, 77);
    let threads: Vec<_> = (0..6u8)
        .map(|n| {
            let (store, common) = (store.clone(), common.clone());
            thread::spawn(move || {
                let own = content(3 * LEAF + n as usize, n);
                let root = upload(&store, &own, ALICE, UploadId([n; 16])).unwrap();
                let same = store.put(common.as_slice(), &PinKey([n + 1; 33]), 0).unwrap();
                for _ in 0..3 {
                    assert_eq!(read(&store, &root, 0..u64::MAX), own);
                    assert_eq!(read(&store, &same, 0..u64::MAX), common);
                    store.collect(0, 1000).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.stats().unwrap().objects, 7);
    assert_eq!(store.stats().unwrap().corrupt, 0);
}

#[test]
fn two_uploads_of_the_same_content_both_succeed() {
    let (_folder, store) = store();
    let bytes = content(2 * LEAF, 1);
    let (a, b) = (open(&store, &request(&bytes, ALICE), ID), open(&store, &request(&bytes, BOB), OTHER));
    assert_ne!(a, b);
    for id in [a, b] {
        for (leaf, part) in bytes.chunks(LEAF).enumerate() {
            store.put_leaf(&id, leaf as u64, part, 0).unwrap();
        }
    }
    let root = store.finish_upload(&a, 0).unwrap();
    assert_eq!(store.finish_upload(&b, 0).unwrap(), root);
    assert!(store.is_pinned_by(&root, &ALICE).unwrap() && store.is_pinned_by(&root, &BOB).unwrap());
    assert!(matches!(store.finish_upload(&a, 0), Err(StoreError::UnknownUpload)));
}

/// By a member's signature.
fn by_member(store: &Store, bytes: &[u8], pin: PinKey, now: u64) -> Result<Cid, StoreError> {
    let request = request(bytes, pin);
    let id = UploadId([pin.0[0] ^ bytes[0]; 16]);
    if let Opened::Upload(id, _) = store.open_upload(&request, &Payment::Member([9; 32]), id, now)? {
        store.put_leaf(&id, 0, bytes, now)?;
        store.finish_upload(&id, now)?;
    }
    Ok(request.root)
}

fn bounded(member_pin: u64, member_bytes: u64) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Limits { member_pin, member_bytes, ..limits() }).unwrap();
    (folder, store)
}

#[test]
fn what_a_member_paid_for_goes_after_its_time_unless_another_pin_holds_it() {
    let (_folder, store) = bounded(1000, 1 << 30);
    let draft = by_member(&store, &content(10, 1), ALICE, 5).unwrap();
    let attachment = by_member(&store, &content(10, 2), ALICE, 5).unwrap();
    let kept = upload(&store, &content(10, 3), ALICE, ID).unwrap();
    // The patient pays for a pin of her own on the attachment.
    let ticket = Payment::Tickets(vec![Paid { id: [3; 32], until: 50 }]);
    let pinned = store.open_upload(&request(&content(10, 2), BOB), &ticket, OTHER, 900).unwrap();
    assert_eq!(pinned, Opened::Complete);

    let early = store.collect(1004, 0).unwrap();
    assert_eq!((early.pins, early.objects), (0, 0));
    let ended = store.collect(1005, 50).unwrap();
    assert_eq!((ended.pins, ended.objects), (2, 0), "within the grace time");
    assert!(matches!(store.pin(&draft, &ALICE, 1006, 1006), Err(StoreError::UnknownPin)));
    assert_eq!(store.collect(1055, 50).unwrap().objects, 1);
    assert!(store.object(&draft).unwrap().is_none());
    assert_eq!(store.collect(u64::MAX, 0).unwrap().objects, 0);
    assert_eq!(read(&store, &attachment, 0..u64::MAX), content(10, 2));
    assert_eq!(read(&store, &kept, 0..u64::MAX), content(10, 3));
}

#[test]
fn a_released_pin_cannot_be_renewed_beyond_its_end() {
    let (_folder, store) = bounded(1000, 1 << 30);
    let root = by_member(&store, &content(10, 1), ALICE, 0).unwrap();
    store.unpin(&root, &ALICE, 10, 10).unwrap();
    store.pin(&root, &ALICE, 11, 11).unwrap();
    assert!(matches!(store.pin(&root, &ALICE, 1000, 1000), Err(StoreError::UnknownPin)));
    assert_eq!(store.collect(1000, 0).unwrap().objects, 1);
}

#[test]
fn a_repeated_request_moves_no_end_but_a_ticket_takes_it_off() {
    let (_folder, store) = bounded(1000, 1 << 30);
    let bytes = content(10, 1);
    let root = by_member(&store, &bytes, ALICE, 0).unwrap();
    by_member(&store, &bytes, ALICE, 900).unwrap();
    by_member(&store, &bytes, BOB, 900).unwrap();
    assert_eq!(store.collect(1000, 0).unwrap().pins, 1);
    let ticket = Payment::Tickets(vec![Paid { id: [3; 32], until: 50 }]);
    store.open_upload(&request(&bytes, BOB), &ticket, OTHER, 1000).unwrap();
    by_member(&store, &bytes, BOB, 1000).unwrap();
    assert_eq!(store.collect(u64::MAX, 0).unwrap().objects, 0);
    assert!(store.is_pinned_by(&root, &BOB).unwrap());
}

#[test]
fn an_upload_by_a_member_ends_though_the_store_was_opened_anew() {
    let (folder, store) = bounded(1000, 1 << 30);
    let (limits, bytes) = (*store.limits(), content(10, 1));
    store.open_upload(&request(&bytes, ALICE), &Payment::Member([9; 32]), ID, 0).unwrap();
    drop(store);
    let store = Store::open(folder.path(), limits).unwrap();
    store.put_leaf(&ID, 0, &bytes, 500).unwrap();
    store.finish_upload(&ID, 500).unwrap();
    assert_eq!(store.collect(1499, 0).unwrap().objects, 0, "counted from the end of the upload");
    assert_eq!(store.collect(1500, 0).unwrap().objects, 1);
}

#[test]
fn a_member_has_an_allowance_a_day() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let (_folder, store) = bounded(DAY, 2 * (100 + MEMBER_OBJECT));
    by_member(&store, &content(100, 1), ALICE, 0).unwrap();
    let refused = by_member(&store, &content(101, 2), ALICE, DAY - 1);
    let (wanted, left) = (101 + MEMBER_OBJECT, 100 + MEMBER_OBJECT);
    assert!(matches!(refused, Err(StoreError::Allowance { wanted: w, free }) if (w, free) == (wanted, left)));
    // A refused request and a repeated one use nothing; a pin on what is stored counts as an upload.
    by_member(&store, &content(100, 1), ALICE, 1).unwrap();
    by_member(&store, &content(100, 1), BOB, 1).unwrap();
    assert!(matches!(
        by_member(&store, &content(1, 3), ALICE, 1),
        Err(StoreError::Allowance { free: 0, .. })
    ));
    // Another member and tickets are not concerned; the next day begins anew, a clock set back does not.
    store
        .open_upload(&request(&content(1, 4), ALICE), &Payment::Member([8; 32]), UploadId([200; 16]), 1)
        .unwrap();
    upload(&store, &content(1, 5), ALICE, OTHER).unwrap();
    by_member(&store, &content(100, 6), ALICE, DAY).unwrap();
    by_member(&store, &content(100, 7), ALICE, DAY).unwrap();
    assert!(matches!(by_member(&store, &content(1, 3), ALICE, 1), Err(StoreError::Allowance { .. })));
    store.collect(2 * DAY, u64::MAX).unwrap();
    by_member(&store, &content(100, 8), ALICE, 2 * DAY).unwrap();
}

#[test]
fn refuses_an_index_of_another_format() {
    let (folder, store) = store();
    drop(store);
    let path = folder.path().join("index.redb");
    let future = redb::Database::create(&path).unwrap();
    let write = future.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u32>::new("format");
    write.open_table(format).unwrap().insert("number", 9).unwrap();
    write.commit().unwrap();
    drop(future);
    let refused = Store::open(folder.path(), limits()).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Open(OpenError::Format(FormatError::Newer { found: 9, .. }))),
        "{refused}"
    );
}

#[test]
fn an_audit_names_what_is_missing_short_or_changed_and_changes_nothing() {
    let (folder, store) = store();
    let contents: Vec<Vec<u8>> = (0..4).map(|seed| content(2 * LEAF + 100, seed)).collect();
    let roots: Vec<Cid> = contents
        .iter()
        .enumerate()
        .map(|(i, bytes)| upload(&store, bytes, ALICE, UploadId([i as u8; 16])).unwrap())
        .collect();
    drop(store);
    let look = |thorough| audit(folder.path(), thorough).unwrap();
    let bytes = contents.iter().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(look(true), Audit { whole: 4, bytes, ..Audit::default() });

    fs::remove_file(object_file(&folder, &roots[0])).unwrap();
    fs::File::options().write(true).open(object_file(&folder, &roots[1])).unwrap().set_len(9).unwrap();
    let changed = fs::File::options().write(true).open(object_file(&folder, &roots[2])).unwrap();
    changed.write_all_at(&[0xee], LEAF as u64 + 5).unwrap();
    fs::write(object_file(&folder, &roots[3]).with_file_name("stranger"), b"x").unwrap();
    let quick = look(false);
    assert_eq!((quick.whole, quick.unknown_files), (2, 1));
    assert_eq!(quick.damaged.len(), 2);
    let thorough = look(true);
    assert_eq!(thorough.whole, 1);
    assert!(roots[..3].iter().all(|root| thorough.damaged.contains(root)));
    assert_eq!(look(true), thorough);
}

#[test]
fn a_store_of_before_holds_tells_of_all_its_pins() {
    let (folder, store) = store();
    let paid = upload(&store, &content(100, 1), ALICE, ID).unwrap();
    let by_member = by_member(&store, &content(100, 2), BOB, 0).unwrap();
    let told = store.changes(0, 9, |_| true).unwrap().holds;
    drop(store);
    let index = redb::Database::open(folder.path().join("index.redb")).unwrap();
    let write = index.begin_write().unwrap();
    let tables: Vec<_> = write.list_tables().unwrap().collect();
    for table in tables {
        use redb::TableHandle as _;
        if ["holds", "journal", "wanted"].contains(&table.name()) {
            write.delete_table(table).unwrap();
        }
    }
    write
        .open_table(redb::TableDefinition::<&str, u64>::new("counters"))
        .unwrap()
        .remove("journaled")
        .unwrap();
    write.commit().unwrap();
    drop(index);

    let store = Store::open(folder.path(), limits()).unwrap();
    let holds = store.changes(0, 9, |_| true).unwrap().holds;
    let summary = |hold: &Hold| (hold.root, hold.bytes, hold.pin, hold.payer, hold.active, hold.until);
    let mut holds: Vec<_> = holds.iter().map(summary).collect();
    let mut expected: Vec<_> = told.iter().map(summary).collect();
    holds.sort_by_key(|hold| hold.2);
    expected.sort_by_key(|hold| hold.2);
    assert_eq!(holds, expected);
    let payers = [(paid, Payer::Tickets), (by_member, Payer::Member)];
    assert_eq!(holds.iter().map(|hold| (hold.0, hold.3)).collect::<Vec<_>>(), payers);
    drop(store);
    let store = Store::open(folder.path(), limits()).unwrap();
    assert_eq!(store.changes(0, 9, |_| true).unwrap().holds.len(), 2, "once");
}

#[test]
fn the_journal_tells_each_pin_once_as_it_is_now() {
    let (_folder, store) = store();
    let roots =
        [1, 2, 3].map(|seed| upload(&store, &content(100, seed), ALICE, UploadId([seed; 16])).unwrap());
    let after = store.changes(0, 2, |_| true).unwrap();
    assert_eq!((after.holds.len(), after.next, after.more), (2, 2, true));
    store.unpin(&roots[0], &ALICE, 5, 6).unwrap();
    let rest = store.changes(after.next, 9, |_| true).unwrap();
    let seen: Vec<_> = rest.holds.iter().map(|hold| (hold.root, hold.active)).collect();
    assert_eq!(seen, [(roots[2], true), (roots[0], false)]);
    assert_eq!((rest.next, rest.more), (4, false));
    assert!(rest.holds[1].version > after.holds[0].version);
    let chosen = store.changes(0, 9, |hold| hold.active).unwrap();
    assert_eq!((chosen.holds.len(), chosen.next), (2, 4), "what is not asked for is passed over");
}

#[test]
fn a_journal_keeps_its_name_until_its_index_is_restored_from_a_copy() {
    let (folder, store) = store();
    assert_eq!(store.journal([1; 16]).unwrap(), [1; 16]);
    drop(store);
    let store = Store::open(folder.path(), limits()).unwrap();
    assert_eq!(store.journal([2; 16]).unwrap(), [1; 16]);
    drop(store);
    let (index, aside) = (folder.path().join("index.redb"), folder.path().join("aside"));
    fs::copy(&index, &aside).unwrap();
    fs::rename(&aside, &index).unwrap();
    let store = Store::open(folder.path(), limits()).unwrap();
    assert_eq!(store.journal([3; 16]).unwrap(), [3; 16]);
}
