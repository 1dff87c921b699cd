//! Why a transaction is refused: one variant a rule, stable codes for the API.

/// Stable, machine-readable: `"ticket.spent"`, `"record.exists"`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

/// One variant per rejected condition (to be completed by the owner of this crate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a record with this AID exists already")]
    RecordExists,
}

impl Refusal {
    pub fn code(&self) -> Code {
        todo!()
    }
    pub fn from_code(_code: &str) -> Option<Self> {
        todo!()
    }
}
