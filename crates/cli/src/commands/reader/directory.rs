//! `reader directory`: institutions are downloaded whole, so that no node learns who is looked up; a practitioner comes
//! with its bucket.

use clap::Args;
use serde::Serialize;
use yilian_client::verified::directory::VerifiedMember;
use yilian_ledger::{Kind, member::MemberEntry, name::MemberId};

use crate::{
    args::Global,
    commands::{
        authority::role,
        hint,
        records::{display::plain, grant_member},
    },
    output::{self, Output},
    profile::{NativeClient, connect, faults},
};

#[derive(Debug, Args)]
pub struct Directory {
    /// Only names that contain this
    #[arg(long, value_name = "TEXT", conflicts_with = "member")]
    find: Option<String>,
    /// One member, institution or practitioner
    #[arg(long, value_name = "MEMBER", value_parser = grant_member)]
    member: Option<MemberId>,
}

#[derive(Serialize)]
struct Listed {
    member: String,
    name: String,
    institution: String,
    roles: Vec<&'static str>,
    certified_now: bool,
    /// Has what a grant needs.
    can_read: bool,
}

pub async fn directory(args: Directory, global: &Global, output: Output) -> anyhow::Result<()> {
    let client = connect(global)?;
    let listed = match args.member {
        Some(id) => client.find_member(id).await.map(|member| vec![listed(&member)]),
        None => institutions(&client, args.find.as_deref()).await,
    };
    faults(&client, output);
    let listed = listed.map_err(|error| hint::explain(&error))?;
    output.result(&listed, || {
        if listed.is_empty() {
            return "Nobody of that name.".into();
        }
        let row = |member: &Listed| {
            let certified = if member.certified_now { "yes" } else { "no" };
            [member.name.clone(), member.roles.join(", "), certified.to_owned(), member.member.clone()]
        };
        output::table(&["name", "roles", "certified now", "member id"], listed.iter().map(row))
    })
}

async fn institutions(
    client: &NativeClient,
    find: Option<&str>,
) -> Result<Vec<Listed>, yilian_client::ClientError> {
    let wanted = find.unwrap_or_default().to_lowercase();
    let named = |entry: &MemberEntry| {
        let name = entry.certificates.last().map(|c| c.certificate.contents().name.to_lowercase());
        name.is_some_and(|name| name.contains(&wanted))
    };
    let mut found = Vec::new();
    for entry in client.institutions().await?.iter().filter(|entry| named(entry)) {
        found.push(listed(&client.member(entry.id, Kind::Institution).await?));
    }
    Ok(found)
}

fn listed(member: &VerifiedMember) -> Listed {
    let roles = member.current().map(|certificate| certificate.contents().roles.clone()).unwrap_or_default();
    Listed {
        member: member.id().0.to_string(),
        name: plain(member.name()),
        institution: plain(member.institution()),
        roles: roles.into_iter().map(role::name).collect(),
        certified_now: member.current().is_some(),
        can_read: member.card().is_ok(),
    }
}
