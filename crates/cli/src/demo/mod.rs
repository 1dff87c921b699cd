//! The demonstration: the whole story on four validators, then the attacks, then a kill.

pub mod inputs;
pub mod story;
