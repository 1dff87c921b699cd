//! `yilian measure`: latency, throughput and memory of four validator processes on this machine, and the content store's
//! speed. Real transactions through the public interface; nothing is mocked, nothing is left out of a latency.

mod content;
mod load;
mod machine;
mod phases;
mod prepare;
mod report;
mod schedule;
mod statistics;
mod submit;
mod tickets;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use yilian_files::durable;

use self::{
    machine::Machine,
    phases::Bench,
    prepare::Maker,
    report::{Memory, Report},
    tickets::Tickets,
};
use crate::{
    network::{Network, Options, PortChoice, Running},
    output::Output,
    process,
};

/// Before memory is looked at, processes are left alone for so long.
const SETTLE: Duration = Duration::from_secs(3);
const MAX_RATES: usize = 8;

/// `yilian measure`
#[derive(Clone, Debug, clap::Args)]
pub struct Measure {
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Records created a second, one run each
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "100,1000",
          value_parser = clap::value_parser!(u32).range(1..=5000))]
    rates: Vec<u32>,

    /// Length of each run
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,

    /// Size of the object for the content store
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=16_384))]
    content_mib: u64,
}

/// Measures and reports; Ctrl-C ends everything that was started.
pub async fn run(measure: Measure, output: Output) -> anyhow::Result<()> {
    if measure.rates.len() > MAX_RATES {
        return Err(crate::failure::usage(format!("at most {MAX_RATES} rates")));
    }
    let report = tokio::select! {
        report = all(&measure, output) => report?,
        stopped = tokio::signal::ctrl_c() => {
            stopped.context("cannot wait for Ctrl-C")?;
            anyhow::bail!("interrupted");
        }
    };
    if let Some(path) = &measure.report {
        let json = serde_json::to_vec_pretty(&report)?;
        durable::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    output.result(&report, || report.human())
}

async fn all(measure: &Measure, output: Output) -> anyhow::Result<Report> {
    let machine = Machine::this();
    if machine.build == "debug" {
        output.note("This is a debug build: its figures say little.");
    }
    // First, while this process holds little memory and nothing else runs.
    let spinner = output.spinner("Content: sha256, put, get");
    let mib = measure.content_mib;
    let content = tokio::task::spawn_blocking(move || content::measure(mib)).await??;
    spinner.finish_and_clear();

    let folder =
        tempfile::Builder::new().prefix("yilian-measure-").tempdir().context("no temporary folder")?;
    let (mut network, maker) = start(folder.path().join("network"), output).await?;
    tokio::time::sleep(SETTLE).await;
    let before = memory(&network);
    let mut bench = Bench::new(&network, maker, measure.seconds, output)?;
    let measured = bench.all(&measure.rates).await;
    tokio::time::sleep(SETTLE).await;
    let memory = compare(&before, &network);
    network.stop().await?;
    let loads = measured?;
    let validators = network.urls().len();
    Ok(Report { notes: notes(&machine, validators), machine, validators, loads, memory, content })
}

/// A network in a folder of its own, and what makes its transactions.
async fn start(dir: PathBuf, output: Output) -> anyhow::Result<(Network, Maker)> {
    let spinner = output.spinner("Key ceremony");
    let mut options = Options::new(dir);
    options.name = "yilian-measure".into();
    options.ports = PortChoice::Any;
    let created = tokio::task::spawn_blocking(move || {
        let network = Network::create(&options)?;
        let tickets = Tickets::open(&network)?;
        anyhow::Ok((network, tickets))
    });
    let (mut network, tickets) = created.await??;
    network.start(|waiting| spinner.set_message(waiting.to_owned())).await?;
    spinner.finish_and_clear();
    let genesis = network.genesis();
    let maker = Maker::new(genesis.chain_id(), tickets, genesis.parameters.max_validity_ms);
    Ok((network, maker))
}

fn validators(network: &Network) -> impl Iterator<Item = Running> {
    let count = network.urls().len();
    network.running().into_iter().take(count)
}

fn memory(network: &Network) -> Vec<Option<u64>> {
    validators(network).map(|validator| process::memory(validator.pid)).collect()
}

fn compare(before: &[Option<u64>], network: &Network) -> Vec<Memory> {
    let of = |(validator, before): (Running, &Option<u64>)| Memory {
        before: *before,
        after: process::memory(validator.pid),
        peak: machine::peak_memory(validator.pid),
        name: validator.name,
    };
    validators(network).zip(before).map(of).collect()
}

fn notes(machine: &Machine, validators: usize) -> Vec<String> {
    let mut notes = vec![
        format!(
            "{validators} validators, the authority and the generator share these {} cores and one disk; peers are \
             connected by the loopback interface",
            machine.cores
        ),
        "open loop: sendings are evenly spaced and fixed beforehand, latency counts from the scheduled time; \
         submissions go to the validators in turn and wait for finality"
            .into(),
        "each grant is re-encrypted by every validator; their rate is four fifths of the most that got through".into(),
        "tickets, signatures and encoding are made before the clock starts; latency is of what became final".into(),
    ];
    if machine.build == "debug" {
        notes.push("debug build: not what validators run".into());
    }
    notes
}
