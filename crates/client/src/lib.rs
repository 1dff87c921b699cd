//! The flows of the protocol for patient, practitioner and reader (spec W-*, R-*).
//!
//! No runtime, no I/O, no clock, no threads: a [`host::Host`] sends requests and tells the time, randomness is an
//! argument. The same code runs natively and in the browser. Whatever is acted on was verified: state under finalized
//! headers, content by its address, people by the directory at the ledger's time.
//!
//! Begin with [`Client::connect`]; then [`patient`], [`practitioner`] and [`reader`] hold one function a step.

pub mod client;
mod code;
pub mod content;
pub mod error;
pub mod host;
mod http;
mod mailbox;
pub mod member;
pub mod message;
pub mod offer;
pub mod opened;
pub mod patient;
mod payment;
pub mod practitioner;
pub mod reader;
pub mod record;
mod trust;
pub mod verified;
pub mod wallet;
pub mod wire;

pub use client::{Client, Network};
pub use error::{ClientError, Lie, NodeFault, Report};
pub use host::{Host, Method, NodeUrl, Request, Response, TransportError};
pub use member::{Member, MemberKeys};
pub use offer::OfferCard;
pub use wallet::{Store, StoreError, Wallet};
