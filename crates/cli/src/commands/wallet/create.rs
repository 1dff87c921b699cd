//! `wallet create`: a fresh seed, its words written down and confirmed before anything is kept.

use clap::Args;
use rand_core::Rng as _;
use serde::Serialize;
use yilian_client::{Wallet, patient::backup, wallet::index::Lane};
use yilian_crypto::seed::{Seed, WORDS};

use super::show_words;
use crate::{
    args::Global,
    commands::hint::{self, Explain as _},
    failure,
    native::{FileStore, rng},
    output::Output,
    profile::{Kind, NativeClient, NewProfile, ProfileArgs, connect, faults, prompt},
};

const WARNING: &str = "\
These 24 words are the only way to your records if this device is lost or its password forgotten.
Write them on paper, in this order, and keep the paper where nobody finds it. Never photograph or send them.
Whoever has them can read everything. Nobody can help you if they are lost, not even us.
";
/// Words asked for again.
const ASKED: usize = 2;
/// Wrong answers before giving up.
const TRIES: usize = 3;

#[derive(Debug, Args)]
pub struct Create {
    /// Do not ask for two of the words again
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Created<'a> {
    profile: &'a str,
    folder: String,
    chain: String,
    /// The first backup reached some node, so that a second device sees that this one is there.
    claimed: bool,
    words: Vec<&'a str>,
}

pub async fn create(
    create: Create,
    args: &ProfileArgs,
    global: &Global,
    output: Output,
) -> anyhow::Result<()> {
    if !create.yes && !prompt::somebody() {
        return Err(failure::usage(
            "nobody is there to write the words down; say --yes if a script keeps them",
        ));
    }
    let client = connect(global)?;
    args.check_free().map_err(hint::profile)?;
    let password = args.new_password()?;
    let seed = Seed::generate(&mut rng());
    let words = seed.words();
    if !create.yes {
        output.note(WARNING);
        show_words(words.expose(), Output::new(false))?;
        confirm(words.expose())?;
    }

    let new =
        NewProfile::begin(args, Kind::Wallet, client.chain(), &seed, &password).map_err(hint::profile)?;
    let store = FileStore::new(new.state());
    Wallet::create(seed.clone(), client.chain(), Lane::FIRST, store).await.explain()?;
    let dir = new.finish().map_err(hint::profile)?;
    let claimed = claim(&client, seed, FileStore::new(dir.join("state"))).await?;

    let created = Created {
        profile: args.name().map_err(hint::profile)?,
        folder: dir.display().to_string(),
        chain: client.chain().0.to_string(),
        claimed,
        words: words.expose().split(' ').collect(),
    };
    if create.yes && !output.is_json() {
        output.note(WARNING);
        show_words(words.expose(), output)?;
    }
    faults(&client, output);
    if !claimed {
        output
            .note("No node took the first backup; it is made up for by the first command that reaches one.");
    }
    if output.is_json() {
        return output.result(&created, String::new);
    }
    let again = args.repeated();
    output.note(format!(
        "\nThe wallet is in {}.\nNext: get a code at an institution's counter, then `yilian wallet enrol CODE{again}`.",
        created.folder
    ));
    Ok(())
}

/// The first backup claims the first lane. A network that is down is no reason not to have a wallet.
async fn claim(client: &NativeClient, seed: Seed, store: FileStore) -> anyhow::Result<bool> {
    let state = store.load()?;
    let mut wallet = Wallet::open(seed, client.chain(), &state, store).explain()?;
    Ok(backup::back_up(client, &mut wallet).await.is_ok())
}

/// Two words, by their places, before the profile exists.
fn confirm(words: &str) -> anyhow::Result<()> {
    let words: Vec<&str> = words.split(' ').collect();
    for place in places() {
        let mut tries = 0;
        loop {
            let answer = prompt::line(&format!("Word {} of {WORDS}, from your paper: ", place + 1))?;
            if answer.expose().eq_ignore_ascii_case(words[place]) {
                break;
            }
            tries += 1;
            anyhow::ensure!(
                tries < TRIES,
                "that is not the word; nothing was written. Begin again with new words"
            );
        }
    }
    Ok(())
}

/// Different places, ascending.
fn places() -> Vec<usize> {
    let mut places = std::collections::BTreeSet::new();
    while places.len() < ASKED {
        places.insert(rng().next_u32() as usize % WORDS);
    }
    places.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_two_different_words_of_the_list() {
        for _ in 0..100 {
            let places = places();
            assert!(places.len() == ASKED && places[0] < places[1] && places[1] < WORDS, "{places:?}");
        }
    }
}
