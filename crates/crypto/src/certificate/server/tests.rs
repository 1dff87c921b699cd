#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::{
    Secret,
    certificate::{Contents, Level, issue},
};

const START: u64 = 1_767_225_600;
const YEAR: u64 = 31_536_000;
const DAY: u64 = 86_400;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([seed; 32]))
}

fn member(level: Level, seed: u8, issuer: Option<(&Certificate, u8)>) -> Certificate {
    let contents = Contents {
        level,
        subject_id: format!("member-{seed}"),
        name: format!("Member {seed}"),
        roles: [].into(),
        signing_key: key(seed).verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: vec![],
        not_before: START,
        not_after: START + 10 * YEAR,
    };
    issue(&contents, issuer.map(|(above, _)| above), &key(issuer.map_or(seed, |(_, seed)| seed))).unwrap()
}

fn institution() -> Certificate {
    let root = member(Level::Root, 1, None);
    let intermediate = member(Level::Intermediate, 2, Some((&root, 1)));
    member(Level::Institution, 3, Some((&intermediate, 2)))
}

fn hosts(texts: &[&str]) -> Vec<Host> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn request(texts: &[&str]) -> ServerRequest {
    ServerRequest::parse(&ServerRequest::sign(&hosts(texts), &key(9)).unwrap()).unwrap()
}

fn certify(request: &ServerRequest) -> Vec<u8> {
    issue_server(request, &institution(), &key(3), START + DAY, START + 91 * DAY).unwrap()
}

#[test]
fn hosts_have_one_form() {
    for good in ["node.hospital.example", "localhost", "xn--fiqs8s", "192.0.2.7", "2001:db8::1"] {
        assert_eq!(good.parse::<Host>().unwrap().to_string(), good);
    }
    let long = format!("{}.example", "a".repeat(64));
    for bad in ["", ".", "a..b", "A.example", "*.example", "-a.example", "a-.example", "1.2.3", "a b", &long]
    {
        assert_eq!(bad.parse::<Host>(), Err(HostError), "{bad}");
    }
}

#[test]
fn a_request_comes_back_with_its_hosts_and_key() {
    let request = request(&["b.example", "192.0.2.7", "a.example", "2001:db8::1", "a.example"]);
    let mut wanted = hosts(&["a.example", "b.example", "192.0.2.7", "2001:db8::1"]);
    wanted.sort();
    assert_eq!(request.hosts(), wanted);
    assert_eq!(request.key(), &key(9).verifying_key());
}

#[test]
fn refuses_a_request_that_its_key_did_not_sign() {
    let der = ServerRequest::sign(&hosts(&["a.example"]), &key(9)).unwrap();
    let other = ServerRequest::sign(&hosts(&["b.example"]), &key(9)).unwrap();
    // The signature of one over the contents of the other.
    let forged = [&other[..other.len() - 64], &der[der.len() - 64..]].concat();
    assert_eq!(ServerRequest::parse(&forged), Err(CertificateError::Signature));
}

#[test]
fn refuses_a_request_without_hosts_or_with_too_many() {
    assert!(matches!(ServerRequest::sign(&[], &key(9)), Err(CertificateError::Contents(_))));
    let many: Vec<Host> = (0..=MAX_HOSTS).map(|n| Host::Dns(format!("h{n}.example"))).collect();
    assert!(matches!(ServerRequest::sign(&many, &key(9)), Err(CertificateError::Contents(_))));
    assert!(ServerRequest::sign(&many[1..], &key(9)).is_ok());
}

#[test]
fn a_certificate_says_what_was_asked_for() {
    let request = request(&["a.example", "192.0.2.7"]);
    let contents = ServerContents::read(&certify(&request)).unwrap();
    let expected = ServerContents {
        hosts: request.hosts().to_vec(),
        not_before: START + DAY,
        not_after: START + 91 * DAY,
    };
    assert_eq!(contents, expected);
}

#[test]
fn neither_kind_passes_for_the_other() {
    let server = certify(&request(&["a.example"]));
    assert_eq!(Certificate::parse(&server), Err(CertificateError::Malformed("level")));
    assert_eq!(ServerContents::read(institution().der()).unwrap().hosts, []);
}

#[test]
fn issues_within_the_issuers_validity_and_never_for_long() {
    let (request, issuer) = (request(&["a.example"]), institution());
    let issue = |from, to| issue_server(&request, &issuer, &key(3), from, to);
    assert!(issue(START, START + MAX_VALIDITY).is_ok());
    for (from, to) in [
        (START - 1, START + DAY),
        (START + 10 * YEAR - DAY, START + 10 * YEAR + 1),
        (START, START + MAX_VALIDITY + 1),
        (START + 2, START + 1),
    ] {
        assert_eq!(issue(from, to), Err(CertificateError::Validity), "{from}..{to}");
    }
}

#[test]
fn a_practitioner_and_a_stranger_issue_none() {
    let (request, institution) = (request(&["a.example"]), institution());
    let practitioner = member(Level::Practitioner, 4, Some((&institution, 3)));
    let issued = issue_server(&request, &practitioner, &key(4), START, START + DAY);
    assert_eq!(issued, Err(CertificateError::Level));
    let issued = issue_server(&request, &institution, &key(5), START, START + DAY);
    assert_eq!(issued, Err(CertificateError::WrongKey));
}

/// A request by another tool; skipped where the tool is not installed.
#[test]
fn takes_requests_that_openssl_writes() {
    use std::process::Command;
    let out = Command::new("openssl")
        .args(["req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-outform", "DER"])
        .args(["-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example,IP:192.0.2.7"])
        .output();
    let Ok(out) = out else { return };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let request = ServerRequest::parse(&out.stdout).unwrap();
    assert_eq!(request.hosts(), hosts(&["a.example", "192.0.2.7"]));
    certify(&request);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_and_mutated_requests_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..512),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        prop_assert!(ServerRequest::parse(&bytes).is_err());
        let _ = ServerContents::read(&bytes);
        let good = ServerRequest::sign(&hosts(&["a.example"]), &key(9)).unwrap();
        let mut der = good.clone();
        let at = at.index(der.len());
        der[at] = value;
        // What is signed cannot be changed; the rest of the encoding has one form.
        prop_assert_eq!(ServerRequest::parse(&der).is_ok(), der == good);
    }
}
