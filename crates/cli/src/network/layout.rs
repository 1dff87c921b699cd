//! Where things lie in a local network's folder.
//!
//! ```text
//! network.json  genesis.bin       what clients read
//! authority/                      see `authority::folder`
//! validators/1/ ...               a node's folder each, in the order of the committee
//! logs/                           one file a process
//! network.lock  run.json          which processes run
//! ```

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use yilian_node::config::{CONFIG_FILE, GENESIS_FILE, Settings};

use super::ports::Ports;
use crate::{args::DESCRIPTION, authority::folder::Folder};

#[derive(Clone, Debug)]
pub struct Layout(PathBuf);

impl Layout {
    pub fn at(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    pub fn dir(&self) -> &Path {
        &self.0
    }

    pub fn description(&self) -> PathBuf {
        self.0.join(DESCRIPTION)
    }

    pub fn genesis(&self) -> PathBuf {
        self.0.join(GENESIS_FILE)
    }

    pub fn authority(&self) -> PathBuf {
        self.0.join("authority")
    }

    /// `index` counts from 0, folders from 1, as people do.
    pub fn validator(&self, index: usize) -> PathBuf {
        self.0.join("validators").join((index + 1).to_string())
    }

    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    pub fn log(&self, process: &str) -> PathBuf {
        self.logs().join(format!("{}.log", process.replace(' ', "-")))
    }

    pub fn run_file(&self) -> PathBuf {
        self.0.join("run.json")
    }

    pub fn node_settings(&self, index: usize) -> anyhow::Result<Settings> {
        let path = self.validator(index).join(CONFIG_FILE);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not as it should be", path.display()))
    }

    /// The ports that the settings name.
    pub fn ports(&self, validators: usize) -> anyhow::Result<Ports> {
        let ports = |index| self.node_settings(index).map(|s| (s.http.port(), s.p2p.port()));
        Ok(Ports {
            authority: Folder::at(&self.authority()).settings()?.listen.port(),
            validators: (0..validators).map(ports).collect::<anyhow::Result<_>>()?,
        })
    }
}
