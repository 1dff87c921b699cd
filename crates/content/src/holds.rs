//! Holds: what the nodes tell one another of pins, so that copies are kept as long as what was paid for them (spec CC-2,
//! CC-3).
//!
//! A hold says of one pin who took its payment (the *origin*), how long the content is, whether the pin is active and
//! until when. The newest word of an origin counts. Every change has a place in this store's journal, from which others
//! read on. Content with an active hold is *wanted* as long as it is not here whole. Of a pin paid for here the hold is
//! kept with it in one transaction; holds of others were checked by the caller, and are bounded by origin.

use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, WriteTransaction};
use yilian_dag::Cid;

use crate::{
    PinKey, Store, StoreError,
    index::{
        self, BORN, CHARGED, COUNTERS, HOLDS, HoldKey, HoldRow, INODE, JOURNAL, JOURNALED, NAMES, PEERS,
        PINS, WANTED,
    },
    limits::{DAY, MEMBER_OBJECT},
};

/// Of pins paid for at this node.
const HOME: [u8; 32] = [0; 32];
/// How long a released hold is remembered, ms: whoever was away for longer may keep what was released meanwhile.
const RELEASED: u64 = 400 * DAY;
/// Most rows of the journal that one call looks at.
const SCANNED: usize = 20_000;

/// What paid for a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Payer {
    Tickets = 0,
    Member = 1,
    /// The disk's owner, who pays nobody: others are not told of such a pin.
    Operator = 2,
}

/// One origin's word on one pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    pub root: Cid,
    /// Length of the content.
    pub bytes: u64,
    pub pin: PinKey,
    /// Who took the payment; `None`: this node.
    pub origin: Option<[u8; 32]>,
    pub payer: Payer,
    pub active: bool,
    /// Time of the pin key's last request, ms.
    pub requested: u64,
    /// End of the pin, if it has one, ms.
    pub until: Option<u64>,
    /// The higher counts.
    pub version: u64,
    /// The origin's, over its word; zeros for this node's, which signs when it tells.
    pub signature: [u8; 64],
}

/// What became of a hold that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Taken in.
    New,
    /// Known already, or nothing that changes anything.
    Old,
    /// The origin's share is used up.
    Full,
}

/// A part of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub holds: Vec<Hold>,
    /// Where to read on.
    pub next: u64,
    /// Whether there is more by now.
    pub more: bool,
}

/// How far another node's journal was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which journal.
    pub journal: [u8; 16],
    /// Under which assignment of content to nodes.
    pub assignment: [u8; 16],
    pub after: u64,
}

/// What one origin makes this node keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Each hold with [`MEMBER_OBJECT`] more.
    pub bytes: u64,
    pub holds: u64,
}

impl Hold {
    fn key(&self) -> HoldKey {
        (self.root.to_compact(), self.pin.0, self.origin.unwrap_or(HOME))
    }

    fn row(&self, place: u64) -> HoldRow {
        let payer = self.payer as u8;
        (self.bytes, payer, self.active, self.requested, self.until, self.version, place, self.signature)
    }

    fn from_row(key: &HoldKey, row: HoldRow) -> Result<Self, StoreError> {
        let (bytes, payer, active, requested, until, version, _, signature) = row;
        Ok(Self {
            root: index::cid(&key.0)?,
            bytes,
            pin: PinKey(key.1),
            origin: (key.2 != HOME).then_some(key.2),
            payer: if payer == Payer::Member as u8 { Payer::Member } else { Payer::Tickets },
            active,
            requested,
            until,
            version,
            signature,
        })
    }

    fn has_ended(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// What it takes of its origin's share.
    fn cost(&self) -> u64 {
        MEMBER_OBJECT.saturating_add(if self.active { self.bytes } else { 0 })
    }
}

impl Store {
    /// This store's journal by name; `fresh`, 16 random bytes, names it at the first call. It gets another name when the
    /// index is another file than before: one restored from a copy goes on where the copy was made, and places that
    /// others have read up to mean something else in it.
    pub fn journal(&self, fresh: [u8; 16]) -> Result<[u8; 16], StoreError> {
        let file = self.files.index_identity()?;
        let tx = self.index.begin_write()?;
        let name = {
            let (mut names, mut counters) = (tx.open_table(NAMES)?, tx.open_table(COUNTERS)?);
            let same = (index::counter(&counters, INODE)?, index::counter(&counters, BORN)?) == file;
            let known = names.get("journal")?.map(|row| row.value()).filter(|_| same);
            counters.insert(INODE, file.0)?;
            counters.insert(BORN, file.1)?;
            names.insert("journal", known.unwrap_or(fresh))?;
            known.unwrap_or(fresh)
        };
        tx.commit()?;
        Ok(name)
    }

    /// Holds that changed after a place, each as it is now, at most `limit` of those that are `asked` for.
    pub fn changes(
        &self,
        after: u64,
        limit: usize,
        mut asked: impl FnMut(&Hold) -> bool,
    ) -> Result<Changes, StoreError> {
        let tx = self.index.begin_read()?;
        let holds = tx.open_table(HOLDS)?;
        let mut changes = Changes { next: after, ..Changes::default() };
        for (scanned, row) in tx.open_table(JOURNAL)?.range(after.saturating_add(1)..)?.enumerate() {
            if scanned == SCANNED || changes.holds.len() == limit {
                changes.more = true;
                break;
            }
            let (place, key) = row?;
            let row = holds.get(key.value())?.ok_or(StoreError::IndexDamaged("a change of no hold"))?;
            let hold = Hold::from_row(&key.value(), row.value())?;
            if asked(&hold) {
                changes.holds.push(hold);
            }
            changes.next = place.value();
        }
        Ok(changes)
    }

    /// Takes in origins' words, or this node's own that another one kept, and remembers how far that one's journal was
    /// read: all of it or nothing. `share`: bytes that one origin may make this node keep. The caller has checked the
    /// origins' signatures.
    pub fn tell(
        &self,
        holds: &[Hold],
        share: u64,
        read: Option<(&[u8; 32], Place)>,
        now: u64,
    ) -> Result<Vec<Told>, StoreError> {
        let tx = self.index.begin_write()?;
        let told = holds.iter().map(|hold| tell_in(&tx, hold, share, now)).collect::<Result<_, _>>()?;
        if let Some((node, place)) = read {
            tx.open_table(PEERS)?.insert(node, (place.journal, place.assignment, place.after))?;
        }
        tx.commit()?;
        Ok(told)
    }

    /// Content that is to be here and is not, or not whole, with its length; at most `limit`, without those to `skip`.
    pub fn wanted(&self, limit: usize, skip: impl Fn(&Cid) -> bool) -> Result<Vec<(Cid, u64)>, StoreError> {
        let mut wanted = Vec::new();
        for row in self.index.begin_read()?.open_table(WANTED)?.iter()? {
            let (root, bytes) = row?;
            let root = index::cid(&root.value())?;
            if !skip(&root) {
                wanted.push((root, bytes.value()));
            }
            if wanted.len() == limit {
                break;
            }
        }
        Ok(wanted)
    }

    /// Who took the payments for an object: they have it, unless they lost it.
    pub fn origins(&self, root: &Cid) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut origins = Vec::new();
        let holds = self.index.begin_read()?.open_table(HOLDS)?;
        for row in holds.range(of_root(root))? {
            let (key, row) = row?;
            let origin = key.value().2;
            if row.value().2 && origin != HOME && !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Ok(origins)
    }

    /// How far a node's journal was read.
    pub fn place(&self, node: &[u8; 32]) -> Result<Place, StoreError> {
        let row = self.index.begin_read()?.open_table(PEERS)?.get(node)?.map(|row| row.value());
        let (journal, assignment, after) = row.unwrap_or_default();
        Ok(Place { journal, assignment, after })
    }

    /// What each origin makes this node keep.
    pub fn charges(&self) -> Result<Vec<([u8; 32], Charge)>, StoreError> {
        let mut charges = Vec::new();
        for row in self.index.begin_read()?.open_table(CHARGED)?.iter()? {
            let (origin, row) = row?;
            let (bytes, holds) = row.value();
            charges.push((origin.value(), Charge { bytes, holds }));
        }
        Ok(charges)
    }

    /// Takes away the holds whose time is over, and released ones that nobody needs to hear of any more.
    pub(crate) fn end_holds(&self, now: u64) -> Result<(), StoreError> {
        let mut over = Vec::new();
        for row in self.index.begin_read()?.open_table(HOLDS)?.iter()? {
            let (key, row) = row?;
            let hold = Hold::from_row(&key.value(), row.value())?;
            if hold.has_ended(now) || (!hold.active && hold.version.saturating_add(RELEASED) < now) {
                over.push(key.value());
            }
        }
        if over.is_empty() {
            return Ok(());
        }
        let tx = self.index.begin_write()?;
        for key in &over {
            let row = tx.open_table(HOLDS)?.get(key)?.map(|row| row.value());
            let Some(row) = row else { continue };
            let hold = Hold::from_row(key, row)?;
            // Meanwhile it may have been renewed.
            if hold.has_ended(now) || !hold.active {
                remove(&tx, &hold)?;
                settle(&tx, &hold.root, now)?;
            }
        }
        tx.commit()?;
        Ok(())
    }
}

fn tell_in(tx: &WriteTransaction, hold: &Hold, share: u64, now: u64) -> Result<Told, StoreError> {
    let known = find(tx, hold)?;
    // A release of what was never held changes nothing, and must cost nothing either.
    let idle = known.is_none() && !hold.active;
    if idle || hold.has_ended(now) || known.is_some_and(|known| known.version >= hold.version) {
        return Ok(Told::Old);
    }
    if let Some(origin) = hold.origin {
        let before = known.map_or(0, |known| known.cost());
        let held = charge(tx, &origin)?.bytes.saturating_sub(before);
        if hold.cost() > before && held.saturating_add(hold.cost()) > share {
            return Ok(Told::Full);
        }
    }
    write(tx, hold)?;
    if hold.origin.is_none() {
        recall(tx, hold)?;
    }
    settle(tx, &hold.root, now)?;
    Ok(Told::New)
}

/// A pin that this node knows gets what it knew of it later.
fn recall(tx: &WriteTransaction, hold: &Hold) -> Result<(), StoreError> {
    let mut pins = tx.open_table(PINS)?;
    let key = (hold.root.to_compact(), hold.pin.0);
    let known = pins.get(key)?.map(|row| row.value());
    if let Some((_, requested, _)) = known {
        pins.insert(key, (hold.active, requested.max(hold.requested), hold.until))?;
    }
    Ok(())
}

/// Notes what became of a pin at this node, for others to hear. An operator's pin is nobody else's business.
pub(crate) fn note(
    tx: &WriteTransaction,
    root: &Cid,
    pin: &PinKey,
    payer: Option<Payer>,
    now: u64,
) -> Result<(), StoreError> {
    let known = find_at(tx, &(root.to_compact(), pin.0, HOME))?;
    let payer = payer.filter(|payer| *payer != Payer::Operator).or(known.map(|known| known.payer));
    let row = tx.open_table(PINS)?.get((root.to_compact(), pin.0))?.map(|row| row.value());
    let (Some(payer), Some((active, requested, until))) = (payer, row) else { return Ok(()) };
    let bytes = index::object_in(tx, root)?.ok_or(StoreError::UnknownObject)?.bytes;
    let version = known.map_or(1, |known| known.version.saturating_add(1)).max(now);
    let hold = Hold {
        root: *root,
        bytes,
        pin: *pin,
        origin: None,
        payer,
        active,
        requested,
        until,
        version,
        signature: [0; 64],
    };
    write(tx, &hold)
}

/// The pin's end has come: others know it from the hold.
pub(crate) fn forget(tx: &WriteTransaction, root: [u8; 33], pin: [u8; 33]) -> Result<(), StoreError> {
    match find_at(tx, &(root, pin, HOME))? {
        Some(hold) => remove(tx, &hold),
        None => Ok(()),
    }
}

/// Pins of this node that only others still knew of are its own again, now that the content is here.
pub(crate) fn adopt(tx: &WriteTransaction, root: &Cid) -> Result<(), StoreError> {
    let mut pins = tx.open_table(PINS)?;
    for row in tx.open_table(HOLDS)?.range(of_root(root))? {
        let (key, row) = row?;
        let (root, pin, origin) = key.value();
        let (_, _, active, requested, until, ..) = row.value();
        if origin == HOME && active && pins.get((root, pin))?.is_none() {
            pins.insert((root, pin), (true, requested, until))?;
        }
    }
    Ok(())
}

/// Counts anew what holds an object, and whether it is wanted. To be called after every change of either.
pub(crate) fn settle(tx: &WriteTransaction, root: &Cid, now: u64) -> Result<(), StoreError> {
    let (pins, wanting) = count(tx, root)?;
    let entry = index::object_in(tx, root)?;
    let wanted = match entry {
        None => wanting,
        Some(entry) => (entry.damaged && pins > 0).then_some(entry.bytes),
    };
    if let Some(mut entry) = entry {
        if pins == 0 && entry.pins > 0 {
            entry.idle_since = now;
        }
        entry.pins = pins;
        index::set_object(tx, &entry)?;
    }
    let mut table = tx.open_table(WANTED)?;
    match wanted {
        Some(bytes) => table.insert(root.to_compact(), bytes)?,
        None => table.remove(root.to_compact())?,
    };
    Ok(())
}

/// Active pins and holds of an object, each counted once, and the length that a hold announces.
fn count(tx: &WriteTransaction, root: &Cid) -> Result<(u32, Option<u64>), StoreError> {
    let pins = tx.open_table(PINS)?;
    let (mut active, mut bytes) = (0u32, None);
    for row in pins.range((root.to_compact(), [0; 33])..=(root.to_compact(), [0xff; 33]))? {
        active = active.saturating_add(u32::from(row?.1.value().0));
    }
    for row in tx.open_table(HOLDS)?.range(of_root(root))? {
        let (key, row) = row?;
        let (root, pin, origin) = key.value();
        if !row.value().2 {
            continue;
        }
        bytes = Some(row.value().0);
        if origin != HOME || pins.get((root, pin))?.is_none() {
            active = active.saturating_add(1);
        }
    }
    Ok((active, bytes))
}

fn of_root(root: &Cid) -> std::ops::RangeInclusive<HoldKey> {
    let root = root.to_compact();
    (root, [0; 33], [0; 32])..=(root, [0xff; 33], [0xff; 32])
}

fn find(tx: &WriteTransaction, hold: &Hold) -> Result<Option<Hold>, StoreError> {
    find_at(tx, &hold.key())
}

fn find_at(tx: &WriteTransaction, key: &HoldKey) -> Result<Option<Hold>, StoreError> {
    let row = tx.open_table(HOLDS)?.get(key)?.map(|row| row.value());
    row.map(|row| Hold::from_row(key, row)).transpose()
}

/// Puts a hold in place of the one before, at the journal's end.
fn write(tx: &WriteTransaction, hold: &Hold) -> Result<(), StoreError> {
    remove(tx, hold)?;
    let place = {
        let mut counters = tx.open_table(COUNTERS)?;
        let place = index::counter(&counters, JOURNALED)?.saturating_add(1);
        counters.insert(JOURNALED, place)?;
        place
    };
    tx.open_table(JOURNAL)?.insert(place, hold.key())?;
    tx.open_table(HOLDS)?.insert(hold.key(), hold.row(place))?;
    recharge(tx, hold, 1)
}

/// Takes a hold of this key away, if there is one.
fn remove(tx: &WriteTransaction, hold: &Hold) -> Result<(), StoreError> {
    let row = tx.open_table(HOLDS)?.remove(hold.key())?.map(|row| row.value());
    let Some(row) = row else { return Ok(()) };
    tx.open_table(JOURNAL)?.remove(row.6)?;
    recharge(tx, &Hold::from_row(&hold.key(), row)?, -1)
}

fn charge(tx: &WriteTransaction, origin: &[u8; 32]) -> Result<Charge, StoreError> {
    let row = tx.open_table(CHARGED)?.get(origin)?.map(|row| row.value());
    let (bytes, holds) = row.unwrap_or_default();
    Ok(Charge { bytes, holds })
}

fn recharge(tx: &WriteTransaction, hold: &Hold, by: i64) -> Result<(), StoreError> {
    let Some(origin) = hold.origin else { return Ok(()) };
    let Charge { bytes, holds } = charge(tx, &origin)?;
    let holds = holds.saturating_add_signed(by);
    let bytes = if by > 0 { bytes.saturating_add(hold.cost()) } else { bytes.saturating_sub(hold.cost()) };
    let mut charged = tx.open_table(CHARGED)?;
    if holds == 0 {
        charged.remove(origin)?;
    } else {
        charged.insert(origin, (bytes, holds))?;
    }
    Ok(())
}

/// A store of before holds were kept: every pin gets one.
pub(crate) fn introduce(tx: &WriteTransaction) -> Result<(), StoreError> {
    if tx.open_table(COUNTERS)?.get(JOURNALED)?.is_some() {
        return Ok(());
    }
    tx.open_table(COUNTERS)?.insert(JOURNALED, 0)?;
    let mut pins = Vec::new();
    for row in tx.open_table(PINS)?.iter()? {
        let (key, row) = row?;
        let payer = if row.value().2.is_some() { Payer::Member } else { Payer::Tickets };
        pins.push((index::cid(&key.value().0)?, PinKey(key.value().1), payer));
    }
    for (root, pin, payer) in pins {
        note(tx, &root, &pin, Some(payer), 0)?;
    }
    Ok(())
}

/// Counts of the tables.
pub(crate) fn wanted_count(tx: &redb::ReadTransaction) -> Result<(u64, u64), StoreError> {
    Ok((tx.open_table(WANTED)?.len()?, tx.open_table(HOLDS)?.len()?))
}
