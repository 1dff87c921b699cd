//! JSON bodies of the HTTP interface, both ways, and binary values as text.

use serde::{Serialize, de::DeserializeOwned};
use yilian_api::{authority, backup, content, encoding, ledger, mailbox, problem};

use crate::target::{Target, choose, chosen};

/// What is read and written again is read as the same.
fn json<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(input: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(input) else { return false };
    let written = serde_json::to_vec(&value).expect("a body is JSON");
    let again: T = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, value);
    true
}

const BODIES: &[(fn(&[u8]) -> bool, &str)] = &[
    (
        json::<ledger::Submitted>,
        r#"{"digest":"00","status":"failed","height":3,"time":9,"code":"a","detail":"b"}"#,
    ),
    (
        json::<ledger::NodeStatus>,
        r#"{"version":"1","chain":"0","validator":"0","height":1,"time":2,"pool":3,"peers":4,"records":5,"grants":6,"practitioners":7,"institutions":8}"#,
    ),
    (json::<ledger::GenesisBody>, r#"{"chain":"00","genesis":"AA"}"#),
    (json::<ledger::EntryAnswer>, r#"{"snapshot":{"header":"AA","finalization":"AA"},"answer":"AA"}"#),
    (json::<ledger::BucketAnswer>, r#"{"snapshot":{"header":"AA","finalization":"AA"},"bucket":"AA"}"#),
    (
        json::<ledger::BlockBody>,
        r#"{"summary":{"height":1,"digest":"00","time":1,"epoch":0,"transactions":0,"bytes":0},"snapshot":null,"transactions":[{"digest":"00","kind":"create","bytes":4,"outcome":"applied"}]}"#,
    ),
    (
        json::<ledger::ApprovalRequest>,
        r#"{"action":"AA","valid_until":1,"key":"00","member":null,"signature":"00"}"#,
    ),
    (json::<ledger::Approval>, r#"{"index":1,"signature":"00"}"#),
    (json::<ledger::Health>, r#"{"status":"ready","height":1,"age_ms":2}"#),
    (json::<mailbox::Post>, r#"{"sealed":"AA"}"#),
    (json::<mailbox::OwnerRequest>, r#"{"owner":"00","time":1,"signature":"00"}"#),
    (
        json::<mailbox::Waiting>,
        r#"{"id":"00","kind":"receipt","bytes":1,"received":1,"expires":2,"receipt":null}"#,
    ),
    (json::<mailbox::FetchRequest>, r#"{"request":{"owner":"00","time":1,"signature":"00"},"message":"00"}"#),
    (
        json::<backup::Backup>,
        r#"{"key":"00","counter":1,"blob":"AA","signature":"00","payment":{"by":"member","member":"00","signature":"00"}}"#,
    ),
    (
        json::<content::UploadRequest>,
        r#"{"cid":"b","bytes":1,"pin_key":"00","payment":{"by":"tickets","tickets":[{"ticket":"AA","signature":"00"}]}}"#,
    ),
    (json::<content::UploadOpened>, r#"{"id":"00","next_leaf":0,"complete":false}"#),
    (json::<content::PinRequest>, r#"{"cid":"b","pin_key":"00","time":1,"signature":"00"}"#),
    (
        json::<authority::AuthorityInfo>,
        r#"{"chain":"0","member":"0","certificate":"AA","period":1,"tickets_per_period":2}"#,
    ),
    (json::<authority::EnrolRequest>, r#"{"institution":"00","patient":"p","time":1,"signature":"00"}"#),
    (json::<authority::RedeemRequest>, r#"{"code":"c","wallet":"00","time":1,"signature":"00"}"#),
    (
        json::<authority::TicketRequest>,
        r#"{"key":"00","class":"care","period":1,"blinded":["AA"],"time":1,"signature":"00"}"#,
    ),
    (json::<authority::TicketAnswer>, r#"{"signatures":["AA"]}"#),
    (
        json::<authority::Application>,
        r#"{"level":4,"issuer":"00","subject_id":"s","name":"n","roles":[1],"signing_key":"00","signature":"00"}"#,
    ),
    (json::<authority::ApplicationStatus>, r#"{"status":"refused","id":"00","reason":"r"}"#),
    (json::<problem::Problem>, r#"{"type":"about:blank","title":"t","status":404,"code":"c","detail":"d"}"#),
];

fn body(input: &[u8]) -> bool {
    choose(input, BODIES).is_some_and(|(rest, choice)| BODIES[choice].0(rest))
}

pub const JSON: Target = Target::new("json", "JSON bodies of requests and answers", body, || {
    BODIES.iter().enumerate().map(|(index, (_, example))| chosen(index, example)).collect()
});

/// Each value has one text.
fn text(input: &[u8]) -> bool {
    let (Some((bytes, choice)), Some(Ok(text))) =
        (choose(input, &[(); 6]), input.get(1..).map(std::str::from_utf8))
    else {
        return false;
    };
    let back = match choice {
        0 => encoding::from_base64(text, 64).ok().map(|b| encoding::to_base64(&b)),
        1 => encoding::from_hex::<32>(text).ok().map(|b| encoding::to_hex(&b)),
        2 => encoding::key_from_hex(text).ok().map(|k| encoding::key_to_hex(&k)),
        3 => encoding::signature_from_hex(text).ok().map(|s| encoding::signature_to_hex(&s)),
        4 => problem::Code::parse(text).map(|code| code.text().to_owned()),
        _ => return mailbox::Receipt::from_bytes(bytes).is_ok_and(|r| r.to_bytes() == bytes),
    };
    if let Some(back) = &back {
        assert_eq!(back, text, "two texts of one value");
    }
    back.is_some()
}

pub const TEXT: Target =
    Target::new("text", "hexadecimal and base64url values, codes, receipts", text, || {
        let key = yilian_crypto::sign::SigningKey::from_seed(yilian_crypto::Secret::new([9; 32]));
        let signature = key.sign(yilian_crypto::Label::Backup, &[b"x"]);
        vec![
            chosen(0, "AAECAw"),
            chosen(1, "0a".repeat(32)),
            chosen(2, encoding::key_to_hex(&key.verifying_key())),
            chosen(3, encoding::signature_to_hex(&signature)),
            chosen(4, "route.method"),
        ]
    });
