//! The HTTP interface in types: paths, bodies, problem details, stable error codes.
//!
//! Shared by node, authority and clients, so that the two sides cannot drift. JSON bodies; binary fields are lower-case
//! hex when they are identifiers or keys, base64url without padding when they are encodings of the ledger's codec.

pub mod authority;
pub mod content;
pub mod ledger;
pub mod mailbox;
pub mod problem;
