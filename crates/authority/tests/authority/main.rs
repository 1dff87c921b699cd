//! The authority beside a real ledger: what it issues is admitted, what it signs is spent, what it may not do is refused.
#![allow(clippy::unwrap_used)]

mod admission;
mod enrolment;
mod http;
mod nodes;
mod scene;
mod schedule;
mod tickets;
