//! The key ceremony of a local network: authority, ticket keys of the first periods, validators' keys, genesis.
//!
//! Everything is made in a folder aside and renamed into place, so that a folder with a `network.json` is a whole network.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::encoding::{key_to_hex, to_hex};
use yilian_authority::Issuer;
use yilian_crypto::{Secret, password::Cost};
use yilian_files::durable;
use yilian_ledger::{Genesis, Time};
use yilian_node::config::{CONFIG_FILE, GENESIS_FILE, Localnet, Peer};

use super::{
    description::{AuthorityDescription, Description, NodeDescription},
    layout::Layout,
    options::{Options, PortChoice},
    ports::{Ports, loopback},
};
use crate::{
    authority::{
        folder::{self, Folder, Names, Subject},
        ticket_keys,
    },
    native::rng,
};

/// Ticket keys stand in the genesis for so many periods: as far ahead as the authority keeps them.
const PERIODS: u32 = 4;
/// The passphrase of a local network lies beside what it locks: there is nobody to ask.
const PASSPHRASE: &str = "passphrase";

/// Makes the network's folder.
pub fn create(options: &Options) -> anyhow::Result<()> {
    let dir = &options.dir;
    check_absent(dir)?;
    let ports = ports(options)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let aside = tempfile::Builder::new().prefix(".yilian-").tempdir_in(parent);
    let aside = aside.with_context(|| format!("cannot write in {}", parent.display()))?;
    fill(&Layout::at(aside.path()), options, &ports)?;
    let aside = aside.keep();
    fs::rename(&aside, dir).with_context(|| format!("cannot move {} to {}", aside.display(), dir.display()))
}

fn check_absent(dir: &Path) -> anyhow::Result<()> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => anyhow::bail!(
            "{} holds something, but no network; choose another folder with --dir or empty this one",
            dir.display()
        ),
        Ok(false) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look into {}", dir.display())),
    }
}

fn ports(options: &Options) -> anyhow::Result<Ports> {
    match options.ports {
        PortChoice::Any => Ports::any(options.validators),
        PortChoice::Base(base) => Ports::from_base(base, options.validators)
            .context("the ports would run past 65535; choose a lower base"),
    }
}

fn fill(layout: &Layout, options: &Options, ports: &Ports) -> anyhow::Result<()> {
    let passphrase = draw_passphrase(&mut rng());
    let folder = Folder::at(&layout.authority());
    let opened = folder.create(&names(options), passphrase.expose(), Cost::DEFAULT)?;
    let line = Secret::new(format!("{}\n", passphrase.expose()));
    durable::write_new(&folder.path(PASSPHRASE), line.expose().as_bytes())?;

    let time = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let time = u64::try_from(time.as_millis())?;
    let first = options.parameters.period(Time(time));
    let ticket_keys = ticket_keys::ensure(&opened.store, first, PERIODS)?;

    let localnet = Localnet::generate(options.validators, &mut rng())?;
    let genesis = Genesis {
        name: options.name.clone(),
        time,
        parameters: options.parameters.clone(),
        committee: localnet.committee(),
        epoch_blocks: options.epoch_blocks,
        roots: vec![folder.root()?.der().to_vec()],
        ticket_keys,
    };
    genesis.validate()?;

    durable::publish(&layout.genesis(), &genesis.encode())?;
    fs::create_dir_all(layout.logs())?;
    // The authority is named, so that its ticket keys are co-signed from the first block.
    let authorities = [key_to_hex(&opened.issuer.certificate().contents().signing_key)];
    localnet.write(&genesis, &ports.endpoints(), &authorities, |index| layout.validator(index))?;
    folder.write_settings(&authority_settings(options))?;
    describe(&genesis, &opened.issuer).write(&layout.description())?;
    connect(layout, ports)
}

/// Writes the ports into every settings file and the description; keys and the chain stay as they are.
pub fn connect(layout: &Layout, ports: &Ports) -> anyhow::Result<()> {
    let url = |port: u16| format!("http://{}", loopback(port));
    let mut description = Description::read(&layout.description())?;
    for (node, (http, _)) in description.nodes.iter_mut().zip(&ports.validators) {
        node.url = url(*http);
    }
    description.authority.url = url(ports.authority);
    for (index, (http, peers)) in ports.validators.iter().enumerate() {
        let mut settings = layout.node_settings(index)?;
        settings.http = loopback(*http);
        settings.p2p = loopback(*peers);
        settings.peers = others(&description, ports, index);
        durable::publish(&layout.validator(index).join(CONFIG_FILE), toml::to_string(&settings)?.as_bytes())?;
    }
    let folder = Folder::at(&layout.authority());
    let settings = folder::Settings {
        listen: loopback(ports.authority),
        nodes: description.urls(),
        ..folder.settings()?
    };
    folder.write_settings(&settings)?;
    description.write(&layout.description())
}

fn others(description: &Description, ports: &Ports, index: usize) -> Vec<Peer> {
    let all = description.nodes.iter().zip(&ports.validators).enumerate();
    let others = all.filter(|(other, _)| *other != index);
    others
        .map(|(_, (node, (http, peers)))| Peer {
            key: node.validator.clone(),
            address: loopback(*peers),
            api: Some(format!("http://{}", loopback(*http))),
        })
        .collect()
}

fn authority_settings(options: &Options) -> folder::Settings {
    let defaults = folder::Settings::new(loopback(0), PathBuf::from("..").join(GENESIS_FILE), Vec::new());
    folder::Settings {
        passphrase_file: Some(PathBuf::from(PASSPHRASE)),
        tickets_per_period: options.tickets_per_period.unwrap_or(defaults.tickets_per_period),
        ..defaults
    }
}

fn describe(genesis: &Genesis, issuer: &Issuer) -> Description {
    let node = |key: &[u8; 32]| NodeDescription { url: String::new(), validator: to_hex(key) };
    Description {
        chain: genesis.chain_id().0.to_string(),
        name: genesis.name.clone(),
        genesis: PathBuf::from(GENESIS_FILE),
        nodes: genesis.committee.iter().map(node).collect(),
        authority: AuthorityDescription { url: String::new(), member: to_hex(&issuer.id().0.0) },
    }
}

fn names(options: &Options) -> Names {
    let subject = |id: &str, what: &str| Subject { id: id.into(), name: format!("{} {what}", options.name) };
    Names { root: subject("root", "root"), issuer: subject("authority", "authority") }
}

fn draw_passphrase(rng: &mut impl CryptoRng) -> Secret<String> {
    Secret::new(to_hex(Secret::<[u8; 16]>::random(rng).expose()))
}
