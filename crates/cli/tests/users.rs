//! What patients, practitioners and readers see when something is wrong, without a network: exit code, stable code,
//! message, and that nothing was written.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use commonware_codec::Encode as _;
use serde_json::Value;
use yilian_authority::Issuer;
use yilian_client::{
    OfferCard,
    wallet::{
        index::{Lane, RecordIndex},
        keys::Keys,
    },
};
use yilian_crypto::{
    Digest, Secret,
    certificate::{Contents, Level},
    seed::Seed,
    sign::SigningKey,
};
use yilian_ledger::{ChainId, Genesis, Parameters};

const PASSWORD: &str = "four random words here";
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";
const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"collection","entry":[
    {"resource":{"resourceType":"Patient","id":"p","name":[{"text":"Alice"}]}}]}"#;

/// A folder with the description of a network that does not run.
struct World {
    dir: tempfile::TempDir,
    chain: ChainId,
}

struct Outcome {
    exit: i32,
    out: String,
    /// Standard error.
    said: String,
}

impl Outcome {
    fn json(&self) -> Value {
        assert_eq!(self.exit, 0, "{}", self.said);
        serde_json::from_str(&self.out).unwrap()
    }

    /// Failed with this stable code; the message.
    fn refused(&self, code: &str) -> String {
        assert_eq!(self.exit, 1, "{} {}", self.out, self.said);
        let line = self.said.lines().last().unwrap();
        let error: Value = serde_json::from_str(line).unwrap();
        assert_eq!(error["code"], code, "{line}");
        assert!(self.out.is_empty(), "{}", self.out);
        error["error"].as_str().unwrap().to_owned()
    }
}

fn genesis(name: &str) -> Genesis {
    let validator = SigningKey::from_seed(Secret::new([1; 32])).verifying_key();
    let contents = Contents {
        level: Level::Root,
        subject_id: "root".into(),
        name: "Root".into(),
        roles: BTreeSet::new(),
        signing_key: validator,
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: Vec::new(),
        not_before: 1_700_000_000,
        not_after: 2_700_000_000,
    };
    let root = Issuer::root(contents, SigningKey::from_seed(Secret::new([2; 32]))).unwrap();
    Genesis {
        name: name.into(),
        time: 1,
        parameters: Parameters::default(),
        committee: vec![*validator.as_bytes()],
        epoch_blocks: yilian_ledger::genesis::EPOCH_BLOCKS,
        roots: vec![root.certificate().der().to_vec()],
        ticket_keys: Vec::new(),
    }
}

impl World {
    fn new() -> Self {
        Self::of("test")
    }

    fn of(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let genesis = genesis(name);
        let chain = genesis.chain_id();
        fs::write(dir.path().join("genesis.bin"), genesis.encode()).unwrap();
        // Bound for a moment to learn ports that nobody listens on.
        let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let description = serde_json::json!({
            "chain": chain.0.to_string(),
            "name": name,
            "genesis": "genesis.bin",
            "nodes": [{ "url": format!("http://127.0.0.1:{}", port()), "validator": "00" }],
            "authority": { "url": format!("http://127.0.0.1:{}", port()), "member": "0a".repeat(32) },
        });
        fs::write(dir.path().join("network.json"), description.to_string()).unwrap();
        Self { dir, chain }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    #[cfg(unix)]
    fn private_file(&self, name: &str, text: &str) -> String {
        let file = self.file(name, text);
        allow(&file, 0o600);
        file
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yilian"));
        command
            .args(args)
            .arg("--json")
            .env("YILIAN_HOME", self.path("home"))
            .env("YILIAN_NETWORK", self.path("network.json"))
            .env("YILIAN_PASSWORD", PASSWORD)
            .env_remove("YILIAN_PROFILE")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Outcome {
        finish(self.command(args), None)
    }

    fn run_as(&self, password: &str, args: &[&str]) -> Outcome {
        let mut command = self.command(args);
        command.env("YILIAN_PASSWORD", password);
        finish(command, None)
    }

    fn run_without_password(&self, args: &[&str]) -> Outcome {
        let mut command = self.command(args);
        command.env_remove("YILIAN_PASSWORD");
        finish(command, None)
    }

    fn run_at(&self, network: PathBuf, args: &[&str]) -> Outcome {
        let mut command = self.command(args);
        command.env("YILIAN_NETWORK", network);
        finish(command, None)
    }

    fn restore(&self, words: &str) -> Outcome {
        finish(self.command(&["wallet", "restore"]), Some(words))
    }

    fn with_wallet(self) -> Self {
        self.run(&["wallet", "create", "--yes"]).json();
        self
    }

    fn with_member(self) -> Self {
        let bob = ["--profile", "bob", "--id", "bob", "--name", "Dr. Bob", "--role", "doctor"];
        self.run(&[&["practitioner", "init"], &bob[..]].concat()).json();
        self
    }

    fn profiles(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("home")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[cfg(unix)]
fn allow(file: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

fn offer(chain: ChainId) -> String {
    let keys = Keys::new(Seed::from_bytes(Secret::new([9; 32])));
    let index = RecordIndex::new(Lane::FIRST, 0);
    let card = OfferCard {
        chain,
        draft: keys.draft_delegator(index).public(),
        owner_commitment: keys.owner_commitment(index),
        mailbox: keys.mailbox(index).address(),
    };
    card.to_text()
}

fn finish(mut command: Command, input: Option<&str>) -> Outcome {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // Who refuses early does not read.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().unwrap();
    Outcome {
        exit: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_wallet_is_made_without_a_network_and_its_words_are_kept() {
    let world = World::new();
    let created = world.run(&["wallet", "create", "--yes"]).json();
    assert_eq!(created["claimed"], false);
    let words: Vec<&str> = created["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    Seed::from_words(&words.join(" ")).unwrap();
    assert_eq!(world.run(&["wallet", "words"]).json()["words"], created["words"]);

    let status = world.run(&["wallet", "status"]).json();
    assert_eq!((status["records"].as_u64(), status["now"].is_null()), (Some(0), true));
    assert_eq!(status["chain"], world.chain.0.to_string());
}

#[test]
fn nothing_secret_lies_on_the_disk_in_the_clear() {
    let world = World::new();
    let created = world.run(&["wallet", "create", "--yes"]).json();
    let words: Vec<&str> = created["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let seed = Seed::from_words(&words.join(" ")).unwrap();
    let (entropy, hex, two) = (*seed.expose(), hex::encode(seed.expose()), words[..2].join(" "));
    let secrets: [&[u8]; 3] = [&entropy, hex.as_bytes(), two.as_bytes()];
    let mut files = 0;
    for entry in fs::read_dir(world.path("home/me")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert!(files >= 3, "{files}");
}

#[test]
fn refuses_a_wrong_password() {
    let world = World::new().with_wallet();
    for args in [["wallet", "status"], ["wallet", "words"], ["records", "list"], ["wallet", "backup"]] {
        world.run_as("four random words herE", &args).refused("profile.password");
    }
    world.run(&["records", "list"]).json();
}

#[test]
fn without_a_password_it_says_how_to_give_one() {
    let world = World::new().with_wallet();
    let outcome = world.run_without_password(&["wallet", "status"]);
    assert_eq!(outcome.exit, 1);
    assert!(outcome.said.contains("--password-file") && outcome.said.contains("YILIAN_PASSWORD"));
}

#[cfg(unix)]
#[test]
fn a_password_file_is_read_if_nobody_else_can_read_it() {
    let world = World::new().with_wallet();
    let file = world.private_file("password", &format!("{PASSWORD}\n"));
    let args = ["records", "list", "--password-file", &file];
    world.run_without_password(&args).json();
    allow(&file, 0o644);
    let refused = world.run_without_password(&args);
    assert!(refused.exit == 1 && refused.said.contains("chmod 600"), "{}", refused.said);
}

#[cfg(unix)]
#[test]
fn a_new_password_takes_the_place_of_the_old_one() {
    let world = World::new().with_wallet();
    let file = world.private_file("new", "another good password");
    world.run_as("wrong", &["wallet", "passwd", "--new-password-file", &file]).refused("profile.password");
    world.run(&["wallet", "passwd", "--new-password-file", &file]).json();
    world.run(&["records", "list"]).refused("profile.password");
    world.run_as("another good password", &["records", "list"]).json();
}

#[test]
fn warns_of_a_short_password_and_refuses_an_empty_one() {
    let world = World::new();
    let outcome = world.run_as("short", &["wallet", "create", "--yes"]);
    assert!(outcome.exit == 0 && outcome.said.contains("fewer than 12"), "{}", outcome.said);
    assert_eq!(world.run_as("", &["wallet", "create", "--yes", "--profile", "other"]).exit, 1);
    assert_eq!(world.profiles(), ["me"]);
}

#[test]
fn refuses_a_profile_that_exists_and_leaves_it_alone() {
    let world = World::new().with_wallet();
    let before = fs::read(world.path("home/me/seed.lock")).unwrap();
    let message = world.run(&["wallet", "create", "--yes"]).refused("profile.exists");
    assert!(message.contains("--profile"), "{message}");
    world.restore(WORDS).refused("profile.exists");
    assert_eq!(fs::read(world.path("home/me/seed.lock")).unwrap(), before);
    world.run(&["wallet", "create", "--yes", "--profile", "second"]).json();
}

#[test]
fn nobody_at_the_keyboard_is_no_consent() {
    let world = World::new();
    assert_eq!(world.run(&["wallet", "create"]).exit, 2);
    assert!(world.profiles().is_empty());
}

#[test]
fn names_what_is_wrong_with_the_words() {
    let world = World::new();
    for (words, code, said) in [
        ("", "words.count", "got 0"),
        ("abandon art", "words.count", "got 2"),
        (&format!("{WORDS} art"), "words.count", "got 25"),
        (&WORDS.replace("art", "arf"), "words.unknown", "word 24"),
        (&WORDS.replacen("abandon", "verlassen", 1), "words.unknown", "word 1 "),
        (&WORDS.replace("art", "zoo"), "words.checksum", "order"),
    ] {
        let message = world.restore(words).refused(code);
        assert!(message.contains(said) && message.contains("Nothing was written"), "{message}");
    }
    assert!(world.profiles().is_empty());
}

#[test]
fn a_restore_needs_the_network_and_leaves_nothing_half() {
    let world = World::new();
    let message = world.restore(WORDS).refused("node.unreachable");
    assert!(message.contains("yilian network status"), "{message}");
    assert!(world.profiles().is_empty());
}

#[test]
fn says_how_to_get_a_missing_network_or_profile() {
    let world = World::new();
    let outcome = world.run_at(world.path("absent.json"), &["wallet", "create", "--yes"]);
    assert!(outcome.exit == 1 && outcome.said.contains("yilian network up"), "{}", outcome.said);
    let message = world.run(&["records", "list"]).refused("profile.missing");
    assert!(message.contains("yilian wallet create"), "{message}");
    let message = world.run(&["reader", "inbox"]).refused("profile.missing");
    assert!(message.contains("yilian practitioner init"), "{message}");
    assert!(world.profiles().is_empty());
}

#[test]
fn refuses_a_genesis_that_is_not_the_one_described() {
    let world = World::new();
    fs::write(world.path("genesis.bin"), genesis("another").encode()).unwrap();
    let outcome = world.run(&["wallet", "create", "--yes"]);
    assert!(outcome.exit == 1 && outcome.said.contains("names chain"), "{}", outcome.said);
    assert!(world.profiles().is_empty());
}

#[test]
fn a_profile_is_of_one_kind_and_one_chain() {
    let world = World::new().with_wallet().with_member();
    world.run(&["records", "list", "--profile", "bob"]).refused("profile.kind");
    world.run(&["reader", "inbox"]).refused("profile.kind");
    let other = World::of("other");
    world.run_at(other.path("network.json"), &["records", "list"]).refused("profile.chain");
}

#[test]
fn refuses_names_that_leave_the_folder() {
    let world = World::new();
    for name in ["../me", "", "a b", ".me"] {
        world.run(&["wallet", "create", "--yes", "--profile", name]).refused("profile.name");
    }
    assert!(world.profiles().is_empty());
}

#[test]
fn a_damaged_state_is_named() {
    let world = World::new().with_wallet();
    let path = world.path("home/me/state");
    let mut state = fs::read(&path).unwrap();
    *state.last_mut().unwrap() ^= 1;
    fs::write(&path, &state).unwrap();
    let message = world.run(&["records", "list"]).refused("wallet.damaged");
    assert!(message.contains("yilian wallet restore"), "{message}");
}

#[test]
fn a_garbled_offer_is_refused_before_a_password_is_asked_for() {
    let world = World::new().with_member();
    let (bundle, good) = (world.file("visit.json", BUNDLE), offer(world.chain));
    let mut wrong = good.clone().into_bytes();
    wrong[30] = if wrong[30] == b'A' { b'B' } else { b'A' };
    let wrong = String::from_utf8(wrong).unwrap();
    let write = |text: &str| {
        let args = ["practitioner", "write", "--profile", "bob", "--offer", text, "--bundle", &bundle];
        world.run_without_password(&args)
    };
    for (text, code) in [
        ("hello", "offer.prefix"),
        ("YILIAN1:AB0C", "offer.character"),
        ("YILIAN1:", "offer.malformed"),
        (&good[..good.len() - 8], "offer.malformed"),
        (&wrong, "offer.checksum"),
        (&offer(ChainId(Digest([5; 32]))), "offer.chain"),
    ] {
        let message = write(text).refused(code);
        assert!(message.contains("again") || message.contains("--network"), "{message}");
    }
    // The control: a good one gets as far as the password.
    assert!(write(&good).said.contains("YILIAN_PASSWORD"));
}

#[test]
fn what_is_no_bundle_is_refused_before_a_password_is_asked_for() {
    let world = World::new().with_wallet().with_member();
    let offer = offer(world.chain);
    for (text, code) in [
        ("not json", "record.not-json"),
        ("[]", "record.not-a-bundle"),
        ("{\"resourceType\":\"Patient\"}", "record.not-a-bundle"),
        ("{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[]}", "record.no-composition"),
        (&"[".repeat(70), "record.too-deep"),
    ] {
        let file = world.file("x.json", text);
        for args in [
            &["practitioner", "write", "--profile", "bob", "--offer", &offer, "--bundle", &file][..],
            &["records", "import", &file],
            &["records", "attach", &file, "--bundle", &file],
        ] {
            let message = world.run_without_password(args).refused(code);
            assert!(message.contains("x.json"), "{message}");
        }
    }
    world.run(&["records", "import", &world.path("absent").display().to_string()]).refused("file.failed");
    assert_eq!(world.run(&["records", "import"]).exit, 2);
}

#[test]
fn commands_that_need_the_network_say_so() {
    let world = World::new().with_wallet().with_member();
    let member = "0c".repeat(32);
    for args in [
        &["wallet", "enrol", "ABCD-EFGH-JKLM"][..],
        &["wallet", "tickets"],
        &["wallet", "backup"],
        &["wallet", "scan"],
        &["records", "offer"],
        &["records", "show", "0"],
        &["records", "grant", "0", "--to", &member, "--yes"],
        &["records", "withdraw", "0", "0"],
        &["practitioner", "apply", "--profile", "bob"],
        &["practitioner", "status", "--profile", "bob"],
        &["reader", "directory"],
    ] {
        world.run(args).refused("node.unreachable");
    }
}

#[test]
fn an_offer_is_not_shown_before_its_lane_is_claimed() {
    let world = World::new().with_wallet();
    world.run(&["records", "offer"]).refused("node.unreachable");
    let listed = world.run(&["records", "list"]).json();
    assert!(listed["offers"].as_array().unwrap().is_empty(), "{listed}");
}

#[test]
fn what_is_not_there_is_named() {
    let world = World::new().with_wallet().with_member();
    world.run(&["records", "accept", "0", "--yes"]).refused("draft.none");
    world.run(&["records", "offer", "--again", "3"]).refused("offer.not-open");
    world.run(&["records", "abandon", "3"]).refused("offer.not-open");
    world.run(&["records", "note", "3", "x"]).refused("record.unknown");
    for args in [
        &["reader", "open", "1"][..],
        &["reader", "inbox"],
        &["practitioner", "refusals"],
        &["practitioner", "enrol-patient", "4711"],
        &["practitioner", "renew"],
    ] {
        let message = world.run(&[args, &["--profile", "bob"]].concat()).refused("member.no-certificate");
        assert!(message.contains("yilian practitioner apply"), "{message}");
    }
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let world = World::new().with_wallet();
    for args in [
        &["records", "show", "x"][..],
        &["records", "grant", "0", "--to", "carol"],
        &["records", "withdraw", "0", "300/0"],
        &["records", "dossier", "0", "--title", "one"],
        &["records", "show", "0", "--attachment", "1"],
        &["practitioner", "init", "--id", "x", "--name", "x", "--role", "king"],
        &[
            "practitioner",
            "init",
            "--profile",
            "x",
            "--id",
            "x",
            "--name",
            "x",
            "--role",
            "doctor",
            "--level",
            "practitioner",
        ],
        &["practitioner", "write", "--bundle", "x"],
        &["wallet", "nonsense"],
    ] {
        assert_eq!(world.run(args).exit, 2, "{args:?}");
    }
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let world = World::new().with_wallet();
    let file = world.file("out.json", "mine");
    world.run(&["records", "export", "0", "--out", &file]).refused("file.exists");
    world.run(&["records", "view", "0", "--out", &file]).refused("file.exists");
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
