//! Child processes that outlive no parent: started in a group of their own, logged to a file, asked to stop before they are
//! killed.
//!
//! A child holds the reading end of a pipe whose other end is its parent's: when the parent is gone, however it went, the
//! pipe ends and the child stops by itself ([`parent_gone`]). A terminal's Ctrl-C reaches the parent only.

use std::{
    fs::{File, OpenOptions},
    io::{IsTerminal as _, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::process::{Child, ChildStdin, Command};

/// Tells a child that it was started by another `yilian` (hidden argument).
pub const WITH_PARENT: &str = "--with-parent";
/// How much of a log's end is looked at for its last lines, bytes.
const TAIL: u64 = 4096;

/// What to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// Arguments of this same program.
    pub arguments: Vec<String>,
    /// Standard output and error are appended here.
    pub log: PathBuf,
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
    started: Instant,
    /// Open for as long as the child may run.
    _lifeline: Option<ChildStdin>,
}

/// Runs this same program to its end; its standard output.
pub async fn run_self(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let out = command.output().await.context("cannot start a process")?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    anyhow::bail!("`yilian {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&out.stderr).trim())
}

impl Process {
    /// Starts this same program again with other arguments.
    pub fn start(program: &Program) -> anyhow::Result<Self> {
        let log = append(&program.log)?;
        let errors = log.try_clone().context("cannot share a log file")?;
        let mut command =
            Command::new(std::env::current_exe().context("cannot find this program's own file")?);
        command.args(&program.arguments).arg(WITH_PARENT);
        command.stdin(Stdio::piped()).stdout(log).stderr(errors).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().context("cannot start a process")?;
        let pid = child.id().context("a process ended while it started")?;
        let lifeline = child.stdin.take();
        Ok(Self { child, pid, started: Instant::now(), _lifeline: lifeline })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot look at a process")
    }

    /// SIGKILL: nothing of it runs when this returns.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill a process")
    }

    /// SIGTERM, and SIGKILL after `grace`. `false`: it had to be killed.
    pub async fn stop(mut self, grace: Duration) -> anyhow::Result<bool> {
        if self.ended()?.is_some() {
            return Ok(true);
        }
        terminate(self.pid)?;
        match tokio::time::timeout(grace, self.child.wait()).await {
            Ok(ended) => ended.context("cannot wait for a process").map(|_| true),
            Err(_) => self.kill().await.map(|()| false),
        }
    }
}

fn append(path: &Path) -> anyhow::Result<File> {
    let open = OpenOptions::new().create(true).append(true).open(path);
    open.with_context(|| format!("cannot write the log {}", path.display()))
}

/// Asks a process to stop.
#[cfg(unix)]
pub fn terminate(pid: u32) -> anyhow::Result<()> {
    use rustix::{
        io::Errno,
        process::{Pid, Signal, kill_process},
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("not the number of a process")?;
    match kill_process(pid, Signal::TERM) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("cannot ask a process to stop"),
    }
}

/// Tells a supervisor that waits for it (systemd, `Type=notify`) that this process serves, or that it stops. Without one, nothing.
#[cfg(unix)]
pub fn notify(state: &str) {
    use std::os::unix::net::UnixDatagram;
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let send = || {
        let socket = UnixDatagram::unbound()?;
        #[cfg(target_os = "linux")]
        if let Some(name) = path.as_encoded_bytes().strip_prefix(b"@") {
            use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
            return socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?);
        }
        socket.send_to(state.as_bytes(), &path)
    };
    if let Err(error) = send() {
        tracing::warn!(%error, "the supervisor cannot be told of `{state}`");
    }
}

/// What [`notify`] tells.
pub const READY: &str = "READY=1";
pub const STOPPING: &str = "STOPPING=1";

/// Resolves when the parent that started this process is gone.
pub async fn parent_gone() {
    let (sender, gone) = tokio::sync::oneshot::channel();
    // A thread of its own: a read from a pipe cannot be cancelled, and a runtime would wait for it at its end.
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut buffer = [0; 64];
        while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
        let _ = sender.send(());
    });
    // A lost sender says the same.
    let _ = gone.await;
}

/// What asks a program to stop: Ctrl-C, SIGTERM, a closed terminal.
#[cfg(unix)]
pub struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` where it means something else.
    hangup: Option<tokio::signal::unix::Signal>,
}

/// SIGHUP for a process without a terminal, as supervisors send it: read again what may change.
#[cfg(unix)]
pub struct ReloadSignal(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl ReloadSignal {
    pub fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        if std::io::stdin().is_terminal() {
            return Ok(Self(None));
        }
        signal(SignalKind::hangup()).map(Some).map(Self).context("cannot listen for signals")
    }

    /// Resolves at the next one; at a terminal never.
    pub async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
impl StopSignals {
    /// From here on these signals no longer end the process by themselves.
    pub fn listen() -> anyhow::Result<Self> {
        Self::listen_for(true)
    }

    /// For a service: without a terminal SIGHUP does not stop it ([`ReloadSignal`]).
    pub fn of_service() -> anyhow::Result<Self> {
        Self::listen_for(std::io::stdin().is_terminal())
    }

    fn listen_for(hangup: bool) -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: hangup.then(|| listen(SignalKind::hangup())).transpose()?,
        })
    }

    /// Resolves at the next one.
    pub async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = hangup => {}
        }
    }

    /// The same, or when the parent is gone that started this process.
    pub async fn next_or_parent(&mut self, with_parent: bool) {
        let parent = async {
            match with_parent {
                true => parent_gone().await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.next() => {}
            () = parent => {}
        }
    }
}

/// Bytes of memory that a process holds (resident set); `None` where the system does not tell.
pub fn memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The last lines of a log, oldest first.
pub fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_lines_of_a_log_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        assert!(last_lines(&log, 3).is_empty());
        let text: String = (0..2000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&log, text + "\n").unwrap();
        assert_eq!(last_lines(&log, 2), ["line 1998", "line 1999"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_holds_memory() {
        assert!(memory(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(memory(u32::MAX), None);
    }
}
