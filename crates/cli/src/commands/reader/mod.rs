//! `yilian reader`: what was granted to a member, the directory, requests for more.

mod directory;
mod grants;

use clap::{Args as Arguments, Subcommand};
use yilian_client::{message::Wish, reader, wire::Text};

use super::{hint::Explain as _, practitioner::OfferArgs, records::expiry_class};
use crate::{
    args::Global,
    native::rng,
    output::Output,
    profile::{ProfileArgs, Staff, connect},
};

const EXAMPLES: &str = "\
Examples:
  yilian reader inbox --profile carol
  yilian reader open 1 --profile carol               with every check
  yilian reader open 1 --profile carol --attachment 1 --out scan.dcm
  yilian reader request --profile carol --offer YILIAN1:... --wanted \"allergies\" --purpose \"emergency\"
  yilian reader directory --find hospital            institutions, proved

The profile is a member's: see `yilian practitioner init`.";

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
    /// Fetch and list what was granted; the patients get their receipts
    Inbox,
    /// Open a grant and read its record, with every check
    Open(grants::Open),
    /// Ask the patient who made an offer for access
    Request(Request),
    /// Institutions, or one member by its id; needs no profile
    Directory(directory::Directory),
}

#[derive(Debug, Arguments)]
struct Request {
    #[command(flatten)]
    offer: OfferArgs,
    /// Which records, in words
    #[arg(long)]
    wanted: String,
    /// What for
    #[arg(long)]
    purpose: String,
    /// How long, in periods: one of the chain's classes
    #[arg(long = "for", value_name = "PERIODS", default_value_t = 30)]
    periods: u32,
}

pub async fn run(args: Args, global: &Global, output: Output) -> anyhow::Result<()> {
    let Args { profile, command } = args;
    match command {
        Command::Directory(directory) => directory::directory(directory, global, output).await,
        Command::Inbox => grants::inbox(&mut Staff::open(&profile, global, output)?).await,
        Command::Open(open) => grants::open(open, &mut Staff::open(&profile, global, output)?).await,
        Command::Request(request) => ask(request, &profile, global, output).await,
    }
}

async fn ask(request: Request, profile: &ProfileArgs, global: &Global, output: Output) -> anyhow::Result<()> {
    let card = request.offer.card(connect(global)?.chain())?;
    let staff = Staff::open(profile, global, output)?;
    let member = staff.member()?;
    let parameters = staff.client.parameters().await.explain()?;
    let wish = Wish {
        purpose: Text::clipped(&request.purpose),
        wanted: Text::clipped(&request.wanted),
        expiry_class: expiry_class(&parameters, request.periods)?,
    };
    let message = reader::request(&staff.client, &member, &card, wish, &mut rng()).await.explain()?;
    let value = serde_json::json!({ "message": message.to_string() });
    output.result(&value, || {
        "Asked. The patient sees it with `yilian records inbox`; no answer is a no.".into()
    })
}
