//! What a member's profile remembers: openings that came, records that were sent. It names patients, so it is
//! encrypted under a key of the member's seed (spec W-6).

use std::io;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use serde::{Deserialize, Serialize};
use yilian_api::encoding::{from_base64, to_base64, to_hex};
use yilian_client::{
    message::{Message, Opening},
    reader::ReceivedGrant,
    wallet::vault,
};
use yilian_crypto::{Label, Secret, seed::Seed};
use yilian_files::{Format, durable};

use super::{Profile, ProfileError};

/// Longest encoded opening, bytes.
const MAX_OPENING: usize = yilian_api::mailbox::MAX_MESSAGE;

/// A record that this member wrote, as long as a refusal may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRecord {
    /// Unix milliseconds by this device.
    pub time: u64,
    /// Statement that a refusal names, hex.
    pub statement: String,
    /// `oc` of the offer, hex.
    pub owner_commitment: String,
    /// Mailbox of the offer, hex: who refuses signs with its key.
    pub mailbox: String,
    /// For the member: for whom, about what.
    pub note: String,
}

/// An opening that came, encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    message: String,
    received: u64,
    opening: String,
}

/// Format of a member's memory (spec ST-4).
const FORMAT: Format = Format::new("a member's memory", 1);

/// All of it. Places in the list of grants never change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    #[serde(default = "super::first")]
    version: u32,
    pub sent: Vec<SentRecord>,
    grants: Vec<Kept>,
}

/// A grant as listed: `number` is its lasting number, from 1.
#[derive(Clone, Debug)]
pub struct ListedGrant {
    pub number: usize,
    /// Unix milliseconds by a node's clock.
    pub received: u64,
    pub opening: Opening,
}

fn key(seed: &Seed) -> Secret<[u8; 32]> {
    seed.derive(Label::WalletState, &[])
}

impl Default for Memory {
    fn default() -> Self {
        Self { version: FORMAT.number, sent: Vec::new(), grants: Vec::new() }
    }
}

impl Memory {
    pub fn read(profile: &Profile, seed: &Seed) -> Result<Self, ProfileError> {
        let damaged = || ProfileError::Damaged(profile.state());
        let sealed = match profile.read_state() {
            Err(ProfileError::Io { kind: io::ErrorKind::NotFound, .. }) => return Ok(Self::default()),
            other => other?,
        };
        let bytes = vault::open(&key(seed), Label::WalletState, &sealed).map_err(|_| damaged())?;
        super::parse(&profile.state(), bytes.expose(), FORMAT)
    }

    pub fn write(&self, profile: &Profile, seed: &Seed) -> Result<(), ProfileError> {
        let path = profile.state();
        let text = serde_json::to_vec(self).map_err(|_| ProfileError::Damaged(path.clone()))?;
        let sealed = vault::seal(&key(seed), Label::WalletState, Secret::new(text).expose());
        durable::write(&path, &sealed).map_err(|error| ProfileError::io(&path, &error))
    }

    /// Keeps what is new; how many were.
    pub fn keep(&mut self, received: &[ReceivedGrant]) -> usize {
        let before = self.grants.len();
        for grant in received {
            let message = to_hex(&grant.message.0);
            if self.grants.iter().any(|kept| kept.message == message) {
                continue;
            }
            let opening = Secret::new(Message::Opening(grant.opening.clone()).encode().to_vec());
            let opening = to_base64(opening.expose());
            self.grants.push(Kept { message, received: grant.received.0, opening });
        }
        self.grants.len() - before
    }

    /// What can be decoded, oldest first.
    pub fn grants(&self) -> Vec<ListedGrant> {
        let listed = |(place, kept): (usize, &Kept)| {
            let bytes = Secret::new(from_base64(&kept.opening, MAX_OPENING).ok()?);
            match Message::decode(Copying(bytes.expose())) {
                Ok(Message::Opening(opening)) => {
                    Some(ListedGrant { number: place + 1, received: kept.received, opening })
                }
                _ => None,
            }
        };
        self.grants.iter().enumerate().filter_map(listed).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        native::rng,
        profile::{Kind, NewProfile, ProfileArgs},
    };
    use yilian_client::{
        record::opening::wrap,
        wallet::{
            index::{GrantIndex, Lane, RecordIndex},
            keys::Keys,
        },
        wire::Text,
    };
    use yilian_crypto::{Digest, stream::DataKey};
    use yilian_dag::{Cid, Codec};
    use yilian_ledger::{ChainId, Time};

    fn seed(byte: u8) -> Seed {
        Seed::from_bytes(Secret::new([byte; 32]))
    }

    fn grant(message: u8) -> ReceivedGrant {
        let keys = Keys::new(seed(1));
        let (record, grant) = (RecordIndex::new(Lane::FIRST, 0), GrantIndex::new(Lane::FIRST, 0));
        let (capsule, key) = keys.record_delegator(record).encapsulate(b"owner", &mut rng());
        let opening = Opening {
            owner: keys.owner(record).verifying_key(),
            salt: keys.salt(record),
            capsule,
            wrapped: wrap(key, &Cid::new(Codec::Raw, [0; 32]), &DataKey::generate(&mut rng())),
            blinding: keys.blinding(record, grant),
            bid: keys.bid(record, grant),
            note: Text::clipped("for the referral"),
        };
        ReceivedGrant { opening, message: Digest([message; 32]), received: Time(5) }
    }

    fn profile(home: &std::path::Path) -> Profile {
        let args = ProfileArgs::at(home, "carol");
        let password = Secret::new("a good password".to_owned());
        let chain = ChainId(Digest([0; 32]));
        NewProfile::begin(&args, Kind::Member, chain, &seed(2), &password).unwrap().finish().unwrap();
        Profile::open(&args, Kind::Member).unwrap()
    }

    #[test]
    fn grants_keep_their_numbers_and_come_once() {
        let home = tempfile::tempdir().unwrap();
        let profile = profile(home.path());
        let mut memory = Memory::read(&profile, &seed(2)).unwrap();
        assert_eq!(memory.keep(&[grant(1), grant(2), grant(1)]), 2);
        memory.write(&profile, &seed(2)).unwrap();
        let mut again = Memory::read(&profile, &seed(2)).unwrap();
        assert_eq!(again.keep(&[grant(2), grant(3)]), 1);
        let listed = again.grants();
        assert_eq!(listed.iter().map(|grant| grant.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(listed[0].opening.bid, grant(1).opening.bid);
        assert_eq!(listed[0].opening.note.as_str(), "for the referral");
    }

    #[test]
    fn a_memory_of_another_version_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let profile = profile(home.path());
        let future = br#"{"version": 2, "else": []}"#;
        std::fs::write(profile.state(), vault::seal(&key(&seed(2)), Label::WalletState, future)).unwrap();
        assert!(matches!(
            Memory::read(&profile, &seed(2)),
            Err(ProfileError::Format(yilian_files::FormatError::Newer { found: 2, .. }))
        ));
    }

    #[test]
    fn another_seed_and_damage_are_errors_and_nothing_is_legible() {
        let home = tempfile::tempdir().unwrap();
        let profile = profile(home.path());
        let mut memory = Memory::default();
        memory.keep(&[grant(1)]);
        memory.write(&profile, &seed(2)).unwrap();
        let mut sealed = profile.read_state().unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"opening"));
        assert!(matches!(Memory::read(&profile, &seed(3)), Err(ProfileError::Damaged(_))));
        *sealed.last_mut().unwrap() ^= 1;
        std::fs::write(profile.state(), sealed).unwrap();
        assert!(matches!(Memory::read(&profile, &seed(2)), Err(ProfileError::Damaged(_))));
    }
}
