//! Enrolment: the code from the institution's counter, redeemed by the wallet's authority key. The authority keeps who
//! is behind that key; the chain never sees it.

use rand_core::CryptoRng;
use yilian_api::{
    authority::RedeemRequest,
    encoding::{key_to_hex, signature_to_hex},
    signing::Statement,
};
use yilian_crypto::ticket::{Class, Period};

use crate::{
    client::{Client, at},
    error::ClientError,
    host::Host,
    http,
    patient::tickets::{self, Supply},
    wallet::{Store, Wallet},
};

/// Redeems a code and fetches tickets for the current and the next period.
pub async fn enrol<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    code: &str,
    rng: &mut impl CryptoRng,
) -> Result<Supply, ClientError> {
    redeem(client, wallet, code).await?;
    let parameters = client.parameters().await?;
    let current = parameters.period(client.header().await?.header().time);
    let now = tickets::fetch(client, wallet, Class::Care, current, rng).await?;
    // The next period's key is set some time before the period begins.
    let next = Period(current.0.saturating_add(1));
    let ahead = tickets::fetch(client, wallet, Class::Care, next, rng).await?;
    Ok(match now.count() + ahead.count() {
        0 => now,
        count => Supply::Fetched(count),
    })
}

/// Redeems a code only.
pub async fn redeem<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &Wallet<S>,
    code: &str,
) -> Result<(), ClientError> {
    let (authority, key, time) = (client.authority()?, wallet.keys().authority(), client.now().0);
    let code = code.trim().to_owned();
    let signature = signature_to_hex(&Statement::redeem(&client.chain().0, &code, time).sign(&key));
    let request = RedeemRequest { code, wallet: key_to_hex(&key.verifying_key()), time, signature };
    http::authority::redeem(client.host(), authority, &request).await.map_err(|fault| at(authority, fault))
}
