//! Mailboxes, payments, backups and the approval policy, on the state of a world without consensus.
#![allow(clippy::unwrap_used)]

mod backups;
mod mailboxes;
mod payments;
mod policy;
mod support;
