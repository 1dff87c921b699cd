//! What figures were taken on: they mean nothing without it.

use std::{fmt, process::Command};

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub system: String,
    pub compiler: String,
    /// Processes that wanted to run, in the mean of the last minute: above the number of cores, wall-clock figures are worth
    /// little.
    pub load: f64,
}

impl Machine {
    pub fn this() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            compiler: compiler().unwrap_or_else(|| "unknown compiler".into()),
            load: load.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, system, compiler, load } = self;
        write!(f, "{cpu}, {cores} cores, {system}, {compiler}, load {load:.1}")
    }
}

fn compiler() -> Option<String> {
    let out = Command::new("rustc").arg("--version").output().ok()?;
    String::from_utf8(out.stdout).ok().map(|text| text.trim().to_owned())
}

/// The first `name: value` of a file.
pub fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let value =
        |line: &str| line.strip_prefix(name)?.trim_start().strip_prefix(':').map(|v| v.trim().to_owned());
    text.lines().find_map(value)
}

/// Bytes of resident memory: now (`VmRSS`) or at most so far (`VmHWM`).
pub fn memory(name: &str) -> Option<u64> {
    let text = field("/proc/self/status", name)?;
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Lets the peak begin anew.
pub fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
