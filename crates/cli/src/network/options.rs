//! What a new local network is like.

use std::path::PathBuf;

use yilian_ledger::{Parameters, genesis::EPOCH_BLOCKS};

use super::ports::{DEFAULT_BASE, MAX_VALIDATORS};

#[derive(Clone, Debug)]
pub struct Options {
    /// Everything lies below; must not exist, or be empty.
    pub dir: PathBuf,
    /// Name for people.
    pub name: String,
    pub validators: usize,
    pub ports: PortChoice,
    pub parameters: Parameters,
    pub epoch_blocks: u64,
    /// Tickets of a wallet per period and class; the authority's default if none is given.
    pub tickets_per_period: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortChoice {
    /// The authority here, the validators behind it.
    Base(u16),
    /// Any that are free, chosen when the network is created.
    Any,
}

impl Options {
    /// Four validators, the ledger's default parameters.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            name: "yilian-local".into(),
            validators: 4,
            ports: PortChoice::Base(DEFAULT_BASE),
            parameters: Parameters::default(),
            epoch_blocks: EPOCH_BLOCKS,
            tickets_per_period: None,
        }
    }

    /// What is wrong, for people.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MAX_VALIDATORS).contains(&self.validators) {
            return Err(format!("a local network has 1 to {MAX_VALIDATORS} validators"));
        }
        self.parameters.validate().map_err(|_| {
            "a parameter is out of bounds: a period lasts 1 second to 31 days, expiry classes ascend from 1 to 3650 \
             periods, an idle block comes after 0.1 to 60 seconds"
                .to_owned()
        })
    }
}
