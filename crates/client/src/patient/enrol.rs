//! Enrolment: the code from the institution's counter, redeemed by the wallet's authority key. The authority keeps who
//! is behind that key; the chain never sees it.

use rand_core::CryptoRng;
use yilian_api::{
    authority::RedeemRequest,
    encoding::{key_to_hex, signature_to_hex},
    signing::Statement,
};
use yilian_crypto::ticket::Class;

use crate::{
    client::{Client, at},
    error::ClientError,
    host::Host,
    http,
    wallet::{Store, Wallet},
};

/// Redeems a code and fetches tickets for the current and the next period.
pub async fn enrol<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    code: &str,
    rng: &mut impl CryptoRng,
) -> Result<usize, ClientError> {
    redeem(client, wallet, code).await?;
    let parameters = client.parameters().await?;
    let current = parameters.period(client.header().await?.header().time);
    let mut fetched = 0;
    for period in [current, yilian_crypto::ticket::Period(current.0.saturating_add(1))] {
        match super::tickets::fetch(client, wallet, Class::Care, period, rng).await {
            Ok(count) => fetched += count,
            // The next period's key is set some time before the period begins.
            Err(ClientError::NoTicketKey) if period != current => {}
            Err(other) => return Err(other),
        }
    }
    Ok(fetched)
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
