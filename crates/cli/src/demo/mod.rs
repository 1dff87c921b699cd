//! The demonstration: the whole story on four validators, then the attacks, then a kill.

mod acts;
mod cast;
pub mod inputs;
mod liar;
pub mod story;

use std::{io::IsTerminal as _, path::PathBuf};

use anyhow::Context as _;
use yilian_files::durable;

use self::{cast::World, inputs::Inputs, story::Story};
use crate::{
    http::Http,
    native::NativeHost,
    network::{Network, Options, PortChoice},
    output::Output,
    trust::Trust,
};

/// `yilian demo`
#[derive(Clone, Debug, clap::Args)]
pub struct Demo {
    /// Folder with the FHIR examples that `make setup` fetches
    #[arg(long, value_name = "DIR", default_value = "target/fhir")]
    inputs: PathBuf,

    /// Write what happened as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Keep the network up after the story, also without a terminal
    #[arg(long)]
    keep: bool,
}

/// A period of the demonstration: short enough to see a grant expire.
const PERIOD_MS: u64 = 20_000;

/// Plays the story. An error is also a step that did not hold.
pub async fn run(demo: Demo, output: Output) -> anyhow::Result<()> {
    let inputs = Inputs::load(&demo.inputs)?;
    let folder = tempfile::Builder::new().prefix("yilian-demo-").tempdir().context("no temporary folder")?;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut story = Story::new(color, output.is_json());
    let (mut world, outcome) = match open(&mut story, folder.path()).await {
        Ok(mut world) => {
            let outcome = play(&mut story, &mut world, &inputs).await;
            (Some(world), outcome)
        }
        Err(error) => (None, Err(error)),
    };
    let mut report = story.finish();
    report.held &= outcome.is_ok();
    if let Some(path) = &demo.report {
        let json = serde_json::to_vec_pretty(&report)?;
        durable::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.is_json() {
        output.result(&report, String::new)?;
    }
    if let Some(world) = &mut world {
        if report.held && (demo.keep || std::io::stdout().is_terminal()) {
            stay(world, output).await?;
        } else if report.held {
            output.note(AFTER);
        }
        world.network.stop().await?;
    }
    outcome?;
    anyhow::ensure!(report.held, "a step did not hold; it is marked ✗ above");
    Ok(())
}

/// The first act: four validators and an authority.
async fn open(story: &mut Story, folder: &std::path::Path) -> anyhow::Result<World> {
    story.act("The network: four validators and an authority, each a process");
    let mut options = Options::new(folder.join("network"));
    options.name = "yilian-demo".into();
    options.ports = PortChoice::Any;
    options.parameters.period_ms = PERIOD_MS;
    options.parameters.ticket_overlap_ms = PERIOD_MS / 2;
    options.parameters.expiry_classes = [1, 30, 90, 365];
    options.tickets_per_period = Some(64);
    let create = async {
        let network = tokio::task::spawn_blocking(move || Network::create(&options)).await??;
        let seen = format!(
            "chain {}, a period is {} s here instead of a day",
            crate::output::short(&network.genesis().chain_id().0.to_string()),
            PERIOD_MS / 1000
        );
        anyhow::Ok((network, seen))
    };
    let mut network = story.step("Key ceremony: root, issuer, ticket keys, genesis", create).await?;
    let start = async {
        network.start(|_| {}).await?;
        let processes: Vec<_> =
            network.running().iter().map(|r| format!("{} (pid {})", r.name, r.pid)).collect();
        anyhow::Ok((network, processes.join(", ")))
    };
    let network = story.step("All processes serve", start).await?;
    let issuer = acts::opening::issuer(&network)?;
    let host = NativeHost::new(Http::new(&Trust::default())?);
    Ok(World { network, host, files: folder.to_owned(), issuer })
}

async fn play(story: &mut Story, world: &mut World, inputs: &Inputs) -> anyhow::Result<()> {
    let mut cast = acts::opening::play(story, world).await?;
    let visits = acts::visit::play(story, world, &mut cast, inputs).await?;
    let shares = acts::sharing::play(story, &mut cast, &visits).await?;
    acts::recovery::play(story, world, &mut cast, &visits).await?;
    acts::attacks::play(story, world, &mut cast, &visits, &shares, inputs).await?;
    acts::failure::play(story, world, &mut cast, &visits, inputs).await
}

/// What to try next when the network does not stay.
const AFTER: &str = "
Try next:
  make demo KEEP=1       the same, and the network stays up to look around
  yilian network up      a network of your own (the command is target/release/yilian)
  yilian --help          everything else; docs/first-steps.md leads from there to a first grant";

/// What to try next, until Ctrl-C.
async fn stay(world: &mut World, output: Output) -> anyhow::Result<()> {
    let description = world.network.dir().join("network.json");
    output.note(format!(
        "\nThe network is still up. In another terminal:\n  \
         export YILIAN_NETWORK={}\n  \
         yilian network status\n  \
         yilian reader directory\n  \
         yilian wallet create && yilian records offer\n  \
         curl {}/v1/status\n\
         Ctrl-C ends it.",
        description.display(),
        world.network.urls()[0],
    ));
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
}
