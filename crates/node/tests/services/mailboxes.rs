use yilian_api::{
    content::UploadPayment,
    mailbox::{MAX_MESSAGE, MessageKind, REQUEST_WINDOW_MS, Receipt, mailbox_id, message_id},
    signing::{MailboxVerb, Statement},
};
use yilian_crypto::{Digest, sign::SigningKey};
use yilian_node::mailbox::{Mailboxes, NewMessage, Owner, Quota, ROW_BYTES};

use crate::{
    refused,
    support::{Base, NOW, by_member, by_tickets},
};

fn open(base: &Base, quota: Quota) -> Mailboxes {
    Mailboxes::open(base.database.clone(), quota, base.payments.clone(), base.view.clone(), NOW - 1_000_000)
        .unwrap()
}

fn id_of(key: &SigningKey) -> Digest {
    mailbox_id(&key.verifying_key())
}

fn free(mailbox: Digest, sealed: &[u8]) -> NewMessage {
    NewMessage { mailbox, sealed: sealed.to_vec(), receipt: None, time: 0, payment: None }
}

fn statement(base: &Base, new: &NewMessage) -> Statement {
    let id = message_id(&new.sealed);
    Statement::mailbox_post(&base.audience, &new.mailbox, &id, new.receipt.as_ref(), new.time)
}

fn ticketed(base: &Base, mut new: NewMessage) -> NewMessage {
    new.time = NOW;
    new.payment = Some(by_tickets(&[base.ticket()], &statement(base, &new)));
    new
}

fn owner(base: &Base, key: &SigningKey, verb: MailboxVerb, message: Option<&Digest>, time: u64) -> Owner {
    let mailbox = id_of(key);
    let statement = Statement::mailbox_request(&base.audience, verb, &mailbox, message, time);
    Owner { mailbox, key: key.verifying_key(), time, signature: statement.sign(key) }
}

/// Each call signs for another instant, so that none is a replay.
async fn list(base: &Base, mailboxes: &Mailboxes, key: &SigningKey, now: u64) -> Vec<(Digest, MessageKind)> {
    let owner = owner(base, key, MailboxVerb::List, None, now);
    let listed = mailboxes.list(&owner, now).await.unwrap();
    listed.into_iter().map(|(id, envelope)| (id, envelope.kind)).collect()
}

#[tokio::test]
async fn hands_a_message_to_its_owner_until_it_is_deleted() {
    let base = Base::new(40);
    let (mailboxes, key) = (open(&base, Quota::default()), base.key());
    let (id, expires) = mailboxes.post(free(id_of(&key), b"sealed"), NOW).await.unwrap();
    assert_eq!((id, expires), (message_id(b"sealed"), NOW + 7 * 24 * 3_600_000));
    assert_eq!(list(&base, &mailboxes, &key, NOW).await, [(id, MessageKind::Message)]);

    let fetch = owner(&base, &key, MailboxVerb::Fetch, Some(&id), NOW);
    assert_eq!(mailboxes.fetch(&fetch, id, None, NOW).await.unwrap(), b"sealed");
    let delete = owner(&base, &key, MailboxVerb::Delete, Some(&id), NOW);
    mailboxes.delete(&delete, id, NOW).await.unwrap();
    assert_eq!(list(&base, &mailboxes, &key, NOW + 1).await, []);
    let fetch = owner(&base, &key, MailboxVerb::Fetch, Some(&id), NOW + 1);
    refused!(mailboxes.fetch(&fetch, id, None, NOW + 1).await, MessageUnknown);
}

#[tokio::test]
async fn messages_survive_a_restart() {
    let base = Base::new(41);
    let key = base.key();
    let (id, _) = open(&base, Quota::default()).post(free(id_of(&key), b"sealed"), NOW).await.unwrap();
    let again = open(&base, Quota::default());
    assert_eq!(list(&base, &again, &key, NOW).await, [(id, MessageKind::Message)]);
}

#[tokio::test]
async fn nobody_else_lists_fetches_or_deletes() {
    let base = Base::new(42);
    let (mailboxes, key, thief) = (open(&base, Quota::default()), base.key(), base.key());
    let (id, _) = mailboxes.post(free(id_of(&key), b"sealed"), NOW).await.unwrap();

    let mut own_key = owner(&base, &thief, MailboxVerb::Fetch, Some(&id), NOW);
    own_key.mailbox = id_of(&key);
    refused!(mailboxes.fetch(&own_key, id, None, NOW).await, MailboxOwner);
    let mut owners_key = own_key.clone();
    owners_key.key = key.verifying_key();
    refused!(mailboxes.fetch(&owners_key, id, None, NOW).await, RequestUnauthorized);

    // A signature of the owner's for another verb, message or node is none.
    let listing = owner(&base, &key, MailboxVerb::List, None, NOW);
    refused!(mailboxes.fetch(&listing, id, None, NOW).await, RequestUnauthorized);
    let fetching = owner(&base, &key, MailboxVerb::Fetch, Some(&id), NOW);
    refused!(mailboxes.delete(&fetching, id, NOW).await, RequestUnauthorized);
    refused!(mailboxes.fetch(&fetching, Digest([1; 32]), None, NOW).await, RequestUnauthorized);
    let mut elsewhere = base.audience;
    elsewhere.node = [9; 32];
    let mut misdirected = fetching.clone();
    let statement = Statement::mailbox_request(&elsewhere, MailboxVerb::Fetch, &id_of(&key), Some(&id), NOW);
    misdirected.signature = statement.sign(&key);
    refused!(mailboxes.fetch(&misdirected, id, None, NOW).await, RequestUnauthorized);

    assert!(mailboxes.fetch(&fetching, id, None, NOW).await.is_ok());
}

#[tokio::test]
async fn a_request_is_answered_once_and_in_its_window() {
    let base = Base::new(43);
    let (mailboxes, key) = (open(&base, Quota::default()), base.key());
    let request = owner(&base, &key, MailboxVerb::List, None, NOW);
    mailboxes.list(&request, NOW).await.unwrap();
    refused!(mailboxes.list(&request, NOW).await, RequestReplayed);
    refused!(mailboxes.list(&request, NOW + REQUEST_WINDOW_MS + 1).await, RequestExpired);
    let ahead = owner(&base, &key, MailboxVerb::List, None, NOW + REQUEST_WINDOW_MS + 1);
    refused!(mailboxes.list(&ahead, NOW).await, RequestExpired);
    // After a restart its memory is gone, but so is every request signed before.
    let restarted = Mailboxes::open(
        base.database.clone(),
        Quota::default(),
        base.payments.clone(),
        base.view.clone(),
        NOW + 1,
    )
    .unwrap();
    refused!(restarted.list(&request, NOW + 1).await, RequestExpired);
}

#[tokio::test]
async fn messages_have_bounded_size() {
    let base = Base::new(44);
    let (mailboxes, mailbox) = (open(&base, Quota::default()), id_of(&base.key()));
    refused!(mailboxes.post(free(mailbox, &[]), NOW).await, MessageEmpty);
    refused!(mailboxes.post(free(mailbox, &vec![0; MAX_MESSAGE + 1]), NOW).await, MessageTooLarge);
    mailboxes.post(free(mailbox, &vec![0; MAX_MESSAGE]), NOW).await.unwrap();
}

#[tokio::test]
async fn unpaid_messages_have_a_small_quota_that_deleting_does_not_refill() {
    let base = Base::new(45);
    let quota = Quota { free_messages: 2, ..Quota::default() };
    let (mailboxes, key) = (open(&base, quota), base.key());
    let (first, expires) = mailboxes.post(free(id_of(&key), b"1"), NOW).await.unwrap();
    mailboxes.post(free(id_of(&key), b"2"), NOW).await.unwrap();
    refused!(mailboxes.post(free(id_of(&key), b"3"), NOW).await, MailboxFull);
    let delete = owner(&base, &key, MailboxVerb::Delete, Some(&first), NOW);
    mailboxes.delete(&delete, first, NOW).await.unwrap();
    refused!(mailboxes.post(free(id_of(&key), b"3"), NOW).await, MailboxFull);
    // Paid ones have room of their own; another mailbox has its own quota; time frees both.
    mailboxes.post(ticketed(&base, free(id_of(&key), b"3")), NOW).await.unwrap();
    mailboxes.post(free(id_of(&base.key()), b"3"), NOW).await.unwrap();
    mailboxes.post(free(id_of(&key), b"4"), expires).await.unwrap();
}

#[tokio::test]
async fn unpaid_messages_have_bounded_room_at_a_node() {
    let base = Base::new(46);
    let quota = Quota { free_store_bytes: 2 * ROW_BYTES + 100, ..Quota::default() };
    let (mailboxes, key) = (open(&base, quota), base.key());
    let (id, _) = mailboxes.post(free(id_of(&key), &[1; 60]), NOW).await.unwrap();
    refused!(mailboxes.post(free(id_of(&base.key()), &[2; 41]), NOW).await, MailboxStore);
    mailboxes.post(ticketed(&base, free(id_of(&base.key()), &[2; 41])), NOW).await.unwrap();
    let delete = owner(&base, &key, MailboxVerb::Delete, Some(&id), NOW);
    mailboxes.delete(&delete, id, NOW).await.unwrap();
    let (_, expires) = mailboxes.post(free(id_of(&base.key()), &[3; 100]), NOW).await.unwrap();
    refused!(mailboxes.post(free(id_of(&base.key()), &[4; 1]), NOW).await, MailboxStore);
    mailboxes.prune(expires).await.unwrap();
    mailboxes.post(free(id_of(&base.key()), &[5; 100 + ROW_BYTES as usize]), expires).await.unwrap();
}

#[tokio::test]
async fn messages_without_bytes_worth_counting_do_not_fill_the_disk() {
    let base = Base::new(62);
    let rows = 4;
    let quota = Quota { free_store_bytes: rows * (ROW_BYTES + 1), ..Quota::default() };
    let mailboxes = open(&base, quota);
    for n in 0..rows {
        // Whoever posts to a mailbox of its own and deletes at once keeps a row all the same.
        let key = base.key();
        let (id, _) = mailboxes.post(free(id_of(&key), &[n as u8]), NOW).await.unwrap();
        let delete = owner(&base, &key, MailboxVerb::Delete, Some(&id), NOW);
        mailboxes.delete(&delete, id, NOW).await.unwrap();
    }
    refused!(mailboxes.post(free(id_of(&base.key()), &[9; 5]), NOW).await, MailboxStore);
}

#[tokio::test]
async fn paid_messages_are_bounded_in_number_and_bytes() {
    let base = Base::new(47);
    let quota = Quota { messages: 2, bytes: 100, ..Quota::default() };
    let (mailboxes, key) = (open(&base, quota), base.key());
    refused!(mailboxes.post(ticketed(&base, free(id_of(&key), &[1; 101])), NOW).await, MailboxFull);
    let (id, _) = mailboxes.post(ticketed(&base, free(id_of(&key), &[1; 50])), NOW).await.unwrap();
    mailboxes.post(ticketed(&base, free(id_of(&key), &[2; 10])), NOW).await.unwrap();
    refused!(mailboxes.post(ticketed(&base, free(id_of(&key), &[3; 10])), NOW).await, MailboxFull);
    let delete = owner(&base, &key, MailboxVerb::Delete, Some(&id), NOW);
    mailboxes.delete(&delete, id, NOW).await.unwrap();
    mailboxes.post(ticketed(&base, free(id_of(&key), &[3; 90])), NOW).await.unwrap();
}

#[tokio::test]
async fn a_standing_mailbox_takes_paid_messages_only() {
    let base = Base::new(48);
    let (mailboxes, key) = (open(&base, Quota::default()), base.key());
    let [.., doctor] = base.view.world().hospital();
    base.view.standing.lock().unwrap().insert(id_of(&key));
    refused!(mailboxes.post(free(id_of(&key), b"spam"), NOW).await, PaymentRequired);

    mailboxes.post(ticketed(&base, free(id_of(&key), b"by ticket")), NOW).await.unwrap();
    let mut new = NewMessage { time: NOW, ..free(id_of(&key), b"by member") };
    new.payment = Some(by_member(&doctor, &statement(&base, &new)));
    mailboxes.post(new, NOW).await.unwrap();
    assert_eq!(list(&base, &mailboxes, &key, NOW).await.len(), 2);
}

#[tokio::test]
async fn a_payment_pays_for_one_message_in_one_mailbox_now() {
    let base = Base::new(49);
    let (mailboxes, mailbox) = (open(&base, Quota::default()), id_of(&base.key()));
    let paid = ticketed(&base, free(mailbox, b"first"));
    let again = |new: NewMessage, payment: &Option<UploadPayment>| NewMessage {
        time: NOW,
        payment: payment.clone(),
        ..new
    };
    let payment = paid.payment.clone();
    refused!(mailboxes.post(again(free(mailbox, b"other"), &payment), NOW).await, PaymentSignature);
    refused!(
        mailboxes.post(again(free(id_of(&base.key()), b"first"), &payment), NOW).await,
        PaymentSignature
    );
    refused!(
        mailboxes.post(again(free(mailbox, b"first"), &payment), NOW + REQUEST_WINDOW_MS + 1).await,
        RequestExpired
    );
    mailboxes.post(paid, NOW).await.unwrap();

    // The same ticket, honestly signed for another message.
    let ticket = base.ticket();
    for (sealed, good) in [(b"a", true), (b"b", false)] {
        let mut new = NewMessage { time: NOW, ..free(mailbox, sealed) };
        new.payment = Some(by_tickets(std::slice::from_ref(&ticket), &statement(&base, &new)));
        match good {
            true => drop(mailboxes.post(new, NOW).await.unwrap()),
            false => refused!(mailboxes.post(new, NOW).await, PaymentSpent),
        }
    }
}

#[tokio::test]
async fn a_members_signature_has_a_daily_allowance() {
    let base = Base::new(50);
    let mailboxes = open(&base, Quota { member_posts_per_day: 2, ..Quota::default() });
    let [_, hospital, doctor] = base.view.world().hospital();
    let post = |member: &yilian_testkit::ledger::Member, sealed: &[u8], time: u64| {
        let mut new = NewMessage { time, ..free(Digest([1; 32]), sealed) };
        new.payment = Some(by_member(member, &statement(&base, &new)));
        new
    };
    mailboxes.post(post(&doctor, b"1", NOW), NOW).await.unwrap();
    mailboxes.post(post(&doctor, b"2", NOW), NOW).await.unwrap();
    refused!(mailboxes.post(post(&doctor, b"3", NOW), NOW).await, PaymentAllowance);
    mailboxes.post(post(&hospital, b"3", NOW), NOW).await.unwrap();
    let tomorrow = NOW + 86_400_000;
    mailboxes.post(post(&doctor, b"4", tomorrow), tomorrow).await.unwrap();
}

#[tokio::test]
async fn the_same_bytes_answer_alike_whether_or_not_the_owner_took_them() {
    let base = Base::new(51);
    let (mailboxes, key) = (open(&base, Quota::default()), base.key());
    let posted = mailboxes.post(free(id_of(&key), b"sealed"), NOW).await.unwrap();
    assert_eq!(mailboxes.post(free(id_of(&key), b"sealed"), NOW + 5).await.unwrap(), posted);
    let delete = owner(&base, &key, MailboxVerb::Delete, Some(&posted.0), NOW);
    mailboxes.delete(&delete, posted.0, NOW).await.unwrap();
    assert_eq!(mailboxes.post(free(id_of(&key), b"sealed"), NOW + 9).await.unwrap(), posted);
    assert_eq!(list(&base, &mailboxes, &key, NOW).await, []);
}

#[tokio::test]
async fn messages_end_with_their_life() {
    let base = Base::new(52);
    let (mailboxes, key) = (open(&base, Quota::default()), base.key());
    let (id, expires) = mailboxes.post(free(id_of(&key), b"sealed"), NOW).await.unwrap();
    assert_eq!(list(&base, &mailboxes, &key, expires - 1).await.len(), 1);
    assert_eq!(list(&base, &mailboxes, &key, expires).await, []);
    let fetch = owner(&base, &key, MailboxVerb::Fetch, Some(&id), expires);
    refused!(mailboxes.fetch(&fetch, id, None, expires).await, MessageUnknown);
    assert_eq!(mailboxes.prune(expires - 1).await.unwrap(), 0);
    assert_eq!(mailboxes.prune(expires).await.unwrap(), 1);
    assert_eq!(mailboxes.prune(expires).await.unwrap(), 0);
}

struct Asked {
    base: Base,
    mailboxes: Mailboxes,
    reader: SigningKey,
    /// Of the sender's one-time receipt key.
    receipts: SigningKey,
    message: Digest,
}

/// A message whose envelope asks for a receipt.
async fn asked(seed: u64, quota: Quota) -> Asked {
    let base = Base::new(seed);
    let (mailboxes, reader, receipts) = (open(&base, quota), base.key(), base.key());
    let new = NewMessage { receipt: Some(id_of(&receipts)), ..free(id_of(&reader), b"sealed") };
    let (message, _) = mailboxes.post(new, NOW).await.unwrap();
    Asked { base, mailboxes, reader, receipts, message }
}

impl Asked {
    fn receipt(&self, time: u64) -> Receipt {
        Receipt::sign(&self.reader, &self.base.audience.chain, self.message, &id_of(&self.receipts), time)
    }

    fn fetching(&self, time: u64) -> Owner {
        owner(&self.base, &self.reader, MailboxVerb::Fetch, Some(&self.message), time)
    }
}

#[tokio::test]
async fn a_receipt_does_not_end_with_a_message_that_has_its_bytes() {
    let asked = asked(63, Quota::default()).await;
    let Asked { base, mailboxes, receipts, message, .. } = &asked;
    // The reader knows what its receipt will be, and leaves the same bytes as an unpaid message before.
    let receipt = asked.receipt(NOW + 1);
    let early = free(id_of(receipts), &receipt.to_bytes());
    let (_, ends) = mailboxes.post(early, NOW).await.unwrap();
    let fetched = mailboxes.fetch(&asked.fetching(NOW + 1), *message, Some(receipt.signature), NOW + 1).await;
    fetched.unwrap();

    mailboxes.prune(ends).await.unwrap();
    let key = owner(base, receipts, MailboxVerb::List, None, NOW + 1);
    let listed = mailboxes.list(&key, NOW + 1).await.unwrap();
    assert!(
        matches!(&listed[..], [(_, envelope)] if envelope.kind == MessageKind::Receipt && envelope.expires > ends)
    );
}

#[tokio::test]
async fn a_message_that_asks_for_a_receipt_is_handed_out_against_it() {
    let asked = asked(53, Quota::default()).await;
    let Asked { base, mailboxes, receipts, message, .. } = &asked;
    refused!(mailboxes.fetch(&asked.fetching(NOW), *message, None, NOW).await, ReceiptRequired);
    assert_eq!(list(base, mailboxes, receipts, NOW).await, []);

    let receipt = asked.receipt(NOW + 1);
    let fetched = mailboxes.fetch(&asked.fetching(NOW + 1), *message, Some(receipt.signature), NOW + 1).await;
    assert_eq!(fetched.unwrap(), b"sealed");

    // The sender finds who took it and when, and can verify it alone.
    let [(id, MessageKind::Receipt)] = list(base, mailboxes, receipts, NOW + 1).await[..] else {
        panic!("one receipt")
    };
    let taking = owner(base, receipts, MailboxVerb::Fetch, Some(&id), NOW + 1);
    let bytes = mailboxes.fetch(&taking, id, None, NOW + 1).await.unwrap();
    let found = Receipt::from_bytes(&bytes).unwrap();
    assert_eq!(found, receipt);
    found.verify(&base.audience.chain, &id_of(receipts)).unwrap();

    // Only the first fetch is receipted.
    mailboxes.fetch(&asked.fetching(NOW + 2), *message, None, NOW + 2).await.unwrap();
    assert_eq!(list(base, mailboxes, receipts, NOW + 2).await.len(), 1);
}

#[tokio::test]
async fn a_receipt_for_something_else_is_none() {
    let asked = asked(54, Quota::default()).await;
    let Asked { base, mailboxes, reader, receipts, message } = &asked;
    let chain = &base.audience.chain;
    let sign = |key, message, mailbox: &Digest, time| Receipt::sign(key, chain, message, mailbox, time);
    let wrong = [
        sign(reader, Digest([1; 32]), &id_of(receipts), NOW),
        sign(reader, *message, &Digest([1; 32]), NOW),
        sign(reader, *message, &id_of(receipts), NOW - 60_000),
        sign(receipts, *message, &id_of(receipts), NOW),
        Receipt::sign(reader, &Digest([1; 32]), *message, &id_of(receipts), NOW),
    ];
    for (step, receipt) in wrong.iter().enumerate() {
        let mut fetching = asked.fetching(NOW);
        if step > 0 {
            // The request itself counts once: ask with another time, and sign the receipt's flaw for that time.
            fetching = asked.fetching(NOW + step as u64);
        }
        refused!(mailboxes.fetch(&fetching, *message, Some(receipt.signature), NOW).await, ReceiptInvalid);
    }
    assert_eq!(list(base, mailboxes, receipts, NOW).await, []);
}

#[tokio::test]
async fn a_reader_cannot_keep_the_receipt_out_by_filling_the_senders_mailbox() {
    let quota = Quota { receipts: 2, free_messages: 2, messages: 1, ..Quota::default() };
    let asked = asked(55, quota).await;
    let Asked { base, mailboxes, receipts, message, .. } = &asked;
    let target = id_of(receipts);
    for sealed in [b"1", b"2"] {
        mailboxes.post(free(target, sealed), NOW).await.unwrap();
    }
    refused!(mailboxes.post(free(target, b"3"), NOW).await, MailboxFull);
    // Asking for receipts into it takes what room is left, never the room that was promised.
    let naming = |sealed: &[u8]| NewMessage { receipt: Some(target), ..free(id_of(&base.key()), sealed) };
    mailboxes.post(naming(b"4"), NOW).await.unwrap();
    refused!(mailboxes.post(naming(b"5"), NOW).await, MailboxFull);

    let receipt = asked.receipt(NOW);
    mailboxes.fetch(&asked.fetching(NOW), *message, Some(receipt.signature), NOW).await.unwrap();
    let listed = list(base, mailboxes, receipts, NOW).await;
    assert_eq!(listed.iter().filter(|(_, kind)| *kind == MessageKind::Receipt).count(), 1);
}

#[tokio::test]
async fn room_for_receipts_comes_back() {
    let asked = asked(56, Quota { receipts: 1, ..Quota::default() }).await;
    let Asked { base, mailboxes, reader, receipts, message } = &asked;
    let target = id_of(receipts);
    let naming = |sealed: &[u8]| NewMessage { receipt: Some(target), ..free(id_of(reader), sealed) };
    refused!(mailboxes.post(naming(b"2"), NOW).await, MailboxFull);
    // Deleted unread: no receipt is owed any more.
    let delete = owner(base, reader, MailboxVerb::Delete, Some(message), NOW);
    mailboxes.delete(&delete, *message, NOW).await.unwrap();
    let (second, expires) = mailboxes.post(naming(b"2"), NOW).await.unwrap();
    refused!(mailboxes.post(naming(b"3"), NOW).await, MailboxFull);
    // Expired unread: likewise.
    mailboxes.prune(expires).await.unwrap();
    let (third, _) = mailboxes.post(naming(b"3"), expires).await.unwrap();
    assert_ne!(second, third);
    // Receipted: the room is taken until the sender deletes the receipt.
    let receipt = Receipt::sign(reader, &base.audience.chain, third, &target, expires);
    let fetching = owner(base, reader, MailboxVerb::Fetch, Some(&third), expires);
    mailboxes.fetch(&fetching, third, Some(receipt.signature), expires).await.unwrap();
    refused!(mailboxes.post(naming(b"4"), expires).await, MailboxFull);
    let id = message_id(&receipt.to_bytes());
    let delete = owner(base, receipts, MailboxVerb::Delete, Some(&id), expires);
    mailboxes.delete(&delete, id, expires).await.unwrap();
    mailboxes.post(naming(b"4"), expires).await.unwrap();
}

#[tokio::test]
async fn a_refused_post_uses_no_ticket_up() {
    let base = Base::new(57);
    let mailboxes = open(&base, Quota { messages: 1, ..Quota::default() });
    let (full, other) = (id_of(&base.key()), id_of(&base.key()));
    mailboxes.post(ticketed(&base, free(full, b"1")), NOW).await.unwrap();
    let ticket = base.ticket();
    let with_ticket = |mailbox| {
        let mut new = NewMessage { time: NOW, ..free(mailbox, b"2") };
        new.payment = Some(by_tickets(std::slice::from_ref(&ticket), &statement(&base, &new)));
        new
    };
    refused!(mailboxes.post(with_ticket(full), NOW).await, MailboxFull);
    mailboxes.post(with_ticket(other), NOW).await.unwrap();
}
