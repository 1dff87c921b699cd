//! One process of a local network: how it is started, whether it serves, what becomes of it when it ends.

use std::{
    path::PathBuf,
    process::ExitStatus,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::restart::{Restarts, Verdict};
use crate::process::{self, Process, Program};

/// A running process, for people and for `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub name: String,
    pub pid: u32,
    pub url: String,
    /// Its folder.
    pub data: PathBuf,
    pub log: PathBuf,
}

/// What happened to a process since the last look.
#[derive(Clone, Debug)]
pub enum Event {
    Ended { name: String, how: String, next: Verdict, log: PathBuf, last_lines: Vec<String> },
    Started { name: String, pid: u32 },
}

#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub url: String,
    /// Answers with 200 when it serves.
    pub health: String,
    pub data: PathBuf,
    program: Program,
    process: Option<Process>,
    restarts: Restarts,
    /// When it is started again.
    due: Option<Instant>,
}

impl Member {
    pub fn new(name: String, url: String, health: &str, data: PathBuf, program: Program) -> Self {
        let health = format!("{url}{health}");
        Self { name, url, health, data, program, process: None, restarts: Restarts::default(), due: None }
    }

    pub fn running(&self) -> Option<Running> {
        let process = self.process.as_ref()?;
        Some(Running {
            name: self.name.clone(),
            pid: process.pid(),
            url: self.url.clone(),
            data: self.data.clone(),
            log: self.program.log.clone(),
        })
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn start(&mut self) -> anyhow::Result<()> {
        self.due = None;
        if self.process.is_none() {
            self.process = Some(Process::start(&self.program)?);
        }
        Ok(())
    }

    /// SIGKILL; it stays down until started.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.due = None;
        match self.process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// `Some(false)`: it had to be killed. It stays down until started.
    pub async fn stop(&mut self, grace: Duration) -> anyhow::Result<Option<bool>> {
        self.due = None;
        match self.process.take() {
            Some(process) => process.stop(grace).await.map(Some),
            None => Ok(None),
        }
    }

    /// Notices an end that nobody asked for; the process is gone from then on.
    pub fn look(&mut self) -> anyhow::Result<Option<Event>> {
        if let Some(process) = &mut self.process {
            let Some(status) = process.ended()? else { return Ok(None) };
            let next = self.restarts.ended(process.age());
            self.process = None;
            if let Verdict::RestartAfter(pause) = next {
                self.due = Some(Instant::now() + pause);
            }
            return Ok(Some(Event::Ended {
                name: self.name.clone(),
                how: describe(status),
                next,
                log: self.program.log.clone(),
                last_lines: process::last_lines(&self.program.log, 3),
            }));
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.start()?;
            let pid = self.process.as_ref().map_or(0, Process::pid);
            return Ok(Some(Event::Started { name: self.name.clone(), pid }));
        }
        Ok(None)
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "ended".into(),
    }
}
