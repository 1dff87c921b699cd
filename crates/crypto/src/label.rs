//! Every domain tag of the system, in one place (spec C-1).
//!
//! Two uses that must never collide have two labels. The text is hashed, so it is frozen: a changed
//! label is a different protocol.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Domain of a hash, a signature or a derivation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Label { $($(#[$doc])* $name),* }

        impl Label {
            /// All labels, for the test that no two share a text.
            pub const ALL: &'static [Label] = &[$(Label::$name),*];

            /// The frozen text.
            pub const fn text(self) -> &'static str {
                match self { $(Label::$name => concat!("yilian/1/", $text)),* }
            }

            /// `len8(text) ‖ text ‖ (len64(part) ‖ part)*`: injective, and no label's frame begins another's.
            pub fn frame(self, parts: &[&[u8]]) -> Vec<u8> {
                let text = self.text().as_bytes();
                let size = 1 + text.len() + parts.iter().map(|part| 8 + part.len()).sum::<usize>();
                let mut framed = Vec::with_capacity(size);
                framed.push(text.len() as u8);
                framed.extend_from_slice(text);
                for part in parts {
                    framed.extend_from_slice(&(part.len() as u64).to_be_bytes());
                    framed.extend_from_slice(part);
                }
                framed
            }
        }
    };
}

labels! {
    /// Genesis parameters; their digest is the chain id.
    Genesis = "genesis",
    /// A transaction's identity.
    Transaction = "transaction",
    /// Leaves of a block's transaction root.
    TransactionRoot = "transaction-root",
    /// A ledger entry's digest, the value in the authenticated state.
    Entry = "entry",
    /// AID: hash of an owner key.
    Aid = "aid",
    /// BID: hash of a withdrawal key.
    Bid = "bid",
    /// Identity of a member: issuer and subject id.
    Member = "member",
    /// A certificate's identity.
    Certificate = "certificate",
    /// Serial number of a certificate: hash of everything else in it.
    CertificateSerial = "certificate-serial",
    /// Digest of a committee, carried by headers.
    Committee = "committee",
    /// A header's digest, which is its block's digest.
    Header = "header",
    /// What validators' votes and certificates are bound to: the engine's namespace on one chain.
    Consensus = "consensus",
    /// What validators' connections are bound to: the network's namespace on one chain.
    Network = "network",
    /// Owner's signature over a `Create`.
    CreateByOwner = "sign/create/owner",
    /// Owner's signature over a `Grant`.
    GrantByOwner = "sign/grant/owner",
    /// Withdrawal key's signature over a `Grant`.
    GrantByWithdrawal = "sign/grant/withdrawal",
    /// Withdrawal key's signature over a `Withdraw`.
    Withdraw = "sign/withdraw",
    /// One-time ticket key's signature over a transaction.
    TicketSignature = "sign/ticket",
    /// Name under which a ticket counts as spent.
    TicketSpent = "ticket-spent",
    /// Message that the authority signs blindly: hash of the one-time key.
    TicketMessage = "ticket-message",
    /// Issuer's signature over a `Revoke`.
    Revoke = "sign/revoke",
    /// Validator's signature over a governance action.
    Governance = "sign/governance",
    /// Practitioner's signature over a record statement.
    RecordByAuthor = "sign/record/author",
    /// Owner's signature over a self-recorded record.
    RecordByOwner = "sign/record/owner",
    /// `oc`: commitment to owner key and salt in an offer.
    OwnerCommitment = "owner-commitment",
    /// Digest tree of a record's plaintext.
    RecordTree = "record-tree",
    /// `com`: which content an AID stands for.
    ContentCommitment = "content-commitment",
    /// `K` from `Z^r`.
    CapsuleKey = "kdf/capsule",
    /// AEAD key that wraps `DK`.
    WrapKey = "kdf/wrap",
    /// The part of `com` derived from `K`.
    CommitmentKey = "kdf/com",
    /// Stream AEAD key from `DK`.
    StreamKey = "kdf/stream",
    /// Key commitment in a stream's header.
    StreamCommitment = "kdf/stream-commitment",
    /// Delegatee's Schnorr proof of possession.
    DelegateePossession = "delegatee-possession",
    /// Nonce of that proof.
    DelegateePossessionNonce = "delegatee-possession/nonce",
    /// Delegator scalar `a` from keying material.
    DelegatorScalar = "scalar/delegator",
    /// Delegatee scalar `c` from keying material.
    DelegateeScalar = "scalar/delegatee",
    /// Blinding scalar `t` from keying material.
    BlindingScalar = "scalar/blinding",
    /// HPKE context of a message to a mailbox.
    MailboxSeal = "seal/mailbox",
    /// Identity of a mailbox: its owner's key.
    Mailbox = "mailbox",
    /// Identity of a message: its sealed bytes.
    MailboxMessage = "mailbox-message",
    /// Mailbox owner's request signature.
    MailboxRequest = "sign/mailbox",
    /// Receipt for a message handed out.
    MailboxReceipt = "sign/mailbox-receipt",
    /// Upload and pin requests signed by a key.
    ContentRequest = "sign/content",
    /// Which nodes are to hold an object: weight of a node for a root.
    ContentPlacement = "content-placement",
    /// A node's word on a pin that was paid for with it.
    ContentHold = "sign/content-hold",
    /// Requests and answers between nodes.
    NodeLink = "sign/node-link",
    /// Root of all wallet derivations.
    Wallet = "wallet",
    /// Wallet: owner key by index.
    WalletOwner = "wallet/owner",
    /// Wallet: salt by index.
    WalletSalt = "wallet/salt",
    /// Wallet: draft delegator key by index.
    WalletDraft = "wallet/draft",
    /// Wallet: record delegator key by index.
    WalletRecord = "wallet/record",
    /// Wallet: one-time mailbox by index.
    WalletMailbox = "wallet/mailbox",
    /// Wallet: withdrawal key by (record, grant).
    WalletWithdrawal = "wallet/withdrawal",
    /// Wallet: blinding `t` by (record, grant).
    WalletBlinding = "wallet/blinding",
    /// Wallet: one-time pin key by object.
    WalletPin = "wallet/pin",
    /// Wallet: name and write key of the backup.
    WalletBackup = "wallet/backup",
    /// Member: standing keys derived from a member's seed.
    MemberKeys = "member/keys",
    /// Device lock of a seed.
    DeviceLock = "device-lock",
    /// Enrolment code.
    Enrolment = "enrolment",
    /// What the authority keeps: sealed values, patients under a keyed hash.
    AuthorityStore = "kdf/authority-store",
    /// Requests to the authority, signed by a wallet or member.
    AuthorityRequest = "sign/authority",
    /// A node's word on who it is, over a client's nonce.
    NodeStatus = "sign/status",
    /// Backup object.
    Backup = "backup",
    /// Checksum of a text that people copy (offer cards).
    TextChecksum = "text-checksum",
    /// Patient's refusal of a draft, by the offer's mailbox key.
    Refusal = "sign/refusal",
    /// Reader's request to a patient, by its certified key.
    AccessRequest = "sign/access-request",
    /// Wallet state at rest.
    WalletState = "wallet/state",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_labels_share_a_text() {
        let texts: BTreeSet<_> = Label::ALL.iter().map(|label| label.text()).collect();
        assert_eq!(texts.len(), Label::ALL.len());
    }

    #[test]
    fn texts_are_short_printable_ascii() {
        for label in Label::ALL {
            let text = label.text();
            assert!(text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
        }
    }

    /// The texts themselves may begin each other ("wallet", "wallet/owner"); their frames never do.
    #[test]
    fn no_frame_begins_another() {
        let frames: Vec<_> = Label::ALL.iter().map(|label| label.frame(&[])).collect();
        for (i, a) in frames.iter().enumerate() {
            for (j, b) in frames.iter().enumerate() {
                assert!(i == j || !b.starts_with(a), "{:?} begins {:?}", Label::ALL[i], Label::ALL[j]);
            }
        }
    }

    #[test]
    fn framing_keeps_parts_apart() {
        let split: [&[&[u8]]; 5] = [&[], &[b""], &[b"ab"], &[b"a", b"b"], &[b"", b"ab"]];
        let frames: BTreeSet<_> = split.iter().map(|parts| Label::Genesis.frame(parts)).collect();
        assert_eq!(frames.len(), split.len());
    }
}
