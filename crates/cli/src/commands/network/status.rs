//! `network status`: every process, what it says of itself, and the memory it holds.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use yilian_api::{authority::AuthorityInfo, ledger::NodeStatus};

use crate::{
    args::DESCRIPTION,
    http::Http,
    network::{
        Known, RunFile,
        lock::{self, Holder},
        validator_name,
    },
    output::{self, Output},
    query,
    trust::Trust,
};

#[derive(Debug, Serialize)]
struct Report {
    chain: String,
    /// Whether a supervisor runs here.
    running: bool,
    nodes: Vec<Node>,
    authority: Authority,
}

#[derive(Debug, Serialize)]
struct Node {
    name: String,
    url: String,
    status: Option<NodeStatus>,
    /// Of the newest block, ms.
    age_ms: Option<u64>,
    memory: Option<u64>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Authority {
    url: String,
    info: Option<AuthorityInfo>,
    memory: Option<u64>,
    error: Option<String>,
}

pub async fn status(dir: &Path, output: Output) -> anyhow::Result<()> {
    let Known { description, genesis } = Known::read(&dir.join(DESCRIPTION))?;
    let http = Http::new(&Trust::consortium(&genesis))?;
    let running = lock::holder(dir)? != Holder::Nobody;
    let run = if running { RunFile::read(dir)?.unwrap_or_default() } else { RunFile::default() };
    let (http, run) = (&http, &run);
    let asked = description.nodes.iter().enumerate().map(|(index, described)| async move {
        let asked = query::get(http, &described.url, "/v1/status").await;
        node(validator_name(index), &described.url, asked, run)
    });
    let nodes: Vec<Node> = futures::future::join_all(asked).await;
    let url = description.authority.url.clone();
    let (info, error) = split(query::get(http, &url, "/v1/authority").await);
    let authority = Authority { url, info, memory: run.memory("authority"), error };
    let report = Report { chain: description.chain, running, nodes, authority };
    output.result(&report, || table(&report))?;
    verdict(&report, dir)
}

fn node(name: String, url: &str, asked: anyhow::Result<NodeStatus>, run: &RunFile) -> Node {
    let (status, error) = split(asked);
    let age_ms = status.as_ref().map(|status| query::now_ms().saturating_sub(status.time));
    Node { memory: run.memory(&name), name, url: url.to_owned(), status, age_ms, error }
}

fn split<T>(asked: anyhow::Result<T>) -> (Option<T>, Option<String>) {
    match asked {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    }
}

fn table(report: &Report) -> String {
    let memory = |bytes: Option<u64>| bytes.map_or_else(|| "–".into(), output::bytes);
    let mut rows: Vec<[String; 8]> = Vec::new();
    for node in &report.nodes {
        let told = |tell: fn(&NodeStatus) -> String| node.status.as_ref().map_or_else(|| "–".into(), tell);
        rows.push([
            node.name.clone(),
            node.url.clone(),
            told(|status| status.height.to_string()),
            node.age_ms.map_or_else(|| "does not answer".into(), query::age),
            told(|status| status.pool.to_string()),
            told(|status| status.peers.to_string()),
            told(|status| format!("{} / {}", status.records, status.grants)),
            memory(node.memory),
        ]);
    }
    let authority = &report.authority;
    let answers = if authority.info.is_some() { "serves" } else { "does not answer" };
    let dash = || "–".to_owned();
    rows.push([
        "authority".into(),
        authority.url.clone(),
        dash(),
        answers.into(),
        dash(),
        dash(),
        dash(),
        memory(authority.memory),
    ]);
    let header = ["process", "URL", "height", "newest block", "pool", "peers", "records / grants", "memory"];
    format!("{}\nChain {}\n", output::table(&header, rows), report.chain)
}

/// Fails when something does not serve.
fn verdict(report: &Report, dir: &Path) -> anyhow::Result<()> {
    let down = report.nodes.iter().filter(|node| node.status.is_none()).count()
        + usize::from(report.authority.info.is_none());
    let all = report.nodes.len() + 1;
    match (down, report.running) {
        (0, _) => Ok(()),
        (down, false) if down == all => {
            Err(anyhow::anyhow!("no network runs in {}; `yilian network up` starts it", dir.display()))
        }
        (down, _) => Err(anyhow::anyhow!("{down} of {all} processes do not serve"))
            .with_context(|| format!("see the logs in {}", dir.join("logs").display())),
    }
}
