//! Attachments of any size in bounded memory; damaged, missing and swapped segments; files that change underneath.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bundle, enrolled};
use yilian_client::{
    ClientError, Host as _,
    content::{Bytes, Collected, ContentError, IoError, Object, Quiet, Sink, Source},
    patient::{adopt, inbox, offer, own, read},
    practitioner::{self, NewRecord},
};
use yilian_crypto::stream::{DataKey, encrypt};
use yilian_testkit::{
    ledger::Seeded,
    network::{Fault, run, staff},
};

/// A file that exists only as a rule; remembers the largest piece it was asked for.
struct Generated {
    length: u64,
    largest: usize,
    /// Reads after this one see another file.
    changes_after: Option<usize>,
    reads: usize,
}

impl Generated {
    fn new(length: u64) -> Self {
        Self { length, largest: 0, changes_after: None, reads: 0 }
    }

    fn byte(at: u64) -> u8 {
        (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }
}

impl Source for Generated {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), IoError> {
        self.reads += 1;
        self.largest = self.largest.max(buf.len());
        let other = u8::from(self.changes_after.is_some_and(|reads| self.reads > reads));
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte = Self::byte(offset + i as u64) ^ other;
        }
        Ok(())
    }
}

/// Checks what arrives against the rule, keeps nothing.
#[derive(Default)]
struct Checked {
    from: u64,
    length: u64,
    largest: usize,
}

impl Sink for Checked {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.largest = self.largest.max(bytes.len());
        let at = self.from + self.length;
        let right = bytes.iter().enumerate().all(|(i, byte)| *byte == Generated::byte(at + i as u64));
        self.length += bytes.len() as u64;
        if right { Ok(()) } else { Err(IoError("wrong bytes".into())) }
    }
}

const LEAF: usize = 262_144;
/// Three levels of nothing but leaves and one node above: 21 leaves.
const BIG: u64 = 20 * LEAF as u64 + 12_345;

#[test]
fn a_large_attachment_streams_in_memory_of_one_leaf() {
    run(51, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut source = Generated::new(BIG);
        let mut steps = Vec::new();
        let mut progress = |done, total| steps.push((done, total));
        let what = ("application/dicom", "CT");
        let attachment =
            practitioner::attach(&client, &staff.bob, &mut source, what, &mut rng, &mut progress)
                .await
                .unwrap();
        assert_eq!(attachment.length, BIG);
        assert!(source.largest <= LEAF);
        assert_eq!(steps.last(), Some(&(BIG, BIG)));

        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let attachments = vec![attachment];
        let record = NewRecord { bundle: bundle("Alice"), attachments, supersedes: None };
        practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        adopt::accept(&client, &mut alice, &waiting.drafts[0], &mut rng).await.unwrap();
        let mine = read::read(&client, &mut alice, index).await.unwrap();
        let attachment = mine.document().statement().attachments[0].clone();
        let pins = |node| -> Vec<String> {
            let pins = network.pins(node);
            pins.into_iter()
                .filter(|(cid, _)| *cid == attachment.cid.to_string())
                .map(|(_, key)| key)
                .collect()
        };
        // Not while the entry is made: the author, who knows this address, would see which entry it is.
        assert_eq!((pins(0).len(), pins(1).len()), (1, 1), "the hospital's");
        assert_eq!(adopt::pin_attachments(&client, &mut alice).await, Ok(0));
        // Pinned for the patient, by keys that occur once.
        let keys = [pins(0), pins(1)];
        assert!(keys.iter().all(|keys| keys.len() == 2), "the hospital's and the patient's");
        assert_ne!(keys[0][1], keys[1][1]);

        let mut whole = Checked::default();
        read::read_attachment(&client, &attachment, &mut whole, &mut Quiet).await.unwrap();
        assert_eq!(whole.length, BIG);
        assert!(whole.largest <= LEAF);

        let mut object = read::open_attachment(&client, &attachment).await.unwrap();
        for range in [0..1, 0..BIG, LEAF as u64 - 100..LEAF as u64 + 100, BIG - 1..BIG, BIG..BIG + 5, 7..7] {
            let mut part = Checked { from: range.start, ..Checked::default() };
            object.read_range(&client, range.clone(), &mut part, &mut Quiet).await.unwrap();
            assert_eq!(part.length, range.end.min(BIG).saturating_sub(range.start), "{range:?}");
        }
    });
}

#[test]
fn a_range_read_fetches_only_its_leaves() {
    run(52, 1, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(2));
        let mut source = Generated::new(BIG);
        let attachment =
            practitioner::attach(&client, &staff.bob, &mut source, ("a/b", ""), &mut rng, &mut Quiet)
                .await
                .unwrap();
        let mut object = read::open_attachment(&client, &attachment).await.unwrap();
        let before = network.requests();
        let mut part = Checked { from: 3_000_000, ..Checked::default() };
        object.read_range(&client, 3_000_000..3_000_100, &mut part, &mut Quiet).await.unwrap();
        assert_eq!(network.requests() - before, 1);
    });
}

#[test]
fn a_flipped_swapped_or_missing_segment_ends_the_read() {
    run(53, 1, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(3));
        let mut source = Generated::new(BIG);
        let attachment =
            practitioner::attach(&client, &staff.bob, &mut source, ("a/b", ""), &mut rng, &mut Quiet)
                .await
                .unwrap();
        for fault in [Fault::FlipsContent, Fault::SwapsContent, Fault::LosesContent] {
            network.set_fault(0, Fault::None);
            let mut object = read::open_attachment(&client, &attachment).await.unwrap();
            network.set_fault(0, fault);
            let mut sink = Checked::default();
            let read = object.read_all(&client, Some(&attachment.tree), &mut sink, &mut Quiet).await;
            assert!(matches!(
                read,
                Err(ClientError::LyingNode { .. } | ClientError::Refused { status: 404, .. })
            ));
            assert!(sink.length < BIG, "nothing of the bad leaf came through");
        }
    });
}

/// What an author does to an object's leaves.
type Change<'a> = &'a dyn Fn(&mut Vec<Vec<u8>>);

/// Objects whose address fits, put together by their author out of genuine segments: no node lies here.
#[test]
fn segments_spliced_together_under_a_fitting_address_are_refused() {
    run(57, 1, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(7));
        let keys = [DataKey::generate(&mut rng), DataKey::generate(&mut rng)];
        let plain = vec![7; 4 * LEAF];
        let [genuine, foreign] = keys
            .clone()
            .map(|key| -> Vec<Vec<u8>> { encrypt(key, &plain).chunks(LEAF).map(<[u8]>::to_vec).collect() });
        assert!(genuine.len() > 4);
        let with = |change: Change<'_>| {
            let mut leaves = genuine.clone();
            change(&mut leaves);
            network.plant(&leaves)
        };
        let read = async |cid| {
            let mut object = Object::open(&client, cid, &keys[0]).await?;
            object.read_all(&client, None, &mut Collected::new(plain.len()), &mut Quiet).await
        };
        assert_eq!(read(with(&|_| {})).await, Ok(()));
        let cases: [(&str, Change<'_>); 4] = [
            ("swapped", &|leaves| leaves.swap(1, 2)),
            ("foreign", &|leaves| leaves[2] = foreign[2].clone()),
            ("missing", &|leaves| {
                leaves.remove(2);
            }),
            ("cut off", &|leaves| leaves.truncate(2)),
        ];
        for (what, change) in cases {
            let error = read(with(change)).await.unwrap_err();
            assert_eq!(error.code(), "content.damaged", "{what}: {error}");
        }
        assert!(client.reports().is_empty(), "every node gave what was asked for");
    });
}

#[test]
fn an_attachment_of_other_content_than_signed_is_refused() {
    run(54, 1, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(4));
        let mut source = Bytes(b"the scan that was signed");
        let mut attachment =
            practitioner::attach(&client, &staff.bob, &mut source, ("a/b", ""), &mut rng, &mut Quiet)
                .await
                .unwrap();
        let mut sink = Collected::new(100);
        read::read_attachment(&client, &attachment, &mut sink, &mut Quiet).await.unwrap();
        assert_eq!(sink.bytes, b"the scan that was signed");
        attachment.tree.0[0] ^= 1;
        let read = read::read_attachment(&client, &attachment, &mut Collected::new(100), &mut Quiet).await;
        assert_eq!(read, Err(ContentError::Digest.into()));
        attachment.length += 1;
        assert_eq!(
            read::open_attachment(&client, &attachment).await.err(),
            Some(ContentError::Digest.into())
        );
    });
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_refused() {
    run(55, 1, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(5));
        let mut source = Generated::new(3 * LEAF as u64);
        // One pass is four reads; the second pass sees another file under the same key.
        source.changes_after = Some(4);
        let sent =
            practitioner::attach(&client, &staff.bob, &mut source, ("a/b", ""), &mut rng, &mut Quiet).await;
        assert_eq!(sent.unwrap_err(), ContentError::Changed.into());
        assert!(network.stored(0).is_empty());
    });
}

#[test]
fn an_own_attachment_is_paid_by_tickets() {
    run(56, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(6));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let parameters = client.parameters().await.unwrap();
        let held = |wallet: &yilian_client::Wallet<common::Disk>| {
            wallet.tickets(yilian_crypto::ticket::Class::Care, &parameters, client.host().now())
        };
        let before = held(&alice);
        let mut source = Generated::new(5 << 20);
        let attachment =
            own::attach(&client, &mut alice, &mut source, ("image/jpeg", "rash"), &mut rng, &mut Quiet)
                .await
                .unwrap();
        assert_eq!(before - held(&alice), 2, "tickets of 4 MiB, the same at both nodes");
        let index = own::record(&client, &mut alice, &bundle("Alice"), vec![attachment], None, &mut rng)
            .await
            .unwrap();
        let record = read::read(&client, &mut alice, index).await.unwrap();
        assert_eq!(record.summary().attachments, 1);
    });
}
