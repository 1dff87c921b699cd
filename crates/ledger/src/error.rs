//! Why a transaction is refused: one variant a rule, with a stable code for the API and a message that says what was
//! wrong and what to do (spec L-80).

/// Stable, machine-readable: `"ticket.spent"`, `"record.exists"`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $message:literal;)*) => {
        /// One variant per rejected condition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
        pub enum Refusal { $($(#[$doc])* #[error($message)] $name),* }

        impl Refusal {
            /// Every refusal, in order of the spec.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub const fn code(&self) -> Code {
                match self { $(Self::$name => Code($code)),* }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

refusals! {
    // Form
    TooLarge = "transaction.too-large", "the transaction is larger than 1 MiB: split it";
    Malformed = "transaction.malformed",
        "the transaction does not decode: bytes are missing, left over or not in canonical form";
    WrongChain = "transaction.chain", "the transaction is for another chain: check the genesis file";
    PointEncoding = "point.encoding", "a point is not on the curve or not in canonical form";
    PointSubgroup = "point.subgroup", "a point is outside its prime-order subgroup";
    PointIdentity = "point.identity", "a point is the identity";
    KeyMalformed = "key.malformed", "a verifying key is not canonical or of small order";

    // Tickets
    TicketCount = "ticket.count", "exactly one ticket is due for every started 64 KiB of the transaction";
    TicketRepeated = "ticket.repeated", "the same ticket stands twice in the transaction";
    TicketClass = "ticket.class", "a health transaction is paid with care tickets only";
    TicketKeyUnknown = "ticket.key-unknown", "the ledger has no ticket key for this class and period";
    TicketForged = "ticket.forged", "the authority's signature on the ticket does not verify";
    TicketSignature = "ticket.signature",
        "a ticket's one-time key did not sign this transaction: sign body and tickets again";
    TicketEarly = "ticket.early", "the ticket's period has not begun: submit later or use a ticket of this period";
    TicketExpired = "ticket.expired", "the ticket's period and its overlap are over: fetch new tickets";
    TicketSpent = "ticket.spent", "the ticket was spent before: use another one";

    // Records and grants
    OwnerSignature = "signature.owner",
        "the owner key did not sign this transaction with these tickets: only the owner can, and a copy does not count";
    WithdrawalSignature = "signature.withdrawal", "the withdrawal key did not sign this";
    RecordExists = "record.exists", "a record with this AID exists already: use the next record index";
    RecordUnknown = "record.unknown", "there is no record with this AID: create it first";
    BidTaken = "grant.bid-taken", "a grant with this BID exists: use a fresh withdrawal key";
    BidEnded = "grant.bid-ended", "a grant with this BID has ended and can never be made again: use a fresh withdrawal key";
    ExpiryClass = "grant.expiry-class", "there is no such expiry class: choose 0 to 3";
    GrantLate = "grant.late", "the grant's valid-until has passed: sign it again";
    GrantTooFarAhead = "grant.too-far-ahead", "the grant's valid-until is further ahead than the parameters allow";
    PeriodFull = "grant.period-full", "no more grants can end in that period: choose another expiry class";
    GrantUnknown = "withdraw.unknown", "there is no grant with this BID";
    AlreadyWithdrawn = "withdraw.withdrawn", "the grant was withdrawn before";
    AlreadyExpired = "withdraw.expired", "the grant has expired: there is nothing to withdraw";

    // Membership
    CertificateTooLarge = "certificate.too-large", "the certificate is larger than 4096 bytes";
    CertificateMalformed = "certificate.malformed", "the certificate is not one of this system";
    CertificateLevel = "certificate.level", "the certificate's level does not fit: root, intermediate, institution, practitioner";
    CertificateSignature = "certificate.signature",
        "the issuer's signature on the certificate does not verify";
    CertificateIssuer = "certificate.issuer",
        "the certificate names another issuer, or a key its issuer no longer uses: have it issued by the current certificate";
    CertificateValidity = "certificate.validity", "the certificate is valid outside its issuer's validity";
    CertificateExpired = "certificate.expired", "the certificate has expired: renew it";
    CertificateSeen = "certificate.seen", "the certificate is in the ledger already";
    CertificateOlder = "certificate.older",
        "the member has a certificate that begins later: issue a new one, or have that one revoked first";
    DelegateeKey = "certificate.delegatee-key", "the certificate's delegatee key or its proof is malformed";
    Possession = "certificate.possession",
        "the proof of possession of the delegatee key does not verify for this subject";
    IssuerUnknown = "member.issuer-unknown", "the issuer is not in the ledger: admit it first";
    IssuerNotCertified = "member.issuer-not-certified",
        "the issuer or one above it is revoked or its certificate is out of its validity";
    MemberUnknown = "member.unknown", "there is no such member";
    MemberRevoked = "member.revoked", "the member was revoked: this is final";
    KeyRingFull = "member.key-ring-full", "the member has 32 certificates: admit it under a new subject id";
    CertificateUnknown = "member.certificate-unknown", "the member has no such certificate";
    CertificateRevoked = "member.certificate-revoked", "the certificate was revoked before";
    RevokeSignature = "signature.issuer", "the revocation is not signed by the issuer's current key";

    // Governance
    GovernanceSigners = "governance.signers", "signers are indexes into the committee, ascending, each once";
    GovernanceSignature = "governance.signature", "a validator's signature over the action does not verify";
    GovernanceQuorum = "governance.quorum", "more than two thirds of the validators must sign";
    GovernanceLate = "governance.late", "the action's valid-until has passed: collect signatures again";
    GovernanceTooFarAhead = "governance.too-far-ahead", "the action's valid-until is further ahead than the parameters allow";
    TicketKeySet = "ticket-key.set", "the ticket key of this class and period is set and cannot be changed";
    TicketKeyPast = "ticket-key.past", "the period of this ticket key is over";
    TicketKeyAhead = "ticket-key.ahead", "the period of this ticket key lies too far ahead";
    ParametersSequence = "parameters.sequence", "new parameters carry the present sequence number plus one";
    ParametersPeriod = "parameters.period", "the length of a period is fixed at genesis";
    ParametersBounds = "parameters.bounds", "a parameter is out of its bounds";
}
