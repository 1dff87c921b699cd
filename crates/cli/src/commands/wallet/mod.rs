//! `yilian wallet`: the seed, its words, the device, tickets, backups.

mod create;
mod restore;
mod status;

use clap::{Args as Arguments, Subcommand};
use serde::Serialize;
use yilian_client::patient::{
    backup, enrol,
    tickets::{self, Supply},
};

use super::hint::{self, Explain as _};
use crate::{
    args::Global,
    native::rng,
    output::Output,
    profile::{Kind, Patient, Profile, ProfileArgs, prompt},
};

const EXAMPLES: &str = "\
Examples:
  yilian wallet create                         a wallet, its 24 words shown once
  yilian wallet enrol ABCD-EFGH-JKLM           with the code from an institution's counter
  yilian wallet restore --profile phone        on a new device, from the words
  yilian wallet backup                         what the chain does not know; from a timer, not right after a grant

The password is asked for, or read from --password-file or YILIAN_PASSWORD.";

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
    /// Make a wallet and show its 24 words, once
    Create(create::Create),
    /// Bring a wallet back from its 24 words, typed or piped in
    Restore,
    /// Look again on the chain and in the backups for everything of this wallet
    Scan,
    /// Show the 24 words again
    Words,
    /// Show what this wallet holds on this device
    Status,
    /// Redeem an enrolment code and fetch the first tickets
    Enrol {
        /// From an institution's counter
        code: String,
    },
    /// Fetch the next period's tickets, if they are not there
    Tickets,
    /// Write an encrypted backup to every node
    Backup,
    /// Change the password on this device
    Passwd {
        /// File whose first line is the new password; else it is asked for
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<std::path::PathBuf>,
    },
}

pub async fn run(args: Args, global: &Global, output: Output) -> anyhow::Result<()> {
    let Args { profile, command } = args;
    let open = || Patient::open(&profile, global, output);
    match command {
        Command::Create(create) => create::create(create, &profile, global, output).await,
        Command::Restore => restore::restore(&profile, global, output).await,
        Command::Scan => restore::scan(&mut open()?).await,
        Command::Words => words(&profile, output),
        Command::Status => status::status(&open()?).await,
        Command::Enrol { code } => enrol(&mut open()?, &code).await,
        Command::Tickets => replenish(&mut open()?).await,
        Command::Backup => back_up(&mut open()?).await,
        Command::Passwd { new_password_file } => {
            change_password(&profile, new_password_file.as_deref(), output)
        }
    }
}

#[derive(Serialize)]
struct Words<'a> {
    words: Vec<&'a str>,
}

/// The words, numbered for people.
pub(super) fn show_words(words: &str, output: Output) -> anyhow::Result<()> {
    let list: Vec<&str> = words.split(' ').collect();
    output.result(&Words { words: list.clone() }, || {
        let mut text = String::with_capacity(24 * 16);
        for (place, word) in list.iter().enumerate() {
            text += &format!("{:>4}. {word:<10}", place + 1);
            if place % 4 == 3 {
                text.push('\n');
            }
        }
        text
    })
}

fn words(args: &ProfileArgs, output: Output) -> anyhow::Result<()> {
    let profile = Profile::open(args, Kind::Wallet).map_err(hint::profile)?;
    let seed = profile.unlock(&args.password()?).map_err(hint::profile)?;
    output.note("Whoever sees these words can read and grant everything in this wallet.");
    show_words(seed.words().expose(), output)
}

#[derive(Serialize)]
struct Fetched {
    tickets: usize,
    supply: &'static str,
}

impl From<Supply> for Fetched {
    fn from(supply: Supply) -> Self {
        let name = match supply {
            Supply::Fetched(_) => "fetched",
            Supply::Held => "held",
            Supply::Given => "given-before",
            Supply::NoKey => "no-key-yet",
            Supply::Closed => "closed",
        };
        Self { tickets: supply.count(), supply: name }
    }
}

/// What to say about tickets that did not come.
fn none_came(supply: Supply) -> &'static str {
    match supply {
        Supply::Fetched(_) | Supply::Held => "The tickets are in the wallet already.",
        Supply::Given => {
            "The authority gave this period's tickets out before: they are spent, or another device with these words has \
             them. The next period brings new ones."
        }
        Supply::NoKey => {
            "The period has no ticket key yet: validators set it some time before it begins. Try again later."
        }
        Supply::Closed => "The authority issues nothing for that period now. Try again in a moment.",
    }
}

async fn enrol(patient: &mut Patient, code: &str) -> anyhow::Result<()> {
    patient.claim().await?;
    let spinner = patient.output.spinner("Redeeming the code and fetching tickets");
    let fetched = enrol::enrol(&patient.client, &mut patient.wallet, code, &mut rng()).await;
    spinner.finish_and_clear();
    let supply = fetched.explain()?;
    patient.output.result(&Fetched::from(supply), || match supply {
        Supply::Fetched(count) => format!(
            "Enrolled. {count} tickets fetched; they are blind: nobody can tell what you use them for."
        ),
        none => format!("Enrolled. {}", none_came(none)),
    })
}

async fn replenish(patient: &mut Patient) -> anyhow::Result<()> {
    let spinner = patient.output.spinner("Fetching tickets");
    let fetched = tickets::replenish(&patient.client, &mut patient.wallet, &mut rng()).await;
    spinner.finish_and_clear();
    let supply = fetched.explain()?;
    patient.output.result(&Fetched::from(supply), || match supply {
        Supply::Fetched(count) => format!("{count} tickets fetched for the next period."),
        none => none_came(none).into(),
    })
}

#[derive(Serialize)]
struct BackedUp {
    nodes: usize,
    of: usize,
    counter: u64,
}

async fn back_up(patient: &mut Patient) -> anyhow::Result<()> {
    let nodes = backup::back_up(&patient.client, &mut patient.wallet).await.explain()?;
    let done = BackedUp {
        nodes,
        of: patient.client.network().nodes.len(),
        counter: patient.wallet.state().backup_counter,
    };
    patient.output.result(&done, || {
        format!("Backup {} written to {} of {} nodes; only your words open it.", done.counter, nodes, done.of)
    })
}

fn change_password(args: &ProfileArgs, new: Option<&std::path::Path>, output: Output) -> anyhow::Result<()> {
    let profile = Profile::open(args, Kind::Wallet).map_err(hint::profile)?;
    let seed = profile.unlock(&args.password()?).map_err(hint::profile)?;
    anyhow::ensure!(
        new.is_some() || prompt::somebody(),
        "nobody is there to type the new password; name a file with --new-password-file"
    );
    let password = crate::profile::password::choose(new, "The new password: ")?;
    profile.relock(&seed, &password).map_err(hint::profile)?;
    output.result(&serde_json::json!({ "changed": true }), || {
        "The password is changed on this device. The words are the same as before.".into()
    })
}
