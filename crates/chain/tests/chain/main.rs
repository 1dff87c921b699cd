#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;
mod crash;
mod epochs;
mod refusals;
mod validators;
