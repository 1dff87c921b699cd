//! `authority members`: the directory, verified under a finalized header.

use clap::Args;
use serde::Serialize;
use yilian_api::encoding::to_hex;
use yilian_ledger::{Entry, Kind, Time, member::MemberEntry};

use super::role;
use crate::{
    args::Global,
    client,
    output::{self, Output},
};

#[derive(Debug, Args)]
pub struct Members {
    /// Those that were expelled or whose certificates ended, too
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    level: &'static str,
    member: String,
    name: String,
    roles: Vec<&'static str>,
    /// Id of the newest certificate, hex.
    certificate: Option<String>,
    /// Unix seconds.
    until: Option<u64>,
    state: &'static str,
}

pub async fn members(args: Members, global: &Global, output: Output) -> anyhow::Result<()> {
    let client = client::connect(global)?;
    let mut rows = Vec::new();
    for kind in [Kind::Root, Kind::Intermediate, Kind::Institution] {
        let view = client.whole(kind).await?;
        let members = view.entries().filter_map(|(_, entry)| match entry {
            Entry::Member(member) => Some(row(kind, member, view.time())),
            _ => None,
        });
        rows.extend(members.filter(|row| args.all || row.state == "certified"));
    }
    output.result(&rows, || {
        let lines = rows.iter().map(|row| {
            let until = row.until.map_or_else(|| "–".into(), |seconds| output::time(seconds * 1000));
            [
                row.level.into(),
                row.member.clone(),
                row.name.clone(),
                row.roles.join(", "),
                until,
                row.state.into(),
            ]
        });
        output::table(&["level", "member", "name", "roles", "until", "state"], lines)
    })
}

fn row(kind: Kind, member: &MemberEntry, now: Time) -> Row {
    let newest = member.certificates.last().map(|certified| &certified.certificate);
    let contents = newest.map(|certificate| certificate.contents());
    Row {
        level: level(kind),
        member: to_hex(&member.id.0.0),
        name: contents.map(|c| c.name.clone()).unwrap_or_default(),
        roles: contents.iter().flat_map(|c| c.roles.iter().map(|role| role::name(*role))).collect(),
        certificate: newest.map(|certificate| certificate.id().to_string()),
        until: contents.map(|c| c.not_after),
        state: match (member.revoked_by(now), member.certified_at(now)) {
            (true, _) => "expelled",
            (false, Some(_)) => "certified",
            (false, None) => "ended",
        },
    }
}

const fn level(kind: Kind) -> &'static str {
    match kind {
        Kind::Root => "root",
        Kind::Intermediate => "intermediate",
        _ => "institution",
    }
}
