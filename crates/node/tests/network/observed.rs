//! What an operator sees of a node, its metrics and its log, names nobody and nothing (spec N-30 to N-34).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::EnvFilter;

use super::support::{NODES, Network};

/// Everything that this system's own crates can say, and what a service tells of others by default.
const FILTER: &str = "info,commonware_consensus=warn,commonware_p2p=warn,commonware_storage=warn,commonware_runtime=warn,\
    commonware_resolver=warn,commonware_broadcast=warn,commonware_glue=warn,yilian_node=trace,yilian_chain=trace,\
    yilian_content=trace,yilian_transport=trace,yilian_ledger=trace,yilian_api=trace,yilian_crypto=trace";

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, in the form with most in it.
pub fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

/// After everything else that the test did.
pub fn the_log_names_nobody_and_nothing(network: &Network) {
    let text = String::from_utf8(log().0.lock().unwrap().clone()).unwrap();
    // It was listened to: requests are there, by template, with their ids.
    for expected in ["\"route\":\"/v1/entries/{name}\"", "\"status\":422", "\"id\":\"", "node started"] {
        assert!(text.contains(expected), "{expected}");
    }
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(value["timestamp"].is_string() && value["level"].is_string(), "{line}");
        assert_anonymous(line);
        assert!(!line.contains("?wait=") && !line.contains("wait=finalized"), "a query: {line}");
        // A node's own address, once, when it starts; a client's never.
        assert!(!line.contains("127.0.0.1") || line.contains("node started"), "{line}");
    }
    for key in &network.genesis.committee {
        assert!(!text.contains(&yilian_api::encoding::to_hex(&key[..8])), "a validator's key");
    }
}

/// Identifiers, keys, tickets and CIDs of this system are longer than anything else that is said in one word.
fn assert_anonymous(text: &str) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for word in text.split(|c| !word(c)) {
        let digits = word.bytes().any(|b| b.is_ascii_digit());
        let hexadecimal = word.len() >= 24 && word.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(!(hexadecimal || word.len() >= 40 && digits), "`{word}` in: {text}");
    }
}

pub async fn metrics_read_as_prometheus_reads_them_and_name_nobody(network: &Network) {
    let documented = documented();
    for node in 0..NODES {
        let address = network.nodes[node].as_ref().unwrap().metrics().unwrap();
        let response = network.client.get(format!("http://{address}/metrics")).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let text = response.text().await.unwrap();
        let metrics = parse(&text);
        let ours: BTreeSet<String> = metrics.keys().filter(|name| is_ours(name)).cloned().collect();
        // One is there with TLS only.
        let expected: BTreeSet<String> =
            documented.iter().filter(|name| !name.starts_with("yilian_tls")).cloned().collect();
        assert_eq!(ours, expected, "docs/metrics.md and a node differ");
        assert!(metrics.keys().any(|name| !is_ours(name)), "the engine's metrics are missing");
        assert!(value(&text, "yilian_chain_height") >= 1.0);
        assert_eq!(value(&text, "yilian_chain_peers"), (NODES - 1) as f64);
        assert!(value(&text, "yilian_block_finality_seconds_count") >= 1.0);
        assert!(!text.contains("127.0.0.1") && !text.contains("yilian-loopback"));
        text.lines().for_each(assert_anonymous);
    }
    let address = network.nodes[0].as_ref().unwrap().metrics().unwrap();
    let elsewhere = network.client.get(format!("http://{address}/v1/status")).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404, "nothing but metrics is served there");
    assert_eq!(network.get(0, "/metrics").await.status(), 404, "and metrics nowhere else");
}

fn is_ours(name: &str) -> bool {
    name.starts_with("yilian_") || name.starts_with("process_")
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// Names in the table of the documentation.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../../docs/metrics.md");
    let names = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.map(|name| name.split('{').next().unwrap().to_owned()).collect()
}

/// The text format 0.0.4 by its grammar: families with their types, samples with labels and values. Every sample of a
/// family of ours stands under its head, none twice, and a histogram's buckets ascend to its count.
fn parse(text: &str) -> BTreeMap<String, String> {
    assert!(text.ends_with('\n'));
    let (mut families, mut samples) = (BTreeMap::new(), BTreeSet::new());
    let mut below: BTreeMap<String, f64> = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            if words.next() == Some("TYPE") {
                let (name, kind) = (words.next().unwrap(), words.next().unwrap());
                assert!(
                    ["counter", "gauge", "histogram", "untyped", "unknown", "info"].contains(&kind),
                    "{line}"
                );
                assert_eq!(families.insert(name.to_owned(), kind.to_owned()), None, "{line}");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(series.to_owned()), "twice: {line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(is_name(name), "{line}");
        let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (name, text) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(name) && !text.trim_end_matches('"').contains('\n'), "{line}");
        }
        if is_ours(name) {
            let family = ["_bucket", "_sum", "_count", ""]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|family| families.contains_key(*family));
            let family = family.unwrap_or_else(|| panic!("no head: {line}"));
            if families[family] == "counter" {
                assert!(name.ends_with("_total"), "{line}");
            }
            if name.ends_with("_bucket") {
                let series = series.split("le=\"").next().unwrap().trim_end_matches(',').to_owned();
                let before = below.insert(series, value).unwrap_or(0.0);
                assert!(before <= value, "buckets descend: {line}");
            }
        }
    }
    families
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}
