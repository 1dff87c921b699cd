#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod answers;
mod certificates;
mod common;
mod encodings;
mod points;
mod trust;
