//! How the demonstration tells what happens: acts, steps with their time, refusals with their code, a table at the end and
//! a report for machines. A step that does not hold is remembered, and the whole demonstration fails by it.

use std::{
    fmt::Display,
    future::Future,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::output;

/// What a step showed.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub act: String,
    pub what: String,
    /// What was seen: sizes, identifiers, who verified what and how.
    pub seen: String,
    pub milliseconds: f64,
    /// For attacks: the stable code it was refused with.
    pub refused_with: Option<String>,
    pub held: bool,
}

/// The whole demonstration, as `--report` writes it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub version: String,
    pub steps: Vec<Step>,
    pub held: bool,
}

#[derive(Debug)]
pub struct Story {
    act: String,
    acts: usize,
    color: bool,
    quiet: bool,
    report: Report,
}

impl Story {
    /// `quiet` prints nothing: the report alone is wanted.
    pub fn new(color: bool, quiet: bool) -> Self {
        let report = Report { version: env!("CARGO_PKG_VERSION").into(), steps: Vec::new(), held: true };
        Self { act: String::new(), acts: 0, color, quiet, report }
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn say(&self, line: impl Display) {
        if !self.quiet {
            // Nobody listening is no reason to end the story: the report counts.
            let _ = output::print(&line.to_string());
        }
    }

    /// Opens an act.
    pub fn act(&mut self, title: &str) {
        self.acts += 1;
        self.act = title.to_owned();
        self.say(format_args!("\n{}", self.paint("1;36", format_args!("{}. {title}", self.acts))));
    }

    /// A sentence between steps.
    pub fn tell(&self, line: impl Display) {
        self.say(format_args!("   {line}"));
    }

    /// Runs a step that must succeed; its value is handed on, what it showed is printed.
    pub async fn step<T, E: Display>(
        &mut self,
        what: impl Into<String>,
        work: impl Future<Output = Result<(T, String), E>>,
    ) -> anyhow::Result<T> {
        let (what, start) = (what.into(), Instant::now());
        match work.await {
            Ok((value, seen)) => {
                self.record(what, seen, start.elapsed(), None, true);
                Ok(value)
            }
            Err(error) => {
                self.record(what.clone(), error.to_string(), start.elapsed(), None, false);
                anyhow::bail!("{what}: {error}")
            }
        }
    }

    /// Runs an attack that must be refused with exactly `code`.
    pub async fn attack<T>(
        &mut self,
        what: impl Into<String>,
        code: &str,
        work: impl Future<Output = Result<T, (String, String)>>,
    ) {
        let (what, start) = (what.into(), Instant::now());
        let (seen, got, held) = match work.await {
            Ok(_) => ("was NOT refused".to_owned(), None, false),
            Err((got, said)) if got == code => (said, Some(got), true),
            Err((got, said)) => (format!("expected {code}: {said}"), Some(got), false),
        };
        self.record(what, seen, start.elapsed(), got, held);
    }

    fn record(
        &mut self,
        what: String,
        seen: String,
        took: Duration,
        refused_with: Option<String>,
        held: bool,
    ) {
        let milliseconds = took.as_secs_f64() * 1000.0;
        let mark = if held { self.paint("32", "✓") } else { self.paint("1;31", "✗") };
        let code = refused_with.as_deref().map(|c| format!(" {}", self.paint("33", format_args!("[{c}]"))));
        let time = self.paint("2", format_args!("{} ms", render(milliseconds)));
        self.say(format_args!(" {mark} {what}{}  {time}", code.unwrap_or_default()));
        if !seen.is_empty() {
            self.say(format_args!("     {}", self.paint("2", &seen)));
        }
        self.report.held &= held;
        let act = self.act.clone();
        self.report.steps.push(Step { act, what, seen, milliseconds, refused_with, held });
    }

    /// The table at the end; hands the report out.
    pub fn finish(self) -> Report {
        let mut rows: Vec<(String, usize, usize, f64)> = Vec::new();
        for step in &self.report.steps {
            if rows.last().is_none_or(|r| r.0 != step.act) {
                rows.push((step.act.clone(), 0, 0, 0.0));
            }
            if let Some(row) = rows.last_mut() {
                row.1 += 1;
                row.2 += usize::from(step.held);
                row.3 += step.milliseconds;
            }
        }
        let cells = rows.into_iter().map(|(act, steps, held, ms)| {
            [act, steps.to_string(), held.to_string(), format!("{:.1} s", ms / 1000.0)]
        });
        let table = output::table(&["act", "steps", "held", "time"], cells);
        self.say(format_args!("\n{table}"));
        self.report
    }
}

fn render(milliseconds: f64) -> String {
    if milliseconds < 10.0 { format!("{milliseconds:.1}") } else { format!("{milliseconds:.0}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn an_attack_that_succeeds_fails_the_story() {
        let mut story = Story::new(false, true);
        story.attack("forge", "x", async { Ok::<_, (String, String)>(()) }).await;
        assert!(!story.finish().held);
    }

    #[tokio::test]
    async fn an_attack_refused_for_another_reason_fails_the_story() {
        let mut story = Story::new(false, true);
        story.attack("forge", "x", async { Err::<(), _>(("y".into(), "no".into())) }).await;
        assert!(!story.finish().held);
    }

    #[tokio::test]
    async fn a_refused_attack_and_a_good_step_hold() {
        let mut story = Story::new(false, true);
        story.attack("forge", "x", async { Err::<(), _>(("x".into(), "no".into())) }).await;
        let n = story.step("count", async { Ok::<_, String>((3, "three".into())) }).await.unwrap();
        assert_eq!(n, 3);
        let report = story.finish();
        assert!(report.held);
        assert_eq!(report.steps.len(), 2);
    }
}
