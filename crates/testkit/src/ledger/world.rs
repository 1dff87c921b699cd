//! A chain without consensus: genesis, four validators' keys, an authority, members, and state in memory. Every
//! transaction goes through the real check and the real transition, fetching what is missing round by round.

use std::collections::{BTreeMap, BTreeSet};

use commonware_codec::Encode as _;
use rand_core::Rng as _;
use yilian_crypto::{
    Digest, Label, Secret,
    certificate::{Certificate, Contents, DelegateeBinding, Level, Role, issue},
    sign::{Signature, SigningKey},
    ticket::{Class, Period, Request, TicketKey, TicketSecretKey, TicketWithKey},
};
use yilian_delegation::{
    Blinding, Capsule, DelegateeKey, DelegateeSecretKey, DelegatorSecretKey, ReencryptionKey, Wrap, Wrapped,
};
use yilian_ledger::{
    BlockContext, ChainId, Checked, CommitteeEntry, Counts, Entry, Epoch, ExecuteError, Genesis, Height,
    Known, MemberEntry, Name, Outcome, Parameters, Refusal, TicketKeys, Time, Transaction, Transition,
    committee::{Change, SetCommittee},
    execute,
    genesis::EPOCH_BLOCKS,
    name::{Aid, MemberId},
    transaction::{Action, AddMember, Body, Create, Governance, Grant},
};

use super::Seeded;

/// Genesis time of the world: late in 2027.
pub const START: Time = Time(1_830_000_000_000);
/// Certificates of the world are valid ten years from a year before its start.
const NOT_BEFORE: u64 = START.0 / 1000 - 365 * 86_400;
const NOT_AFTER: u64 = NOT_BEFORE + 3650 * 86_400;

/// What an attack is played on: the real transition or a weakened one.
pub trait Chain {
    /// A `Create` as this chain's wallets sign it.
    fn create(&mut self, owner: &SigningKey, tickets: &[TicketWithKey]) -> Transaction;
    /// A `Grant` as this chain's wallets sign it, valid for a minute.
    fn grant(
        &mut self,
        owner: &SigningKey,
        withdrawal: &SigningKey,
        tickets: &[TicketWithKey],
    ) -> Transaction;
    /// One block with one transaction.
    fn submit(&mut self, transaction: &Transaction) -> Result<Outcome, Refusal>;
    fn entry(&self, name: &Name) -> Option<Entry>;
    fn id(&self) -> ChainId;
    /// A care ticket of the present period.
    fn ticket(&mut self) -> TicketWithKey;
    fn key(&mut self) -> SigningKey;
}

/// A certified member with its keys.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: MemberId,
    pub level: Level,
    pub issuer: Option<MemberId>,
    pub key: SigningKey,
    pub certificate: Certificate,
}

pub struct World {
    pub genesis: Genesis,
    pub chain: ChainId,
    pub time: Time,
    pub height: Height,
    pub state: BTreeMap<Name, Entry>,
    pub counts: Counts,
    pub root: Member,
    /// Of the genesis, in order of its committee.
    pub validators: Vec<SigningKey>,
    /// Keys of validators that may join.
    pub joiners: Vec<SigningKey>,
    pub rng: Seeded,
    ticket_secrets: Vec<(Class, Period, TicketSecretKey)>,
}

/// Ticket keys are fixed: making one takes seconds.
const TICKET_KEYS: [&[u8]; 4] = [
    include_bytes!("../../fixtures/ticket-key-1.p8"),
    include_bytes!("../../fixtures/ticket-key-2.p8"),
    include_bytes!("../../fixtures/ticket-key-3.p8"),
    include_bytes!("../../fixtures/ticket-key-4.p8"),
];

/// The i-th fixed ticket key.
///
/// # Panics
/// Beyond the fourth.
pub fn ticket_secret(i: usize) -> TicketSecretKey {
    TicketSecretKey::from_pkcs8(TICKET_KEYS[i]).expect("the fixture is a ticket key")
}

/// Minutes as periods, ten seconds of overlap, classes of 1, 2, 3 and 5 periods.
pub fn parameters() -> Parameters {
    Parameters {
        period_ms: 60_000,
        ticket_overlap_ms: 10_000,
        expiry_classes: [1, 2, 3, 5],
        max_validity_ms: 120_000,
        ..Parameters::default()
    }
}

impl World {
    /// A root, four validators, ticket keys of both classes for the first two periods.
    pub fn new(seed: u64) -> Self {
        Self::with_epochs(seed, EPOCH_BLOCKS)
    }

    /// The same, with epochs of so many blocks.
    pub fn with_epochs(seed: u64, epoch_blocks: u64) -> Self {
        let mut rng = Seeded::new(seed);
        let key = SigningKey::generate(&mut rng);
        let certificate = self_signed("root", &key);
        let id = MemberId::of(None, "root");
        let root = Member { id, level: Level::Root, issuer: None, key, certificate };
        let mut validators: Vec<_> = (0..4).map(|_| SigningKey::generate(&mut rng)).collect();
        validators.sort_by_key(|key| *key.verifying_key().as_bytes());
        let parameters = parameters();
        let first = parameters.period(START);
        let periods = [(Class::Care, 0), (Class::Trade, 0), (Class::Care, 1), (Class::Trade, 1)];
        let ticket_secrets: Vec<_> = periods
            .iter()
            .enumerate()
            .map(|(i, (class, ahead))| (*class, Period(first.0 + ahead), ticket_secret(i)))
            .collect();
        let genesis = Genesis {
            name: "yilian-test".into(),
            time: START.0,
            parameters,
            committee: validators.iter().map(|key| *key.verifying_key().as_bytes()).collect(),
            epoch_blocks,
            roots: vec![root.certificate.der().to_vec()],
            ticket_keys: ticket_secrets.iter().map(|(c, p, key)| (*c, *p, key.public().clone())).collect(),
        };
        let state = genesis.entries().expect("the genesis is valid").into_iter().collect();
        Self {
            chain: genesis.chain_id(),
            genesis,
            time: START,
            height: Height(0),
            state,
            counts: Counts::default(),
            root,
            validators,
            joiners: Vec::new(),
            rng,
            ticket_secrets,
        }
    }

    pub fn advance(&mut self, ms: u64) {
        self.time = self.time.after(ms);
    }

    pub fn parameters(&self) -> &Parameters {
        &self.genesis.parameters
    }

    pub fn period(&self) -> Period {
        self.parameters().period(self.time)
    }

    /// A ticket of any class and period, signed by the authority if it has a key for them, else by its first key.
    pub fn ticket_of(&mut self, class: Class, period: Period) -> TicketWithKey {
        let own = self.ticket_secrets.iter().find(|(c, p, _)| (*c, *p) == (class, period));
        let secret = own.map_or(&self.ticket_secrets[0].2, |(_, _, secret)| secret);
        let (request, blinded) =
            Request::new(secret.public(), class, period, &mut self.rng).expect("the key is good");
        let answer = secret.sign_blinded(&blinded, &mut self.rng).expect("the request is good");
        request.finish(secret.public(), &answer).expect("the answer is good")
    }

    /// The authority's answer to a blinded message; `None` where it has no key, or the message is none.
    pub fn sign_blinded(&mut self, class: Class, period: Period, blinded: &[u8]) -> Option<Vec<u8>> {
        let (_, _, secret) = self.ticket_secrets.iter().find(|(c, p, _)| (*c, *p) == (class, period))?;
        secret.sign_blinded(blinded, &mut self.rng).ok().map(Vec::from)
    }

    /// Sets the care ticket key of a period, by governance, so that the world can go on beyond its second period.
    pub fn open_period(&mut self, period: Period) {
        let secret = ticket_secret(period.0 as usize % TICKET_KEYS.len());
        let action = Action::SetTicketKey { class: Class::Care, period, key: secret.public().clone() };
        let transaction = self.governance(action, &[0, 1, 2]);
        self.submit(&transaction).expect("the period is not open yet");
        self.ticket_secrets.push((Class::Care, period, secret));
    }

    /// Epoch of the next block.
    pub fn epoch(&self) -> Epoch {
        self.genesis.epochs().after(self.height)
    }

    /// What the state says about validators.
    ///
    /// # Panics
    /// On a state without a committee.
    pub fn committee_entry(&self) -> &CommitteeEntry {
        match self.state.get(&Name::committee()) {
            Some(Entry::Committee(committee)) => committee,
            other => panic!("{other:?} in place of the committee"),
        }
    }

    /// Keys of an epoch's committee, in its order; the epoch is that of the newest block, or a later one.
    ///
    /// # Panics
    /// If a member is neither a validator of the genesis nor among those that may join.
    pub fn signers(&self, epoch: Epoch) -> Vec<SigningKey> {
        let known = || self.validators.iter().chain(&self.joiners);
        let of = |raw: &[u8; 32]| known().find(|key| key.verifying_key().as_bytes() == raw);
        let members = self.committee_entry().at(epoch).iter();
        members.map(|raw| of(raw).expect("a key of this world").clone()).collect()
    }

    /// An action that lets these keys validate from an epoch on.
    pub fn set_committee(&self, epoch: Epoch, keys: &[SigningKey]) -> Action {
        let mut members: Vec<_> = keys.iter().map(|key| *key.verifying_key().as_bytes()).collect();
        members.sort_unstable();
        let sequence = self.committee_entry().sequence + 1;
        Action::SetCommittee(SetCommittee { sequence, change: Change { epoch, members } })
    }

    /// A governance transaction signed by some of the next block's committee, valid for a minute.
    pub fn governance(&self, action: Action, signers: &[u16]) -> Transaction {
        let until = self.time.after(60_000);
        let keys = self.signers(self.epoch());
        let sign = |i: &u16| (*i, Governance::approve(self.chain, &action, until, &keys[usize::from(*i)]));
        let signatures = signers.iter().map(sign).collect();
        Governance::transaction(self.chain, action.clone(), until, signatures)
    }

    /// What a certificate for a subject says: roles, a fresh delegatee key with its proof.
    pub fn contents(
        &mut self,
        level: Level,
        issuer: Option<MemberId>,
        subject: &str,
        key: &SigningKey,
    ) -> Contents {
        let delegatee = DelegateeSecretKey::from_seed(&self.secret());
        let contents = contents(level, subject, key);
        let proof = delegatee.prove(MemberId::of(issuer, subject).possession_context(), &mut self.rng);
        let binding =
            DelegateeBinding { key: delegatee.public().encode().to_vec(), proof: proof.encode().to_vec() };
        Contents { delegatee: Some(binding), ..contents }
    }

    /// Issues and admits.
    pub fn admit(&mut self, issuer: &Member, level: Level, subject: &str) -> Member {
        let (member, transaction) = self.certify(issuer, level, subject);
        assert_eq!(self.submit(&transaction), Ok(Outcome::Applied));
        member
    }

    /// Issues with a fresh key; the transaction admits.
    pub fn certify(&mut self, issuer: &Member, level: Level, subject: &str) -> (Member, Transaction) {
        let key = self.key();
        let contents = self.contents(level, Some(issuer.id), subject, &key);
        self.certify_contents(issuer, &contents, key)
    }

    /// Issues these contents.
    pub fn certify_contents(
        &mut self,
        issuer: &Member,
        contents: &Contents,
        key: SigningKey,
    ) -> (Member, Transaction) {
        let certificate = issue(contents, Some(&issuer.certificate), &issuer.key).expect("the issuer may");
        let transaction = AddMember::transaction(self.chain, issuer.id, &certificate);
        let id = MemberId::of(Some(issuer.id), &contents.subject_id);
        (Member { id, level: contents.level, issuer: Some(issuer.id), key, certificate }, transaction)
    }

    /// The ledger's entries of a member and everyone above it.
    pub fn chain_of(&self, member: &Member) -> Vec<MemberEntry> {
        let mut next = Some(member.id.name(member.level.into()));
        let mut chain = Vec::new();
        while let Some(Some(Entry::Member(entry))) = next.map(|name| self.entry(&name)) {
            next = entry.issuer_name();
            chain.push(entry);
        }
        chain
    }

    /// A province, a hospital, a doctor, all admitted.
    pub fn hospital(&mut self) -> [Member; 3] {
        let root = self.root.clone();
        let province = self.admit(&root, Level::Intermediate, "province");
        let hospital = self.admit(&province, Level::Institution, "hospital");
        let doctor = self.admit(&hospital, Level::Practitioner, "doctor");
        [province, hospital, doctor]
    }

    pub fn secret(&mut self) -> Secret<[u8; 32]> {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        Secret::new(bytes)
    }

    /// A capsule with its wrapped key, of a fresh record key.
    pub fn sealed(&mut self, owner: &SigningKey) -> (Capsule, Wrapped, Digest) {
        let delegator = DelegatorSecretKey::from_seed(&self.secret());
        let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut self.rng);
        let digest = Digest(*self.secret().expose());
        let wrap = Wrap { data_key: self.secret(), codec: 0x55, digest };
        let wrapped = key.wrap(&wrap).expect("0x55 is a codec of wrapped keys");
        (capsule, wrapped, Digest(*self.secret().expose()))
    }

    /// A re-encryption key to a fresh reader.
    pub fn rk(&mut self) -> ReencryptionKey {
        let delegator = DelegatorSecretKey::from_seed(&self.secret());
        let reader: DelegateeKey = DelegateeSecretKey::from_seed(&self.secret()).public();
        delegator.rekey(&reader, &Blinding::from_seed(&self.secret()))
    }

    pub fn check(&self, transaction: &Transaction) -> Result<Checked, Refusal> {
        self.check_bytes(&transaction.encode())
    }

    pub fn check_bytes(&self, bytes: &[u8]) -> Result<Checked, Refusal> {
        Checked::check(bytes, self.chain, self)
    }

    pub fn context(&self) -> BlockContext {
        BlockContext {
            chain: self.chain,
            height: Height(self.height.0 + 1),
            epoch: self.epoch(),
            time: self.time,
        }
    }

    /// Executes over everything that is asked for, in rounds; commits nothing.
    pub fn execute(&self, transactions: &[Checked]) -> Result<Transition, (usize, Refusal)> {
        let mut known = Known::new();
        loop {
            match execute(&self.context(), &known, transactions) {
                Ok(transition) => return Ok(transition),
                Err(ExecuteError::Missing(missing)) => {
                    let before = known.len();
                    self.fetch(missing.0, &mut known);
                    assert!(known.len() > before, "asked again for what is known");
                }
                Err(ExecuteError::InvalidBlock(index, refusal)) => return Err((index, refusal)),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    pub fn fetch(&self, names: BTreeSet<Name>, known: &mut Known) {
        known.extend(names.into_iter().map(|name| (name, self.state.get(&name).cloned())));
    }

    /// One block: executes and commits.
    pub fn block(&mut self, transactions: &[Checked]) -> Result<Transition, (usize, Refusal)> {
        let transition = self.execute(transactions)?;
        self.commit(&transition);
        Ok(transition)
    }

    pub fn commit(&mut self, transition: &Transition) {
        self.state.extend(transition.writes.clone());
        self.counts = self.counts.plus(&transition.created);
        self.height.0 += 1;
    }

    /// Creates a record for a fresh owner.
    pub fn record(&mut self) -> SigningKey {
        let owner = self.key();
        let tickets = [self.ticket()];
        let transaction = self.create(&owner, &tickets);
        assert_eq!(self.submit(&transaction), Ok(Outcome::Applied));
        assert!(self.entry(&Aid::of(&owner.verifying_key()).name()).is_some());
        owner
    }
}

impl Chain for World {
    fn create(&mut self, owner: &SigningKey, tickets: &[TicketWithKey]) -> Transaction {
        let (capsule, wrapped, com) = self.sealed(owner);
        Create::sign(self.chain, owner, capsule, wrapped, com, tickets)
    }

    fn grant(
        &mut self,
        owner: &SigningKey,
        withdrawal: &SigningKey,
        tickets: &[TicketWithKey],
    ) -> Transaction {
        let (rk, until) = (self.rk(), self.time.after(60_000));
        Grant::sign(self.chain, owner, withdrawal, rk, 0, until, tickets)
    }

    fn submit(&mut self, transaction: &Transaction) -> Result<Outcome, Refusal> {
        let checked = self.check(transaction)?;
        let transition = self.block(&[checked]).map_err(|(_, refusal)| refusal)?;
        Ok(transition.outcomes[0])
    }

    fn entry(&self, name: &Name) -> Option<Entry> {
        self.state.get(name).cloned()
    }

    fn id(&self) -> ChainId {
        self.chain
    }

    fn ticket(&mut self) -> TicketWithKey {
        self.ticket_of(Class::Care, self.period())
    }

    fn key(&mut self) -> SigningKey {
        SigningKey::generate(&mut self.rng)
    }
}

impl TicketKeys for World {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey> {
        match self.state.get(&Name::ticket_key(class, period)) {
            Some(Entry::TicketKey(key)) => Some(key.clone()),
            _ => None,
        }
    }
}

/// Puts other tickets under a body, signed by their one-time keys: what a copier can do.
pub fn repay(transaction: &Transaction, tickets: &[TicketWithKey]) -> Transaction {
    let mut copy = transaction.clone();
    let unsigned = |t: &TicketWithKey| (t.ticket.clone(), Signature::from_bytes([0; 64]));
    set_tickets(&mut copy.body, tickets.iter().map(unsigned).collect());
    let paid = copy.body.paid().expect("only paid bodies are copied");
    let parts = [copy.chain.0.as_ref(), &paid];
    let signed = |t: &TicketWithKey| (t.ticket.clone(), t.one_time.sign(Label::TicketSignature, &parts));
    let signed = tickets.iter().map(signed).collect();
    set_tickets(&mut copy.body, signed);
    copy
}

fn set_tickets(body: &mut Body, tickets: Vec<(yilian_crypto::ticket::Ticket, Signature)>) {
    match body {
        Body::Create(create) => create.payment.tickets = tickets,
        Body::Grant(grant) => grant.payment.tickets = tickets,
        _ => {}
    }
}

/// A certificate's contents without delegatee key.
pub fn contents(level: Level, subject: &str, key: &SigningKey) -> Contents {
    Contents {
        level,
        subject_id: subject.into(),
        name: subject.into(),
        roles: BTreeSet::from([if level == Level::Practitioner { Role::Doctor } else { Role::Hospital }]),
        signing_key: key.verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: Vec::new(),
        not_before: NOT_BEFORE,
        not_after: NOT_AFTER,
    }
}

/// A root's own certificate.
pub fn self_signed(subject: &str, key: &SigningKey) -> Certificate {
    issue(&contents(Level::Root, subject, key), None, key).expect("a root may issue itself")
}
