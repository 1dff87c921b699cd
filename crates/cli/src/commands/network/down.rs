//! `network down`: asks the supervisor to stop, and waits until it has.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    network::lock::{self, Holder},
    output::Output,
    process,
};

/// Longer than the supervisor waits for its processes.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

pub async fn down(dir: &Path, output: Output) -> anyhow::Result<()> {
    let Holder::Process(pid) = lock::holder(dir)? else {
        return output
            .result(&json!({ "stopped": false }), || format!("No network runs in {}.", dir.display()));
    };
    process::terminate(pid)?;
    let spinner = output.spinner("Stopping");
    let began = Instant::now();
    while lock::holder(dir)? != Holder::Nobody {
        anyhow::ensure!(
            began.elapsed() < LIMIT,
            "process {pid} does not stop; see the logs in {}",
            dir.join("logs").display()
        );
        tokio::time::sleep(LOOK).await;
    }
    spinner.finish_and_clear();
    output.result(&json!({ "stopped": true }), || "Stopped.".into())
}
