//! The chain as the authority sees it: proved entries, approvals that verify, submissions (spec T-11, T-12).

use std::collections::BTreeMap;

use commonware_codec::Encode as _;
use yilian_api::{
    encoding::{key_to_hex, signature_from_hex, signature_to_hex, to_base64},
    ledger::{Approval, ApprovalRequest, TransactionStatus},
    signing::Statement,
};
use yilian_crypto::{
    Label,
    certificate::Level,
    sign::{Signature, VerifyingKey},
};
use yilian_ledger::{
    ChainId, Entry, Genesis, Kind, Name, Time, Transaction,
    member::MemberEntry,
    name::MemberId,
    transaction::{Action, Governance},
};

use crate::{
    AuthorityError, Issuer, Standing,
    transport::{NoAnswer, Pending},
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("no node is configured")]
    None,
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: NoAnswer },
    #[error("{url} refuses with {status} {code}: {detail}")]
    Refused { url: String, status: u16, code: String, detail: String },
    #[error("{url} answers what does not verify: {what}")]
    Lie { url: String, what: &'static str },
    #[error("{got} of {committee} validators approve, more than two thirds are needed; last: {last}")]
    Approvals { got: usize, committee: usize, last: String },
    #[error("an approval does not verify under the key at its place in the committee")]
    Approval,
}

/// What is asked of the chain. `Nodes` does it over HTTP.
pub trait Chain: Send + Sync + 'static {
    /// The entry of a name, `None` if there is none: *proved* under a finalized header that is fresh at `now`.
    fn entry(&self, name: Name, now: Time) -> Pending<'_, Result<Option<Entry>, ChainError>>;

    /// Every validator's answer to a request for approval, not yet believed.
    fn approvals(&self, request: ApprovalRequest) -> Pending<'_, Vec<Result<Approval, ChainError>>>;

    /// Submits and waits for finality as long as the node does.
    fn submit<'a>(
        &'a self,
        transaction: &'a Transaction,
    ) -> Pending<'a, Result<TransactionStatus, ChainError>>;
}

/// Whether a member is certified now. Its level is not in its id, so levels are tried from the bottom.
pub async fn standing(
    chain: &dyn Chain,
    id: MemberId,
    now: Time,
) -> Result<Result<Standing, AuthorityError>, ChainError> {
    for level in [Level::Practitioner, Level::Institution, Level::Intermediate] {
        if let Some(found) = member(chain, id.name(Kind::from(level)), now).await? {
            return Ok(Standing::of(&with_issuers(chain, found, now).await?, now));
        }
    }
    Ok(Err(AuthorityError::MemberUnknown))
}

async fn with_issuers(
    chain: &dyn Chain,
    first: MemberEntry,
    now: Time,
) -> Result<Vec<MemberEntry>, ChainError> {
    let mut members = vec![first];
    // Levels descend, so there are at most three steps.
    while let Some(name) = members.last().and_then(MemberEntry::issuer_name) {
        let Some(issuer) = member(chain, name, now).await? else { break };
        members.push(issuer);
    }
    Ok(members)
}

async fn member(chain: &dyn Chain, name: Name, now: Time) -> Result<Option<MemberEntry>, ChainError> {
    match chain.entry(name, now).await? {
        Some(Entry::Member(member)) => Ok(Some(member)),
        _ => Ok(None),
    }
}

/// Has the validators sign an action; enough of them make a transaction.
pub async fn approve(
    chain: &dyn Chain,
    genesis: &Genesis,
    issuer: &Issuer,
    action: Action,
    valid_until: Time,
) -> Result<Transaction, ChainError> {
    let id = genesis.chain_id();
    let request = request(id, issuer, &action, valid_until);
    let (mut signatures, mut last) = (BTreeMap::new(), ChainError::None);
    for answer in chain.approvals(request).await {
        match answer.and_then(|approval| check(genesis, id, &approval, &action, valid_until)) {
            Ok((index, signature)) => drop(signatures.insert(index, signature)),
            Err(error) => last = error,
        }
    }
    let (got, committee) = (signatures.len(), genesis.committee.len());
    if got * 3 <= committee * 2 {
        return Err(ChainError::Approvals { got, committee, last: last.to_string() });
    }
    Ok(Governance::transaction(id, action, valid_until, signatures.into_iter().collect()))
}

fn request(chain: ChainId, issuer: &Issuer, action: &Action, valid_until: Time) -> ApprovalRequest {
    let encoded = action.encode();
    let statement = Statement::approval_request(&chain.0, &encoded, valid_until.0);
    ApprovalRequest {
        action: to_base64(&encoded),
        valid_until: valid_until.0,
        key: key_to_hex(&issuer.key().verifying_key()),
        signature: signature_to_hex(&statement.sign(issuer.key())),
    }
}

/// One bad signature would fail the whole transaction, so each is verified before it is put in.
fn check(
    genesis: &Genesis,
    chain: ChainId,
    approval: &Approval,
    action: &Action,
    valid_until: Time,
) -> Result<(u16, Signature), ChainError> {
    let wrong = ChainError::Approval;
    let Some(key) = genesis.committee.get(usize::from(approval.index)) else { return Err(wrong) };
    let Ok(key) = VerifyingKey::from_bytes(key) else { return Err(wrong) };
    let Ok(signature) = signature_from_hex(&approval.signature) else { return Err(wrong) };
    let parts = [chain.0.as_ref(), &action.encode(), &valid_until.encode()];
    match key.verify(Label::Governance, &parts, &signature) {
        Ok(()) => Ok((approval.index, signature)),
        Err(_) => Err(wrong),
    }
}
