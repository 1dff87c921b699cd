//! Holds the workspace against the dependency rules of ARCHITECTURE.md.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, process::Command};

/// What each crate may use of our own. Anything not listed is an arrow that must not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    ("crypto", &[]),
    ("dag", &[]),
    ("files", &[]),
    ("api", &["crypto"]),
    ("delegation", &["crypto"]),
    ("ledger", &["crypto", "delegation"]),
    ("finality", &["crypto", "ledger"]),
    ("content", &["crypto", "dag", "files"]),
    ("transport", &["api", "crypto"]),
    ("client", &["api", "crypto", "dag", "delegation", "finality", "ledger"]),
    ("chain", &["crypto", "files", "finality", "ledger"]),
    ("authority", &["api", "crypto", "delegation", "files", "finality", "ledger", "transport"]),
    (
        "node",
        &[
            "api",
            "chain",
            "content",
            "crypto",
            "dag",
            "delegation",
            "files",
            "finality",
            "ledger",
            "transport",
        ],
    ),
    (
        "cli",
        &[
            "api",
            "authority",
            "chain",
            "client",
            "content",
            "crypto",
            "dag",
            "delegation",
            "files",
            "finality",
            "ledger",
            "node",
            "transport",
        ],
    ),
];

/// Crates that compile to wasm: no runtime, no clock, no threads.
const PURE: &[&str] = &["crypto", "delegation", "dag", "api", "ledger", "finality", "client"];
const FORBIDDEN_IN_PURE: &[&str] = &[
    "tokio",
    "axum",
    "redb",
    "reqwest",
    "rayon",
    "commonware-runtime",
    "commonware-p2p",
    "tracing-subscriber",
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let of = |package: &serde_json::Value| {
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
        normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|p| (p["name"].as_str().unwrap().replace("yilian-", ""), of(p))).collect()
}

#[test]
fn dependencies_point_down_only() {
    let all = dependencies();
    for (name, allowed) in ALLOWED {
        for dependency in all.get(*name).unwrap_or_else(|| panic!("no crate {name}")) {
            if let Some(ours) = dependency.strip_prefix("yilian-") {
                assert!(allowed.contains(&ours), "{name} must not depend on {ours}");
            }
        }
    }
}

#[test]
fn every_shipped_crate_has_a_rule() {
    for name in dependencies().keys().filter(|n| *n != "testkit") {
        assert!(ALLOWED.iter().any(|(n, _)| n == name), "{name} has no dependency rule");
    }
}

#[test]
fn pure_crates_know_no_runtime() {
    let all = dependencies();
    for name in PURE {
        for dependency in &all[*name] {
            assert!(!FORBIDDEN_IN_PURE.contains(&dependency.as_str()), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn nothing_shipped_depends_on_the_testkit() {
    for (name, list) in dependencies() {
        assert!(name == "testkit" || !list.iter().any(|d| d == "yilian-testkit"), "{name} uses the testkit");
    }
}
