//! Encodings are canonical, statements are bound to all they name, receipts survive the wire.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use yilian_api::{
    encoding::{self, EncodingError},
    mailbox::{OwnerRequest, RECEIPT, Receipt, ReceiptError, mailbox_id, message_id},
    problem::Code,
    signing::{Audience, MailboxVerb, PinVerb, Statement},
};
use yilian_crypto::{Digest, Secret, sign::SigningKey};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([seed; 32]))
}

fn audience() -> Audience {
    Audience { chain: Digest([1; 32]), node: [2; 32] }
}

#[test]
fn hex_has_one_form() {
    assert_eq!(encoding::from_hex::<2>("00ff"), Ok([0, 255]));
    for text in ["", "00f", "00fF", "00FF", "00ff00", "0x0f", " 0ff", "00fg", "é0"] {
        assert_eq!(encoding::from_hex::<2>(text), Err(EncodingError::Hex(2)), "{text}");
    }
}

#[test]
fn base64_has_one_form_and_a_bound() {
    assert_eq!(encoding::from_base64("_-8", 2), Ok(vec![0xff, 0xef]));
    for text in ["/+8", "_-8=", "_-9", "_", "_-8 ", "\n_-8"] {
        assert_eq!(encoding::from_base64(text, 9), Err(EncodingError::Base64), "{text}");
    }
    assert_eq!(encoding::from_base64("AAAA", 2), Err(EncodingError::TooLong(2)));
    assert_eq!(encoding::from_base64(&"A".repeat(1 << 20), 2), Err(EncodingError::TooLong(2)));
    for bytes in 0..40 {
        let data = vec![7; bytes];
        assert_eq!(encoding::from_base64(&encoding::to_base64(&data), bytes), Ok(data));
    }
}

#[test]
fn keys_and_signatures_carry_their_suite() {
    let public = key(3).verifying_key();
    let text = encoding::key_to_hex(&public);
    assert!(text.starts_with("01") && text.len() == 66);
    assert_eq!(encoding::key_from_hex(&text), Ok(public));
    assert_eq!(encoding::key_from_hex(&text[2..]), Err(EncodingError::Hex(33)));
    assert_eq!(encoding::key_from_hex(&format!("02{}", &text[2..])), Err(EncodingError::Key));
    assert_eq!(encoding::key_from_hex(&format!("01{}", "00".repeat(32))), Err(EncodingError::Key));

    let signature = Statement::pin(&audience(), PinVerb::Pin, "cid", 1).sign(&key(3));
    let text = encoding::signature_to_hex(&signature);
    assert_eq!(encoding::signature_from_hex(&text), Ok(signature));
    assert_eq!(encoding::signature_from_hex(&format!("00{}", &text[2..])), Err(EncodingError::Signature));
}

/// Statements that differ in one thing each.
fn statements() -> Vec<Statement> {
    let here = audience();
    let (chain, node) = (Audience { chain: Digest([9; 32]), ..here }, Audience { node: [9; 32], ..here });
    let (a, b, c) = (Digest([3; 32]), Digest([4; 32]), Digest([5; 32]));
    let pin = key(1).verifying_key();
    let mut all = Vec::new();
    for place in [&here, &chain, &node] {
        all.extend([
            Statement::mailbox_request(place, MailboxVerb::List, &a, None, 1),
            Statement::mailbox_request(place, MailboxVerb::Fetch, &a, Some(&b), 1),
            Statement::mailbox_post(place, &a, &b, None, 1),
            Statement::backup_room(place, &a, 1),
            Statement::upload(place, "cid", 1, &pin),
            Statement::pin(place, PinVerb::Pin, "cid", 1),
        ]);
    }
    all.extend([
        Statement::mailbox_request(&here, MailboxVerb::List, &a, None, 2),
        Statement::mailbox_request(&here, MailboxVerb::List, &b, None, 1),
        Statement::mailbox_request(&here, MailboxVerb::Delete, &a, Some(&b), 1),
        Statement::mailbox_request(&here, MailboxVerb::Fetch, &a, Some(&c), 1),
        Statement::mailbox_post(&here, &a, &b, Some(&c), 1),
        Statement::mailbox_post(&here, &a, &c, None, 1),
        Statement::mailbox_post(&here, &c, &b, None, 1),
        Statement::mailbox_post(&here, &a, &b, None, 2),
        Statement::backup_room(&here, &b, 1),
        Statement::backup_room(&here, &a, 2),
        Statement::upload(&here, "dic", 1, &pin),
        Statement::upload(&here, "cid", 2, &pin),
        Statement::upload(&here, "cid", 1, &key(2).verifying_key()),
        Statement::pin(&here, PinVerb::Unpin, "cid", 1),
        Statement::pin(&here, PinVerb::Pin, "dic", 1),
        Statement::pin(&here, PinVerb::Pin, "cid", 2),
        Statement::receipt(&a, &b, &c, 1),
        Statement::receipt(&a, &c, &b, 1),
        Statement::receipt(&a, &b, &c, 2),
        Statement::receipt(&b, &b, &c, 1),
        Statement::backup(&a, 1, b"blob"),
        Statement::backup(&a, 2, b"blob"),
        Statement::backup(&a, 1, b"bolb"),
        Statement::backup(&b, 1, b"blob"),
        Statement::approval_request(&a, b"action", 1),
        Statement::approval_request(&a, b"action", 2),
        Statement::approval_request(&a, b"other", 1),
        Statement::approval_request(&b, b"action", 1),
    ]);
    all
}

#[test]
fn a_signature_is_for_one_statement_only() {
    let (all, signer) = (statements(), key(7));
    assert_eq!(all.iter().map(|statement| statement.digest().0).collect::<BTreeSet<_>>().len(), all.len());
    let first = &all[0];
    let signature = first.sign(&signer);
    for (index, statement) in all.iter().enumerate() {
        let verified = statement.verify(&signer.verifying_key(), &signature).is_ok();
        assert_eq!(verified, index == 0, "{statement:?}");
    }
    assert!(first.verify(&key(8).verifying_key(), &signature).is_err());
}

#[test]
fn an_owners_request_is_its_statement() {
    let (owner, message) = (key(4), Digest([6; 32]));
    let request = OwnerRequest::sign(&owner, &audience(), MailboxVerb::Fetch, Some(&message), 5);
    let public = encoding::key_from_hex(&request.owner).unwrap();
    let signature = encoding::signature_from_hex(&request.signature).unwrap();
    Statement::mailbox_request(
        &audience(),
        MailboxVerb::Fetch,
        &mailbox_id(&public),
        Some(&message),
        request.time,
    )
    .verify(&public, &signature)
    .unwrap();
}

#[test]
fn receipts_survive_the_wire_and_nothing_else_is_one() {
    let (chain, mailbox) = (Digest([1; 32]), Digest([2; 32]));
    let receipt = Receipt::sign(&key(5), &chain, message_id(b"sealed"), &mailbox, 77);
    let bytes = receipt.to_bytes();
    assert_eq!(Receipt::from_bytes(&bytes), Ok(receipt));
    receipt.verify(&chain, &mailbox).unwrap();
    assert_eq!(receipt.verify(&mailbox, &mailbox), Err(ReceiptError::Signature));
    assert_eq!(receipt.verify(&chain, &chain), Err(ReceiptError::Signature));

    for length in 0..RECEIPT {
        assert_eq!(Receipt::from_bytes(&bytes[..length]), Err(ReceiptError::Malformed));
    }
    assert_eq!(Receipt::from_bytes(&[&bytes[..], &[0]].concat()), Err(ReceiptError::Malformed));
    for at in 0..RECEIPT {
        let mut changed = bytes;
        changed[at] ^= 1;
        let verified = Receipt::from_bytes(&changed).and_then(|receipt| receipt.verify(&chain, &mailbox));
        assert!(verified.is_err(), "byte {at}");
    }
}

#[test]
fn codes_are_unique_and_well_formed() {
    let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(Code::parse(code.text()), Some(*code));
        let (area, rule) = code.text().split_once('.').unwrap();
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(plain(area) && plain(rule), "{}", code.text());
        assert!((400..600).contains(&code.status()));
    }
    assert_eq!(Code::parse("no.such"), None);
}
