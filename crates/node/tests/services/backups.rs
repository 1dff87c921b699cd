use yilian_api::{
    backup::{FREE_BLOB, MAX_BLOB, MIN_BLOB, backup_name},
    encoding,
    signing::Statement,
};
use yilian_crypto::sign::SigningKey;
use yilian_node::backup::{BackupError, BackupLimits, Backups, NewBackup};

use crate::{
    refused,
    support::{Base, by_tickets},
};

fn open(base: &Base, free_store_bytes: u64) -> Backups {
    Backups::open(base.database.clone(), BackupLimits { free_store_bytes }, base.payments.clone()).unwrap()
}

fn backup(base: &Base, key: &SigningKey, counter: u64, bytes: usize) -> NewBackup {
    let blob = vec![counter as u8; bytes];
    let public = key.verifying_key();
    let signature = Statement::backup(&base.audience.chain, counter, &blob).sign(key);
    NewBackup { name: backup_name(&public), key: public, counter, blob, signature, payment: None }
}

fn paid(base: &Base, key: &SigningKey, counter: u64, bytes: usize, tickets: usize) -> NewBackup {
    let mut new = backup(base, key, counter, bytes);
    let statement = Statement::backup_room(&base.audience, &new.name, counter);
    let tickets: Vec<_> = (0..tickets).map(|_| base.ticket()).collect();
    new.payment = Some(by_tickets(&tickets, &statement));
    new
}

#[tokio::test]
async fn gives_back_what_was_written_with_its_signature() {
    let base = Base::new(20);
    let (backups, key) = (open(&base, 1 << 20), base.key());
    let new = backup(&base, &key, 3, MIN_BLOB);
    let name = new.name;
    refused!(backups.read(&name), BackupUnknown);
    assert_eq!(backups.put(new).await.unwrap(), 3);

    let read = backups.read(&name).unwrap();
    let blob = encoding::from_base64(&read.blob, MAX_BLOB).unwrap();
    assert_eq!((read.counter, blob.len()), (3, MIN_BLOB));
    let signature = encoding::signature_from_hex(&read.signature).unwrap();
    let key = encoding::key_from_hex(&read.key).unwrap();
    Statement::backup(&base.audience.chain, 3, &blob).verify(&key, &signature).unwrap();
}

#[tokio::test]
async fn the_highest_counter_wins() {
    let base = Base::new(21);
    let (backups, key) = (open(&base, 1 << 20), base.key());
    let name = backup_name(&key.verifying_key());
    backups.put(backup(&base, &key, 5, MIN_BLOB)).await.unwrap();
    for counter in [0, 4, 5] {
        refused!(backups.put(backup(&base, &key, counter, MIN_BLOB)).await, BackupCounter);
    }
    backups.put(backup(&base, &key, 6, 2 * MIN_BLOB)).await.unwrap();
    assert_eq!(backups.read(&name).unwrap().counter, 6);
}

#[tokio::test]
async fn takes_powers_of_two_within_bounds_only() {
    let base = Base::new(22);
    let (backups, key) = (open(&base, 1 << 30), base.key());
    for bytes in [0, 1, MIN_BLOB / 2, MIN_BLOB + 1, 3 * MIN_BLOB, 2 * MAX_BLOB] {
        refused!(backups.put(backup(&base, &key, 1, bytes)).await, BackupSize);
    }
    backups.put(backup(&base, &key, 1, FREE_BLOB)).await.unwrap();
}

#[tokio::test]
async fn only_the_write_key_writes() {
    let base = Base::new(23);
    let (backups, key, other) = (open(&base, 1 << 20), base.key(), base.key());
    let mut stolen = backup(&base, &other, 1, MIN_BLOB);
    stolen.name = backup_name(&key.verifying_key());
    refused!(backups.put(stolen).await, BackupName);

    let mut changed = backup(&base, &key, 1, MIN_BLOB);
    changed.blob[0] ^= 1;
    refused!(backups.put(changed).await, RequestUnauthorized);
    let mut later = backup(&base, &key, 1, MIN_BLOB);
    later.counter = 2;
    refused!(backups.put(later).await, RequestUnauthorized);
}

#[tokio::test]
async fn large_backups_are_paid_when_they_are_new_or_grow() {
    let base = Base::new(24);
    let (backups, key) = (open(&base, 1 << 30), base.key());
    let (small, large) = (2 * FREE_BLOB, MAX_BLOB);
    assert!(matches!(
        backups.put(backup(&base, &key, 1, large)).await,
        Err(BackupError::PaymentRequired { tickets: 4 })
    ));
    refused!(backups.put(paid(&base, &key, 1, large, 3)).await, PaymentTickets);
    backups.put(paid(&base, &key, 1, small, 1)).await.unwrap();
    backups.put(backup(&base, &key, 2, small)).await.unwrap();
    refused!(backups.put(backup(&base, &key, 3, large)).await, PaymentRequired);
    backups.put(paid(&base, &key, 3, large, 4)).await.unwrap();
}

#[tokio::test]
async fn unpaid_backups_have_bounded_room_and_give_it_back() {
    let base = Base::new(25);
    let backups = open(&base, 2 * FREE_BLOB as u64);
    let keys = [base.key(), base.key(), base.key()];
    backups.put(backup(&base, &keys[0], 1, FREE_BLOB)).await.unwrap();
    backups.put(backup(&base, &keys[1], 1, FREE_BLOB)).await.unwrap();
    refused!(backups.put(backup(&base, &keys[2], 1, MIN_BLOB)).await, BackupStore);
    // Who has room may go on writing, and one that pays or shrinks makes room.
    backups.put(backup(&base, &keys[0], 2, FREE_BLOB)).await.unwrap();
    backups.put(paid(&base, &keys[0], 3, FREE_BLOB, 1)).await.unwrap();
    backups.put(backup(&base, &keys[2], 1, FREE_BLOB)).await.unwrap();
}
