//! The process itself, as far as the system tells (Linux); names as Prometheus clients commonly use them.

use std::fs;

use super::Page;

/// Ticks of processor time a second, as `/proc` counts them on every architecture of Linux that runs this.
const TICKS: f64 = 100.0;

/// Leaves out what the system does not tell.
pub fn write(page: &mut Page) {
    if let Some(seconds) = processor_seconds() {
        page.counter("process_cpu_seconds_total", "Processor time used.", seconds);
    }
    if let Some(bytes) = memory() {
        page.gauge("process_resident_memory_bytes", "Memory held.", bytes as f64);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open file descriptors.", entries.count() as f64);
    }
}

fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, which may hold anything; user and system time are fields 14 and 15.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn this_process_has_memory_and_has_run() {
        assert!(memory().unwrap() > 1 << 20);
        assert!(processor_seconds().unwrap() >= 0.0);
    }
}
