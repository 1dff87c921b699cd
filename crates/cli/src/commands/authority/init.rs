//! `authority init`: root, intermediate, store, settings.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use yilian_api::encoding::{key_to_hex, to_hex};
use yilian_crypto::password::Cost;
use yilian_node::config::GENESIS_FILE;

use crate::{
    authority::folder::{Folder, Names, SETTINGS, Settings, Subject},
    output::Output,
    passphrase,
};

#[derive(Debug, Args)]
pub struct Init {
    /// The authority's folder; made if absent
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// Name for people, in every certificate
    #[arg(long, value_name = "NAME")]
    name: String,

    /// Where wallets and members connect to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    /// Base address of a validator; repeatable, may be added later
    #[arg(long = "node", value_name = "URL")]
    nodes: Vec<String>,

    /// File with the passphrase that locks the keys [default: YILIAN_PASSPHRASE, else the keyboard]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub fn init(args: Init, output: Output) -> anyhow::Result<()> {
    let passphrase = passphrase::obtain_new(args.passphrase_file.as_deref(), "New passphrase: ")?;
    let folder = Folder::at(&args.dir);
    let subject = |id: &str, name: String| Subject { id: id.into(), name };
    let names = Names {
        root: subject("root", format!("{} (root)", args.name)),
        issuer: subject("authority", args.name),
    };
    let spinner = output.spinner("Making keys");
    let opened = folder.create(&names, passphrase.expose(), Cost::DEFAULT);
    spinner.finish_and_clear();
    let issuer = opened?.issuer;
    let passphrase_file = args.passphrase_file.map(std::path::absolute).transpose()?;
    let settings =
        Settings { passphrase_file, ..Settings::new(args.listen, GENESIS_FILE.into(), args.nodes) };
    folder.write_settings(&settings).context("the keys are made, but the settings cannot be written")?;
    let key = key_to_hex(&issuer.certificate().contents().signing_key);
    let member = to_hex(&issuer.id().0.0);
    output.result(&json!({ "member": member, "key": key, "root": folder.root()?.id().to_string() }), || {
        format!(
            "Authority {member}\nIts key, for `yilian node init --authority`: {key}\n\nNext:\n  1. yilian authority genesis --config {0} \
             --name NAME --validator KEY …\n  2. give genesis.bin to every validator, and their addresses to {1}\n  3. yilian \
             authority serve --config {0}\nThen move root.key to a medium that is kept offline.",
            args.dir.display(),
            folder.path(SETTINGS).display()
        )
    })
}
