//! A client of the network that the command line names.

use yilian_client::{Client, Network, NodeUrl};

use crate::{args::Global, http::Http, native::NativeHost, network::Known, trust::Trust};

/// Reads `network.json` and its genesis; asks nobody yet.
pub fn connect(global: &Global) -> anyhow::Result<Client<NativeHost>> {
    let Known { description, genesis } = Known::read(&global.network)?;
    let http = Http::new(&Trust::consortium(&genesis).with(&global.transport)?)?;
    let nodes = description.nodes.iter().map(|node| NodeUrl::new(&node.url)).collect();
    let network = Network::new(nodes, Some(NodeUrl::new(&description.authority.url)));
    Ok(Client::new(NativeHost::new(http), network, genesis))
}
