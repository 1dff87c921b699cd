//! Outgoing calls: the one thing the host plugs in.

use std::{future::Future, pin::Pin};

/// Most bytes of an answer that a transport should take in.
pub const MAX_ANSWER: usize = 4 << 20;

/// A boxed future that may move between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: Method,
    pub url: String,
    /// Empty without a body.
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// Any answer, errors of the server included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// No answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer: {0}")]
pub struct NoAnswer(pub String);

/// One HTTP exchange, with a time-out of its own and at most `MAX_ANSWER` bytes.
pub trait Transport: Send + Sync + 'static {
    fn send(&self, call: Call) -> Pending<'_, Result<Answer, NoAnswer>>;
}
