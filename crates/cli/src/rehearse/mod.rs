//! `yilian rehearse`: real validator processes on this machine, real writers, real failures; and a checker that afterwards
//! finds every write again that was ever acknowledged, proved by each validator alone.
//!
//! The network is made for the purpose in a temporary folder, and everything ends with it.

mod check;
mod disk;
mod links;
mod load;

use std::{io::IsTerminal as _, path::PathBuf, time::Duration};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use yilian_files::durable;

use self::{check::Checker, disk::SmallDisk, links::Links, load::Load};
use crate::{
    demo::story::Story,
    measure::{prepare::Maker, tickets::Tickets},
    network::{Layout, Network, Options, PortChoice},
    output::Output,
};

/// How the file of a validator's entries is called.
const ENTRIES: &str = "entries.redb";
/// The validator that things happen to; another one each time would prove no more, and read worse.
const VICTIM: usize = 1;
const OTHERS: [usize; 3] = [0, 2, 3];
const ALL: [usize; 4] = [0, 1, 2, 3];

/// `yilian rehearse`
#[derive(Clone, Debug, clap::Args)]
pub struct Rehearse {
    /// Write what happened as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Records created a second meanwhile
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    rate: u32,

    /// How long each failure lasts, in seconds
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(2..=300))]
    seconds: u64,

    /// How often all of them happen
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,

    /// Give one validator a small disk and fill it. Mounts a file system in memory: run it in a mount namespace of its
    /// own, `unshare --mount yilian rehearse --small-disk`, as `make faults` does
    #[arg(long)]
    small_disk: bool,
}

/// Rehearses and reports; Ctrl-C ends everything that was started.
pub async fn run(rehearse: Rehearse, output: Output) -> anyhow::Result<()> {
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut story = Story::new(color, output.is_json());
    let played = tokio::select! {
        played = play(&rehearse, &mut story) => played,
        stopped = tokio::signal::ctrl_c() => {
            stopped.context("cannot wait for Ctrl-C")?;
            anyhow::bail!("interrupted");
        }
    };
    let report = story.finish();
    if let Some(path) = &rehearse.report {
        let json = serde_json::to_vec_pretty(&report)?;
        durable::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.is_json() {
        output.result(&report, String::new)?;
    }
    played?;
    anyhow::ensure!(report.held, "a step did not hold; it is marked ✗ above");
    Ok(())
}

/// What a rehearsal is made of.
struct Stage {
    network: Network,
    links: Links,
    checker: Checker,
    load: Load,
    disk: Option<SmallDisk>,
    length: Duration,
}

async fn play(rehearse: &Rehearse, story: &mut Story) -> anyhow::Result<()> {
    let folder =
        tempfile::Builder::new().prefix("yilian-rehearse-").tempdir().context("no temporary folder")?;
    story.act("Four validators, and writers that never stop");
    let mut stage = story.step("All processes serve", set(folder.path().join("network"), rehearse)).await?;
    let mut played = Ok(());
    for _ in 0..rehearse.rounds {
        played = stage.round(story).await;
        if played.is_err() {
            break;
        }
    }
    let Stage { mut network, checker, load, disk, .. } = stage;
    let checked = match played {
        Ok(()) => check(story, &network, &checker, load).await,
        Err(error) => load.stop().await.and(Err(error)),
    };
    network.stop().await?;
    drop(disk);
    checked
}

async fn set(dir: PathBuf, rehearse: &Rehearse) -> anyhow::Result<(Stage, String)> {
    let mut options = Options::new(dir);
    options.name = "yilian-rehearse".into();
    options.ports = PortChoice::Any;
    let created = tokio::task::spawn_blocking(move || {
        let network = Network::create(&options)?;
        let tickets = Tickets::open(&network)?;
        anyhow::Ok((network, tickets))
    });
    let (mut network, tickets) = created.await??;
    let links = Links::lay(&network).await?;
    let victim = Layout::at(network.dir()).validator(VICTIM);
    let disk = rehearse.small_disk.then(|| SmallDisk::over(&victim)).transpose()?;
    network.start(|_| {}).await?;
    let genesis = network.genesis();
    let maker = Maker::new(genesis.chain_id(), tickets, genesis.parameters.max_validity_ms);
    let load = Load::start(&network, maker, rehearse.rate)?;
    let checker = Checker::new(&network)?;
    let seen = format!("{} creates a second, at the validators in turn", rehearse.rate);
    let length = Duration::from_secs(rehearse.seconds);
    Ok((Stage { network, links, checker, load, disk, length }, seen))
}

impl Stage {
    async fn round(&mut self, story: &mut Story) -> anyhow::Result<()> {
        story.act("A validator ends without a word");
        self.killed(story).await?;
        story.act("A validator hangs");
        self.hung(story).await?;
        story.act("Wires are cut");
        self.cut_off(story).await?;
        self.parted(story).await?;
        if self.disk.is_some() {
            story.act("A disk is full");
            self.full(story).await?;
        }
        story.act("A disk lies");
        self.corrupted(story).await
    }

    async fn killed(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let work = async {
            self.network.kill(VICTIM).await?;
            self.others_go_on().await
        };
        story.step("kill -9 of validator 2; the others go on", work).await?;
        story.step("It starts again on its data and catches up", self.back()).await
    }

    async fn hung(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let pid = self.pid()?;
        let work = async {
            signal(pid, Signal::STOP)?;
            let seen = self.others_go_on().await;
            // Whatever came of it, nothing stays stopped.
            signal(pid, Signal::CONT)?;
            seen
        };
        story.step("SIGSTOP of validator 2; the others go on", work).await?;
        story.step("SIGCONT: it catches up", self.caught_up()).await
    }

    async fn cut_off(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let work = async {
            self.links.part(&[VICTIM], &OTHERS);
            self.others_go_on().await
        };
        story.step("Every wire of validator 2 is cut; the others go on", work).await?;
        self.links.mend();
        story.step("The wires are mended: it catches up", self.caught_up()).await
    }

    async fn parted(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let work = async {
            self.links.part(&[0, 1], &[2, 3]);
            self.checker.standstill(&ALL, self.length).await?;
            anyhow::Ok(((), "no block: neither half has more than two thirds".into()))
        };
        story.step("Two and two: nobody can go on, and nobody does", work).await?;
        self.links.mend();
        story.step("The wires are mended: all go on", self.caught_up()).await
    }

    async fn full(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let work = async {
            disk.fill()?;
            self.others_go_on().await
        };
        story.step("Not a byte is left on validator 2's disk; the others go on", work).await?;
        disk.free()?;
        // It may have ended, which is right: whoever cannot write must not acknowledge.
        self.network.kill(VICTIM).await?;
        story.step("There is room again: it starts on what it has and catches up", self.back()).await
    }

    async fn corrupted(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let folder = Layout::at(self.network.dir()).validator(VICTIM);
        let work = async {
            self.network.kill(VICTIM).await?;
            let writes = self.load.writes();
            let file = disk::largest(&folder, ENTRIES)?;
            let changed = disk::corrupt(&file)?;
            let seen = match self.network.restart(VICTIM).await {
                Err(error) => format!("it does not start: {error:#}"),
                // What was changed lay where nothing is read at a start.
                Ok(()) => {
                    let proved = self.checker.denies_none(&self.network, VICTIM, &writes).await?;
                    format!("it starts; proves {proved} of {} writes and denies none", writes.len())
                }
            };
            anyhow::Ok(((), format!("{changed} bytes of {}; {seen}", file.display())))
        };
        story.step("Bytes of validator 2's entries change while it is down", work).await?;
        let work = async {
            self.network.kill(VICTIM).await?;
            disk::wipe(&folder)?;
            let (start, target) = (std::time::Instant::now(), self.checker.height(&OTHERS).await);
            self.network.restart(VICTIM).await?;
            self.checker.progress(&ALL).await?;
            let seen = format!("{target} blocks from its peers in {:.1} s", start.elapsed().as_secs_f64());
            anyhow::Ok(((), seen))
        };
        story.step("Its operator empties the folder; it fetches and executes everything", work).await
    }

    /// The three others make blocks and take writes during the failure.
    async fn others_go_on(&self) -> anyhow::Result<((), String)> {
        let before = self.load.acknowledged();
        let resumed = self.checker.progress(&OTHERS).await?;
        tokio::time::sleep(self.length).await;
        self.checker.progress(&OTHERS).await?;
        let written = self.load.acknowledged() - before;
        anyhow::ensure!(written > 0, "no write was acknowledged meanwhile");
        Ok((
            (),
            format!(
                "next block after {:.1} s; {written} writes acknowledged meanwhile",
                resumed.as_secs_f64()
            ),
        ))
    }

    async fn back(&mut self) -> anyhow::Result<((), String)> {
        self.network.restart(VICTIM).await?;
        self.caught_up().await
    }

    async fn caught_up(&self) -> anyhow::Result<((), String)> {
        let took = self.checker.progress(&ALL).await?;
        let height = self.checker.height(&ALL).await;
        Ok(((), format!("all at height {height} after {:.1} s", took.as_secs_f64())))
    }

    fn pid(&self) -> anyhow::Result<u32> {
        let name = crate::network::validator_name(VICTIM);
        let running = self.network.running().into_iter().find(|running| running.name == name);
        Ok(running.context("validator 2 does not run")?.pid)
    }
}

async fn check(story: &mut Story, network: &Network, checker: &Checker, load: Load) -> anyhow::Result<()> {
    story.act("Nothing that was acknowledged is lost");
    let work = async {
        let sent = load.sent();
        let writes = load.stop().await?;
        anyhow::ensure!(!writes.is_empty(), "nothing was acknowledged");
        checker.progress(&ALL).await?;
        let seen = format!("{} of {sent} sent; the rest was promised to nobody", writes.len());
        anyhow::Ok((writes, seen))
    };
    let writes = story.step("The writers stop", work).await?;
    let work = async {
        let found = checker.find_all(network, &writes).await?;
        anyhow::Ok(((), format!("{found} proofs under certificates of the genesis committee")))
    };
    story.step("Each validator alone proves each of them", work).await?;
    let work = async { anyhow::Ok(((), format!("{} blocks", checker.one_history().await?))) };
    story.step("All tell the same history", work).await
}

fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("not the number of a process")?;
    kill_process(pid, signal).context("cannot signal a process")
}
