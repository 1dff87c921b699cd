//! A validator that lies: a real one, whose messages are rewritten with its own key as they leave it.

use std::collections::{BTreeMap, BTreeSet};

use commonware_codec::{DecodeExt as _, Encode as _, varint::UInt};
use commonware_consensus::simplex::{
    scheme::ed25519::Scheme,
    types::{Finalize, Notarize, Proposal, Vote},
};
use commonware_cryptography::{
    Digestible as _,
    ed25519::{PrivateKey, PublicKey},
    sha256,
};
use commonware_p2p::Recipients;
use commonware_runtime::{IoBuf, IoBufs};
use yilian_chain::assembly::Block;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_finality::{Committee, certificate::namespace};
use yilian_ledger::{ChainId, Height, Time, Transaction};
use yilian_testkit::ledger::Seeded;

use crate::{scenario::Treason, wire::RawSender};

/// Channels that matter here, by their number.
const VOTES: usize = 0;
const BLOCKS: usize = 4;

type Ballot = Vote<Scheme, sha256::Digest>;

/// A message that leaves the traitor.
pub struct Posted {
    pub line: RawSender,
    pub recipients: Recipients<PublicKey>,
    pub message: IoBufs,
}

pub struct Traitor {
    treason: Treason,
    scheme: Scheme,
    /// Its place in the committee.
    me: u64,
    /// All others; the first half hears other things than the second.
    others: Vec<PublicKey>,
    size: u64,
    rng: Seeded,
    lines: Vec<RawSender>,
    /// What was sent in place of a block of its own.
    replaced: BTreeMap<sha256::Digest, sha256::Digest>,
    /// Votes for own blocks that have not been sent yet.
    held: BTreeMap<sha256::Digest, Vec<Ballot>>,
    /// Blocks that break a rule; none may ever be final.
    spoiled: BTreeSet<Digest>,
}

impl Traitor {
    pub fn new(treason: Treason, chain: ChainId, committee: &Committee, key: PrivateKey, seed: u64) -> Self {
        let public = commonware_cryptography::Signer::public_key(&key);
        let me = committee.keys().position(&public).expect("a traitor is a member") as u64;
        let scheme = Scheme::signer(namespace(chain, committee).as_ref(), committee.keys().clone(), key)
            .expect("a traitor is a member");
        let others = committee.keys().iter().filter(|other| **other != public).cloned().collect();
        Self {
            treason,
            scheme,
            me,
            others,
            size: committee.len() as u64,
            rng: Seeded::new(seed),
            lines: Vec::new(),
            replaced: BTreeMap::new(),
            held: BTreeMap::new(),
            spoiled: BTreeSet::new(),
        }
    }

    /// Its ends of the channels, by number.
    pub fn attach(&mut self, lines: Vec<RawSender>) {
        self.lines = lines;
    }

    pub fn spoiled(&self) -> &BTreeSet<Digest> {
        &self.spoiled
    }

    /// What goes out in place of a message.
    pub fn rewrite(
        &mut self,
        channel: usize,
        recipients: Recipients<PublicKey>,
        message: IoBuf,
    ) -> Vec<Posted> {
        let bytes = message.as_ref().to_vec();
        let rewritten = match channel {
            BLOCKS => self.block(&bytes),
            VOTES => self.vote(&bytes, &recipients),
            _ => None,
        };
        rewritten.unwrap_or_else(|| vec![self.post(channel, recipients, bytes)])
    }

    fn post(&self, channel: usize, recipients: Recipients<PublicKey>, bytes: Vec<u8>) -> Posted {
        Posted { line: self.lines[channel].clone(), recipients, message: bytes.into() }
    }

    fn halves(&self) -> [Recipients<PublicKey>; 2] {
        let (first, second) = self.others.split_at(self.others.len() / 2);
        [first, second].map(|half| Recipients::Some(half.to_vec()))
    }

    fn leads(&self, epoch: u64, view: u64) -> bool {
        (epoch + view) % self.size == self.me
    }

    /// `None`: goes out as it is.
    fn block(&mut self, bytes: &[u8]) -> Option<Vec<Posted>> {
        let block = Block::decode(bytes.to_vec()).ok()?;
        let round = block.header.engine.context.round;
        if !self.leads(round.epoch().get(), round.view().get()) {
            return None;
        }
        let own = block.digest();
        if self.replaced.contains_key(&own) {
            // It was said once, and is not repeated.
            return Some(Vec::new());
        }
        let other = match self.treason {
            Treason::InvalidBlocks => self.spoil(block.clone()),
            _ => sibling(block.clone()),
        };
        self.replaced.insert(own, other.digest());
        let other = other.encode().to_vec();
        let mut posted = match self.treason {
            Treason::InvalidBlocks => vec![self.post(BLOCKS, Recipients::All, other)],
            _ => {
                let [first, second] = self.halves();
                vec![self.post(BLOCKS, first, bytes.to_vec()), self.post(BLOCKS, second, other)]
            }
        };
        for vote in self.held.remove(&own).unwrap_or_default() {
            posted.extend(self.cast(vote));
        }
        Some(posted)
    }

    fn vote(&mut self, bytes: &[u8], recipients: &Recipients<PublicKey>) -> Option<Vec<Posted>> {
        let vote = Ballot::decode(behind_epoch(bytes)?.to_vec()).ok()?;
        let proposal = proposal(&vote)?;
        if self.leads(proposal.round.epoch().get(), proposal.round.view().get()) {
            if self.replaced.contains_key(&proposal.payload) {
                return Some(self.cast(vote));
            }
            self.held.entry(proposal.payload).or_default().push(vote);
            return Some(Vec::new());
        }
        if self.treason != Treason::Equivocation || self.rng.below(4) > 0 {
            return None;
        }
        // To somebody, the contrary.
        let payload = sha256::Digest::from(*self.draw());
        let contrary = Proposal { payload, ..proposal.clone() };
        let victim = self.others[self.rng.below(self.others.len() as u64) as usize].clone();
        let contrary = behind(self.sign(&vote, contrary)?);
        let posted = [
            self.post(VOTES, recipients.clone(), bytes.to_vec()),
            self.post(VOTES, Recipients::One(victim), contrary),
        ];
        Some(posted.into())
    }

    fn draw(&mut self) -> Box<[u8; 32]> {
        let mut bytes = Box::new([0; 32]);
        rand_core::Rng::fill_bytes(&mut self.rng, &mut *bytes);
        bytes
    }

    /// A vote for an own block, as it fits what was sent in its place.
    fn cast(&self, vote: Ballot) -> Vec<Posted> {
        let Some(own) = proposal(&vote).cloned() else { return Vec::new() };
        let Some(payload) = self.replaced.get(&own.payload).copied() else { return Vec::new() };
        let Some(other) = self.sign(&vote, Proposal { payload, ..own }) else { return Vec::new() };
        let (own, other) = (behind(vote), behind(other));
        if self.treason == Treason::InvalidBlocks {
            return vec![self.post(VOTES, Recipients::All, other)];
        }
        let [first, second] = self.halves();
        vec![self.post(VOTES, first, own), self.post(VOTES, second, other)]
    }

    /// The same kind of vote for another proposal.
    fn sign(&self, vote: &Ballot, proposal: Proposal<sha256::Digest>) -> Option<Ballot> {
        match vote {
            Vote::Notarize(_) => Notarize::sign(&self.scheme, proposal).map(Vote::Notarize),
            Vote::Finalize(_) => Finalize::sign(&self.scheme, proposal).map(Vote::Finalize),
            Vote::Nullify(_) => None,
        }
    }

    /// Breaks one rule.
    fn spoil(&mut self, mut block: Block) -> Block {
        let header = &mut block.header;
        match self.rng.below(10) {
            0 => header.state_root.0[0] ^= 1,
            1 => header.counts.records += 1,
            2 => header.time = Time(header.time.0 + 60_000),
            3 => header.time = Time(1),
            4 => header.next_committee.0[7] ^= 1,
            5 => header.epoch.0 += 1,
            6 => header.height = Height(header.height.0 + 1),
            7 => header.engine.operations_root.0[3] ^= 1,
            8 => {
                let garbage = self.draw().to_vec();
                block.transactions.push(garbage.into());
                commit_to_body(&mut block);
            }
            _ => {
                // Twice the same, or none where there were some: the state is another.
                match block.transactions.first().cloned() {
                    Some(first) => block.transactions.push(first),
                    None => header.state_root.0[31] ^= 1,
                }
                commit_to_body(&mut block);
            }
        }
        self.spoiled.insert(block.header.digest());
        block
    }
}

/// Votes travel behind the number of their epoch.
fn behind(vote: Ballot) -> Vec<u8> {
    let epoch = proposal(&vote).map_or(0, |proposal| proposal.round.epoch().get());
    let mut bytes = UInt(epoch).encode().to_vec();
    bytes.extend_from_slice(&vote.encode());
    bytes
}

/// What follows the epoch's number, seven bits a byte.
fn behind_epoch(bytes: &[u8]) -> Option<&[u8]> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    Some(&bytes[last + 1..])
}

/// Another block that is as good if it changes nothing.
fn sibling(mut block: Block) -> Block {
    block.header.time = Time(block.header.time.0 + 1);
    block
}

/// Decoders check what the header says of the body, and so a lie must be consistent here.
fn commit_to_body(block: &mut Block) {
    let digests: Vec<Digest> = block.transactions.iter().map(|t| Transaction::digest_of(t)).collect();
    let parts: Vec<&[u8]> = digests.iter().map(AsRef::as_ref).collect();
    block.header.transaction_root = tagged(Label::TransactionRoot, &parts);
    block.header.transactions = block.transactions.len() as u32;
}

fn proposal(vote: &Ballot) -> Option<&Proposal<sha256::Digest>> {
    match vote {
        Vote::Notarize(notarize) => Some(&notarize.proposal),
        Vote::Finalize(finalize) => Some(&finalize.proposal),
        Vote::Nullify(_) => None,
    }
}
