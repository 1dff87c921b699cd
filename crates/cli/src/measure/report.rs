//! What was measured: one JSON document, and tables for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{content::Content, load::Run, machine::Machine, statistics::Latency};
use crate::output::{bytes, table};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// How the figures are to be read.
    pub notes: Vec<String>,
    pub validators: usize,
    pub loads: Vec<Load>,
    pub memory: Vec<Memory>,
    pub content: Content,
}

/// One generator's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// `create` or `grant`.
    pub kind: String,
    /// Scheduled sendings a second; none in a closed loop, which sends when an answer comes.
    pub rate: Option<u32>,
    /// Requests under way at most.
    pub in_flight: usize,
    /// Sent, or due and not sent.
    pub due: usize,
    /// Applied in a final block.
    pub applied: usize,
    /// Why the others were not, and how many.
    pub failed: BTreeMap<String, usize>,
    /// From the start to the last answer.
    pub seconds: f64,
    pub applied_per_second: f64,
    /// Of those applied, ms: from the scheduled time, in a closed loop from sending, to the answer that it is final.
    pub latency_ms: Option<Latency>,
    /// Tickets, signatures and encoding, before the clock started.
    pub preparation_seconds: f64,
}

impl Load {
    pub fn new(kind: &str, rate: Option<u32>, in_flight: usize, run: &Run, preparation: f64) -> Self {
        Self {
            kind: kind.into(),
            rate,
            in_flight,
            due: run.applied.len() + run.failures.values().sum::<usize>(),
            applied: run.applied.len(),
            failed: run.failures.iter().map(|(failure, count)| (failure.to_string(), *count)).collect(),
            seconds: run.elapsed.as_secs_f64(),
            applied_per_second: run.per_second(),
            latency_ms: run.latency,
            preparation_seconds: preparation,
        }
    }

    fn row(&self) -> Vec<String> {
        let ms = |of: fn(&Latency) -> f64| {
            self.latency_ms.as_ref().map_or("-".into(), |l| format!("{:.0}", of(l)))
        };
        let offered = |rate| format!("{rate}/s offered");
        vec![
            self.kind.clone(),
            self.rate.map_or_else(|| format!("{} under way", self.in_flight), offered),
            self.due.to_string(),
            self.applied.to_string(),
            (self.due - self.applied).to_string(),
            format!("{:.0}", self.applied_per_second),
            ms(|latency| latency.p50),
            ms(|latency| latency.p95),
            ms(|latency| latency.max),
        ]
    }
}

/// Resident memory of a validator, bytes; `None` where the system does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub name: String,
    /// Idle, before any transaction.
    pub before: Option<u64>,
    /// Idle again, after all loads.
    pub after: Option<u64>,
    /// Most so far.
    pub peak: Option<u64>,
}

impl Report {
    pub fn human(&self) -> String {
        let parts = [self.heading(), self.loads(), self.memory(), self.content()];
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let Machine { cpu, cores, memory, system, version, build } = &self.machine;
        let memory = memory.map_or(String::new(), |memory| format!(", {} of memory", bytes(memory)));
        let notes: String = self.notes.iter().map(|note| format!("\n  - {note}")).collect();
        format!("yilian {version} ({build}) on {cpu}, {cores} cores{memory}, {system}{notes}")
    }

    fn loads(&self) -> String {
        let header = ["", "load", "due", "final", "failed", "final/s", "p50 ms", "p95 ms", "max ms"];
        let mut text = table(&header, self.loads.iter().map(Load::row));
        for load in &self.loads {
            for (why, count) in &load.failed {
                text += &format!("\n  {} {}: {count} failed: {why}", load.kind, load.row()[1]);
            }
        }
        text
    }

    fn memory(&self) -> String {
        let show = |memory: Option<u64>| memory.map_or("-".into(), bytes);
        let row = |m: &Memory| [m.name.clone(), show(m.before), show(m.after), show(m.peak)];
        table(&["memory", "idle before", "idle after", "peak"], self.memory.iter().map(row))
    }

    fn content(&self) -> String {
        let content = &self.content;
        let row = |what: &str, seconds: f64, ratio: f64| {
            [
                what.to_owned(),
                format!("{seconds:.2}"),
                format!("{:.0}", content.mib_per_second(seconds)),
                format!("{ratio:.2}"),
            ]
        };
        let rows = [
            row("sha256 alone", content.hash_seconds, 1.0),
            row("put", content.put_seconds, content.put_by_hash),
            row("verified get", content.get_seconds, content.get_by_hash),
        ];
        let head = format!("content, {} MiB", content.bytes >> 20);
        let peak = content.peak_memory.map_or("unknown".into(), bytes);
        let table = table(&[head.as_str(), "seconds", "MiB/s", "time / sha256"], rows);
        format!("{table}\n  memory grew by {peak} at most")
    }
}
