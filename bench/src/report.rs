//! Sections of figures, as Markdown and as JSON.

use std::fmt;

use serde::Serialize;

use crate::machine::Machine;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub sections: Vec<Section>,
}

impl Report {
    pub fn new() -> Self {
        Self { machine: Machine::this(), sections: Vec::new() }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Section {
    pub title: &'static str,
    pub note: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Targets, whether they are met.
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub what: String,
    pub wanted: f64,
    pub found: f64,
    pub met: bool,
}

impl Target {
    pub fn at_least(what: impl Into<String>, wanted: f64, found: f64) -> Self {
        Self { what: what.into(), wanted, found, met: found >= wanted }
    }

    pub fn at_most(what: impl Into<String>, wanted: f64, found: f64) -> Self {
        Self { what: what.into(), wanted, found, met: found <= wanted }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n\n{}\n", self.title, self.note)?;
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.columns.len()))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        if !self.targets.is_empty() {
            writeln!(f)?;
        }
        for Target { what, wanted, found, met } in &self.targets {
            writeln!(
                f,
                "- {}: {what}: {found:.2}, wanted {wanted}",
                if *met { "met" } else { "**missed**" }
            )?;
        }
        Ok(())
    }
}
