//! `content status`: what nodes keep, want and fetch.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use serde::Serialize;
use yilian_node::copies::status::{ContentStatus, PeerStatus};

use super::Operator;
use crate::{
    args::Global,
    commands::network_dir,
    network::{Description, Layout},
    output::{self, Output},
    query,
};

/// Errors shown of each node.
const ERRORS: usize = 5;

#[derive(Debug, Args)]
pub struct Status {
    /// A node's node.toml, or the folder it lies in; repeatable [default: the network's nodes on this machine]
    #[arg(long = "config", value_name = "FILE", env = "YILIAN_NODE")]
    configs: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Answer {
    folder: PathBuf,
    status: Option<ContentStatus>,
    error: Option<String>,
}

pub async fn status(args: Status, global: &Global, output: Output) -> anyhow::Result<()> {
    let folders = if args.configs.is_empty() { local(global)? } else { args.configs };
    let answers = futures::future::join_all(folders.into_iter().map(ask)).await;
    output.result(&answers, || text(&answers))?;
    let silent = answers.iter().filter(|answer| answer.status.is_none()).count();
    anyhow::ensure!(silent == 0, "{silent} of {} nodes do not answer", answers.len());
    let wanted: u64 = answers.iter().filter_map(|answer| answer.status.as_ref()).map(|s| s.wanted).sum();
    anyhow::ensure!(wanted == 0, "{wanted} objects that are to be kept are not there");
    Ok(())
}

/// Folders of the network's nodes on this machine.
fn local(global: &Global) -> anyhow::Result<Vec<PathBuf>> {
    let nodes = Description::read(&global.network)?.nodes.len();
    let layout = Layout::at(&network_dir(None, global));
    Ok((0..nodes).map(|index| layout.validator(index)).collect())
}

async fn ask(folder: PathBuf) -> Answer {
    let asked = async { Operator::connect(&folder)?.ask(reqwest::Method::GET, "/content/status", "").await };
    match asked.await {
        Ok(status) => Answer { folder, status: Some(status), error: None },
        Err(error) => Answer { folder, status: None, error: Some(format!("{error:#}")) },
    }
}

fn text(answers: &[Answer]) -> String {
    let header =
        ["node", "objects", "bytes", "wanted", "pins", "for others", "healed", "damaged", "disk free"];
    let mut text = output::table(&header, answers.iter().map(row));
    for answer in answers {
        match &answer.status {
            Some(status) => details(&mut text, answers.len() > 1, status),
            None => push(&mut text, format!("\n{}: {}", answer.folder.display(), error(answer))),
        }
    }
    text
}

fn error(answer: &Answer) -> &str {
    answer.error.as_deref().unwrap_or_default()
}

fn row(answer: &Answer) -> [String; 9] {
    let Some(status) = &answer.status else {
        let dash = || "–".to_owned();
        let folder = answer.folder.display().to_string();
        return [folder, "does not answer".into(), dash(), dash(), dash(), dash(), dash(), dash(), dash()];
    };
    let others: u64 = status.held_for.iter().map(|held| held.bytes).sum();
    [
        output::short(&status.node),
        status.objects.to_string(),
        output::bytes(status.bytes),
        status.wanted.to_string(),
        status.holds.to_string(),
        output::bytes(others),
        format!("{} ({})", status.healed_objects, output::bytes(status.healed_bytes)),
        status.found_damaged.to_string(),
        format!(
            "{} of which {} stay free",
            output::bytes(status.free_bytes),
            output::bytes(status.reserve_bytes)
        ),
    ]
}

/// Under way, peers and errors of one node.
fn details(text: &mut String, named: bool, status: &ContentStatus) {
    let mut lines = Vec::new();
    for healing in &status.healing {
        lines.push(format!("fetching {}: {} of {} leaves", healing.cid, healing.leaves_here, healing.leaves));
    }
    lines.extend(status.peers.iter().filter_map(|peer| trouble(peer, status.time)));
    for error in status.errors.iter().rev().take(ERRORS) {
        lines.push(format!("{}: {}", query::age(status.time.saturating_sub(error.time)), error.text));
    }
    if lines.is_empty() {
        return;
    }
    if named {
        push(text, format!("\nNode {}", output::short(&status.node)));
    }
    lines.into_iter().for_each(|line| push(text, format!("  {line}")));
}

fn trouble(peer: &PeerStatus, now: u64) -> Option<String> {
    let name = output::short(&peer.node);
    let record = &peer.record;
    if peer.url.is_none() {
        return Some(format!("peer {name} has no `api` in node.toml: nothing is exchanged with it"));
    }
    let error = record.last_error.as_ref()?;
    let lies = if record.lies > 0 { format!(", {} wrong answers", record.lies) } else { String::new() };
    let age = query::age(now.saturating_sub(error.time));
    Some(format!("peer {name} ({} failures in a row{lies}), {age}: {}", record.failures, error.text))
}

fn push(text: &mut String, line: String) {
    // A string takes everything.
    let _ = writeln!(text, "{line}");
}
