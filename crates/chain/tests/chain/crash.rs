//! A validator in a process of its own is killed again and again while the chain goes on: what it acknowledged as final it
//! still knows at its next start, before it has spoken to anybody, and it catches up.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use crate::common::{Net, config};
use commonware_codec::{DecodeExt as _, Encode as _};
use yilian_chain::{Chain, TransactionStatus};
use yilian_crypto::{Digest, Secret, sign::SigningKey};
use yilian_ledger::{Genesis, Outcome};
use yilian_testkit::ledger::Chain as _;

/// Blocks the child's reports; it answers each digest on its input with the height it knows it at, or 0.
#[test]
#[ignore = "the process that the test below starts and kills"]
fn child() {
    let input: Vec<String> =
        std::env::var("YILIAN_TEST_VALIDATOR").unwrap().split(' ').map(Into::into).collect();
    let [genesis, seed, addresses, directory] = input.as_slice() else { panic!("four arguments") };
    let genesis = Genesis::decode(hex::decode(genesis).unwrap()).unwrap();
    let signer = SigningKey::from_seed(Secret::new(hex::decode(seed).unwrap().try_into().unwrap()));
    let addresses: Vec<_> = addresses.split(',').map(|a| a.parse().unwrap()).collect();
    let node = Chain::start(config(&genesis, &signer, &addresses, 3, directory.as_ref())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let watcher = node.clone();
    runtime.spawn(async move {
        let mut blocks = watcher.subscribe();
        while let Ok(block) = blocks.recv().await {
            for transaction in watcher.block(block.height).await.unwrap().unwrap().transactions {
                println!("\nfinal {}", hex::encode(transaction.digest.0));
            }
        }
    });
    println!("\nup");
    for line in std::io::stdin().lock().lines() {
        let digest = Digest(hex::decode(line.unwrap()).unwrap().try_into().unwrap());
        let height = match runtime.block_on(node.transaction(digest)).unwrap() {
            Some(TransactionStatus::Included(included)) => included.height.0,
            _ => 0,
        };
        println!("\nknown {height}");
    }
}

struct Process {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
    /// What it said is final.
    acknowledged: Vec<String>,
}

impl Process {
    fn start(net: &Net, acknowledged: Vec<String>) -> Self {
        let addresses: Vec<_> = net.addresses.iter().map(ToString::to_string).collect();
        let directory = net.directory.path().join("3");
        let arguments = [
            hex::encode(net.world.genesis.encode()),
            hex::encode(net.world.validators[3].seed().expose()),
            addresses.join(","),
            directory.to_str().unwrap().to_owned(),
        ];
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "crash::child", "--nocapture"])
            .env("YILIAN_TEST_VALIDATOR", arguments.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let input = child.stdin.take().unwrap();
        let mut process = Self { child, input, lines, acknowledged };
        process.until("up");
        process
    }

    /// The rest of the next line that begins so; remembers what is said to be final on the way.
    fn until(&mut self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap();
            if let Some(digest) = line.strip_prefix("final ") {
                self.acknowledged.push(digest.to_owned());
            }
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    fn knows(&mut self, digest: &str) -> bool {
        writeln!(self.input, "{digest}").unwrap();
        self.until("known") != "0"
    }

    /// SIGKILL.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            if let Some(digest) = line.strip_prefix("final ") {
                self.acknowledged.push(digest.to_owned());
            }
        }
        self.acknowledged
    }

    /// Resident memory, MiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_validator_forgets_nothing_it_acknowledged_and_catches_up() {
    let mut net = Net::new(2);
    let nodes: Vec<_> = (0..3).map(|i| net.start(i)).collect();
    let mut process = Process::start(&net, Vec::new());
    println!("memory after start: {} MiB", process.memory());
    let mut all = Vec::new();
    for round in 0..4 {
        for i in 0..4 {
            let owner = net.world.key();
            let transaction = net.create(&owner);
            let digest = nodes[i % 3].submit(transaction).await.unwrap();
            let waiting = tokio::time::timeout(Duration::from_secs(10), nodes[i % 3].wait_final(digest));
            assert_eq!(waiting.await.unwrap().unwrap().outcome, Outcome::Applied);
            all.push(hex::encode(digest.0));
        }
        // In the middle of whatever it does, each time a little later.
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        let acknowledged = process.kill();
        let said = acknowledged.clone();
        process = Process::start(&net, acknowledged);
        for digest in &said {
            assert!(process.knows(digest), "{digest} was forgotten");
        }
    }
    for digest in &all {
        for attempt in 0.. {
            if process.knows(digest) {
                break;
            }
            assert!(attempt < 100, "{digest} is not caught up with");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(process.acknowledged.len() >= all.len() / 2, "the child took part");
    println!("memory after {} transactions: {} MiB", all.len(), process.memory());
    process.kill();
    for node in nodes {
        node.shutdown().await;
    }
}
