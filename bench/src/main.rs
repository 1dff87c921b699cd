//! Speed, beside that of other libraries doing the same in the same process. `docs/benchmarks.md` says how to read it.
//!
//! `yilian-bench [delegation] [ledger] [content] [--json FILE]`: without a name, all of them. A Markdown table each on
//! standard output.

mod arkworks;
mod content;
mod delegation;
mod harness;
mod ledger;
mod machine;
mod mcl;
mod report;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use report::Report;

fn main() -> anyhow::Result<()> {
    let (mut wanted, mut json) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = Some(PathBuf::from(arguments.next().context("--json takes a file")?)),
            "delegation" | "ledger" | "content" => wanted.push(argument),
            other => bail!("{other} is neither delegation, ledger, content nor --json FILE"),
        }
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let mut report = Report::new();
    println!("{}\n", report.machine);
    for (name, run) in [
        ("delegation", delegation::run as fn() -> anyhow::Result<report::Section>),
        ("ledger", ledger::run),
        ("content", content::run),
    ] {
        if is_wanted(name) {
            let section = run()?;
            println!("{section}");
            report.sections.push(section);
        }
    }
    if let Some(path) = json {
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
