//! An authority that enrols whoever brings the code and signs tickets with the world's keys.

use std::collections::BTreeSet;

use yilian_api::{
    authority::{AuthorityInfo, RedeemRequest, TicketAnswer, TicketRequest, class_name},
    encoding::{from_base64, key_from_hex, signature_from_hex, to_base64},
    problem::Code,
    signing::Statement,
};
use yilian_crypto::ticket::{Class, Period};

use crate::ledger::World;

/// The code of the counter.
pub const ENROLMENT_CODE: &str = "TEST-CODE-0001";
/// Tickets of a period and class.
pub const TICKETS: u32 = 24;

pub(super) struct Authority {
    enrolled: BTreeSet<String>,
    served: BTreeSet<(String, u32)>,
    /// Signs with a key that is not the ledger's, to tag whoever falls for it.
    pub tags: bool,
}

impl Authority {
    pub fn new() -> Self {
        Self { enrolled: BTreeSet::new(), served: BTreeSet::new(), tags: false }
    }

    /// Serves a wallet anew.
    pub fn forget(&mut self, wallet: &str) {
        self.served.retain(|(key, _)| key != wallet);
    }

    pub fn info(&self, world: &World) -> AuthorityInfo {
        AuthorityInfo {
            chain: world.chain.0.to_string(),
            member: world.root.id.0.to_string(),
            certificate: to_base64(world.root.certificate.der()),
            period: world.period().0,
            tickets_per_period: TICKETS,
        }
    }

    pub fn redeem(&mut self, world: &World, request: RedeemRequest) -> Result<(), Code> {
        let key = key_from_hex(&request.wallet).map_err(|_| Code::RequestField)?;
        let signature = signature_from_hex(&request.signature).map_err(|_| Code::RequestField)?;
        Statement::redeem(&world.chain.0, &request.code, request.time)
            .verify(&key, &signature)
            .map_err(|_| Code::RequestUnauthorized)?;
        if request.code != ENROLMENT_CODE {
            return Err(Code::RequestField);
        }
        self.enrolled.insert(request.wallet);
        Ok(())
    }

    pub fn tickets(&mut self, world: &mut World, request: TicketRequest) -> Result<TicketAnswer, Code> {
        let key = key_from_hex(&request.key).map_err(|_| Code::RequestField)?;
        let signature = signature_from_hex(&request.signature).map_err(|_| Code::RequestField)?;
        let blinded: Vec<Vec<u8>> = request
            .blinded
            .iter()
            .map(|text| from_base64(text, 384).map_err(|_| Code::RequestField))
            .collect::<Result<_, _>>()?;
        let chain = world.chain.0;
        Statement::tickets(&chain, None, &request.class, request.period, &blinded, request.time)
            .verify(&key, &signature)
            .map_err(|_| Code::RequestUnauthorized)?;
        if !self.enrolled.contains(&request.key) || request.class != class_name(Class::Care) {
            return Err(Code::RequestUnauthorized);
        }
        if blinded.len() != TICKETS as usize || !self.served.insert((request.key, request.period)) {
            return Err(Code::RequestReplayed);
        }
        // A tagging authority signs with the key of another period, made for one wallet.
        let period = Period(if self.tags { request.period + 1 } else { request.period });
        let tags = self.tags;
        let sign = |message: &Vec<u8>| {
            let signed = world.sign_blinded(Class::Care, period, message);
            // A message may be too large for the other key.
            signed.or_else(|| tags.then(|| vec![0; 384]))
        };
        let signed: Option<Vec<Vec<u8>>> = blinded.iter().map(sign).collect();
        let signed = signed.ok_or(Code::RequestField)?;
        Ok(TicketAnswer { signatures: signed.iter().map(|bytes| to_base64(bytes)).collect() })
    }
}
