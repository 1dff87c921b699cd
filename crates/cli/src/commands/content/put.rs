//! `content put` and `content release`: the operator's own files.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use yilian_node::operator::Put as Stored;

use super::Operator;
use crate::output::Output;

#[derive(Debug, Args)]
pub struct Put {
    /// The node's node.toml, or the folder it lies in
    #[arg(long, value_name = "FILE", env = "YILIAN_NODE")]
    config: PathBuf,

    /// What to store
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Release {
    /// The node's node.toml, or the folder it lies in
    #[arg(long, value_name = "FILE", env = "YILIAN_NODE")]
    config: PathBuf,

    /// Address of what was stored
    cid: String,
}

pub async fn put(args: Put, output: Output) -> anyhow::Result<()> {
    let operator = Operator::connect(&args.config)?;
    let file = tokio::fs::File::open(&args.file).await;
    let file = file.with_context(|| format!("cannot read {}", args.file.display()))?;
    let bytes = file.metadata().await?.len();
    let spinner = output.spinner("Storing");
    let stored: Stored = operator.ask(reqwest::Method::POST, "/content", file).await?;
    spinner.finish_and_clear();
    output.result(&json!({ "cid": stored.cid, "bytes": bytes }), || stored.cid.clone())
}

pub async fn release(args: Release, output: Output) -> anyhow::Result<()> {
    let operator = Operator::connect(&args.config)?;
    let path = format!("/content/{}", args.cid);
    operator.ask::<()>(reqwest::Method::DELETE, &path, "").await?;
    output.result(&json!({ "released": args.cid }), || {
        "Released. It goes after the grace time unless somebody else's pin holds it.".into()
    })
}
