//! The command `yilian`.

mod demo;
mod http;
mod native;
mod output;

fn main() {}
