//! A network of real processes: created, watched, stopped, started again.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use common::{run, yilian};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use yilian_cli::network::Ports;

/// A running `network up`; killed, if a test ends early.
struct Up {
    child: Child,
    report: Value,
}

impl Up {
    /// Starts it and waits for its report.
    fn start(arguments: &[&str]) -> Self {
        let mut command = yilian(&[&["network", "up", "--json"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut document = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            document.push_str(&line);
            if line == "}" {
                break;
            }
        }
        assert!(!document.is_empty(), "ended with {:?}", child.wait());
        Self { child, report: serde_json::from_str(&document).unwrap() }
    }

    fn pids(&self) -> Vec<u32> {
        let processes = self.report["processes"].as_array().unwrap();
        processes.iter().map(|process| process["pid"].as_u64().unwrap() as u32).collect()
    }

    /// Asks it to stop; nothing of it may be left.
    fn stop(mut self, signal: Signal) {
        let pids = self.pids();
        kill_process(pid(self.child.id()), signal).unwrap();
        assert_eq!(wait(&mut self.child), 0);
        assert!(!pids.into_iter().any(is_alive), "a process outlives its supervisor");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number as i32).unwrap()
}

fn is_alive(number: u32) -> bool {
    test_kill_process(pid(number)).is_ok()
}

fn wait(child: &mut Child) -> i32 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("does not stop");
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A base port with free ports behind it, another one at each call; below the ports that systems give out by themselves.
fn base_port(validators: usize) -> String {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + (std::process::id() as u16 % 80) * 200 + CALLS.fetch_add(10, Ordering::Relaxed);
    let free = |base: &u16| Ports::from_base(*base, validators).unwrap().taken().is_empty();
    (first..60_000).step_by(200).find(free).unwrap().to_string()
}

fn height(dir: &str) -> u64 {
    let status = run(&["network", "status", "--json", "--dir", dir]).json();
    let nodes = status["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["status"]["height"].as_u64().unwrap()).min().unwrap()
}

#[test]
fn a_network_is_created_used_killed_moved_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("net");
    let dir = dir.to_str().unwrap();
    let base = base_port(4);
    let up = Up::start(&["--dir", dir, "--base-port", &base, "--idle-block-seconds", "0.5"]);
    let chain = up.report["chain"].as_str().unwrap().to_owned();
    assert_eq!(up.pids().len(), 5);
    until("the chain does not grow", || height(dir) >= 3);

    members_are_certified_and_expelled(folder.path(), dir);
    validators_change_parameters(folder.path(), dir);
    a_second_supervisor_is_refused(dir);
    a_killed_validator_is_started_again(&up, dir);

    let before = height(dir);
    up.stop(Signal::INT);
    let said = run(&["network", "status", "--dir", dir]).failure(1);
    assert!(said.contains("yilian network up"), "{said:?}");
    an_occupied_port_is_named(dir, base.parse().unwrap());

    let other = base_port(4);
    let again = Up::start(&["--dir", dir, "--base-port", &other]);
    assert_eq!(again.report["chain"], chain.as_str());
    assert!(height(dir) >= before);
    let mut again = again;
    assert!(run(&["network", "down", "--dir", dir]).success().contains("Stopped"));
    assert_eq!(wait(&mut again.child), 0);
}

/// A passphrase in a private file.
fn passphrase(folder: &Path) -> String {
    let file = folder.join("passphrase");
    std::fs::write(&file, "correct horse\n").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file.to_str().unwrap().to_owned()
}

fn members_are_certified_and_expelled(folder: &Path, dir: &str) {
    let network = format!("{dir}/network.json");
    let secret = passphrase(folder);
    let key = folder.join("hospital.key");
    let key = ["--key", key.to_str().unwrap(), "--passphrase-file", &secret];
    let on = ["--network", network.as_str(), "--json"];
    let authority = |arguments: &[&str]| run(&[&["authority"], arguments, &on].concat());

    let who = ["apply", "--subject-id", "h-1", "--name", "Hospital One", "--role", "hospital"];
    let applied = authority(&[&who, &key[..]].concat()).json();
    assert_eq!(applied["status"], "waiting");
    let id = applied["id"].as_str().unwrap();
    assert_eq!(authority(&["applications"]).json()[0]["id"], id);
    let enrol = [&["enrol", "MRN-17", "--subject-id", "h-1"], &key[..]].concat();
    assert_eq!(authority(&enrol).code, 1, "not admitted yet");

    let admitted = authority(&["admit", id]).json();
    let member = admitted[0]["member"].as_str().unwrap();
    let names = |members: Value| -> Vec<String> {
        members.as_array().unwrap().iter().map(|row| row["level"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(authority(&["members"]).json()), ["root", "intermediate", "institution"]);
    assert_eq!(authority(&enrol).json()["code"].as_str().unwrap().len(), 14);

    authority(&["revoke", member]).success();
    assert_eq!(names(authority(&["members"]).json()), ["root", "intermediate"]);
    for (member, code) in [(member, "member.revoked"), (&"00".repeat(32), "member.unknown")] {
        let said = authority(&["revoke", member]).failure(1);
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["code"], code, "{said}");
    }
}

fn validators_change_parameters(folder: &Path, dir: &str) {
    let file = folder.join("change.json");
    let file = file.to_str().unwrap();
    let network = format!("{dir}/network.json");
    let change = ["parameters", "--max-validity-seconds", "1800"];
    run(&[&["node", "propose", "--network", &network, "--out", file], &change[..]].concat()).success();
    let approve = |validator: usize| {
        let config = format!("{dir}/validators/{validator}");
        run(&["node", "approve", file, "--config", &config, "--yes", "--json"]).json()
    };
    assert_eq!(approve(1)["submitted"], false);
    assert_eq!(approve(1)["signatures"], 1, "one validator counts once");
    assert_eq!(approve(3)["submitted"], false);
    assert_eq!(approve(2)["submitted"], true);
}

fn a_second_supervisor_is_refused(dir: &str) {
    let said = run(&["network", "up", "--dir", dir]).failure(1);
    assert!(said.contains("runs already") && said.contains("network down"), "{said:?}");
    let said = run(&["network", "up", "--dir", dir, "--validators", "7"]).failure(2);
    assert!(said.contains("--validators"), "{said:?}");
}

fn a_killed_validator_is_started_again(up: &Up, dir: &str) {
    let victim = up.pids()[2];
    kill_process(pid(victim), Signal::KILL).unwrap();
    let running = || -> Value {
        serde_json::from_slice(&std::fs::read(Path::new(dir).join("run.json")).unwrap()).unwrap()
    };
    until("the validator stays down", || {
        let run = running();
        let now = run["processes"].as_array().unwrap().iter().find(|p| p["name"] == "validator 3");
        now.is_some_and(|process| process["pid"] != victim)
    });
    until("the validator does not serve again", || run(&["network", "status", "--dir", dir]).code == 0);
}

fn an_occupied_port_is_named(dir: &str, base: u16) {
    let port = base + 102;
    let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let said = run(&["network", "up", "--dir", dir]).failure(1);
    assert!(
        said.contains(&format!("port {port} for validator 2")) && said.contains("--base-port"),
        "{said:?}"
    );
}

#[test]
fn processes_end_with_a_supervisor_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("net");
    let base = base_port(1);
    let mut up = Up::start(&["--dir", dir.to_str().unwrap(), "--validators", "1", "--base-port", &base]);
    let pids = up.pids();
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    until("processes outlive their supervisor", || !pids.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn institutions_found_a_chain_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (node, authority, secret) = (path("node"), path("authority"), passphrase(folder.path()));
    let ports = Ports::any(1).unwrap();
    let at = |port: u16| format!("127.0.0.1:{port}");
    let (http, p2p) = (at(ports.validators[0].0), at(ports.validators[0].1));
    let url = format!("http://{http}");

    let listen = at(ports.authority);
    let init =
        ["authority", "init", "--json", "--dir", &authority, "--name", "Commission", "--listen", &listen];
    let made = run(&[&init[..], &["--node", &url, "--passphrase-file", &secret]].concat()).json();
    assert_eq!(
        run(&[&init[..], &["--passphrase-file", &secret]].concat()).code,
        1,
        "keys are never replaced"
    );
    let key = made["key"].as_str().unwrap();
    let init = ["node", "init", "--json", "--dir", &node, "--http", &http, "--p2p", &p2p, "--authority", key];
    let validator = run(&init).json()["validator"].as_str().unwrap().to_owned();
    assert!(run(&init).failure(1).contains("already"));
    let genesis =
        ["authority", "genesis", "--config", &authority, "--name", "hand", "--idle-block-seconds", "0.5"];
    let genesis = [&genesis[..], &["--validator", &validator]].concat();
    run(&genesis).success();
    assert!(run(&genesis).failure(1).contains("one genesis"));
    std::fs::copy(format!("{authority}/genesis.bin"), format!("{node}/genesis.bin")).unwrap();

    let start = |arguments: &[&str]| yilian(arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut services = [
        start(&["node", "run", "--config", &format!("{node}/node.toml")]),
        start(&["authority", "serve", "--config", &format!("{authority}/authority.toml")]),
    ];
    until("the node does not serve", || run(&["node", "status", "--url", &url]).code == 0);
    until("the authority does not serve", || {
        run(&["authority", "tickets", "--config", &authority]).code == 0
    });
    stop(&mut services);

    // The same with TLS, from the key to a renewal under way.
    let hosts = ["--host", "localhost", "--host", "node.example"];
    let request = [&["node", "tls", "request", "--config", &node][..], &hosts].concat();
    let (request, issued) = (run(&request).success(), path("issued.pem"));
    assert!(request.contains("tls.request"), "{request}");
    let request = format!("{node}/tls.request");
    let issue = ["authority", "tls", "issue", &request, "--out", &issued, "--config", &authority];
    run(&issue).success();
    run(&["node", "tls", "install", "--config", &node, &issued]).success();
    run(&["authority", "tls", "own", "--host", "localhost", "--config", &authority]).success();
    let address = |scheme: &str, port: u16| format!("{scheme}://localhost:{port}");
    let (node_port, authority_port) = (ports.validators[0].0, ports.authority);
    let settings = std::fs::read_to_string(format!("{authority}/authority.toml")).unwrap();
    let settings = settings.replace(&url, &address("https", node_port));
    std::fs::write(format!("{authority}/authority.toml"), settings).unwrap();
    let description = serde_json::json!({
        "chain": made_chain(&node), "name": "hand", "genesis": format!("{node}/genesis.bin"),
        "nodes": [{ "url": address("https", node_port), "validator": validator }],
        "authority": { "url": address("https", authority_port), "member": made["member"] },
    });
    let network = path("network.json");
    std::fs::write(&network, description.to_string()).unwrap();

    let mut services = [
        start(&["node", "run", "--config", &format!("{node}/node.toml"), "--log-format", "json"]),
        start(&["authority", "serve", "--config", &format!("{authority}/authority.toml")]),
    ];
    let status = |url: &str, more: &[&str]| run(&[&["node", "status", "--url", url][..], more].concat());
    let secure = address("https", node_port);
    until("the node does not serve over TLS", || status(&secure, &["--network", &network]).code == 0);
    // The authority reaches its validator over TLS and serves members over it.
    until("the authority does not serve over TLS", || {
        run(&["authority", "members", "--network", &network]).code == 0
    });
    let nowhere = path("nowhere.json");
    let refused = |url: &str, more: &[&str], why: &str| {
        let ran = status(url, &[&["--json"], more].concat());
        assert!(ran.code == 1 && ran.out.contains(why), "{url}: {ran:?}");
    };
    refused(&secure, &["--network", &nowhere], "no root");
    refused(&format!("https://127.0.0.1:{node_port}"), &["--network", &network], "other hosts");
    refused(&format!("http://node.example:{node_port}"), &["--network", &network], "--allow-plain-http");
    assert_ne!(status(&address("http", node_port), &["--network", &network]).code, 0);
    let root = path("root.pem");
    std::fs::write(
        &root,
        yilian_transport::tls::pem::encode(
            "CERTIFICATE",
            &std::fs::read(format!("{authority}/root.der")).unwrap(),
        ),
    )
    .unwrap();
    assert_eq!(status(&secure, &["--network", &nowhere, "--tls-ca", &root]).code, 0);

    run(&["node", "tls", "request", "--config", &node, "--host", "127.0.0.1", "--new-key"]).success();
    run(&issue).success();
    run(&["node", "tls", "install", "--config", &node, &issued]).success();
    kill_process(pid(services[0].id()), Signal::HUP).unwrap();
    let renewed = format!("https://127.0.0.1:{node_port}");
    until("the new certificate is not served", || status(&renewed, &["--network", &network]).code == 0);
    stop(&mut services);
}

fn made_chain(node: &str) -> String {
    let genesis = yilian_node::config::read_genesis(Path::new(&format!("{node}/genesis.bin"))).unwrap();
    genesis.chain_id().0.to_string()
}

/// Each ends by itself, and well.
fn stop(services: &mut [Child]) {
    for service in services {
        kill_process(pid(service.id()), Signal::TERM).unwrap();
        assert_eq!(wait(service), 0);
    }
}
