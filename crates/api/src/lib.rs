//! The HTTP interface in types: paths, bodies, problem details, stable error codes, and what requests sign.
//!
//! Shared by node, authority and clients, so that the two sides cannot drift. JSON bodies; binary fields are lower-case
//! hex when they are identifiers, keys or signatures (keys and signatures with their suite byte), base64url without
//! padding when they are messages or encodings of the ledger's codec. Times are Unix milliseconds.
//!
//! The feature `openapi` derives the schemas of the node's OpenAPI document; clients leave it out.

pub mod authority;
pub mod backup;
pub mod content;
pub mod encoding;
pub mod ledger;
pub mod link;
pub mod mailbox;
pub mod problem;
pub mod signing;
