//! The reader's side: what was granted, opened with every check; asking for more.

mod inbox;
mod open;
mod request;

pub use inbox::{ReceivedGrant, inbox};
pub use open::{DossierRecord, GrantedRecord, open, open_dossier};
pub use request::request;
