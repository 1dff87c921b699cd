//! The ledger as its hosts see it: every rule accepted and refused, attacks beside their controls, encodings, vectors.
#![allow(clippy::unwrap_used)]

mod grants;
mod records;
mod support;
