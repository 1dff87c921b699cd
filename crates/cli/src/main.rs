//! The command `yilian`.

mod demo;
mod http;
mod output;

fn main() {}
