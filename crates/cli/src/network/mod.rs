//! A network on this machine: N validators and an authority, each a process of its own, all on the loopback interface.
//!
//! `yilian network up`, the demonstration and the tests drive the same `Network`. Its folder outlives it: started again, it
//! is the same chain.

mod ceremony;
pub mod description;
mod layout;
pub mod lock;
mod member;
mod options;
pub mod ports;
mod restart;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use yilian_files::durable;
use yilian_ledger::Genesis;

pub use self::{
    description::{Description, Known},
    layout::Layout,
    member::{Event, Running},
    options::{Options, PortChoice},
    ports::Ports,
    restart::Verdict,
};
use self::{lock::Lock, member::Member};
use crate::{
    authority::folder::{Folder, SETTINGS},
    http::Http,
    process::{self, Program},
    trust::Trust,
};

/// All processes must serve within this time.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at whether they do.
const LOOK: Duration = Duration::from_millis(100);
/// A process that was asked to stop is killed after this time.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// A local network and its processes. Dropping it kills them.
#[derive(Debug)]
pub struct Network {
    layout: Layout,
    known: Known,
    validators: Vec<Member>,
    authority: Member,
    http: Http,
    lock: Option<Lock>,
}

/// `run.json`: what runs now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    pub processes: Vec<Running>,
}

impl Network {
    /// Holds the key ceremony and writes the folder; nothing runs yet. Takes some seconds of computing.
    pub fn create(options: &Options) -> anyhow::Result<Self> {
        options.check().map_err(crate::failure::usage)?;
        ceremony::create(options)?;
        Self::open(&options.dir)
    }

    /// A network that was created before; nothing runs yet.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        // Children run elsewhere than where they are started from.
        let dir = dir.canonicalize().with_context(|| format!("there is no network in {}", dir.display()))?;
        let layout = Layout::at(&dir);
        let known = Known::read(&layout.description())?;
        let (validators, authority) = members(&layout, &known.description);
        let http = Http::new(&Trust::consortium(&known.genesis))?;
        Ok(Self { layout, known, validators, authority, http, lock: None })
    }

    /// Whether a folder holds a network.
    pub fn exists(dir: &Path) -> bool {
        Layout::at(dir).description().exists()
    }

    /// Moves a stopped network to other ports.
    pub fn move_to(&mut self, ports: &Ports) -> anyhow::Result<()> {
        anyhow::ensure!(!self.is_running(), "stop the network before its ports are changed");
        ceremony::connect(&self.layout, ports)?;
        self.known = Known::read(&self.layout.description())?;
        (self.validators, self.authority) = members(&self.layout, &self.known.description);
        Ok(())
    }

    /// Starts everything and waits until it serves. `progress` is told what is waited for.
    pub async fn start(&mut self, mut progress: impl FnMut(&str)) -> anyhow::Result<()> {
        let lock = Lock::take(self.layout.dir())?;
        self.check_ports()?;
        self.lock = Some(lock);
        for member in self.validators.iter_mut().chain([&mut self.authority]) {
            member.start()?;
        }
        self.write_run_file()?;
        let started = self.wait_healthy(&mut progress).await;
        if started.is_err() {
            self.stop().await?;
        }
        started
    }

    /// Ends validator `index` (from 0) as a power cut would.
    pub async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        self.validator(index)?.kill().await?;
        self.write_run_file()
    }

    /// Starts validator `index` again, on its data, and waits until it serves.
    pub async fn restart(&mut self, index: usize) -> anyhow::Result<()> {
        self.validator(index)?.start()?;
        self.write_run_file()?;
        self.wait_healthy(&mut |_| {}).await
    }

    /// Asks every process to stop, kills what does not. Returns the names of those that had to be killed.
    pub async fn stop(&mut self) -> anyhow::Result<Vec<String>> {
        let mut killed = Vec::new();
        // The authority first: it asks the validators.
        if self.authority.stop(STOP_GRACE).await? == Some(false) {
            killed.push(self.authority.name.clone());
        }
        let stops = self.validators.iter_mut().map(|validator| async {
            let stopped = validator.stop(STOP_GRACE).await?;
            anyhow::Ok((stopped == Some(false)).then(|| validator.name.clone()))
        });
        for stopped in futures::future::join_all(stops).await {
            killed.extend(stopped?);
        }
        self.write_run_file()?;
        self.lock = None;
        Ok(killed)
    }

    /// Notices processes that ended, starts again those whose pause is over. To be called again and again.
    pub fn look(&mut self) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        for member in self.validators.iter_mut().chain([&mut self.authority]) {
            events.extend(member.look()?);
        }
        if !events.is_empty() {
            self.write_run_file()?;
        }
        Ok(events)
    }

    pub fn dir(&self) -> &Path {
        self.layout.dir()
    }

    pub fn known(&self) -> &Known {
        &self.known
    }

    pub fn genesis(&self) -> &Genesis {
        &self.known.genesis
    }

    /// Base addresses of the validators, in the order of the committee.
    pub fn urls(&self) -> Vec<String> {
        self.known.description.urls()
    }

    pub fn authority_url(&self) -> &str {
        &self.known.description.authority.url
    }

    /// The authority's folder: keys, store, the operator's way in.
    pub fn authority_folder(&self) -> Folder {
        Folder::at(&self.layout.authority())
    }

    /// What runs, validators first.
    pub fn running(&self) -> Vec<Running> {
        self.validators.iter().chain([&self.authority]).filter_map(Member::running).collect()
    }

    fn is_running(&self) -> bool {
        self.validators.iter().chain([&self.authority]).any(Member::is_running)
    }

    fn validator(&mut self, index: usize) -> anyhow::Result<&mut Member> {
        let count = self.validators.len();
        self.validators
            .get_mut(index)
            .with_context(|| format!("there are {count} validators, counted from 0"))
    }

    /// Refuses when the network could not be started: it runs, or a port is in use.
    pub fn check_free(&self) -> anyhow::Result<()> {
        let _free = Lock::take(self.layout.dir())?;
        self.check_ports()
    }

    /// Whether everything in `run` serves.
    pub async fn serves(&self, run: &RunFile) -> bool {
        let all = self.validators.iter().chain([&self.authority]);
        run.processes.len() == self.validators.len() + 1 && self.silent(all).await.is_empty()
    }

    pub fn log(&self, process: &str) -> PathBuf {
        self.layout.log(process)
    }

    fn check_ports(&self) -> anyhow::Result<()> {
        let taken = self.layout.ports(self.validators.len())?.taken();
        let Some(first) = taken.first() else { return Ok(()) };
        let others = if taken.len() > 1 { format!(" and {} more", taken.len() - 1) } else { String::new() };
        anyhow::bail!(
            "port {} for {}{others} is in use by another program; stop that program, or choose other ports with \
             --base-port",
            first.number,
            first.of
        )
    }

    /// Until every process that should run serves; a process that ends meanwhile is a failure.
    async fn wait_healthy(&mut self, progress: &mut impl FnMut(&str)) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let ended = self.validators.iter_mut().chain([&mut self.authority]).map(Member::look);
            for event in ended.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten() {
                fail_if_ended(event)?;
            }
            let waiting = self.unhealthy().await;
            if waiting.is_empty() {
                return Ok(());
            }
            progress(&format!("Waiting for {}", waiting.join(", ")));
            anyhow::ensure!(
                began.elapsed() < START_LIMIT,
                "{} did not serve within {} seconds; see the logs in {}",
                waiting.join(", "),
                START_LIMIT.as_secs(),
                self.layout.logs().display()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn unhealthy(&self) -> Vec<String> {
        let running = self.validators.iter().chain([&self.authority]).filter(|member| member.is_running());
        self.silent(running).await
    }

    /// Names of those that do not answer, or answer that they are not fit to serve.
    async fn silent<'a>(&self, members: impl Iterator<Item = &'a Member>) -> Vec<String> {
        let asked = members.map(|member| async {
            let answer = self.http.send(reqwest::Method::GET, &member.health, "", Vec::new()).await;
            (!matches!(answer, Ok((200, _)))).then(|| member.name.clone())
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }

    fn write_run_file(&self) -> anyhow::Result<()> {
        RunFile { processes: self.running() }.write(self.layout.dir())
    }
}

impl RunFile {
    /// `None`: never started.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read(Layout::at(dir).run_file()) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("run.json is damaged").map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot read run.json"),
        }
    }

    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let path = Layout::at(dir).run_file();
        durable::publish(&path, &serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Memory of a process by its name, bytes.
    pub fn memory(&self, name: &str) -> Option<u64> {
        let running = self.processes.iter().find(|process| process.name == name)?;
        process::memory(running.pid)
    }
}

fn fail_if_ended(event: Event) -> anyhow::Result<()> {
    let Event::Ended { name, how, log, last_lines, .. } = event else { return Ok(()) };
    anyhow::bail!("{name} {how} while it started: {} (log: {})", last_lines.join(" | "), log.display())
}

/// Name of the process of validator `index` (from 0).
pub fn validator_name(index: usize) -> String {
    format!("validator {}", index + 1)
}

fn members(layout: &Layout, description: &Description) -> (Vec<Member>, Member) {
    let program = |name: &str, arguments: &[&str], config: &Path| {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let config = config.display().to_string();
        Program { arguments: arguments.chain(["--config".into(), config]).collect(), log: layout.log(name) }
    };
    let validators = description.nodes.iter().enumerate().map(|(index, node)| {
        let (name, data) = (validator_name(index), layout.validator(index));
        let program = program(&name, &["node", "run"], &data.join(yilian_node::config::CONFIG_FILE));
        Member::new(name, node.url.clone(), "/v1/health", data, program)
    });
    let data = layout.authority();
    let authority = program("authority", &["authority", "serve"], &data.join(SETTINGS));
    let url = description.authority.url.clone();
    (validators.collect(), Member::new("authority".into(), url, "/v1/authority", data, authority))
}
