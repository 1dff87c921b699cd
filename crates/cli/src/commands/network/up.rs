//! `network up`: create or open, start, watch, stop.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde::Serialize;
use yilian_ledger::Parameters;

use crate::{
    args::{DESCRIPTION, Global},
    commands::{network_dir, network::detach},
    failure,
    network::{Event, Network, Options, PortChoice, Ports, Running, Verdict, lock, ports::DEFAULT_BASE},
    output::{self, Output},
    process::StopSignals,
    terminal,
};

/// Between two looks at the processes.
const LOOK: Duration = Duration::from_millis(200);
const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, Args)]
pub struct Up {
    /// The network's folder; made if absent [default: where the network's description lies]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Validators of a new network [default: 4]
    #[arg(long, value_name = "N")]
    validators: Option<usize>,

    /// First port: the authority's; validators follow [default: 7500]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    base_port: Option<u16>,

    /// Length of a period of a new network: the unit of tickets and expiry [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    period_seconds: Option<u64>,

    /// How long grants of each of the four classes last, in periods [default: 7,30,90,365]
    #[arg(long, value_name = "A,B,C,D", value_parser = expiry_classes)]
    expiry_classes: Option<ExpiryClasses>,

    /// A new network makes a block every so often when nothing happens [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = milliseconds)]
    idle_block_seconds: Option<Milliseconds>,

    /// Return when the network runs, and leave it running
    #[arg(long)]
    detach: bool,
}

#[derive(Clone, Copy, Debug)]
struct ExpiryClasses([u32; 4]);

#[derive(Clone, Copy, Debug)]
struct Milliseconds(u64);

fn expiry_classes(text: &str) -> Result<ExpiryClasses, String> {
    let periods: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let classes = periods.ok().and_then(|list| <[u32; 4]>::try_from(list).ok());
    classes.map(ExpiryClasses).ok_or_else(|| "four numbers of periods are expected, such as 7,30,90,365".into())
}

fn milliseconds(text: &str) -> Result<Milliseconds, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=1e6).contains(&seconds) => Ok(Milliseconds((seconds * 1000.0).round() as u64)),
        _ => Err("a number of seconds is expected, such as 10 or 0.5".into()),
    }
}

/// What `--json` prints once the network serves.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) chain: String,
    /// For `--network` or `YILIAN_NETWORK`.
    pub(super) network: PathBuf,
    pub(super) authority: String,
    pub(super) nodes: Vec<String>,
    pub(super) processes: Vec<Running>,
}

pub async fn up(args: Up, global: &Global, output: Output) -> anyhow::Result<()> {
    let dir = network_dir(args.dir.clone(), global);
    let mut network = open(&args, &dir, output)?;
    if args.detach {
        return detach::detach(&network, output).await;
    }
    let mut signals = StopSignals::listen()?;
    let spinner = output.spinner("Starting");
    let started = tokio::select! {
        started = network.start(|text| spinner.set_message(text.to_owned())) => Some(started),
        () = signals.next() => None,
    };
    spinner.finish_and_clear();
    if let Some(started) = started {
        started?;
        let report = report(&network, network.running());
        output.result(&report, || describe(&report, &dir, true))?;
        watch(&mut network, &mut signals, output).await?;
    }
    stop(network, &mut signals, &dir, output).await
}

/// The folder's network, or a new one.
fn open(args: &Up, dir: &Path, output: Output) -> anyhow::Result<Network> {
    if !Network::exists(dir) {
        let options = options(args, dir);
        options.check().map_err(failure::usage)?;
        let spinner = output.spinner("Making keys, certificates and genesis");
        let created = Network::create(&options);
        spinner.finish_and_clear();
        return created;
    }
    let fixed = [
        ("--validators", args.validators.is_some()),
        ("--period-seconds", args.period_seconds.is_some()),
        ("--expiry-classes", args.expiry_classes.is_some()),
        ("--idle-block-seconds", args.idle_block_seconds.is_some()),
    ];
    if let Some((option, _)) = fixed.into_iter().find(|(_, given)| *given) {
        return Err(failure::usage(format!(
            "{option} counts only when a network is created, and {} holds one; leave it out, or choose another folder \
             with --dir",
            dir.display()
        )));
    }
    let mut network = Network::open(dir)?;
    if let Some(base) = args.base_port {
        anyhow::ensure!(
            lock::holder(dir)? == lock::Holder::Nobody,
            "the network in {} runs; stop it with `yilian network down` before its ports are changed",
            dir.display()
        );
        let ports = Ports::from_base(base, network.urls().len());
        let past = || failure::usage("the ports would run past 65535; choose a lower --base-port");
        network.move_to(&ports.ok_or_else(past)?)?;
    }
    Ok(network)
}

fn options(args: &Up, dir: &Path) -> Options {
    let default = Parameters::default();
    let period_ms = args.period_seconds.map_or(default.period_ms, |seconds| seconds.saturating_mul(1000));
    let parameters = Parameters {
        period_ms,
        // Short periods leave less room for what is under way at their end.
        ticket_overlap_ms: HOUR_MS.min(period_ms / 2),
        expiry_classes: args.expiry_classes.map_or(default.expiry_classes, |classes| classes.0),
        idle_block_ms: args.idle_block_seconds.map_or(default.idle_block_ms, |ms| ms.0),
        ..default
    };
    let ports = PortChoice::Base(args.base_port.unwrap_or(DEFAULT_BASE));
    Options { validators: args.validators.unwrap_or(4), ports, parameters, ..Options::new(dir) }
}

pub(super) fn report(network: &Network, processes: Vec<Running>) -> Report {
    Report {
        chain: network.known().description.chain.clone(),
        network: network.dir().join(DESCRIPTION),
        authority: network.authority_url().to_owned(),
        nodes: network.urls(),
        processes,
    }
}

pub(super) fn describe(report: &Report, dir: &Path, attached: bool) -> String {
    let row = |process: &Running| {
        [
            process.name.clone(),
            process.url.clone(),
            process.pid.to_string(),
            process.data.display().to_string(),
        ]
    };
    let table = output::table(&["process", "URL", "pid", "folder"], report.processes.iter().map(row));
    let mut text = format!("{table}\nChain {}\n", report.chain);
    let here = dir_argument(dir);
    let _ = write!(
        text,
        "\nTry next{}:\n  yilian network status{here}\n  yilian authority members{}\n  curl {}/v1/status\n",
        if attached { " (in another terminal)" } else { "" },
        network_argument(dir),
        report.nodes[0],
    );
    let _ = match attached {
        true => write!(text, "Logs lie in {}. Ctrl-C stops the network.\n", dir.join("logs").display()),
        false => write!(text, "  yilian network down{here}\n"),
    };
    text
}

fn is_default(dir: &Path) -> bool {
    dir.join(DESCRIPTION) == Path::new(crate::args::DEFAULT_DIR).join(DESCRIPTION)
}

fn dir_argument(dir: &Path) -> String {
    if is_default(dir) { String::new() } else { format!(" --dir {}", dir.display()) }
}

fn network_argument(dir: &Path) -> String {
    if is_default(dir) { String::new() } else { format!(" --network {}", dir.join(DESCRIPTION).display()) }
}

/// Until somebody asks to stop.
async fn watch(network: &mut Network, signals: &mut StopSignals, output: Output) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = signals.next() => return Ok(()),
            () = tokio::time::sleep(LOOK) => {}
        }
        for event in network.look()? {
            output.note(tell(&event));
        }
    }
}

fn tell(event: &Event) -> String {
    match event {
        Event::Started { name, pid } => format!("{name} started again (pid {pid})."),
        Event::Ended { name, how, next: Verdict::RestartAfter(pause), log, .. } => {
            format!("{name} {how}; starting it again in {} s (log: {}).", pause.as_secs(), log.display())
        }
        Event::Ended { name, how, next: Verdict::LeaveDown, log, last_lines } => format!(
            "{} {name} {how} and fails at once every time; it is left down. Its log ends:\n  {}\n  ({})",
            terminal::paint("warning:", "1;33"),
            last_lines.join("\n  "),
            log.display()
        ),
    }
}

/// Gracefully; a second signal kills what still runs.
async fn stop(
    mut network: Network,
    signals: &mut StopSignals,
    dir: &Path,
    output: Output,
) -> anyhow::Result<()> {
    output.note("Stopping…");
    let killed = tokio::select! {
        killed = network.stop() => killed?,
        () = signals.next() => anyhow::bail!("stopped at once; what was under way may be lost"),
    };
    if !killed.is_empty() {
        output.note(format!("Killed, for they did not stop in time: {}.", killed.join(", ")));
    }
    output.note(format!("Stopped. `yilian network up{}` goes on with the same chain.", dir_argument(dir)));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn expiry_classes_are_four_numbers() {
        assert_eq!(expiry_classes("1, 2,3,4").unwrap().0, [1, 2, 3, 4]);
        for wrong in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,-4"] {
            assert!(expiry_classes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_may_have_fractions() {
        assert_eq!(milliseconds("0.5").unwrap().0, 500);
        for wrong in ["", "x", "-1", "NaN", "inf", "1e9"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
