//! Resumable uploads of announced content (spec CS-8): opened against payment, leaves in order, finished if the root is
//! the one announced.
//!
//! What was received survives a restart: leaves and their digests lie on disk, and are compared when an upload is
//! touched again, so that a torn tail is asked for anew. Nothing of an unfinished upload is served.

use std::{fmt, fs::File, os::unix::fs::FileExt, str::FromStr};

use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, WriteTransaction};
use yilian_dag::{Cid, Codec, LEAF, Layout};

use crate::{
    PinKey, Store, StoreError,
    files::Step,
    holds::Payer,
    index::{self, ALLOWANCES, COUNTERS, SPENT, STORED, UPLOADS, UploadRow},
    install::Ready,
    limits::{DAY, MEMBER_OBJECT},
    pins::{self, NewPin},
    store::lock,
};

/// How often activity is written down, ms; far below any sensible idle limit.
const NOTE_ACTIVITY: u64 = 10 * 60 * 1000;

/// Stands where an upload names its pin key; no key has this form.
const COPY: PinKey = PinKey([0; 33]);

/// Names an upload; unguessable, since it is the right to send its leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub [u8; 16]);

/// What an upload is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    pub root: Cid,
    pub bytes: u64,
    pub pin: PinKey,
}

/// A ticket that pays an upload; its signature was checked by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    pub id: [u8; 32],
    /// Until when it must be remembered as used, ms.
    pub until: u64,
}

/// What pays an upload, and with it a pin; the caller has checked its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Each pays once here; the pin has no end.
    Tickets(Vec<Paid>),
    /// By id; counts against the member's allowance of the day, and the pin ends.
    Member([u8; 32]),
}

/// State of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadStatus {
    pub root: Cid,
    pub bytes: u64,
    /// First leaf not yet received.
    pub next_leaf: u64,
    /// Leaves in all.
    pub leaves: u64,
}

/// Outcome of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Leaves are awaited; perhaps not the first ones.
    Upload(UploadId, UploadStatus),
    /// The content is here already and now pinned.
    Complete,
}

/// An upload in memory: its open files and how far it is.
#[derive(Debug)]
pub(crate) struct Session {
    request: UploadRequest,
    /// Paid by a member's signature.
    member: bool,
    layout: Layout,
    data: File,
    leaves: File,
    next: u64,
    last: [u8; 32],
    /// Last activity, and the one written down.
    active: u64,
    noted: u64,
}

impl Store {
    /// Begins or resumes fetching a copy of content that is wanted here; like an upload, but paid for elsewhere. It pins
    /// nothing: what holds the copy are the holds that the store was told of.
    pub fn open_copy(&self, root: &Cid, bytes: u64, id: UploadId, now: u64) -> Result<Opened, StoreError> {
        let request = UploadRequest { root: *root, bytes, pin: COPY };
        self.begin(&request, None, id, now)
    }

    /// Opens an upload under a fresh random `id`, or resumes the one under way for the same content and pin key.
    ///
    /// The payment is used up in the same transaction: a refused request uses none, a repeated one none twice.
    pub fn open_upload(
        &self,
        request: &UploadRequest,
        payment: &Payment,
        id: UploadId,
        now: u64,
    ) -> Result<Opened, StoreError> {
        self.begin(request, Some(payment), id, now)
    }

    /// Without a payment: a copy.
    fn begin(
        &self,
        request: &UploadRequest,
        payment: Option<&Payment>,
        id: UploadId,
        now: u64,
    ) -> Result<Opened, StoreError> {
        if request.bytes > self.limits.object {
            return Err(StoreError::ObjectTooLarge { bytes: request.bytes, limit: self.limits.object });
        }
        Layout::new(request.bytes)?;
        let tx = self.index.begin_write()?;
        if let Some((id, _)) = find(&tx, request)? {
            drop(tx);
            return Ok(Opened::Upload(id, self.upload(&id, now)?));
        }
        let stored = index::object_in(&tx, &request.root)?;
        if stored.is_some_and(|entry| !entry.damaged && entry.bytes == request.bytes) {
            if let Some(payment) = payment {
                self.pin_again(tx, request, payment, now)?;
            }
            return Ok(Opened::Complete);
        }
        if let Some(payment) = payment {
            self.spend(&tx, payment, request.bytes, now)?;
        }
        self.admit(&tx, request)?;
        let member = matches!(payment, Some(Payment::Member(_)));
        let row = (request.root.to_compact(), request.bytes, request.pin.0, now, member);
        tx.open_table(UPLOADS)?.insert(id.0, row)?;
        tx.commit()?;
        Ok(Opened::Upload(id, self.upload(&id, now)?))
    }

    fn pin_again(
        &self,
        tx: WriteTransaction,
        request: &UploadRequest,
        payment: &Payment,
        now: u64,
    ) -> Result<(), StoreError> {
        let known = (request.root.to_compact(), request.pin.0);
        let held = tx.open_table(index::PINS)?.get(known)?.map(|row| row.value());
        let member = matches!(payment, Payment::Member(_));
        // A ticket takes the end off a member's pin; a member's request played again moves no end.
        if held.is_some_and(|(active, _, until)| active && (until.is_none() || member)) {
            return Ok(());
        }
        self.spend(&tx, payment, request.bytes, now)?;
        pins::add(&tx, &request.root, &self.new_pin(request.pin, member, now), now)?;
        tx.commit()?;
        Ok(())
    }

    fn new_pin(&self, key: PinKey, member: bool, now: u64) -> NewPin {
        let until = member.then(|| now.saturating_add(self.limits.member_pin));
        NewPin { key, until, payer: if member { Payer::Member } else { Payer::Tickets } }
    }

    fn spend(
        &self,
        tx: &WriteTransaction,
        payment: &Payment,
        bytes: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        match payment {
            Payment::Tickets(paid) => spend_tickets(tx, paid),
            Payment::Member(member) => self.charge(tx, member, bytes, now),
        }
    }

    /// Counts against the member's allowance of the day. A clock set back begins no new one.
    fn charge(
        &self,
        tx: &WriteTransaction,
        member: &[u8; 32],
        bytes: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        let mut allowances = tx.open_table(ALLOWANCES)?;
        let today = now / DAY;
        let (day, used) = allowances
            .get(member)?
            .map(|row| row.value())
            .filter(|(day, _)| *day >= today)
            .unwrap_or((today, 0));
        let wanted = bytes.saturating_add(MEMBER_OBJECT);
        let free = self.limits.member_bytes.saturating_sub(used);
        if wanted > free {
            return Err(StoreError::Allowance { wanted, free });
        }
        allowances.insert(member, (day, used.saturating_add(wanted)))?;
        Ok(())
    }

    fn admit(&self, tx: &WriteTransaction, request: &UploadRequest) -> Result<(), StoreError> {
        let open = tx.open_table(UPLOADS)?.len()? as usize;
        if open >= self.limits.uploads {
            return Err(StoreError::TooManyUploads(open));
        }
        let announced = announced(&tx.open_table(UPLOADS)?)?;
        let free = self.limits.upload_bytes.saturating_sub(announced);
        if request.bytes > free {
            return Err(StoreError::UploadBytes { wanted: request.bytes, free });
        }
        let stored = index::counter(&tx.open_table(COUNTERS)?, STORED)?;
        let free = self.limits.total.saturating_sub(stored.saturating_add(announced));
        if request.bytes > free {
            return Err(StoreError::Quota { wanted: request.bytes, free });
        }
        self.keep_reserve(self.outstanding(&tx.open_table(UPLOADS)?)?.saturating_add(request.bytes))
    }

    /// Announced bytes that are still to come.
    fn outstanding(&self, uploads: &impl ReadableTable<[u8; 16], UploadRow>) -> Result<u64, StoreError> {
        let mut sum = 0u64;
        for row in uploads.iter()? {
            let (id, row) = row?;
            let here = self.files.part_bytes(&UploadId(id.value()).to_string())?;
            sum = sum.saturating_add(row.value().1.saturating_sub(here));
        }
        Ok(sum)
    }

    /// Refuses what would take of the disk what the node keeps for other things; `more` bytes are to come.
    pub(crate) fn keep_reserve(&self, more: u64) -> Result<(), StoreError> {
        let free = self.files.free_bytes()?.saturating_sub(self.limits.reserve);
        if free == 0 || more > free {
            return Err(StoreError::Reserve { wanted: more, free });
        }
        Ok(())
    }

    /// Bytes neither stored nor announced.
    pub(crate) fn free_bytes(&self) -> Result<u64, StoreError> {
        let tx = self.index.begin_read()?;
        let stored = index::counter(&tx.open_table(COUNTERS)?, STORED)?;
        let announced = announced(&tx.open_table(UPLOADS)?)?;
        Ok(self.limits.total.saturating_sub(stored.saturating_add(announced)))
    }

    /// How far an upload is.
    pub fn upload(&self, id: &UploadId, now: u64) -> Result<UploadStatus, StoreError> {
        self.with_session(id, now, |session| Ok(session.status()))
    }

    /// Takes a leaf: the next one, or the last one again. Returns how far the upload is then.
    pub fn put_leaf(
        &self,
        id: &UploadId,
        index: u64,
        bytes: &[u8],
        now: u64,
    ) -> Result<UploadStatus, StoreError> {
        let digest = *Cid::of(Codec::Raw, bytes).digest();
        self.with_session(id, now, |session| self.put_next(id, session, index, bytes, digest, now))
    }

    fn put_next(
        &self,
        id: &UploadId,
        session: &mut Session,
        index: u64,
        bytes: &[u8],
        digest: [u8; 32],
        now: u64,
    ) -> Result<UploadStatus, StoreError> {
        if index.checked_add(1) == Some(session.next) && digest == session.last {
            return Ok(session.status());
        }
        if index != session.next || index >= session.layout.leaves() {
            return Err(StoreError::LeafOrder { got: index, expected: session.next });
        }
        let expected = session.layout.leaf_len(index);
        if bytes.len() != expected {
            return Err(StoreError::LeafSize { got: bytes.len(), expected });
        }
        self.keep_reserve(bytes.len() as u64)?;
        session.data.write_all_at(bytes, session.layout.leaf_offset(index))?;
        self.files.reached(Step::LeafWritten)?;
        session.leaves.write_all_at(&digest, index * 32)?;
        self.files.reached(Step::LeafNoted)?;
        session.next += 1;
        session.last = digest;
        self.note_activity(id, session, now)?;
        Ok(session.status())
    }

    fn note_activity(&self, id: &UploadId, session: &mut Session, now: u64) -> Result<(), StoreError> {
        session.active = session.active.max(now);
        if session.active < session.noted.saturating_add(NOTE_ACTIVITY) {
            return Ok(());
        }
        let tx = self.index.begin_write()?;
        {
            let mut uploads = tx.open_table(UPLOADS)?;
            let row = uploads.get(id.0)?.map(|row| row.value());
            if let Some((root, bytes, pin, _, member)) = row {
                uploads.insert(id.0, (root, bytes, pin, session.active, member))?;
            }
        }
        tx.commit()?;
        session.noted = session.active;
        Ok(())
    }

    /// Makes the content an object, pinned by the upload's pin key. Content with another root than announced is
    /// refused and dropped.
    pub fn finish_upload(&self, id: &UploadId, now: u64) -> Result<Cid, StoreError> {
        let outcome = self.with_session(id, now, |session| self.finish(id, session, now));
        if !matches!(outcome, Err(StoreError::Incomplete { .. } | StoreError::DiskFull)) {
            lock(&self.sessions).remove(id);
        }
        outcome
    }

    fn finish(&self, id: &UploadId, session: &mut Session, now: u64) -> Result<Cid, StoreError> {
        let UploadStatus { root, bytes, next_leaf, leaves } = session.status();
        if next_leaf < leaves {
            return Err(StoreError::Incomplete { next: next_leaf, leaves });
        }
        // Another thread may have finished or dropped it while this one waited.
        self.upload_row(id)?;
        let name = id.to_string();
        let (got, _) = self.replay(&name, bytes, |_, _| Ok(()))?;
        if got != root {
            self.remove_upload(id)?;
            return Err(StoreError::RootMismatch { announced: root, got });
        }
        let pin = session.request.pin;
        let pin = (pin != COPY).then(|| self.new_pin(pin, session.member, now));
        let data = &session.data;
        self.install(&Ready { name: &name, data, root, bytes, pin, upload: Some(*id), now })?;
        Ok(root)
    }

    /// Forgets an upload and its bytes.
    pub(crate) fn drop_upload(&self, id: &UploadId) -> Result<(), StoreError> {
        self.remove_upload(id)?;
        lock(&self.sessions).remove(id);
        Ok(())
    }

    fn remove_upload(&self, id: &UploadId) -> Result<(), StoreError> {
        let tx = self.index.begin_write()?;
        tx.open_table(UPLOADS)?.remove(id.0)?;
        tx.commit()?;
        self.files.delete_part(&id.to_string())?;
        Ok(())
    }

    /// When an upload was last active; `None` if it is at work this moment.
    pub(crate) fn last_active(&self, id: &UploadId, noted: u64) -> Option<u64> {
        let Some(slot) = lock(&self.sessions).get(id).cloned() else { return Some(noted) };
        let session = slot.try_lock().ok()?;
        Some(session.as_ref().map_or(noted, |session| session.active.max(noted)))
    }

    fn upload_row(&self, id: &UploadId) -> Result<UploadRow, StoreError> {
        let uploads = self.index.begin_read()?.open_table(UPLOADS)?;
        Ok(uploads.get(id.0)?.ok_or(StoreError::UnknownUpload)?.value())
    }

    /// Runs with the upload to itself; the others go on meanwhile, even while this one is taken up from disk.
    fn with_session<T>(
        &self,
        id: &UploadId,
        now: u64,
        run: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.upload_row(id)?;
        let slot = lock(&self.sessions).entry(*id).or_default().clone();
        let mut slot = lock(&slot);
        if slot.is_none() {
            *slot = Some(self.recover(id, self.upload_row(id)?, now)?);
        }
        run(slot.as_mut().ok_or(StoreError::UnknownUpload)?)
    }

    /// Takes up what lies on disk: the leaves that hash to the digests noted, up to the first that does not.
    fn recover(&self, id: &UploadId, row: UploadRow, now: u64) -> Result<Session, StoreError> {
        let (root, bytes, pin, noted, member) = row;
        let request = UploadRequest { root: index::cid(&root)?, bytes, pin: PinKey(pin) };
        let layout = Layout::new(bytes)?;
        let (data, leaves) = self.files.open_part(&id.to_string())?;
        let noted_leaves = (leaves.metadata()?.len() / 32).min(layout.leaves());
        let mut session =
            Session { request, member, layout, data, leaves, next: 0, last: [0; 32], active: now, noted };
        let mut buffer = vec![0; LEAF];
        while session.next < noted_leaves && session.holds_next(&mut buffer)? {
            session.next += 1;
        }
        session.data.set_len(session.layout.leaf_offset(session.next).min(bytes))?;
        session.leaves.set_len(session.next * 32)?;
        Ok(session)
    }
}

impl Session {
    fn status(&self) -> UploadStatus {
        UploadStatus {
            root: self.request.root,
            bytes: self.request.bytes,
            next_leaf: self.next,
            leaves: self.layout.leaves(),
        }
    }

    /// Whether the next leaf lies on disk whole; its digest is kept if so.
    fn holds_next(&mut self, buffer: &mut [u8]) -> Result<bool, StoreError> {
        let leaf = &mut buffer[..self.layout.leaf_len(self.next)];
        let mut digest = [0; 32];
        self.leaves.read_exact_at(&mut digest, self.next * 32)?;
        match self.data.read_exact_at(leaf, self.layout.leaf_offset(self.next)) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        let whole = Cid::new(Codec::Raw, digest).matches(leaf);
        if whole {
            self.last = digest;
        }
        Ok(whole)
    }
}

fn find(tx: &WriteTransaction, request: &UploadRequest) -> Result<Option<(UploadId, u64)>, StoreError> {
    let uploads = tx.open_table(UPLOADS)?;
    for row in uploads.iter()? {
        let (id, row) = row?;
        let (root, bytes, pin, active, _) = row.value();
        if (root, bytes, pin) == (request.root.to_compact(), request.bytes, request.pin.0) {
            return Ok(Some((UploadId(id.value()), active)));
        }
    }
    Ok(None)
}

fn announced(uploads: &impl ReadableTable<[u8; 16], UploadRow>) -> Result<u64, StoreError> {
    let mut sum = 0u64;
    for row in uploads.iter()? {
        sum = sum.saturating_add(row?.1.value().1);
    }
    Ok(sum)
}

fn spend_tickets(tx: &WriteTransaction, paid: &[Paid]) -> Result<(), StoreError> {
    let mut spent = tx.open_table(SPENT)?;
    for ticket in paid {
        if spent.insert(ticket.id, ticket.until)?.is_some() {
            return Err(StoreError::TicketSpent);
        }
    }
    Ok(())
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadId(..)")
    }
}

impl FromStr for UploadId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).map_err(|_| StoreError::UnknownUpload)?;
        Ok(Self(id))
    }
}
