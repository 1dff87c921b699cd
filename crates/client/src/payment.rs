//! Payment of uploads, posts and backups: one-time tickets, or a member's signature (spec R-15).

use commonware_codec::Encode as _;
use yilian_api::{
    content::{PaidTicket, UploadPayment},
    encoding::{signature_to_hex, to_base64, to_hex},
    signing::Statement,
};
use yilian_crypto::ticket::TicketWithKey;

use crate::member::Member;

/// Who pays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payer<'a> {
    Member(&'a Member),
    /// Taken out of the wallet's purse already, and saved so.
    Tickets(&'a [TicketWithKey]),
}

impl Payer<'_> {
    /// Signs what the node is asked for.
    pub(crate) fn pay(&self, statement: &Statement) -> UploadPayment {
        match self {
            Self::Member(member) => UploadPayment::Member {
                member: to_hex(&member.id.0.0),
                signature: signature_to_hex(&statement.sign(&member.keys.signing())),
            },
            Self::Tickets(tickets) => {
                let paid = |ticket: &TicketWithKey| PaidTicket {
                    ticket: to_base64(&ticket.ticket.encode()),
                    signature: signature_to_hex(&statement.sign(&ticket.one_time)),
                };
                UploadPayment::Tickets { tickets: tickets.iter().map(paid).collect() }
            }
        }
    }
}
