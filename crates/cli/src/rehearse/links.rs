//! Wires between validators that can be cut: every validator reaches every other one through a port of its own, which this
//! process forwards. A cut wire drops what it carries and accepts nothing until it is mended.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use yilian_files::durable;
use yilian_node::config::CONFIG_FILE;

use crate::network::{Layout, Network};

/// From one validator to another, both counted from 0.
type Wire = (usize, usize);

pub struct Links {
    wires: BTreeMap<Wire, Arc<watch::Sender<bool>>>,
    _forwarders: JoinSet<()>,
}

impl Links {
    /// Lays a wire for each ordered pair of a network that is not running, and writes it into the settings.
    pub async fn lay(network: &Network) -> anyhow::Result<Self> {
        let layout = Layout::at(network.dir());
        let count = network.urls().len();
        let own: Vec<SocketAddr> =
            (0..count).map(|index| Ok(layout.node_settings(index)?.p2p)).collect::<anyhow::Result<_>>()?;
        let mut links = Self { wires: BTreeMap::new(), _forwarders: JoinSet::new() };
        for from in 0..count {
            let mut settings = layout.node_settings(from)?;
            for peer in &mut settings.peers {
                let to = own.iter().position(|address| *address == peer.address);
                let to = to.context("a peer of the settings is no validator of this network")?;
                peer.address = links.wire((from, to), peer.address).await?;
            }
            let path = layout.validator(from).join(CONFIG_FILE);
            durable::publish(&path, toml::to_string(&settings)?.as_bytes())?;
        }
        Ok(links)
    }

    async fn wire(&mut self, wire: Wire, target: SocketAddr) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a wire")?;
        let address = listener.local_addr()?;
        let is_cut = Arc::new(watch::Sender::new(false));
        self.wires.insert(wire, Arc::clone(&is_cut));
        self._forwarders.spawn(forward(listener, target, is_cut));
        Ok(address)
    }

    /// Cuts every wire between the two groups, in both directions.
    pub fn part(&self, one: &[usize], other: &[usize]) {
        for ((from, to), is_cut) in &self.wires {
            let crosses =
                (one.contains(from) && other.contains(to)) || (other.contains(from) && one.contains(to));
            if crosses {
                is_cut.send_replace(true);
            }
        }
    }

    /// Mends all.
    pub fn mend(&self) {
        for is_cut in self.wires.values() {
            is_cut.send_replace(false);
        }
    }
}

async fn forward(listener: TcpListener, target: SocketAddr, is_cut: Arc<watch::Sender<bool>>) {
    let mut connections = JoinSet::new();
    while let Ok((mut here, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let mut state = is_cut.subscribe();
        if *state.borrow_and_update() {
            continue;
        }
        connections.spawn(async move {
            let Ok(mut there) = TcpStream::connect(target).await else { return };
            tokio::select! {
                // However a connection ends, its two ends find out.
                _ = copy_bidirectional(&mut here, &mut there) => {}
                _ = state.wait_for(|cut| *cut) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_cut_wire_carries_nothing_until_it_is_mended() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = echo.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        let mut links = Links { wires: BTreeMap::new(), _forwarders: JoinSet::new() };
        let address = links.wire((0, 1), target).await.unwrap();
        let echoes = || async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(b"x").await?;
            let mut byte = [0];
            stream.read_exact(&mut byte).await.map(|_| ())
        };
        echoes().await.unwrap();
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"x").await.unwrap();
        let mut byte = [0];
        open.read_exact(&mut byte).await.unwrap();
        links.part(&[1], &[0]);
        let ended = tokio::time::timeout(Duration::from_secs(5), open.read(&mut byte)).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)), "an open connection is cut too");
        assert!(echoes().await.is_err());
        links.mend();
        echoes().await.unwrap();
    }
}
