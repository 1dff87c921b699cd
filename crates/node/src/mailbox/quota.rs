//! How much a mailbox takes (spec MB-7).

use serde::{Deserialize, Serialize};
use yilian_api::mailbox::MessageKind;

use super::{envelope::Envelope, error::MailboxError};

/// Bounds of mailboxes, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Life of a paid message or a receipt, hours.
    pub life_hours: u32,
    /// Life of an unpaid message, hours.
    pub free_life_hours: u32,
    /// Paid messages waiting in one mailbox.
    pub messages: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Unpaid messages in one mailbox in an unpaid life, those deleted included.
    pub free_messages: u32,
    /// Bytes of all unpaid messages of the node.
    pub free_store_bytes: u64,
    /// Messages that name one receipt mailbox.
    pub receipts: u32,
    /// Messages one member may pay for by signature a day.
    pub member_posts_per_day: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            life_hours: 30 * 24,
            free_life_hours: 7 * 24,
            messages: 1024,
            bytes: 16 << 20,
            free_messages: 8,
            free_store_bytes: 256 << 20,
            receipts: 64,
            member_posts_per_day: 5_000,
        }
    }
}

impl Quota {
    /// Unix ms when a message received now ends.
    pub fn expires(&self, now: u64, paid: bool) -> u64 {
        let hours = if paid { self.life_hours } else { self.free_life_hours };
        now.saturating_add(u64::from(hours) * 3_600_000)
    }
}

/// What lies in a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    paid: u32,
    paid_bytes: u64,
    free: u32,
}

impl Load {
    /// Receipts count for nothing: their room was reserved when the message that asks for them was posted.
    pub fn add(&mut self, envelope: &Envelope) {
        match (envelope.kind, envelope.paid) {
            (MessageKind::Receipt, _) => {}
            (MessageKind::Message, false) => self.free += 1,
            (MessageKind::Message, true) if envelope.deleted => {}
            (MessageKind::Message, true) => {
                self.paid += 1;
                self.paid_bytes += u64::from(envelope.bytes);
            }
        }
    }

    pub fn admit(&self, quota: &Quota, paid: bool, bytes: u64) -> Result<(), MailboxError> {
        let fits = if paid {
            self.paid < quota.messages && self.paid_bytes.saturating_add(bytes) <= quota.bytes
        } else {
            self.free < quota.free_messages
        };
        if fits { Ok(()) } else { Err(MailboxError::Full) }
    }
}
