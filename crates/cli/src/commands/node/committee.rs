//! `node committee`: who validates, now and from the next change on.

use clap::Args;
use serde::Serialize;
use yilian_api::{
    encoding::to_hex,
    ledger::{CommitteeBody, CommitteeChange},
};
use yilian_authority::{Chain, http::now};
use yilian_ledger::{CommitteeEntry, Entry, Epoch, Name, ValidatorKey};

use crate::{
    args::Global,
    authority::transport,
    http::Http,
    network::Known,
    output::{self, Output},
    query,
    trust::Trust,
};

#[derive(Debug, Args)]
pub struct Committee {
    /// Base address of a node to ask [default: the network's nodes]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// What the state says, proved, and how far the chain is in its epoch, as a node says.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    committee: CommitteeBody,
    /// Votes that certify a block, and signatures that carry a change.
    quorum: usize,
}

pub async fn committee(args: Committee, global: &Global, output: Output) -> anyhow::Result<()> {
    let known = Known::read(&global.network)?;
    let urls = args.url.map_or_else(|| known.description.urls(), |url| vec![url]);
    let epoch_blocks = known.genesis.epoch_blocks;
    let trust = Trust::consortium(&known.genesis).with(&global.transport)?;
    let http = Http::new(&trust)?;
    let chain = transport::chain(&urls, known.genesis, &trust)?;
    let entry = entry(chain.as_ref()).await?;
    let told = told(&http, &urls).await?;
    let report = report(&entry, Epoch(told.epoch), told.last_height, epoch_blocks);
    output.result(&report, || table(&report))
}

/// The state's word, with its proof.
pub async fn entry(chain: &dyn Chain) -> anyhow::Result<CommitteeEntry> {
    match chain.entry(Name::committee(), now()).await? {
        Some(Entry::Committee(committee)) => Ok(committee),
        _ => anyhow::bail!("the ledger holds no committee"),
    }
}

/// The first node's word on the present epoch.
pub async fn told(http: &Http, urls: &[String]) -> anyhow::Result<CommitteeBody> {
    let mut last = anyhow::anyhow!("no node is known");
    for url in urls {
        match query::get(http, url, "/v1/committee").await {
            Ok(told) => return Ok(told),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn report(entry: &CommitteeEntry, epoch: Epoch, last_height: u64, epoch_blocks: u64) -> Report {
    let keys = |members: &[ValidatorKey]| members.iter().map(|key| to_hex(key)).collect();
    let present = entry.at(epoch);
    let next = entry.next.as_ref().filter(|change| change.epoch > epoch);
    let committee = CommitteeBody {
        epoch: epoch.0,
        epoch_blocks,
        last_height,
        sequence: entry.sequence,
        members: keys(present),
        next: next.map(|change| CommitteeChange { epoch: change.epoch.0, members: keys(&change.members) }),
    };
    Report { committee, quorum: quorum(present.len()) }
}

/// More than two thirds.
pub const fn quorum(members: usize) -> usize {
    members * 2 / 3 + 1
}

fn table(report: &Report) -> String {
    let Report { committee, quorum } = report;
    let next = committee.next.as_ref().map_or(&[][..], |change| &change.members);
    let mut keys: Vec<&String> = committee.members.iter().chain(next).collect();
    keys.sort_unstable();
    keys.dedup();
    let mark = |holds: bool| if holds { "validates".to_owned() } else { "–".to_owned() };
    let mut header = vec!["key".to_owned(), format!("epoch {}", committee.epoch)];
    header.extend(committee.next.iter().map(|change| format!("from epoch {}", change.epoch)));
    let rows = keys.iter().map(|key| {
        let mut row = vec![(*key).clone(), mark(committee.members.contains(key))];
        if committee.next.is_some() {
            row.push(mark(next.contains(key)));
        }
        row
    });
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    format!(
        "{}\n{} members, {quorum} are a quorum. The epoch ends with block {}; epochs have {} blocks. Changes so far: {}.",
        output::table(&header, rows),
        committee.members.len(),
        committee.last_height,
        committee.epoch_blocks,
        committee.sequence
    )
}

#[cfg(test)]
mod tests {
    use yilian_ledger::committee::Change;

    use super::*;

    #[test]
    fn a_change_that_has_begun_is_no_next_one() {
        let next = Some(Change { epoch: Epoch(4), members: vec![[1; 32], [2; 32]] });
        let entry = CommitteeEntry { sequence: 3, members: vec![[1; 32]], next };
        let before = report(&entry, Epoch(3), 15, 4);
        assert_eq!((before.committee.members.len(), before.quorum), (1, 1));
        assert!(before.committee.next.is_some() && table(&before).contains("from epoch 4"));
        let after = report(&entry, Epoch(4), 19, 4);
        assert_eq!((after.committee.members.len(), after.quorum), (2, 2));
        assert!(after.committee.next.is_none() && !table(&after).contains("from epoch"));
    }

    #[test]
    fn a_quorum_is_more_than_two_thirds() {
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(quorum), [1, 2, 3, 3, 4, 5, 5]);
    }
}
