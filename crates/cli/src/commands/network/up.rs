//! `network up`: create or open, start, watch, stop.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde::Serialize;

use crate::{
    args::{DESCRIPTION, Global},
    chain_arguments::ChainArguments,
    commands::{network::detach, network_dir},
    failure,
    network::{Event, Network, Options, PortChoice, Ports, Running, Verdict, lock},
    output::{self, Output},
    process::StopSignals,
    terminal,
};

/// Between two looks at the processes.
const LOOK: Duration = Duration::from_millis(200);

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

    #[command(flatten)]
    chain: ChainArguments,

    /// Return when the network runs, and leave it running
    #[arg(long)]
    detach: bool,
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
        let options = options(args, dir)?;
        options.check().map_err(failure::usage)?;
        let spinner = output.spinner("Making keys, certificates and genesis");
        let created = Network::create(&options);
        spinner.finish_and_clear();
        return created;
    }
    let validators = args.validators.map(|_| "--validators");
    if let Some(option) = validators.or(args.chain.first_given()) {
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

fn options(args: &Up, dir: &Path) -> anyhow::Result<Options> {
    let default = Options::new(dir);
    Ok(Options {
        validators: args.validators.unwrap_or(default.validators),
        ports: args.base_port.map_or(default.ports, PortChoice::Base),
        parameters: args.chain.parameters()?,
        epoch_blocks: args.chain.epoch_blocks(),
        ..default
    })
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
        true => writeln!(text, "Logs lie in {}. Ctrl-C stops the network.", dir.join("logs").display()),
        false => writeln!(text, "  yilian network down{here}"),
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
