//! `yilian practitioner`: a certified member, from the application to the records it writes.

mod counter;
mod institution;
mod membership;
mod write;

pub(super) use write::OfferArgs;

use clap::{Args as Arguments, Subcommand};

use crate::{
    args::Global,
    output::Output,
    profile::{ProfileArgs, Staff},
};

const EXAMPLES: &str = "\
Examples:
  yilian practitioner init --profile bob --id bob --name \"Dr. Bob\" --role doctor
  yilian practitioner apply --profile bob
  yilian practitioner status --profile bob           after the authority decided
  yilian practitioner write --profile bob --offer YILIAN1:... --bundle visit.json --attach scan.dcm
  yilian practitioner enrol-patient --profile hospital 4711

A practitioner certified by its own institution:
  yilian practitioner init --profile eve --id eve --name \"Dr. Eve\" --role doctor --level practitioner --issuer MEMBER
  yilian practitioner apply --profile eve > eve.json
  yilian practitioner certify --profile hospital eve.json

The profile also reads what is granted to it: see `yilian reader`.";

#[derive(Debug, Arguments)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    profile: ProfileArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a member's profile and its keys; tells nobody
    Init(membership::Init),
    /// Apply for a certificate: an institution to the authority; a practitioner's application is printed for its institution
    Apply(membership::Apply),
    /// Take over the certificate when it is there; show the member as the ledger knows it
    Status,
    /// Apply for the next certificate, with new keys; the old ones stay readable
    Renew,
    /// Write a record for the patient who made an offer
    Write(write::Write),
    /// As an institution: certify a practitioner who applied
    Certify(institution::Certify),
    /// As an institution: certify a server of its own for TLS
    CertifyServer(institution::CertifyServer),
    /// As an institution: revoke a practitioner
    Expel(institution::Expel),
    /// Read refusals of records that were written
    Refusals,
    /// At the counter: a one-time code for a person whose identity was checked here
    EnrolPatient {
        /// The institution's own number for the person; it never reaches the chain
        patient: String,
    },
}

pub async fn run(args: Args, global: &Global, output: Output) -> anyhow::Result<()> {
    let Args { profile, command } = args;
    match command {
        Command::Init(init) => return membership::init(init, &profile, global, output),
        Command::Write(write) => return write::write(write, &profile, global, output).await,
        _ => {}
    }
    let staff = &mut Staff::open(&profile, global, output)?;
    match command {
        Command::Apply(apply) => membership::apply(apply, staff).await,
        Command::Status => membership::status(staff).await,
        Command::Renew => membership::renew(staff).await,
        Command::Certify(certify) => institution::certify(certify, staff).await,
        Command::CertifyServer(certify) => institution::certify_server(certify, staff).await,
        Command::Expel(expel) => institution::expel(expel, staff).await,
        Command::Refusals => write::refusals(staff).await,
        Command::EnrolPatient { patient } => counter::enrol(&patient, staff).await,
        Command::Init(_) | Command::Write(_) => Ok(()),
    }
}
