//! `authority apply`: an institution asks to be certified.

use std::path::{Path, PathBuf};

use clap::Args;
use yilian_api::{authority::ApplicationStatus, encoding::digest_from_hex};
use yilian_authority::keyfile;
use yilian_client::{
    MemberKeys,
    practitioner::{self, Wanted},
};
use yilian_crypto::{
    certificate::{Level, Role},
    password::Cost,
    seed::Seed,
};
use yilian_ledger::name::MemberId;

use super::role::RoleName;
use crate::{args::Global, client, native::rng, network::Description, output::Output, passphrase};

#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    key: Key,

    /// Stable identity under the authority: letters, digits and . _ : @ / -
    #[arg(long, value_name = "ID")]
    subject_id: String,

    /// Name for people
    #[arg(long, value_name = "NAME")]
    name: String,

    /// What the institution does; repeatable: hospital, pharmacy, insurer, researcher, maker, carrier, wholesaler, inspector
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,

    /// GS1 company prefix of a maker; repeatable
    #[arg(long = "gtin-prefix", value_name = "DIGITS")]
    gtin_prefixes: Vec<String>,
}

/// A member's key file.
#[derive(Debug, Args)]
pub struct Key {
    /// The institution's key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// How often the keys were renewed
    #[arg(long, value_name = "N", default_value_t = 0)]
    generation: u32,

    /// File with the key's passphrase [default: YILIAN_PASSPHRASE, else the keyboard]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Key {
    /// Opens the key file.
    pub fn open(&self) -> anyhow::Result<MemberKeys> {
        let passphrase = passphrase::obtain(self.passphrase_file.as_deref(), &prompt(&self.key))?;
        let seed = keyfile::open(&self.key, passphrase.expose())?;
        Ok(MemberKeys::new(Seed::from_bytes(seed), self.generation))
    }

    /// Opens the key file, or makes one.
    fn open_or_create(&self) -> anyhow::Result<MemberKeys> {
        if self.key.exists() {
            return self.open();
        }
        let passphrase = passphrase::obtain_new(self.passphrase_file.as_deref(), &prompt(&self.key))?;
        let seed = keyfile::create(&self.key, passphrase.expose(), Cost::DEFAULT)?;
        Ok(MemberKeys::new(Seed::from_bytes(seed), self.generation))
    }
}

fn prompt(path: &Path) -> String {
    format!("Passphrase of {}: ", path.display())
}

pub async fn apply(args: Apply, global: &Global, output: Output) -> anyhow::Result<()> {
    let issuer = issuer(global)?;
    let keys = args.key.open_or_create()?;
    let mut roles: Vec<Role> = args.roles.iter().map(|role| role.0).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut gtin_prefixes = args.gtin_prefixes;
    gtin_prefixes.sort_unstable();
    let wanted = Wanted {
        level: Level::Institution,
        issuer,
        subject_id: &args.subject_id,
        name: &args.name,
        roles: &roles,
        gtin_prefixes: &gtin_prefixes,
    };
    let status = practitioner::apply(&client::connect(global)?, &keys, &wanted, &mut rng()).await?;
    output.result(&status, || match &status {
        ApplicationStatus::Waiting { id } => {
            format!("Application {id} waits. The authority decides with `yilian authority admit {id}`.")
        }
        ApplicationStatus::Admitted { member, .. } => format!("Admitted: member {member}."),
        ApplicationStatus::Refused { reason, .. } => format!("Refused: {reason}"),
    })
}

/// The network's authority, as a member.
pub fn issuer(global: &Global) -> anyhow::Result<MemberId> {
    let description = Description::read(&global.network)?;
    let id = digest_from_hex(&description.authority.member);
    id.map(MemberId)
        .map_err(|error| anyhow::anyhow!("{}: authority.member: {error}", global.network.display()))
}
