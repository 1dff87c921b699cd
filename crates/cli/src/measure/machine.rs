//! What figures were taken on: they mean nothing without it.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// The machine and this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    /// That this process may use.
    pub cores: usize,
    /// Bytes.
    pub memory: Option<u64>,
    pub system: String,
    pub version: String,
    /// `release` or `debug`: a debug build says little.
    pub build: String,
}

impl Machine {
    pub fn this() -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION").into(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
        }
    }
}

/// Most bytes of memory that a process held so far (resident set), where the system tells.
pub fn peak_memory(pid: u32) -> Option<u64> {
    kibibytes(&field(format!("/proc/{pid}/status"), "VmHWM")?)
}

/// Lets this process's peak begin anew; where the system cannot, the peak is that since its start.
pub fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The first `name: value` of a file.
fn field(path: impl AsRef<Path>, name: &str) -> Option<String> {
    find(&std::fs::read_to_string(path).ok()?, name)
}

fn find(text: &str, name: &str) -> Option<String> {
    let value =
        |line: &str| line.strip_prefix(name)?.trim_start().strip_prefix(':').map(|v| v.trim().to_owned());
    text.lines().find_map(value)
}

/// `1234 kB` in bytes.
fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t\t: 167\nmodel name\t: A Processor: 3 GHz\n";
        assert_eq!(find(text, "model name").as_deref(), Some("A Processor: 3 GHz"));
        assert_eq!(find(text, "model").as_deref(), Some("167"));
        assert_eq!(find(text, "mode"), None);
        assert_eq!(kibibytes("  12 kB"), Some(12 * 1024));
        assert_eq!(kibibytes("12"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_no_less_than_what_is_held() {
        let pid = std::process::id();
        let held = crate::process::memory(pid);
        assert!(peak_memory(pid) >= held && held.is_some());
    }
}
