//! Offers: an index is spent by showing it, whatever becomes of it.

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    offer::OfferCard,
    wallet::{Store, Wallet, index::RecordIndex, keys::Keys, state::OfferStatus},
};
use yilian_ledger::ChainId;

/// A new offer. The index is on disk before the card exists.
pub async fn offer<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    note: &str,
) -> Result<(RecordIndex, OfferCard), ClientError> {
    let index = wallet.draw_record(OfferStatus::Open, client.now(), note).await?;
    Ok((index, card(wallet.keys(), client.chain(), index)))
}

/// The card of an offer that is open, to show again.
pub fn open_card<S: Store>(wallet: &Wallet<S>, index: RecordIndex) -> Result<OfferCard, ClientError> {
    match wallet.state().offers.get(&index) {
        Some(offer) if offer.status == OfferStatus::Open => {
            Ok(card(wallet.keys(), wallet.state().chain, index))
        }
        _ => Err(ClientError::OfferNotOpen(index)),
    }
}

/// Nobody is going to write; the index stays spent.
pub async fn abandon<S: Store>(wallet: &mut Wallet<S>, index: RecordIndex) -> Result<(), ClientError> {
    open_card(wallet, index)?;
    Ok(wallet.mark_offer(index, OfferStatus::Abandoned).await?)
}

fn card(keys: &Keys, chain: ChainId, index: RecordIndex) -> OfferCard {
    OfferCard {
        chain,
        draft: keys.draft_delegator(index).public(),
        owner_commitment: keys.owner_commitment(index),
        mailbox: keys.mailbox(index).address(),
    }
}
