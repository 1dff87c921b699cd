//! RSA keys for tickets by the native library, which makes them several times faster than portable code.

use anyhow::Context as _;
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use yilian_authority::Store;
use yilian_crypto::{
    Secret,
    ticket::{Class, Period, TicketKey, TicketSecretKey},
};

/// A fresh key of 3072 bits.
pub fn generate() -> anyhow::Result<TicketSecretKey> {
    let pair = KeyPair::generate(KeySize::Rsa3072).context("cannot make an RSA key")?;
    let der: Pkcs8V1Der<'_> = pair.as_der().context("cannot encode an RSA key")?;
    let der = Secret::new(der.as_ref().to_vec());
    TicketSecretKey::from_pkcs8(der.expose()).context("the native library made a key that is refused")
}

/// Keys of both classes for `count` periods from `first` on, kept in the store; those that are there stay.
pub fn ensure(store: &Store, first: Period, count: u32) -> anyhow::Result<Vec<(Class, Period, TicketKey)>> {
    let periods = (0..count).map(|ahead| Period(first.0.saturating_add(ahead)));
    let wanted: Vec<(Period, Class)> =
        periods.flat_map(|period| Class::ALL.map(|class| (period, class))).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut keys = Vec::with_capacity(wanted.len());
    for group in wanted.chunks(threads) {
        let made = std::thread::scope(|scope| {
            let running: Vec<_> = group.iter().map(|_| scope.spawn(generate)).collect();
            running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        for ((period, class), made) in group.iter().zip(made) {
            let key = made.map_err(|_| anyhow::anyhow!("making a ticket key failed"))??;
            keys.push((*class, *period, store.import_ticket_key(*class, *period, key)?));
        }
    }
    Ok(keys)
}
