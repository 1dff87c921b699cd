//! A client of the network that the command line names.

use yilian_client::{Client, Network, NodeUrl};

use crate::{args::Global, http::Http, native::NativeHost, network::Known};

/// Reads `network.json` and its genesis; asks nobody yet.
pub fn connect(global: &Global) -> anyhow::Result<Client<NativeHost>> {
    of(Known::read(&global.network)?)
}

/// A client of a known network.
pub fn of(known: Known) -> anyhow::Result<Client<NativeHost>> {
    let Known { description, genesis } = known;
    let nodes = description.nodes.iter().map(|node| NodeUrl::new(&node.url)).collect();
    let network = Network::new(nodes, Some(NodeUrl::new(&description.authority.url)));
    Ok(Client::new(NativeHost::new(Http::new()?), network, genesis))
}
