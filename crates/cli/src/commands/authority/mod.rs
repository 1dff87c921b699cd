//! `yilian authority`: certificates, enrolment, tickets.

mod apply;
mod decide;
mod enrol;
mod genesis;
mod init;
mod members;
pub(super) mod role;
mod serve;
pub mod tls;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    args::Global,
    authority::{folder::Folder, operator::Operator},
    output::Output,
};

const INIT_EXAMPLES: &str = "\
Examples:
  yilian authority init --dir authority --name 'Zhejiang Health Commission' --node http://203.0.113.5:8080
  yilian authority genesis --config authority --name zhejiang --validator 1f…c0 --validator 77…21

Makes a root and, below it, the intermediate that certifies institutions. Move root.key to a medium that is kept offline: \
only renewing the intermediate needs it.";

const ADMIT_EXAMPLES: &str = "\
Examples:
  yilian authority applications
  yilian authority admit 9c…4e --days 365
  yilian authority admit --all

Check who applies before you admit: a certificate says to everybody that you did.";

const APPLY_EXAMPLES: &str = "\
Examples:
  yilian authority apply --key hospital.key --subject-id hospital-1 --name 'Hospital One' --role hospital
  yilian authority apply --key maker.key --subject-id maker-1 --name 'Maker' --role maker --gtin-prefix 6901234

The key file is made if absent: one seed, locked with a passphrase, from which all of the institution's keys follow.";

const ENROL_EXAMPLES: &str = "\
Examples:
  yilian authority enrol 'MRN-00017' --key hospital.key --subject-id hospital-1

Prints a code for the patient's wallet, good once. Check the person's identity first.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an authority's folder: root, intermediate, store, settings
    #[command(after_long_help = INIT_EXAMPLES)]
    Init(init::Init),

    /// Write a chain's genesis with this authority's root and first ticket keys
    Genesis(genesis::GenesisArgs),

    /// Run the authority's service
    Serve(serve::Serve),

    /// List the applications that wait for a decision
    Applications(Operated),

    /// Certify applicants; the ledger takes them in
    #[command(after_long_help = ADMIT_EXAMPLES)]
    Admit(decide::Admit),

    /// Refuse an application
    Refuse(decide::Refuse),

    /// Expel an institution, or end one of its certificates
    Revoke(decide::Revoke),

    /// Show the ticket keys of the present and the coming periods
    Tickets(Operated),

    /// List certified members, verified
    Members(members::Members),

    /// Certificates for servers: validators', and the authority's own
    Tls(tls::Tls),

    /// Apply for an institution's certificate, as that institution
    #[command(after_long_help = APPLY_EXAMPLES)]
    Apply(apply::Apply),

    /// Get an enrolment code for a patient, as a hospital
    #[command(after_long_help = ENROL_EXAMPLES)]
    Enrol(enrol::Enrol),
}

/// Which authority is operated.
#[derive(Debug, Args)]
pub struct Operated {
    /// The authority's authority.toml, or its folder [default: the local network's authority]
    #[arg(long, value_name = "FILE", env = "YILIAN_AUTHORITY")]
    config: Option<PathBuf>,
}

impl Operated {
    fn folder(&self, global: &Global) -> Folder {
        match &self.config {
            Some(config) => Folder::at(config),
            None => Folder::at(&super::network_dir(None, global).join("authority")),
        }
    }

    fn operator(&self, global: &Global) -> anyhow::Result<Operator> {
        Operator::connect(&self.folder(global).socket())
    }
}

pub async fn run(command: Command, global: &Global, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Init(args) => init::init(args, output),
        Command::Genesis(args) => genesis::genesis(args, global, output),
        Command::Serve(args) => serve::serve(args, global).await,
        Command::Applications(args) => decide::applications(args, global, output).await,
        Command::Admit(args) => decide::admit(args, global, output).await,
        Command::Refuse(args) => decide::refuse(args, global, output).await,
        Command::Revoke(args) => decide::revoke(args, global, output).await,
        Command::Tickets(args) => decide::tickets(args, global, output).await,
        Command::Members(args) => members::members(args, global, output).await,
        Command::Tls(args) => tls::run(args, global, output),
        Command::Apply(args) => apply::apply(args, global, output).await,
        Command::Enrol(args) => enrol::enrol(args, global, output).await,
    }
}
