//! `wallet restore`: from the words alone. A lane of its own for this device, then every record on the chain, then what
//! the backups remember.

use serde::Serialize;
use yilian_client::{
    Wallet,
    patient::{backup, recover},
};
use yilian_crypto::seed::{Seed, WORDS};

use crate::{
    args::Global,
    commands::hint::{self, Explain as _},
    native::FileStore,
    output::Output,
    profile::{Kind, NewProfile, Patient, Profile, ProfileArgs, connect, faults, prompt},
};

#[derive(Serialize)]
struct Restored {
    /// This device's lane.
    lane: u16,
    records: usize,
    grants: usize,
    /// Lanes that hold records.
    lanes: Vec<u16>,
    backups: usize,
}

pub async fn restore(args: &ProfileArgs, global: &Global, output: Output) -> anyhow::Result<()> {
    let client = connect(global)?;
    args.check_free().map_err(hint::profile)?;
    if prompt::somebody() {
        output.note(format!("Type the {WORDS} words in their order. An empty line ends."));
    }
    let seed = Seed::from_words(prompt::words(WORDS)?.expose()).map_err(hint::seed)?;
    let password = args.new_password()?;

    let spinner = output.spinner("Looking for a free lane");
    let lane = backup::claim_lane(&client, &seed).await;
    spinner.finish_and_clear();
    faults(&client, output);
    let lane = lane.explain()?;
    let new =
        NewProfile::begin(args, Kind::Wallet, client.chain(), &seed, &password).map_err(hint::profile)?;
    let store = FileStore::new(new.state());
    Wallet::create(seed.clone(), client.chain(), lane, store).await.explain()?;
    new.finish().map_err(hint::profile)?;

    let profile = Profile::open(args, Kind::Wallet).map_err(hint::profile)?;
    let store = FileStore::new(profile.state());
    let state = profile.read_state().map_err(hint::profile)?;
    let wallet = Wallet::open(seed, client.chain(), &state, store).explain()?;
    let mut patient = Patient { client, wallet, profile, output };
    let again = args.repeated();
    scan(&mut patient).await.map_err(|error| {
        error.context(format!(
            "the wallet is set up, but not everything was found yet; go on with `yilian wallet scan{again}`"
        ))
    })
}

/// May be run at any time, and again after it broke off.
pub async fn scan(patient: &mut Patient) -> anyhow::Result<()> {
    let Patient { client, wallet, output, .. } = patient;
    let spinner = output.spinner("Looking for records");
    let mut told =
        |done: u64, _: u64| spinner.set_message(format!("Looking for records: {done} names tried"));
    let found = recover::recover(client, wallet, &mut told).await;
    spinner.set_message("Reading backups");
    let backups = match &found {
        Ok(_) => backup::restore(client, wallet).await,
        Err(_) => Ok(0),
    };
    spinner.finish_and_clear();
    let (found, backups) = (found.explain()?, backups.explain()?);
    backup::back_up(client, wallet).await.explain()?;
    let restored = Restored {
        lane: wallet.state().lane.number(),
        records: wallet.state().records.len(),
        grants: wallet.state().grants.len(),
        lanes: found.lanes.iter().map(|lane| lane.number()).collect(),
        backups,
    };
    output.result(&restored, || {
        format!(
            "{} records and {} grants are here again; {} backups were read. This device draws from lane {}.\n\
             Tickets are a device's own: `yilian wallet tickets` fetches the next period's.",
            restored.records, restored.grants, restored.backups, restored.lane
        )
    })
}
