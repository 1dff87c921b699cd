use yilian_api::{
    backup::{FREE_BLOB, MAX_BLOB, MIN_BLOB, backup_name},
    encoding,
    signing::Statement,
};
use yilian_crypto::sign::SigningKey;
use yilian_node::backup::{BackupError, BackupLimits, Backups, NewBackup};

use crate::{
    refused,
    support::{Base, NOW, by_tickets},
};

const DAY: u64 = 24 * 3_600_000;

fn open(base: &Base, free_store_bytes: u64) -> Backups {
    let limits = BackupLimits { free_store_bytes, ..BackupLimits::default() };
    Backups::open(base.database.clone(), limits, base.payments.clone()).unwrap()
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
    assert_eq!(backups.put(new, NOW).await.unwrap(), 3);

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
    backups.put(backup(&base, &key, 5, MIN_BLOB), NOW).await.unwrap();
    for counter in [0, 4, 5] {
        refused!(backups.put(backup(&base, &key, counter, MIN_BLOB), NOW).await, BackupCounter);
    }
    backups.put(backup(&base, &key, 6, 2 * MIN_BLOB), NOW).await.unwrap();
    assert_eq!(backups.read(&name).unwrap().counter, 6);
}

#[tokio::test]
async fn takes_powers_of_two_within_bounds_only() {
    let base = Base::new(22);
    let (backups, key) = (open(&base, 1 << 30), base.key());
    for bytes in [0, 1, MIN_BLOB / 2, MIN_BLOB + 1, 3 * MIN_BLOB, 2 * MAX_BLOB] {
        refused!(backups.put(backup(&base, &key, 1, bytes), NOW).await, BackupSize);
    }
    backups.put(backup(&base, &key, 1, FREE_BLOB), NOW).await.unwrap();
}

#[tokio::test]
async fn only_the_write_key_writes() {
    let base = Base::new(23);
    let (backups, key, other) = (open(&base, 1 << 20), base.key(), base.key());
    let mut stolen = backup(&base, &other, 1, MIN_BLOB);
    stolen.name = backup_name(&key.verifying_key());
    refused!(backups.put(stolen, NOW).await, BackupName);

    let mut changed = backup(&base, &key, 1, MIN_BLOB);
    changed.blob[0] ^= 1;
    refused!(backups.put(changed, NOW).await, RequestUnauthorized);
    let mut later = backup(&base, &key, 1, MIN_BLOB);
    later.counter = 2;
    refused!(backups.put(later, NOW).await, RequestUnauthorized);
}

#[tokio::test]
async fn large_backups_are_paid_when_they_are_new_or_grow() {
    let base = Base::new(24);
    let (backups, key) = (open(&base, 1 << 30), base.key());
    let (small, large) = (2 * FREE_BLOB, MAX_BLOB);
    assert!(matches!(
        backups.put(backup(&base, &key, 1, large), NOW).await,
        Err(BackupError::PaymentRequired { tickets: 4 })
    ));
    refused!(backups.put(paid(&base, &key, 1, large, 3), NOW).await, PaymentTickets);
    backups.put(paid(&base, &key, 1, small, 1), NOW).await.unwrap();
    backups.put(backup(&base, &key, 2, small), NOW).await.unwrap();
    refused!(backups.put(backup(&base, &key, 3, large), NOW).await, PaymentRequired);
    backups.put(paid(&base, &key, 3, large, 4), NOW).await.unwrap();
}

#[tokio::test]
async fn unpaid_backups_have_bounded_room_and_give_it_back() {
    let base = Base::new(25);
    let backups = open(&base, 2 * FREE_BLOB as u64);
    let keys = [base.key(), base.key(), base.key()];
    backups.put(backup(&base, &keys[0], 1, FREE_BLOB), NOW).await.unwrap();
    backups.put(backup(&base, &keys[1], 1, FREE_BLOB), NOW).await.unwrap();
    refused!(backups.put(backup(&base, &keys[2], 1, MIN_BLOB), NOW).await, BackupStore);
    // Who has room may go on writing, and one that pays or shrinks makes room.
    backups.put(backup(&base, &keys[0], 2, FREE_BLOB), NOW).await.unwrap();
    backups.put(paid(&base, &keys[0], 3, FREE_BLOB, 1), NOW).await.unwrap();
    backups.put(backup(&base, &keys[2], 1, FREE_BLOB), NOW).await.unwrap();
}

#[tokio::test]
async fn an_unpaid_backup_ends_when_it_is_not_written_again() {
    let base = Base::new(26);
    let backups = open(&base, 4 * FREE_BLOB as u64);
    let (left, written_again, paid_for) = (base.key(), base.key(), base.key());
    for key in [&left, &written_again] {
        backups.put(backup(&base, key, 1, FREE_BLOB), NOW).await.unwrap();
    }
    backups.put(paid(&base, &paid_for, 1, FREE_BLOB, 1), NOW).await.unwrap();
    backups.put(backup(&base, &written_again, 2, FREE_BLOB), NOW + 100 * DAY).await.unwrap();
    assert_eq!(backups.prune(NOW + 180 * DAY).await.unwrap(), 0);
    assert_eq!(backups.prune(NOW + 180 * DAY + 1).await.unwrap(), 1);
    refused!(backups.read(&backup_name(&left.verifying_key())), BackupUnknown);
    for key in [&written_again, &paid_for] {
        backups.read(&backup_name(&key.verifying_key())).unwrap();
    }
    assert_eq!(backups.prune(NOW + 3650 * DAY).await.unwrap(), 1, "what was paid for stays");
    backups.read(&backup_name(&paid_for.verifying_key())).unwrap();
}

#[tokio::test]
async fn old_unpaid_backups_make_room_oldest_first_and_young_ones_do_not() {
    let base = Base::new(27);
    let backups = open(&base, 2 * FREE_BLOB as u64);
    let [first, second, third, fourth] = [base.key(), base.key(), base.key(), base.key()];
    backups.put(backup(&base, &second, 1, FREE_BLOB), NOW).await.unwrap();
    backups.put(backup(&base, &first, 1, FREE_BLOB), NOW).await.unwrap();
    backups.put(backup(&base, &second, 2, FREE_BLOB), NOW + DAY).await.unwrap();

    let full = backups.put(backup(&base, &third, 1, FREE_BLOB), NOW + 30 * DAY).await;
    refused!(full, BackupStore);
    backups.put(backup(&base, &third, 1, FREE_BLOB), NOW + 30 * DAY + 1).await.unwrap();
    refused!(backups.read(&backup_name(&first.verifying_key())), BackupUnknown);
    backups.read(&backup_name(&second.verifying_key())).unwrap();
    refused!(backups.put(backup(&base, &fourth, 1, FREE_BLOB), NOW + 31 * DAY).await, BackupStore);
    backups.read(&backup_name(&second.verifying_key())).unwrap();
    backups.put(backup(&base, &fourth, 1, FREE_BLOB), NOW + 31 * DAY + 1).await.unwrap();
    refused!(backups.read(&backup_name(&second.verifying_key())), BackupUnknown);
}
