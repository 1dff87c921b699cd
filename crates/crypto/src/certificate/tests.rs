#![allow(clippy::unwrap_used)]

use der::{
    Decode as _, Encode as _,
    asn1::{BitString, ObjectIdentifier, OctetString},
    oid::AssociatedOid as _,
};
use proptest::prelude::*;
use x509_cert::ext::{Extension, pkix::BasicConstraints};

use super::{
    CertificateError as Error,
    profile::{Signed, Tbs},
    *,
};
use crate::{Secret, seal::SealingSecretKey};

const START: u64 = 1_767_225_600;
const YEAR: u64 = 31_536_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([seed; 32]))
}

fn plain(level: Level, seed: u8) -> Contents {
    Contents {
        level,
        subject_id: format!("member-{seed}"),
        name: format!("Member {seed}"),
        roles: [].into(),
        signing_key: key(seed).verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: vec![],
        not_before: START + u64::from(level as u8),
        not_after: START + 10 * YEAR - u64::from(level as u8),
    }
}

fn full() -> Contents {
    Contents {
        name: "西湖药厂".into(),
        roles: [Role::Maker, Role::Hospital, Role::Validator].into(),
        sealing_key: Some(SealingSecretKey::from_seed(&Secret::new([9; 32])).public()),
        delegatee: Some(DelegateeBinding { key: vec![0x10; 97], proof: vec![0x11; 65] }),
        mailbox: Some(Digest([7; 32])),
        gtin_prefixes: vec!["69012345".into(), "6909".into()],
        ..plain(Level::Institution, 3)
    }
}

struct Chain {
    root: Certificate,
    intermediate: Certificate,
    institution: Certificate,
    practitioner: Certificate,
}

fn chain() -> Chain {
    let root = issue(&plain(Level::Root, 1), None, &key(1)).unwrap();
    let intermediate = issue(&plain(Level::Intermediate, 2), Some(&root), &key(1)).unwrap();
    let institution = issue(&full(), Some(&intermediate), &key(2)).unwrap();
    let doctor = Contents { roles: [Role::Doctor].into(), ..plain(Level::Practitioner, 4) };
    let practitioner = issue(&doctor, Some(&institution), &key(3)).unwrap();
    Chain { root, intermediate, institution, practitioner }
}

impl Chain {
    fn all(&self) -> [&Certificate; 4] {
        [&self.root, &self.intermediate, &self.institution, &self.practitioner]
    }
}

/// A certificate by the issuer's true key whose signed part was changed first.
fn forged(change: impl FnOnce(&mut Tbs)) -> Vec<u8> {
    let mut signed = Signed::from_der(chain().institution.der()).unwrap();
    change(&mut signed.tbs);
    let signature = sign_raw(&key(2), &signed.tbs.to_der().unwrap());
    signed.signature = BitString::from_bytes(&signature).unwrap();
    signed.to_der().unwrap()
}

#[test]
fn parses_what_it_issues_to_the_same_contents_and_bytes() {
    for certificate in chain().all() {
        let parsed = Certificate::parse(certificate.der()).unwrap();
        assert_eq!(&parsed, certificate);
        assert_eq!(parsed.id(), certificate.id());
    }
    assert_eq!(chain().institution.contents(), &full());
    assert_eq!(chain().institution.issuer_subject_id(), "member-2");
}

#[test]
fn verifies_a_chain_from_root_to_practitioner() {
    let Chain { root, intermediate, institution, practitioner } = chain();
    assert_eq!(root.verify_issued_by(&root), Ok(()));
    assert_eq!(intermediate.verify_issued_by(&root), Ok(()));
    assert_eq!(institution.verify_issued_by(&intermediate), Ok(()));
    assert_eq!(practitioner.verify_issued_by(&institution), Ok(()));
}

#[test]
fn refuses_an_issuer_of_another_level() {
    let Chain { root, intermediate, institution, practitioner } = chain();
    assert_eq!(institution.verify_issued_by(&root), Err(Error::Level));
    assert_eq!(practitioner.verify_issued_by(&practitioner), Err(Error::Level));
    assert_eq!(root.verify_issued_by(&intermediate), Err(Error::Issuer));
    let below = plain(Level::Practitioner, 9);
    assert_eq!(issue(&below, Some(&practitioner), &key(4)), Err(Error::Level));
    assert_eq!(issue(&plain(Level::Root, 9), Some(&root), &key(1)), Err(Error::Level));
    assert_eq!(issue(&plain(Level::Intermediate, 9), None, &key(9)), Err(Error::Level));
}

#[test]
fn refuses_an_issuer_of_the_same_name_with_another_key() {
    let chain = chain();
    let impostor = Contents { signing_key: key(66).verifying_key(), ..plain(Level::Intermediate, 2) };
    let impostor = issue(&impostor, Some(&chain.root), &key(1)).unwrap();
    assert_eq!(chain.institution.verify_issued_by(&impostor), Err(Error::Issuer));
}

#[test]
fn refuses_another_root_for_a_root() {
    let other = Contents { not_after: START + YEAR, ..plain(Level::Root, 1) };
    let other = issue(&other, None, &key(1)).unwrap();
    assert_eq!(chain().root.verify_issued_by(&other), Err(Error::Issuer));
}

#[test]
fn refuses_a_signature_by_a_stranger() {
    let chain = chain();
    let mut signed = Signed::from_der(chain.institution.der()).unwrap();
    let signature = sign_raw(&key(77), &signed.tbs.to_der().unwrap());
    signed.signature = BitString::from_bytes(&signature).unwrap();
    let forged = Certificate::parse(&signed.to_der().unwrap()).unwrap();
    assert_eq!(forged.verify_issued_by(&chain.intermediate), Err(Error::Signature));
    assert_eq!(issue(&full(), Some(&chain.intermediate), &key(77)), Err(Error::WrongKey));
}

#[test]
fn refuses_validity_outside_the_issuers() {
    let intermediate = chain().intermediate;
    let early = Contents { not_before: START, ..full() };
    let late = Contents { not_after: START + 10 * YEAR, ..full() };
    for outside in [early, late] {
        assert_eq!(issue(&outside, Some(&intermediate), &key(2)), Err(Error::Validity));
    }
}

#[test]
fn keeps_validity_inclusive() {
    let contents = plain(Level::Root, 1);
    assert!(contents.is_valid_at(contents.not_before) && contents.is_valid_at(contents.not_after));
    assert!(!contents.is_valid_at(contents.not_before - 1) && !contents.is_valid_at(contents.not_after + 1));
}

#[test]
fn refuses_contents_that_break_a_rule() {
    let binding = |key, proof| Some(DelegateeBinding { key: vec![0; key], proof: vec![0; proof] });
    let cases = [
        Contents { subject_id: String::new(), ..full() },
        Contents { subject_id: "a".repeat(65), ..full() },
        Contents { subject_id: "with space".into(), ..full() },
        Contents { subject_id: "医院".into(), ..full() },
        Contents { name: String::new(), ..full() },
        Contents { name: "药".repeat(43), ..full() },
        Contents { name: " padded".into(), ..full() },
        Contents { name: "two\nlines".into(), ..full() },
        Contents { name: "re\u{202e}versed".into(), ..full() },
        Contents { delegatee: binding(96, 65), ..full() },
        Contents { delegatee: binding(97, 64), ..full() },
        Contents { gtin_prefixes: vec!["123".into()], ..full() },
        Contents { gtin_prefixes: vec!["1234567890123".into()], ..full() },
        Contents { gtin_prefixes: vec!["12a4".into()], ..full() },
        Contents { gtin_prefixes: vec!["6909".into(), "69012345".into()], ..full() },
        Contents { gtin_prefixes: vec!["6909".into(), "6909".into()], ..full() },
        Contents { gtin_prefixes: (1000..1033).map(|n| n.to_string()).collect(), ..full() },
        Contents { roles: [Role::Pharmacy].into(), ..full() },
        Contents { not_before: START + 2 * YEAR, not_after: START + YEAR, ..full() },
        Contents { not_after: 253_402_300_800, ..full() },
    ];
    for (at, contents) in cases.iter().enumerate() {
        let issued = issue(contents, Some(&chain().intermediate), &key(2));
        assert!(matches!(issued, Err(Error::Contents(_))), "case {at}: {issued:?}");
    }
}

#[test]
fn largest_contents_fit() {
    let largest = Contents {
        subject_id: "a".repeat(MAX_SUBJECT_ID),
        name: "n".repeat(MAX_NAME),
        roles: Role::ALL.into(),
        gtin_prefixes: (100_000_000_000_u64..).take(MAX_GTIN_PREFIXES).map(|n| n.to_string()).collect(),
        ..full()
    };
    let certificate = issue(&largest, Some(&chain().intermediate), &key(2)).unwrap();
    assert_eq!(Certificate::parse(certificate.der()).unwrap().contents(), &largest);
}

#[test]
fn writes_times_after_2049() {
    let late = Contents { not_after: 4_102_444_799, ..plain(Level::Root, 1) };
    for not_after in [2_524_607_999, 2_524_608_000, late.not_after, 253_402_300_799] {
        let certificate = issue(&Contents { not_after, ..late.clone() }, None, &key(1)).unwrap();
        assert_eq!(Certificate::parse(certificate.der()).unwrap().contents().not_after, not_after);
    }
}

#[test]
fn refuses_an_unknown_critical_extension() {
    let extra = |critical| Extension {
        extn_id: ObjectIdentifier::new_unwrap("1.3.6.1.3.1"),
        critical,
        extn_value: OctetString::new([5, 0]).unwrap(),
    };
    let critical = forged(|tbs| tbs.extensions.push(extra(true)));
    assert_eq!(Certificate::parse(&critical), Err(Error::UnknownCritical));
    // The profile is closed: one that nobody has to understand is refused, too.
    let ignorable = forged(|tbs| tbs.extensions.push(extra(false)));
    assert_eq!(Certificate::parse(&ignorable), Err(Error::NotCanonical));
}

#[test]
fn refuses_an_extension_twice() {
    let twice = forged(|tbs| tbs.extensions.push(tbs.extensions[4].clone()));
    assert_eq!(Certificate::parse(&twice), Err(Error::DuplicateExtension));
}

#[test]
fn refuses_a_missing_extension() {
    for at in 0..6 {
        let without = forged(|tbs| drop(tbs.extensions.remove(at)));
        assert!(Certificate::parse(&without).is_err(), "extension {at}");
    }
}

#[test]
fn refuses_other_encodings_of_the_same_contents() {
    let reordered = forged(|tbs| tbs.extensions.swap(4, 5));
    let uncritical = forged(|tbs| tbs.extensions[0].critical = false);
    let serial = forged(|tbs| tbs.serial = x509_cert::serial_number::SerialNumber::new(&[1]).unwrap());
    let version = forged(|tbs| tbs.version = 1);
    let deeper = forged(|tbs| {
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(3) };
        assert_eq!(tbs.extensions[0].extn_id, BasicConstraints::OID);
        tbs.extensions[0].extn_value = OctetString::new(constraints.to_der().unwrap()).unwrap();
    });
    let unsorted = forged(|tbs| {
        tbs.extensions[5].extn_value = OctetString::new(vec![6_u8, 1, 10].to_der().unwrap()).unwrap();
    });
    for (at, der) in [reordered, uncritical, serial, version, deeper, unsorted].iter().enumerate() {
        assert_eq!(Certificate::parse(der), Err(Error::NotCanonical), "case {at}");
    }
}

#[test]
fn refuses_unknown_levels_and_roles() {
    let level =
        forged(|tbs| tbs.extensions[4].extn_value = OctetString::new(4_u8.to_der().unwrap()).unwrap());
    let role =
        forged(|tbs| tbs.extensions[5].extn_value = OctetString::new(vec![11_u8].to_der().unwrap()).unwrap());
    assert_eq!(Certificate::parse(&level), Err(Error::Malformed("level")));
    assert_eq!(Certificate::parse(&role), Err(Error::Malformed("role")));
}

#[test]
fn refuses_truncation_trailing_bytes_and_size() {
    let der = chain().institution.der().to_vec();
    for cut in 0..der.len() {
        assert!(Certificate::parse(&der[..cut]).is_err());
    }
    assert!(Certificate::parse(&[&der[..], &[0]].concat()).is_err());
    assert_eq!(Certificate::parse(&[0x30; 4097]), Err(Error::TooLarge(4097)));
}

#[test]
fn a_general_parser_reads_the_same() {
    for certificate in chain().all() {
        let general = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        let tbs = general.tbs_certificate();
        assert_eq!(tbs.version(), x509_cert::Version::V3);
        assert_eq!(
            tbs.subject_public_key_info().subject_public_key.raw_bytes(),
            certificate.contents().signing_key.as_bytes()
        );
        let (critical, constraints) = tbs.get_extension::<BasicConstraints>().unwrap().unwrap();
        assert!(critical);
        assert_eq!(constraints.ca, certificate.contents().level != Level::Practitioner);
    }
}

/// The chain as an outsider's tool sees it; skipped where the tool is not installed.
#[test]
fn openssl_verifies_the_chain() {
    use std::{io::Write as _, process::Command};
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let dir = std::env::temp_dir().join(format!("yilian-certificates-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let pem = |certificate: &Certificate, name: &str| {
        let mut child = Command::new("openssl")
            .args(["x509", "-inform", "DER", "-outform", "PEM", "-out"])
            .arg(dir.join(name))
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(certificate.der()).unwrap();
        assert!(child.wait().unwrap().success(), "{name} does not parse");
    };
    let Chain { root, intermediate, institution, practitioner } = chain();
    pem(&root, "root.pem");
    pem(&intermediate, "intermediate.pem");
    pem(&institution, "institution.pem");
    pem(&practitioner, "practitioner.pem");
    let verify = |trusted: &str| {
        let mut command = Command::new("openssl");
        command.current_dir(&dir).args([
            "verify",
            "-attime",
            &(START + YEAR).to_string(),
            "-trusted",
            trusted,
        ]);
        command.args(["-untrusted", "intermediate.pem", "-untrusted", "institution.pem", "practitioner.pem"]);
        command.output().unwrap()
    };
    let accepted = verify("root.pem");
    let stranger = issue(&plain(Level::Root, 8), None, &key(8)).unwrap();
    pem(&stranger, "stranger.pem");
    let refused = verify("stranger.pem");
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(accepted.status.success(), "{accepted:?}");
    assert!(!refused.status.success(), "{refused:?}");
}

/// Frozen bytes: after a wanted change of the profile, run with `UPDATE_VECTORS=1`.
#[test]
fn certificates_keep_their_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/membership.json");
    let chain = chain();
    let levels = ["root", "intermediate", "institution", "practitioner"].into_iter().zip(chain.all());
    let made: serde_json::Map<_, _> = levels
        .map(|(level, certificate)| {
            let der = hex::encode(certificate.der());
            (level.into(), serde_json::json!({ "der": der, "id": certificate.id().to_string() }))
        })
        .collect();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let frozen: serde_json::Map<_, _> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(made, frozen);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        prop_assert!(Certificate::parse(&bytes).is_err());
    }

    /// Whatever parses after a mutation is canonical, and is not taken for the issuer's.
    #[test]
    fn mutations_never_panic_and_never_verify(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let Chain { intermediate, institution, .. } = chain();
        let mut der = institution.der().to_vec();
        for (at, value) in edits {
            let at = at.index(der.len());
            der[at] = value;
        }
        if let Ok(parsed) = Certificate::parse(&der) {
            prop_assert_eq!(parsed.der(), &der[..]);
            let same = der == institution.der();
            prop_assert_eq!(parsed.verify_issued_by(&intermediate).is_ok(), same);
        }
    }
}
