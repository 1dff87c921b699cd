//! Mailboxes, payments, backups, the approval policy and a node's directory, on the state of a world without consensus.
#![allow(clippy::unwrap_used)]

mod backups;
mod directory;
mod mailboxes;
mod payments;
mod policy;
mod support;
