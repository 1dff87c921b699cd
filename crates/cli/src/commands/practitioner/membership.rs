//! `practitioner init`, `apply`, `status`, `renew`: keys, the application, the certificate.

use clap::{Args, ValueEnum};
use serde::Serialize;
use yilian_api::{authority::ApplicationStatus, encoding::to_base64};
use yilian_client::{
    ClientError, MemberKeys,
    practitioner::{Wanted, application, application_status, apply as send},
    verified::directory::VerifiedMember,
};
use yilian_crypto::{
    certificate::{Certificate, Level},
    seed::{Seed, WORDS},
};
use yilian_ledger::name::MemberId;

use crate::{
    args::Global,
    commands::{
        authority::role::{self, RoleName},
        hint::{self, Explain as _},
        records::{display::plain, grant_member},
        wallet::show_words,
    },
    native::rng,
    network::description::Description,
    output::{self, Output},
    profile::{Identity, Kind, NewProfile, Pending, ProfileArgs, Staff, connect, prompt},
};

#[derive(Debug, Args)]
pub struct Init {
    /// Stable identity under the issuer: a registration number, for instance
    #[arg(long, value_name = "ID")]
    id: String,
    /// Name for people
    #[arg(long)]
    name: String,
    /// hospital, doctor, pharmacy, insurer, researcher, ...; may be given several times
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
    /// An institution is certified by the authority, a practitioner by its institution
    #[arg(long, value_enum, default_value = "institution")]
    level: MemberLevel,
    /// Member id of who certifies [default: the network's authority]
    #[arg(long, value_name = "MEMBER", value_parser = grant_member)]
    issuer: Option<MemberId>,
    /// GS1 company prefix of a maker
    #[arg(long, value_name = "DIGITS")]
    gtin_prefix: Vec<String>,
    /// From the 24 words of an earlier profile, typed or piped in
    #[arg(long)]
    restore: bool,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// Even though an application waits
    #[arg(long)]
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MemberLevel {
    Institution,
    Practitioner,
}

pub fn init(init: Init, args: &ProfileArgs, global: &Global, output: Output) -> anyhow::Result<()> {
    let client = connect(global)?;
    args.check_free().map_err(hint::profile)?;
    let identity = identity(&init, global)?;
    let seed = match init.restore {
        true => Seed::from_words(prompt::words(WORDS)?.expose()).map_err(hint::seed)?,
        false => Seed::generate(&mut rng()),
    };
    let password = args.new_password()?;
    let new =
        NewProfile::begin(args, Kind::Member, client.chain(), &seed, &password).map_err(hint::profile)?;
    identity.write(new.dir()).map_err(hint::profile)?;
    let dir = new.finish().map_err(hint::profile)?;
    let member = identity.member().map_err(hint::profile)?;
    let words = seed.words();
    if output.is_json() {
        let words: Vec<&str> = words.expose().split(' ').collect();
        let value = serde_json::json!({
            "profile": args.name().map_err(hint::profile)?, "folder": dir, "member": member.0.to_string(),
            "words": if init.restore { None } else { Some(words) },
        });
        return output.result(&value, String::new);
    }
    if !init.restore {
        output.note(
            "These words bring the keys back on another machine. Nobody can help you if they are lost.",
        );
        show_words(words.expose(), output)?;
    }
    let next = if init.restore { "status" } else { "apply" };
    output.note(format!("Member {}.\nNext: `yilian practitioner {next}{}`.", member.0, args.repeated()));
    Ok(())
}

fn identity(init: &Init, global: &Global) -> anyhow::Result<Identity> {
    let issuer = match (init.issuer, init.level) {
        (Some(issuer), _) => issuer.0.to_string(),
        (None, MemberLevel::Institution) => Description::read(&global.network)?.authority.member,
        (None, MemberLevel::Practitioner) => {
            return Err(crate::failure::usage("a practitioner names its institution with --issuer"));
        }
    };
    let mut roles: Vec<u8> = init.roles.iter().map(|role| role.0 as u8).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut gtin_prefixes = init.gtin_prefix.clone();
    gtin_prefixes.sort();
    gtin_prefixes.dedup();
    let level = match init.level {
        MemberLevel::Institution => Level::Institution,
        MemberLevel::Practitioner => Level::Practitioner,
    };
    let identity = Identity {
        level: level as u8,
        issuer,
        subject_id: init.id.clone(),
        name: init.name.clone(),
        roles,
        gtin_prefixes,
        generation: 0,
        certificate: None,
        pending: None,
    };
    identity.issuer().map_err(hint::profile)?;
    Ok(identity)
}

pub async fn apply(args: Apply, staff: &mut Staff) -> anyhow::Result<()> {
    if staff.identity.certificate.is_some() {
        return Err(hint::refused(
            "member.certified",
            "this profile has a certificate; `yilian practitioner renew` applies for the next one",
        ));
    }
    if staff.identity.pending.is_some() && !args.again {
        return Err(hint::refused(
            "application.waiting",
            "an application waits for the authority: `yilian practitioner status`, or --again for another one",
        ));
    }
    request(staff, 0).await
}

pub async fn renew(staff: &mut Staff) -> anyhow::Result<()> {
    let next = staff.member()?.keys.renewed().generation();
    request(staff, next).await
}

/// Sends the application for keys of a generation and remembers it.
async fn request(staff: &mut Staff, generation: u32) -> anyhow::Result<()> {
    let identity = &staff.identity;
    let roles = identity.roles();
    let wanted = Wanted {
        level: identity.level().map_err(hint::profile)?,
        issuer: identity.issuer().map_err(hint::profile)?,
        subject_id: &identity.subject_id,
        name: &identity.name,
        roles: &roles,
        gtin_prefixes: &identity.gtin_prefixes,
    };
    let keys = identity.keys(&staff.seed, generation);
    if wanted.level == Level::Practitioner {
        // The institution certifies; the application goes to it by hand.
        let application = application(staff.client.chain(), &keys, &wanted, &mut rng());
        staff.output.note(format!(
            "Give this to the institution: `yilian practitioner certify FILE`. Then `yilian practitioner status`.\n\
             The member id is {}.",
            identity.member().map_err(hint::profile)?.0
        ));
        return output::print(&serde_json::to_string_pretty(&application)?);
    }
    let status = send(&staff.client, &keys, &wanted, &mut rng()).await.explain()?;
    let id = match &status {
        ApplicationStatus::Waiting { id }
        | ApplicationStatus::Admitted { id, .. }
        | ApplicationStatus::Refused { id, .. } => id.clone(),
    };
    staff.identity.pending = Some(Pending { id: id.clone(), generation });
    staff.save_identity()?;
    staff.output.result(&status, || {
        format!("Application {id} is with the authority.\nWhen it has decided: `yilian practitioner status`.")
    })
}

#[derive(Serialize)]
struct Status {
    profile: String,
    member: String,
    name: String,
    level: &'static str,
    roles: Vec<&'static str>,
    /// `none`, `waiting`, `refused` or `certified`.
    application: String,
    /// Why the authority refused.
    reason: Option<String>,
    generation: u32,
    /// As the ledger has it now; `None`: not in the directory.
    certified_now: Option<bool>,
    institution: Option<String>,
    /// Unix seconds.
    valid_until: Option<u64>,
}

pub async fn status(staff: &mut Staff) -> anyhow::Result<()> {
    let (mut application, mut reason) = ("none", None);
    if let Some(pending) = staff.identity.pending.clone() {
        match application_status(&staff.client, &pending.id).await.explain()? {
            ApplicationStatus::Waiting { .. } => application = "waiting",
            ApplicationStatus::Refused { reason: why, .. } => {
                (application, reason) = ("refused", Some(plain(&why)));
                staff.identity.pending = None;
                staff.save_identity()?;
            }
            ApplicationStatus::Admitted { certificate, .. } => take_over(staff, &pending, &certificate)?,
        }
    }
    let known = on_the_ledger(staff).await?;
    let by_institution = staff.identity.level().map_err(hint::profile)? == Level::Practitioner;
    if let Some(known) = &known
        && (by_institution || staff.identity.certificate.is_none())
    {
        find_generation(staff, known)?;
    }
    if staff.identity.certificate.is_some() && application == "none" {
        application = "certified";
    }
    let status = describe(staff, application, reason, known.as_ref())?;
    staff.output.result(&status, || render(&status))
}

/// The authority's certificate, if it is for our keys.
fn take_over(staff: &mut Staff, pending: &Pending, certificate: &str) -> anyhow::Result<()> {
    let before = staff.identity.clone();
    staff.identity.certificate = Some(certificate.to_owned());
    (staff.identity.generation, staff.identity.pending) = (pending.generation, None);
    if let Err(error) = staff.identity.at_work(&staff.seed) {
        staff.identity = before;
        return Err(hint::refused(
            "member.keys",
            format!(
                "the authority gave a certificate that is not for this profile's keys ({error}); ask its operator"
            ),
        ));
    }
    staff.save_identity()
}

/// After `init --restore`, or where an institution certifies: which generation the newest certificate is of.
fn find_generation(staff: &mut Staff, known: &VerifiedMember) -> anyhow::Result<()> {
    let Some(certificate) = known.current() else { return Ok(()) };
    let ours = |generation: &u32| {
        let keys = MemberKeys::new(staff.seed.clone(), *generation);
        keys.signing().verifying_key() == certificate.contents().signing_key
    };
    if let Some(generation) = (0..yilian_client::member::MAX_GENERATIONS).find(ours) {
        staff.identity.certificate = Some(to_base64(certificate.der()));
        staff.identity.generation = generation;
        staff.save_identity()?;
    }
    Ok(())
}

async fn on_the_ledger(staff: &Staff) -> anyhow::Result<Option<VerifiedMember>> {
    let member = staff.identity.member().map_err(hint::profile)?;
    match staff.client.find_member(member).await {
        Ok(member) => Ok(Some(member)),
        Err(ClientError::UnknownMember(_)) => Ok(None),
        Err(other) => Err(hint::explain(&other)),
    }
}

fn describe(
    staff: &Staff,
    application: &str,
    reason: Option<String>,
    known: Option<&VerifiedMember>,
) -> anyhow::Result<Status> {
    let identity = &staff.identity;
    let certificate = identity.certificate().map_err(hint::profile)?;
    let level = match identity.level().map_err(hint::profile)? {
        Level::Practitioner => "practitioner",
        _ => "institution",
    };
    Ok(Status {
        profile: staff.profile.name().to_owned(),
        member: identity.member().map_err(hint::profile)?.0.to_string(),
        name: identity.name.clone(),
        level,
        roles: identity.roles().into_iter().map(role::name).collect(),
        application: application.to_owned(),
        reason,
        generation: identity.generation,
        certified_now: known.map(|member| member.current().is_some()),
        institution: known
            .filter(|member| member.entry().level == Level::Practitioner)
            .map(|member| plain(member.institution())),
        valid_until: certificate.as_ref().map(|certificate: &Certificate| certificate.contents().not_after),
    })
}

fn render(status: &Status) -> String {
    let ledger = match status.certified_now {
        Some(true) => "certified now, proved".to_owned(),
        Some(false) => "known, but not certified now".to_owned(),
        None => "not in the directory".to_owned(),
    };
    let application = match &status.reason {
        Some(reason) => format!("refused: {reason}"),
        None => status.application.clone(),
    };
    let rows = [
        ("member id", status.member.clone()),
        ("name", status.name.clone()),
        ("level", status.level.to_owned()),
        ("roles", status.roles.join(", ")),
        ("application", application),
        ("on the ledger", ledger),
        ("institution", status.institution.clone().unwrap_or_default()),
        (
            "certificate until",
            status.valid_until.map(|s| output::time(s.saturating_mul(1000))).unwrap_or_default(),
        ),
    ];
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
    output::table(&[&status.profile, ""], rows.map(|(name, value)| [name.to_owned(), value]))
}
