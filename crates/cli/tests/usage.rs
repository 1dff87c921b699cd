//! Help, wrong usage, failures: what the command says and how it exits.
#![allow(clippy::unwrap_used)]

mod common;

use common::{run, run_in};

#[test]
fn help_names_every_command_and_gives_examples() {
    let help = run(&["--help"]).success();
    for word in ["network", "node", "authority", "--json", "--network", "Examples:", "Exit codes", "NO_COLOR"]
    {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
    for command in [
        &["network", "up"][..],
        &["network", "status"],
        &["node", "init"],
        &["node", "propose"],
        &["authority", "init"],
        &["authority", "admit"],
        &["authority", "apply"],
        &["authority", "enrol"],
    ] {
        let help = run(&[command, &["--help"]].concat()).success();
        assert!(help.contains("Examples:"), "{command:?} gives no examples:\n{help}");
    }
}

#[test]
fn every_option_is_explained() {
    for command in
        [&["network", "up"][..], &["node", "run"], &["authority", "serve"], &["authority", "revoke"]]
    {
        let help = run(&[command, &["-h"]].concat()).success();
        let lines: Vec<&str> = help.lines().map(str::trim).collect();
        for option in lines.iter().filter(|line| line.starts_with("--")) {
            assert!(option.split("  ").count() > 1, "{option:?} of {command:?} says nothing");
        }
    }
}

#[test]
fn arguments_between_programs_are_not_shown() {
    assert!(!run(&["node", "run", "--help"]).success().contains("with-parent"));
}

#[test]
fn the_version_is_told() {
    assert_eq!(run(&["--version"]).success().trim(), concat!("yilian ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_wrong() {
    let cases: [(&[&str], &str); 10] = [
        (&[], "Usage"),
        (&["netwerk"], "network"),
        (&["network", "up", "--validatorz", "4"], "--validators"),
        (&["network", "up", "--validators", "many"], "many"),
        (&["network", "up", "--base-port", "0"], "--base-port"),
        (&["network", "up", "--expiry-classes", "1,2,3"], "7,30,90,365"),
        (&["node", "run"], "--config"),
        (&["node", "propose", "--out", "x", "parameters"], "--stale-after-seconds"),
        (&["authority", "admit"], "--all"),
        (
            &["authority", "apply", "--key", "k", "--subject-id", "s", "--name", "n", "--role", "nurse"],
            "pharmacy",
        ),
    ];
    for (arguments, words) in cases {
        let said = run(arguments).failure(2);
        assert!(said.contains(words), "{arguments:?} says {said:?}");
    }
}

#[test]
fn values_that_the_ledger_refuses_are_wrong_usage_and_write_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["--validators", "0"], "1 to 32 validators"),
        (&["--validators", "33"], "1 to 32 validators"),
        (&["--expiry-classes", "7,7,7,7"], "ascend"),
        (&["--period-seconds", "0"], "2678400"),
    ];
    for (arguments, words) in cases {
        let said = run_in(dir.path(), &[&["network", "up", "--dir", "net"], arguments].concat()).failure(2);
        assert!(said.contains(words), "{arguments:?} says {said:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_failure_is_one_line_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["network", "status"], "yilian network up"),
        (&["authority", "members"], "--network FILE"),
        (&["authority", "applications"], "yilian authority serve"),
        (&["node", "run", "--config", "nowhere"], "nowhere"),
    ];
    for (arguments, words) in cases {
        let said = run_in(dir.path(), arguments).failure(1);
        assert_eq!(said.lines().count(), 1, "{said:?}");
        assert!(said.starts_with("error: ") && said.contains(words), "{arguments:?} says {said:?}");
    }
}

#[test]
fn a_failure_is_json_for_machines() {
    let dir = tempfile::tempdir().unwrap();
    let said = run_in(dir.path(), &["network", "status", "--json"]).failure(1);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(value["error"].as_str().unwrap().contains("network.json"));
    assert!(value["code"].is_null());
}

#[test]
fn output_to_a_pipe_has_no_colors() {
    let dir = tempfile::tempdir().unwrap();
    let said = run_in(dir.path(), &["network", "status"]).failure(1);
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("diary.txt"), "dear diary").unwrap();
    let said = run_in(dir.path(), &["network", "up", "--dir", "."]).failure(1);
    assert!(said.contains("--dir"), "{said:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn stopping_what_does_not_run_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run_in(dir.path(), &["network", "down"]).success().contains("No network runs"));
}
