//! `practitioner certify` and `expel`: an institution answers for its practitioners, without asking the authority.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use yilian_api::authority::Application;
use yilian_authority::{Issuer, Validity};
use yilian_crypto::certificate::Level;
use yilian_ledger::{Entry, Kind, name::MemberId};

use crate::{
    commands::{
        authority::tls::{Life, issued},
        hint::{self, Explain as _},
        records::grant_member,
    },
    output,
    profile::Staff,
    server_certificate as server,
};

/// Longest application read, bytes.
const MAX_APPLICATION: u64 = 64 << 10;
const DAY: u64 = 24 * 3600;

#[derive(Debug, Args)]
pub struct Certify {
    /// The practitioner's application: what `yilian practitioner apply` printed
    #[arg(value_name = "FILE")]
    application: PathBuf,

    /// How long the certificate holds, at most as long as the institution's own
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Debug, Args)]
pub struct CertifyServer {
    /// The server's request: what `yilian node tls request` wrote, or another PKCS#10 request in PEM
    #[arg(value_name = "FILE")]
    request: PathBuf,

    /// Where the certificate is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    life: Life,
}

#[derive(Debug, Args)]
pub struct Expel {
    /// Member id of the practitioner. It is final
    #[arg(value_name = "MEMBER", value_parser = grant_member)]
    member: MemberId,
}

/// Certifies an applicant and brings the certificate to the ledger.
pub async fn certify(args: Certify, staff: &Staff) -> anyhow::Result<()> {
    let application = read(&args.application)?;
    let issuer = issuer(staff)?;
    let now = staff.client.now().0 / 1000;
    let bounds = issuer.certificate().contents();
    let validity = Validity {
        not_before: now.saturating_sub(3600).max(bounds.not_before),
        not_after: (now + u64::from(args.days) * DAY).min(bounds.not_after),
    };
    let (certificate, transaction) = issuer.admit(&application, staff.client.chain(), validity)?;
    let id = MemberId::of(Some(issuer.id()), &application.subject_id);
    let admitted = |entry: &Entry| match entry {
        Entry::Member(member) => member.certificate(&certificate.id()).is_some(),
        _ => false,
    };
    staff.client.apply(&transaction, &id.name(Kind::Practitioner), admitted).await.explain()?;
    let until = validity.not_after;
    let value = serde_json::json!({ "member": id.0.to_string(), "valid_until": until });
    staff.output.result(&value, || {
        format!("Member {} is certified until {}, proved.", id.0, output::time(until.saturating_mul(1000)))
    })
}

/// Certifies a server of this institution for TLS; the ledger has no part in it.
pub async fn certify_server(args: CertifyServer, staff: &Staff) -> anyhow::Result<()> {
    let request = server::read_request(&args.request)?;
    let issuer = issuer(staff)?;
    let member = staff.client.member(issuer.id(), Kind::Institution).await.explain()?;
    let above = member.above().first().and_then(|authority| authority.certified_at(member.time()));
    let above = above.context("the authority above this institution is not certified now")?;
    let (chain, until) = server::certify(&issuer, &[above.der()], &request, args.life.days)?;
    server::publish(&args.out, chain.as_bytes())?;
    issued(&args.out, request.hosts(), until, staff.output)
}

/// Revokes a practitioner of this institution.
pub async fn expel(args: Expel, staff: &Staff) -> anyhow::Result<()> {
    let transaction = issuer(staff)?.revoke(staff.client.chain(), Level::Practitioner, args.member, None)?;
    let revoked = |entry: &Entry| matches!(entry, Entry::Member(member) if member.revoked.is_some());
    let name = args.member.name(Kind::Practitioner);
    staff.client.apply(&transaction, &name, revoked).await.explain()?;
    let value = serde_json::json!({ "member": args.member.0.to_string(), "revoked": true });
    staff.output.result(&value, || {
        "Revoked. What was written and accepted before stays certified; nothing new counts.".into()
    })
}

/// The institution as an issuer.
fn issuer(staff: &Staff) -> anyhow::Result<Issuer> {
    let member = staff.member()?;
    if member.certificate.contents().level != Level::Institution {
        return Err(hint::refused("member.level", "only an institution certifies practitioners"));
    }
    let above = staff.identity.issuer().map_err(hint::profile)?;
    Ok(Issuer::new(Some(above), member.certificate.der(), member.keys.signing())?)
}

fn read(path: &Path) -> anyhow::Result<Application> {
    let file = File::open(path).map_err(|error| hint::file(path, &error))?;
    let mut text = String::new();
    file.take(MAX_APPLICATION).read_to_string(&mut text).map_err(|error| hint::file(path, &error))?;
    serde_json::from_str(&text).with_context(|| {
        format!("{} is no application; `yilian practitioner apply` prints one", path.display())
    })
}
