//! `yilian records`: a patient's records, from the offer to the access log.

pub(super) mod display;
pub(super) mod files;
mod grant;
mod import;
mod inbox;
mod list;
mod offer;
mod pin;
mod show;

pub(super) use grant::{expiry_class, member as grant_member};

use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};
use yilian_client::wallet::index::{GrantIndex, RecordIndex};

use crate::{
    args::Global,
    output::Output,
    profile::{Patient, ProfileArgs},
};

const EXAMPLES: &str = "\
Examples:
  yilian records offer --note \"visit on Monday\"     a code for the doctor's screen
  yilian records inbox                               what came
  yilian records accept 0                            take it over
  yilian records show 0 --attachment 1 --out scan.dcm
  yilian records grant 0 --to MEMBER --for 30        to one reader, for 30 periods
  yilian records withdraw 0 0                        grant 0 of record 0
  yilian records import history/                     a folder of FHIR Bundles

Records are numbered as `yilian records list` shows; those of another device as lane/number, such as 1/3.";

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
    /// Show a code with which somebody can write one record for you
    Offer(offer::Offer),
    /// Give up an offer that nobody is going to use
    Abandon {
        /// Number of the offer, as `yilian records list` shows it
        record: RecordIndex,
    },
    /// Look for drafts and requests that came
    Inbox,
    /// Look at a draft before accepting it
    View(inbox::View),
    /// Accept a draft: from then on the record is yours
    Accept(inbox::Accept),
    /// Refuse a draft and tell its author why
    Refuse(inbox::Refuse),
    /// List records and offers
    List,
    /// Put a note of your own on a record
    Note {
        /// Number of the record, as `yilian records list` shows it
        record: RecordIndex,
        /// The note; an empty one removes what is there
        text: String,
    },
    /// Read a record, with every check
    Show(show::Show),
    /// Write a record's FHIR Bundle to a file, byte for byte as it was signed
    Export(show::Export),
    /// Take over FHIR Bundles as records of your own
    Import { paths: Vec<PathBuf> },
    /// Make a record of your own from files
    Attach(import::Attach),
    /// Let one reader read a record for a time
    Grant(grant::Grant),
    /// Put several records into one, so that one grant opens them all
    Dossier(grant::NewDossier),
    /// End a grant
    Withdraw {
        /// Number of the record, as `yilian records list` shows it
        record: RecordIndex,
        /// Number of the grant, as `yilian records grants` shows it
        grant: GrantIndex,
    },
    /// List grants as this device knows them
    Grants,
    /// List grants with who fetched them first, and when
    Log,
    /// Send what waits for its random delay; settle what broke off
    Deliver,
    /// Keep the attachments of accepted records: best some hours after accepting, so that their author sees no connection
    Pin,
}

pub async fn run(args: Args, global: &Global, output: Output) -> anyhow::Result<()> {
    let Args { profile, command } = args;
    // What can be refused without a password is refused first.
    let command = match command {
        Command::Import { paths } => return import::import(paths, &profile, global, output).await,
        Command::Attach(attach) => return import::attach(attach, &profile, global, output).await,
        other => other,
    };
    let patient = &mut Patient::open(&profile, global, output)?;
    match command {
        Command::Offer(offer) => offer::offer(offer, patient).await,
        Command::Abandon { record } => offer::abandon(record, patient).await,
        Command::Inbox => inbox::list(patient).await,
        Command::View(view) => inbox::view(view, patient).await,
        Command::Accept(accept) => inbox::accept(accept, patient).await,
        Command::Refuse(refuse) => inbox::refuse(refuse, patient).await,
        Command::List => list::list(patient),
        Command::Note { record, text } => list::note(record, &text, patient).await,
        Command::Show(show) => show::show(show, patient).await,
        Command::Export(export) => show::export(export, patient).await,
        Command::Grant(grant) => grant::grant(grant, patient).await,
        Command::Dossier(dossier) => grant::dossier(dossier, patient).await,
        Command::Withdraw { record, grant } => grant::withdraw(record, grant, patient).await,
        Command::Grants => grant::list(patient),
        Command::Log => grant::log(patient).await,
        Command::Deliver => grant::deliver(patient).await,
        Command::Pin => pin::pin(patient).await,
        Command::Import { .. } | Command::Attach(_) => Ok(()),
    }
}
