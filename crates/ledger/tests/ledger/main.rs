//! The ledger as its hosts see it: every rule accepted and refused, attacks beside their controls, encodings, vectors.
#![allow(clippy::unwrap_used)]

mod attacks;
mod codec;
mod committee;
mod expiry;
mod genesis;
mod governance;
mod grants;
mod membership;
mod points;
mod properties;
mod records;
mod signers;
mod support;
mod tickets;
mod transition;
mod vectors;
