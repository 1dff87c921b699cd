//! First phase: all that can be said about a transaction without mutable state (spec L-61 to L-64). Hosts run it in
//! parallel, once per transaction, and keep the evidence: neither the pool nor a block repeats it.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Error as CodecError};
use yilian_crypto::{
    Digest, Label,
    certificate::{Certificate, CertificateError, Level},
    ticket::{Class, Period, Ticket, TicketKey},
};
use yilian_delegation::{
    Capsule, DelegateeKey, DelegationError, ProofOfPossession, ReencryptedCapsule, reencrypt,
};

use crate::{
    ChainId, Name, Refusal, Transaction,
    committee::check_members,
    entry::RecordEntry,
    member::issuer_level,
    name::{Aid, Bid, Kind, MemberId},
    transaction::{Action, AddMember, BYTES_PER_TICKET, Body, Grant, MAX_TRANSACTION, Payment},
};

/// Evidence that everything about a transaction that needs no mutable state holds, or in what its paid part fails. Only
/// `check` makes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checked(Arc<Evidence>);

#[derive(Debug)]
struct Evidence {
    transaction: Transaction,
    encoded: Bytes,
    digest: Digest,
    /// What is wrong behind good tickets: such a transaction is included, fails, and its tickets are spent.
    verdict: Result<(), Refusal>,
    tickets: Vec<PaidTicket>,
    /// Of `AddMember` and `AddRoot`.
    certificate: Option<Certificate>,
    /// Of a `Grant`, with the capsule it was computed from.
    reencrypted: OnceLock<(Capsule, ReencryptedCapsule)>,
}

/// A ticket whose signature verifies under `key`, which execution compares with the ledger's.
#[derive(Clone, Debug)]
pub(crate) struct PaidTicket {
    pub class: Class,
    pub period: Period,
    pub spent: Name,
    pub key: TicketKey,
}

/// What `check` may look up: immutable once present. Answer from the state of the newest known block; execution compares
/// again with the state it runs on.
pub trait TicketKeys {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey>;
}

impl Checked {
    /// Size, decoding, chain, tickets; then signatures, certificate and proof of possession. `Err`: cannot be included
    /// in a block at all. A transaction whose tickets are good but whose inner signature fails *is* `Ok`: it is included,
    /// fails, and its tickets are spent.
    pub fn check(bytes: &[u8], chain: ChainId, keys: &dyn TicketKeys) -> Result<Self, Refusal> {
        if bytes.len() > MAX_TRANSACTION {
            return Err(Refusal::TooLarge);
        }
        let transaction = Transaction::decode(Copying(bytes)).map_err(|e| decoding_refusal(&e))?;
        if transaction.chain != chain {
            return Err(Refusal::WrongChain);
        }
        let tickets = match transaction.body.payment() {
            Some(payment) => check_payment(payment, &transaction, bytes.len(), keys)?,
            None => Vec::new(),
        };
        let inner = check_body(&transaction);
        let (verdict, certificate) = match inner {
            Ok(certificate) => (Ok(()), certificate),
            Err(refusal) if tickets.is_empty() => return Err(refusal),
            Err(refusal) => (Err(refusal), None),
        };
        Ok(Self(Arc::new(Evidence {
            digest: Transaction::digest_of(bytes),
            encoded: Bytes::copy_from_slice(bytes),
            transaction,
            verdict,
            tickets,
            certificate,
            reencrypted: OnceLock::new(),
        })))
    }

    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    pub fn transaction(&self) -> &Transaction {
        &self.0.transaction
    }

    pub fn encoded(&self) -> &Bytes {
        &self.0.encoded
    }

    /// Computes the re-encryption of a grant ahead, so that execution only looks it up. `record`: the entry that the
    /// grant is of; does nothing for other transactions or another owner's record.
    pub fn prepare(&self, record: &RecordEntry) {
        if let Body::Grant(grant) = &self.0.transaction.body
            && grant.owner == record.owner
        {
            self.reencrypted(grant, &record.capsule);
        }
    }

    /// The name of the record that `prepare` wants; `None` if there is nothing to prepare.
    pub fn prepares(&self) -> Option<Name> {
        match &self.0.transaction.body {
            Body::Grant(grant) if self.0.verdict.is_ok() => Some(Aid::of(&grant.owner).name()),
            _ => None,
        }
    }

    /// Names read for sure, for prefetching.
    pub fn names(&self) -> Vec<Name> {
        let mut names: BTreeSet<Name> = BTreeSet::new();
        for ticket in &self.0.tickets {
            names.extend([ticket.spent, Name::ticket_key(ticket.class, ticket.period)]);
        }
        if self.0.verdict.is_ok() {
            names.extend(self.body_names());
        }
        names.into_iter().collect()
    }

    fn body_names(&self) -> Vec<Name> {
        match &self.0.transaction.body {
            Body::Create(create) => vec![Aid::of(&create.owner).name()],
            Body::Grant(grant) => vec![Aid::of(&grant.owner).name(), Bid::of(&grant.withdrawal).name()],
            Body::Withdraw(withdraw) => vec![Bid::of(&withdraw.withdrawal).name()],
            Body::AddMember(add) => self.added_names(Some(add.issuer)),
            Body::Revoke(revoke) => vec![revoke.member.name(revoke.level.into())],
            Body::Governance(governance) => match &governance.action {
                Action::AddRoot { .. } => self.added_names(None),
                Action::RevokeRoot { member } => vec![member.name(Kind::Root)],
                Action::SetTicketKey { class, period, .. } => vec![Name::ticket_key(*class, *period)],
                Action::SetParameters(_) => vec![Name::parameters()],
                Action::SetCommittee(_) => vec![Name::committee()],
            },
        }
    }

    /// The member that a certificate adds or renews, and its issuer.
    fn added_names(&self, issuer: Option<MemberId>) -> Vec<Name> {
        let Some(contents) = self.0.certificate.as_ref().map(Certificate::contents) else {
            return Vec::new();
        };
        let mut names = vec![MemberId::of(issuer, &contents.subject_id).name(contents.level.into())];
        if let (Some(issuer), Some(level)) = (issuer, issuer_level(contents.level)) {
            names.push(issuer.name(level.into()));
        }
        names
    }

    pub(crate) fn verdict(&self) -> Result<(), Refusal> {
        self.0.verdict
    }

    pub(crate) fn tickets(&self) -> &[PaidTicket] {
        &self.0.tickets
    }

    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.0.certificate.as_ref()
    }

    /// Computed once per transaction. A record's capsule never changes, but a record may stand with another capsule on a
    /// branch that was abandoned: then the kept value is not used.
    pub(crate) fn reencrypted(&self, grant: &Grant, capsule: &Capsule) -> ReencryptedCapsule {
        let compute = || (*capsule, reencrypt(capsule, &grant.rk));
        let (of, reencrypted) = self.0.reencrypted.get_or_init(compute);
        if of == capsule { *reencrypted } else { compute().1 }
    }
}

/// Tickets due for so many bytes: one for every started 64 KiB.
pub const fn tickets_due(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TICKET)
}

/// Rules L-31 to L-34: number, class, no repetition, the authority's signature, the one-time keys' signatures.
fn check_payment(
    payment: &Payment,
    transaction: &Transaction,
    size: usize,
    keys: &dyn TicketKeys,
) -> Result<Vec<PaidTicket>, Refusal> {
    if payment.tickets().any(|ticket| ticket.class != Class::Care) {
        return Err(Refusal::TicketClass);
    }
    let distinct: BTreeSet<Digest> = payment.tickets().map(Ticket::spent_id).collect();
    if distinct.len() != payment.tickets.len() {
        return Err(Refusal::TicketRepeated);
    }
    if payment.tickets.len() != tickets_due(size) {
        return Err(Refusal::TicketCount);
    }
    let paid = transaction.body.paid().unwrap_or_default();
    let parts = [transaction.chain.0.as_ref(), &paid];
    let check = |(ticket, signature): &(Ticket, _)| {
        let key = keys.ticket_key(ticket.class, ticket.period).ok_or(Refusal::TicketKeyUnknown)?;
        ticket.verify(&key).map_err(|_| Refusal::TicketForged)?;
        ticket
            .one_time_key
            .verify(Label::TicketSignature, &parts, signature)
            .map_err(|_| Refusal::TicketSignature)?;
        let spent = Name::spent_ticket(&ticket.spent_id());
        Ok(PaidTicket { class: ticket.class, period: ticket.period, spent, key })
    };
    payment.tickets.iter().map(check).collect()
}

/// Signatures and certificates; gives the certificate of `AddMember` and `AddRoot`.
fn check_body(transaction: &Transaction) -> Result<Option<Certificate>, Refusal> {
    let chain = transaction.chain;
    match &transaction.body {
        Body::Create(create) => create.verify(chain).map(|()| None),
        Body::Grant(grant) => grant.verify(chain).map(|()| None),
        Body::Withdraw(withdraw) => withdraw.verify(chain).map(|()| None),
        Body::AddMember(add) => check_member(add).map(Some),
        Body::Governance(governance) => match &governance.action {
            Action::AddRoot { certificate } => check_root(certificate).map(Some),
            Action::SetParameters(parameters) => parameters.validate().map(|()| None),
            Action::SetCommittee(set) => check_members(&set.change.members).map(|()| None),
            Action::RevokeRoot { .. } | Action::SetTicketKey { .. } => Ok(None),
        },
        // Signed by a key that only state knows.
        Body::Revoke(_) => Ok(None),
    }
}

/// Rules L-41, L-42: any level but root, possession of the delegatee key proved for this subject.
fn check_member(add: &AddMember) -> Result<Certificate, Refusal> {
    let certificate = parse(&add.certificate)?;
    if certificate.contents().level == Level::Root {
        return Err(Refusal::CertificateLevel);
    }
    check_possession(&certificate, Some(add.issuer))?;
    Ok(certificate)
}

/// A root signs itself.
fn check_root(der: &[u8]) -> Result<Certificate, Refusal> {
    let certificate = parse(der)?;
    if certificate.contents().level != Level::Root {
        return Err(Refusal::CertificateLevel);
    }
    certificate.verify_issued_by(&certificate).map_err(|e| certificate_refusal(&e))?;
    check_possession(&certificate, None)?;
    Ok(certificate)
}

/// Rule M-3: without it, a key derived from another's could be certified.
fn check_possession(certificate: &Certificate, issuer: Option<MemberId>) -> Result<(), Refusal> {
    let contents = certificate.contents();
    let Some(binding) = &contents.delegatee else { return Ok(()) };
    let key = DelegateeKey::decode(Copying(&binding.key)).map_err(|_| Refusal::DelegateeKey)?;
    let proof = ProofOfPossession::decode(Copying(&binding.proof)).map_err(|_| Refusal::DelegateeKey)?;
    let subject = MemberId::of(issuer, &contents.subject_id);
    key.verify(subject.possession_context(), &proof).map_err(|_| Refusal::Possession)
}

fn parse(der: &[u8]) -> Result<Certificate, Refusal> {
    Certificate::parse(der).map_err(|e| certificate_refusal(&e))
}

pub(crate) fn certificate_refusal(error: &CertificateError) -> Refusal {
    match error {
        CertificateError::TooLarge(_) => Refusal::CertificateTooLarge,
        CertificateError::Signature => Refusal::CertificateSignature,
        CertificateError::Issuer => Refusal::CertificateIssuer,
        CertificateError::Level => Refusal::CertificateLevel,
        CertificateError::Validity => Refusal::CertificateValidity,
        _ => Refusal::CertificateMalformed,
    }
}

/// Points and keys are named as what they are; everything else is malformed.
fn decoding_refusal(error: &CodecError) -> Refusal {
    match error {
        CodecError::Wrapped(_, source) => match source.downcast_ref::<DelegationError>() {
            Some(DelegationError::Encoding) => Refusal::PointEncoding,
            Some(DelegationError::Subgroup) => Refusal::PointSubgroup,
            Some(DelegationError::Identity) => Refusal::PointIdentity,
            _ => Refusal::Malformed,
        },
        CodecError::Invalid("VerifyingKey", _) => Refusal::KeyMalformed,
        _ => Refusal::Malformed,
    }
}
