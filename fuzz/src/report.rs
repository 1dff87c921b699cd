//! What libFuzzer prints, as numbers, and a table of them.

/// One target's run.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub name: String,
    pub executions: u64,
    pub seconds: f64,
    /// Edges of our code that were reached.
    pub coverage: u64,
    pub corpus: usize,
    pub accepted: usize,
    pub peak_mib: u64,
    /// The file to repeat a find with.
    pub find: Option<String>,
    /// It ended otherwise than by its time.
    pub failed: bool,
}

impl Row {
    pub fn parse(&mut self, output: &str) {
        for line in output.lines() {
            if let Some((_, rest)) = line.split_once(" cov: ") {
                self.coverage = number(rest).max(self.coverage);
            }
            if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
                self.executions = number(rest);
            }
            if let Some(rest) = line.strip_prefix("stat::peak_rss_mb:") {
                self.peak_mib = number(rest);
            }
            if let Some((_, path)) = line.split_once("Test unit written to ") {
                self.find = Some(path.trim().to_owned());
            }
        }
    }

    fn per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.executions as f64 / self.seconds } else { 0.0 }
    }
}

fn number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<16} {:>9} {:>9} {:>7} {:>7} {:>9} {:>5}\n",
        "target", "inputs", "a second", "edges", "corpus", "accepted", "MiB"
    );
    for row in rows {
        let (name, corpus, accepted, peak) = (&row.name, row.corpus, row.accepted, row.peak_mib);
        let (executions, speed, edges) = (row.executions, row.per_second(), row.coverage);
        text += &format!(
            "{name:<16} {executions:>9} {speed:>9.0} {edges:>7} {corpus:>7} {accepted:>9} {peak:>5}\n"
        );
    }
    text
}
