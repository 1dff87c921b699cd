//! `wallet status`: what this device holds; what the chain says, if it can be asked.

use serde::Serialize;
use yilian_client::wallet::state::{GrantStatus, OfferStatus};
use yilian_crypto::ticket::{Class, Period};

use crate::{
    commands::hint,
    output::{self},
    profile::Patient,
};

#[derive(Serialize)]
struct Status {
    profile: String,
    folder: String,
    chain: String,
    lane: u16,
    records: usize,
    open_offers: usize,
    active_grants: usize,
    unsettled_grants: usize,
    /// Openings that wait for their random delay.
    waiting_messages: usize,
    /// 0: never.
    backup: u64,
    tickets: usize,
    /// `None` when no node answered.
    now: Option<Now>,
}

#[derive(Serialize)]
struct Now {
    height: u64,
    /// Unix milliseconds, the ledger's.
    time: u64,
    period: u32,
    tickets_now: usize,
    tickets_next_period: usize,
}

pub async fn status(patient: &Patient) -> anyhow::Result<()> {
    let now = match now(patient).await {
        Ok(now) => Some(now),
        Err(error) => {
            patient.output.note(format!("The chain was not asked: {error}"));
            None
        }
    };
    let state = patient.wallet.state();
    let grants = |status| state.grants.values().filter(|grant| grant.status == status).count();
    let status = Status {
        profile: patient.profile.name().to_owned(),
        folder: patient.profile.dir().display().to_string(),
        chain: patient.client.chain().0.to_string(),
        lane: state.lane.number(),
        records: state.records.len(),
        open_offers: state.offers.values().filter(|offer| offer.status == OfferStatus::Open).count(),
        active_grants: grants(GrantStatus::Active),
        unsettled_grants: grants(GrantStatus::Submitted),
        waiting_messages: state.grants.values().filter(|grant| grant.outgoing.is_some()).count(),
        backup: state.backup_counter,
        tickets: state.tickets.len(),
        now,
    };
    patient.output.result(&status, || render(&status))
}

async fn now(patient: &Patient) -> anyhow::Result<Now> {
    let ask = async {
        let header = patient.client.header().await?;
        let parameters = patient.client.parameters().await?;
        Ok::<_, yilian_client::ClientError>((header, parameters))
    };
    let (header, parameters) = ask.await.map_err(|error| hint::explain(&error))?;
    let time = header.header().time;
    let period = parameters.period(time);
    Ok(Now {
        height: header.header().height.0,
        time: time.0,
        period: period.0,
        tickets_now: patient.wallet.tickets(Class::Care, &parameters, time),
        tickets_next_period: patient.wallet.tickets_of(Class::Care, Period(period.0.saturating_add(1))),
    })
}

fn render(status: &Status) -> String {
    let mut rows = vec![
        row("profile", &status.profile),
        row("folder", &status.folder),
        row("chain", &status.chain),
        row("lane of this device", status.lane),
        row("records", status.records),
        row("open offers", status.open_offers),
        row("active grants", status.active_grants),
    ];
    if status.unsettled_grants > 0 {
        rows.push(row(
            "grants on their way",
            format!("{}: `yilian records deliver`", status.unsettled_grants),
        ));
    }
    if status.waiting_messages > 0 {
        rows.push(row("messages to send", format!("{}: `yilian records deliver`", status.waiting_messages)));
    }
    let backup = match status.backup {
        0 => "never: `yilian wallet backup`".to_owned(),
        counter => format!("number {counter}"),
    };
    rows.push(row("backup", backup));
    match &status.now {
        Some(now) => {
            let tickets = format!("{} now, {} for the next period", now.tickets_now, now.tickets_next_period);
            rows.push(row("tickets", tickets));
            let chain = format!("height {}, {}, period {}", now.height, output::time(now.time), now.period);
            rows.push(row("verified of the chain", chain));
        }
        None => rows.push(row("tickets", status.tickets)),
    }
    output::table(&["wallet", ""], rows)
}

fn row(name: &str, value: impl ToString) -> [String; 2] {
    [name.to_owned(), value.to_string()]
}
