//! What the command prints: tables and sentences for people, one JSON document a command for machines.
//!
//! Results go to standard output, progress and remarks to standard error, so that a pipe sees results only.

use std::{
    borrow::Cow,
    io::{self, Write as _},
    time::Duration,
};

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    pub const fn is_json(self) -> bool {
        self.json
    }

    /// The command's result: `value` for machines, `human` for people.
    pub fn result<T: Serialize>(self, value: &T, human: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json { print(&serde_json::to_string_pretty(value)?) } else { print(&human()) }
    }

    /// A remark beside the result; silent for machines.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.json {
            eprintln!("{}", text.as_ref());
        }
    }

    /// A bar over `total` bytes, drawn on a terminal only.
    pub fn bytes(self, total: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let style = "{msg:24} [{bar:32}] {decimal_bytes:>10} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta}";
        let bar = ProgressBar::new(total).with_message(what);
        bar.with_style(
            ProgressStyle::with_template(style).expect("template is constant").progress_chars("━╸ "),
        )
    }

    /// A spinner for work of unknown length; cleared when dropped.
    pub fn spinner(self, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

/// A text and a line's end to standard output. A reader that has seen enough, like `head`, ends nothing.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Columns below which no table is squeezed; some terminals claim to have none.
const NARROWEST: u16 = 60;

/// A table with a header row.
pub fn table<R, C>(header: &[&str], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_some_and(|columns| columns < NARROWEST) {
        table.set_width(NARROWEST);
    }
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// `1234567` as `1.2 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Unix milliseconds as RFC 3339 in UTC, to the second.
pub fn time(ms: u64) -> String {
    let secs = ms / 1000;
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Gregorian date of a day number since 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The head of a long identifier, enough to tell it from others.
pub fn short(id: &str) -> String {
    if id.chars().count() <= 16 {
        id.to_owned()
    } else {
        format!("{}…", id.chars().take(15).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_gregorian() {
        assert_eq!(time(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(time(951_782_399_000), "2000-02-28 23:59:59 UTC");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(time(1_795_191_845_999), "2026-11-20 16:24:05 UTC");
    }

    #[test]
    fn sizes_carry_units() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(999_960), "1.0 MB");
        assert_eq!(bytes(200_000_000), "200.0 MB");
    }

    #[test]
    fn long_identifiers_are_shortened() {
        assert_eq!(short("abc"), "abc");
        assert_eq!(short("0123456789abcdef0"), "0123456789abcde…");
    }
}
