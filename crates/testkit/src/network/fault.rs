//! How a node can be told to misbehave.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Does not answer.
    Silent,
    /// Answers about the state as it is when this is set, again and again.
    Frozen,
    /// Gives a newer time than the committee certified.
    ForgedHeader,
    /// A header of the day after tomorrow.
    FutureHeader,
    /// Headers certified by a committee of its own.
    ForeignCommittee,
    /// Leaves an entry out of every bucket.
    HidesEntries,
    /// Alters an entry of every bucket.
    AltersEntries,
    /// A bucket without the proof's digests.
    NoProof,
    /// Flips a bit of every content block.
    FlipsContent,
    /// Gives another block of its store in place of the one asked for.
    SwapsContent,
    /// Knows no content.
    LosesContent,
    /// Says that a transaction was applied and throws it away.
    SwallowsTransactions,
    /// Takes transactions and keeps them to itself.
    WithholdsTransactions,
    /// Says that a transaction failed, and keeps it for later.
    DeniesTransactions,
    /// Forgets what it was given of backups but the first.
    OldBackups,
    /// Hands out messages with a flipped bit.
    FlipsMessages,
    /// Claims to be a validator that nobody knows.
    Impostor,
    /// Claims to be another validator of the committee.
    Masquerades,
    /// Tells who it is with a signature of yesterday.
    ReplaysIdentity,
    /// Tells who it is and signs nothing.
    SignsNothing,
}
