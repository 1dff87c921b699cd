//! `network up --detach`: the supervisor as a process of its own, which this one starts and leaves.

use std::{
    fs::OpenOptions,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::up::{describe, report};
use crate::{
    network::{Network, RunFile},
    output::Output,
    process,
};

/// The supervisor itself gives up before.
const LIMIT: Duration = Duration::from_secs(150);
const LOOK: Duration = Duration::from_millis(200);

pub async fn detach(network: &Network, output: Output) -> anyhow::Result<()> {
    // The same refusals as in the foreground, said here instead of in a log.
    network.check_free()?;
    // What an earlier supervisor left says nothing about this one.
    RunFile::default().write(network.dir())?;
    let log = network.log("network");
    let file = OpenOptions::new().create(true).append(true).open(&log);
    let file = file.with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
    command.args(["network", "up", "--dir"]).arg(network.dir());
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut supervisor = command.spawn().context("cannot start a process")?;
    let spinner = output.spinner("Starting");
    let served = wait(network, &mut supervisor, &log).await;
    spinner.finish_and_clear();
    let processes = served?.processes;
    let report = report(network, processes);
    output.result(&report, || describe(&report, network.dir(), false))
}

/// Until everything serves under the new supervisor.
async fn wait(network: &Network, supervisor: &mut Child, log: &std::path::Path) -> anyhow::Result<RunFile> {
    let began = Instant::now();
    loop {
        if supervisor.try_wait()?.is_some() {
            anyhow::bail!("the network did not start: {}", process::last_lines(log, 3).join(" | "));
        }
        if let Some(run) = RunFile::read(network.dir())?
            && run.processes.len() == network.urls().len() + 1
            && network.serves(&run).await
        {
            return Ok(run);
        }
        anyhow::ensure!(began.elapsed() < LIMIT, "the network does not serve; see {}", log.display());
        tokio::time::sleep(LOOK).await;
    }
}
