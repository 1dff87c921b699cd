//! `yilian records pin`: attachments of accepted records, pinned by the wallet itself.

use yilian_client::patient::adopt;

use crate::{commands::hint::Explain as _, profile::Patient};

/// Pins what the tickets at hand pay for.
pub async fn pin(patient: &mut Patient) -> anyhow::Result<()> {
    let before = patient.wallet.state().unpinned.len();
    let left = adopt::pin_attachments(&patient.client, &mut patient.wallet).await.explain()?;
    let value = serde_json::json!({ "pinned": before.saturating_sub(left), "waiting": left });
    patient.output.result(&value, || match (before, left) {
        (0, _) => "No attachment waits to be pinned.".into(),
        (_, 0) => format!("{before} attachments pinned."),
        _ => format!(
            "{left} attachments wait: each costs a ticket for every started 4 MiB; `yilian wallet tickets`."
        ),
    })
}
