//! What one node keeps beside the chain: content blocks, mailboxes, backups, tickets used. It checks what real nodes
//! check: payments, owners, receipts, counters.

use std::collections::{BTreeMap, BTreeSet};

use yilian_api::{
    backup::{self, Backup, BackupStored},
    content::{UploadFinished, UploadOpened, UploadPayment, UploadRequest, price},
    encoding::{digest_from_hex, from_base64, key_from_hex, signature_from_hex, to_base64, to_hex},
    mailbox::{
        FetchRequest, Fetched, MAX_MESSAGE, MessageKind, OwnerRequest, Post, Posted, Receipt, Waiting,
        mailbox_id, message_id,
    },
    problem::Code,
    signing::{Audience, MailboxVerb, Statement},
};
use yilian_crypto::{Digest, sign::SigningKey, ticket::Ticket};
use yilian_dag::Builder;
use yilian_ledger::{Entry, Kind, TicketKeys as _, name::MemberId};

use super::fault::Fault;
use crate::ledger::{Chain as _, World};

pub(super) struct Node {
    pub signer: SigningKey,
    pub fault: Fault,
    /// Answers while frozen, by path.
    pub recorded: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, Upload>,
    blocks: BTreeMap<String, Vec<u8>>,
    mailboxes: BTreeMap<Digest, Vec<Message>>,
    backups: BTreeMap<Digest, Vec<Backup>>,
    used: BTreeSet<Digest>,
    /// Content under pin keys, as the node knows them.
    pub pins: Vec<(String, String)>,
    /// Transactions that it did not pass on.
    pub kept: Vec<yilian_ledger::Transaction>,
}

struct Upload {
    request: UploadRequest,
    leaves: Vec<Vec<u8>>,
}

struct Message {
    id: Digest,
    kind: MessageKind,
    bytes: Vec<u8>,
    receipt: Option<Digest>,
}

type Answer<T> = Result<T, Code>;

impl Node {
    pub fn new(signer: SigningKey) -> Self {
        Self {
            signer,
            fault: Fault::default(),
            recorded: BTreeMap::new(),
            uploads: BTreeMap::new(),
            blocks: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            backups: BTreeMap::new(),
            used: BTreeSet::new(),
            pins: Vec::new(),
            kept: Vec::new(),
        }
    }

    pub fn stored(&self) -> Vec<String> {
        self.blocks.keys().cloned().collect()
    }

    pub fn newest(&self, mailbox: &Digest) -> Option<Vec<u8>> {
        self.mailboxes.get(mailbox)?.last().map(|message| message.bytes.clone())
    }

    fn audience(&self, world: &World) -> Audience {
        Audience { chain: world.chain.0, node: *self.signer.verifying_key().as_bytes() }
    }

    fn pay(&mut self, world: &World, payment: &UploadPayment, statement: &Statement, due: u64) -> Answer<()> {
        match payment {
            UploadPayment::Member { member, signature } => {
                let id = MemberId(digest_from_hex(member).map_err(|_| Code::PaymentMalformed)?);
                let kinds = [Kind::Practitioner, Kind::Institution];
                let entry = kinds.iter().find_map(|kind| world.entry(&id.name(*kind)));
                let Some(Entry::Member(entry)) = entry else { return Err(Code::PaymentMember) };
                let signature = signature_from_hex(signature).map_err(|_| Code::PaymentMalformed)?;
                let certificate = entry.certified_at(world.time).ok_or(Code::PaymentMember)?;
                let key = certificate.contents().signing_key;
                statement.verify(&key, &signature).map_err(|_| Code::PaymentSignature)
            }
            UploadPayment::Tickets { tickets } => {
                if tickets.len() as u64 != due {
                    return Err(Code::PaymentTickets);
                }
                for paid in tickets {
                    let bytes = from_base64(&paid.ticket, 1024).map_err(|_| Code::PaymentMalformed)?;
                    let ticket = decode_ticket(&bytes)?;
                    let signature =
                        signature_from_hex(&paid.signature).map_err(|_| Code::PaymentMalformed)?;
                    let key = world.ticket_key(ticket.class, ticket.period).ok_or(Code::PaymentPeriod)?;
                    world
                        .parameters()
                        .ticket_window(ticket.period, world.time)
                        .map_err(|_| Code::PaymentPeriod)?;
                    ticket.verify(&key).map_err(|_| Code::PaymentInvalid)?;
                    statement.verify(&ticket.one_time_key, &signature).map_err(|_| Code::PaymentSignature)?;
                    if !self.used.insert(ticket.spent_id()) {
                        return Err(Code::PaymentSpent);
                    }
                }
                Ok(())
            }
        }
    }

    pub fn open_upload(&mut self, world: &World, request: UploadRequest) -> Answer<UploadOpened> {
        if let Some(upload) = self.uploads.get(&request.cid)
            && upload.request.pin_key == request.pin_key
        {
            let next_leaf = upload.leaves.len() as u64;
            return Ok(UploadOpened { id: request.cid, next_leaf, complete: false });
        }
        let pin = key_from_hex(&request.pin_key).map_err(|_| Code::RequestField)?;
        let statement = Statement::upload(&self.audience(world), &request.cid, request.bytes, &pin);
        self.pay(world, &request.payment, &statement, price(request.bytes))?;
        let complete = self.blocks.contains_key(&request.cid);
        let id = request.cid.clone();
        self.pins.push((id.clone(), request.pin_key.clone()));
        self.uploads.insert(id.clone(), Upload { request, leaves: Vec::new() });
        Ok(UploadOpened { id, next_leaf: 0, complete })
    }

    pub fn put_leaf(&mut self, id: &str, index: u64, bytes: Vec<u8>) -> Answer<()> {
        let upload = self.uploads.get_mut(id).ok_or(Code::RequestPath)?;
        if upload.leaves.len() as u64 != index {
            return Err(Code::RequestField);
        }
        upload.leaves.push(bytes);
        Ok(())
    }

    pub fn finish_upload(&mut self, id: &str) -> Answer<UploadFinished> {
        let upload = self.uploads.remove(id).ok_or(Code::RequestPath)?;
        let mut builder = Builder::new();
        let mut blocks = BTreeMap::new();
        for leaf in upload.leaves {
            let pushed = builder.push(&leaf).map_err(|_| Code::RequestField)?;
            blocks.extend(pushed.nodes.into_iter().map(|block| (block.cid.to_string(), block.bytes)));
            blocks.insert(pushed.cid.to_string(), leaf);
        }
        let built = builder.finish();
        blocks.extend(built.nodes.into_iter().map(|block| (block.cid.to_string(), block.bytes)));
        if built.root.to_string() != upload.request.cid || built.bytes != upload.request.bytes {
            return Err(Code::RequestField);
        }
        self.blocks.extend(blocks);
        Ok(UploadFinished { cid: built.root.to_string() })
    }

    /// A block that nobody uploaded.
    pub fn plant(&mut self, cid: &yilian_dag::Cid, bytes: &[u8]) {
        self.blocks.insert(cid.to_string(), bytes.to_vec());
    }

    pub fn block(&self, cid: &str) -> Answer<Vec<u8>> {
        let found = self.blocks.get(cid).cloned();
        match self.fault {
            Fault::LosesContent => None,
            Fault::FlipsContent => found.map(|mut block| {
                let middle = block.len() / 2;
                block[middle] ^= 1;
                block
            }),
            Fault::SwapsContent => {
                self.blocks.iter().find(|(other, _)| *other != cid).map(|(_, b)| b.clone())
            }
            _ => found,
        }
        .ok_or(Code::RouteNotFound)
    }

    pub fn post(&mut self, world: &World, mailbox: Digest, post: Post) -> Answer<Posted> {
        let bytes = from_base64(&post.sealed, MAX_MESSAGE).map_err(|_| Code::RequestField)?;
        let (id, receipt) = (message_id(&bytes), optional(&post.receipt)?);
        let payment = post.payment.ok_or(Code::PaymentRequired)?;
        let statement =
            Statement::mailbox_post(&self.audience(world), &mailbox, &id, receipt.as_ref(), post.time);
        self.pay(world, &payment, &statement, 1)?;
        self.leave(mailbox, Message { id, kind: MessageKind::Message, bytes, receipt });
        Ok(Posted { id: to_hex(&id.0), expires: u64::MAX })
    }

    fn leave(&mut self, mailbox: Digest, message: Message) {
        let messages = self.mailboxes.entry(mailbox).or_default();
        if messages.iter().all(|known| known.id != message.id) {
            messages.push(message);
        }
    }

    fn owner(
        &self,
        world: &World,
        mailbox: &Digest,
        request: &OwnerRequest,
        verb: MailboxVerb,
        message: Option<&Digest>,
    ) -> Answer<yilian_crypto::sign::VerifyingKey> {
        let owner = key_from_hex(&request.owner).map_err(|_| Code::RequestField)?;
        if mailbox_id(&owner) != *mailbox {
            return Err(Code::MailboxOwner);
        }
        let signature = signature_from_hex(&request.signature).map_err(|_| Code::RequestField)?;
        Statement::mailbox_request(&self.audience(world), verb, mailbox, message, request.time)
            .verify(&owner, &signature)
            .map_err(|_| Code::RequestUnauthorized)?;
        Ok(owner)
    }

    pub fn list(&self, world: &World, mailbox: Digest, request: &OwnerRequest) -> Answer<Vec<Waiting>> {
        self.owner(world, &mailbox, request, MailboxVerb::List, None)?;
        let waiting = |message: &Message| Waiting {
            id: to_hex(&message.id.0),
            kind: message.kind,
            bytes: message.bytes.len(),
            received: world.time.0,
            expires: u64::MAX,
            receipt: message.receipt.map(|receipt| to_hex(&receipt.0)),
        };
        Ok(self.mailboxes.get(&mailbox).into_iter().flatten().map(waiting).collect())
    }

    pub fn fetch(&mut self, world: &World, mailbox: Digest, request: &FetchRequest) -> Answer<Fetched> {
        let id = digest_from_hex(&request.message).map_err(|_| Code::RequestField)?;
        let owner = self.owner(world, &mailbox, &request.request, MailboxVerb::Fetch, Some(&id))?;
        let messages = self.mailboxes.get_mut(&mailbox).ok_or(Code::MessageUnknown)?;
        let message = messages.iter_mut().find(|message| message.id == id).ok_or(Code::MessageUnknown)?;
        let mut bytes = message.bytes.clone();
        if self.fault == Fault::FlipsMessages {
            bytes[0] ^= 1;
        }
        if let Some(to) = message.receipt {
            let signature = request.receipt.as_ref().ok_or(Code::ReceiptRequired)?;
            let signature = signature_from_hex(signature).map_err(|_| Code::ReceiptInvalid)?;
            let receipt = Receipt { owner, message: id, time: request.request.time, signature };
            receipt.verify(&world.chain.0, &to).map_err(|_| Code::ReceiptInvalid)?;
            message.receipt = None;
            let bytes = receipt.to_bytes().to_vec();
            let left = Message { id: message_id(&bytes), kind: MessageKind::Receipt, bytes, receipt: None };
            self.leave(to, left);
        }
        Ok(Fetched { sealed: to_base64(&bytes) })
    }

    pub fn delete(&mut self, world: &World, mailbox: Digest, request: &FetchRequest) -> Answer<()> {
        let id = digest_from_hex(&request.message).map_err(|_| Code::RequestField)?;
        self.owner(world, &mailbox, &request.request, MailboxVerb::Delete, Some(&id))?;
        let messages = self.mailboxes.get_mut(&mailbox).ok_or(Code::MessageUnknown)?;
        messages.retain(|message| message.id != id);
        Ok(())
    }

    pub fn put_backup(&mut self, world: &World, name: Digest, backup: Backup) -> Answer<BackupStored> {
        let key = key_from_hex(&backup.key).map_err(|_| Code::RequestField)?;
        if backup::backup_name(&key) != name {
            return Err(Code::BackupName);
        }
        let blob = from_base64(&backup.blob, backup::MAX_BLOB).map_err(|_| Code::BackupSize)?;
        if !blob.len().is_power_of_two() || blob.len() < backup::MIN_BLOB {
            return Err(Code::BackupSize);
        }
        let signature = signature_from_hex(&backup.signature).map_err(|_| Code::RequestField)?;
        Statement::backup(&world.chain.0, backup.counter, &blob)
            .verify(&key, &signature)
            .map_err(|_| Code::RequestUnauthorized)?;
        let size = |old: &Backup| from_base64(&old.blob, backup::MAX_BLOB).map_or(0, |blob| blob.len());
        let room = self.backups.get(&name).and_then(|stored| stored.last()).map_or(0, size);
        if blob.len() > room.max(backup::FREE_BLOB) {
            let payment = backup.payment.as_ref().ok_or(Code::PaymentRequired)?;
            let statement = Statement::backup_room(&self.audience(world), &name, backup.counter);
            self.pay(world, payment, &statement, blob.len().div_ceil(backup::BYTES_PER_TICKET) as u64)?;
        }
        let stored = self.backups.entry(name).or_default();
        if stored.last().is_some_and(|newest| newest.counter >= backup.counter) {
            return Err(Code::BackupCounter);
        }
        let counter = backup.counter;
        stored.push(backup);
        Ok(BackupStored { counter })
    }

    pub fn backup(&self, name: Digest) -> Answer<Backup> {
        let stored = self.backups.get(&name).ok_or(Code::BackupUnknown)?;
        let found = if self.fault == Fault::OldBackups { stored.first() } else { stored.last() };
        found.cloned().ok_or(Code::BackupUnknown)
    }
}

fn optional(text: &Option<String>) -> Answer<Option<Digest>> {
    text.as_deref().map(digest_from_hex).transpose().map_err(|_| Code::RequestField)
}

fn decode_ticket(bytes: &[u8]) -> Answer<Ticket> {
    use commonware_codec::{Copying, DecodeExt as _};
    Ticket::decode(Copying(bytes)).map_err(|_| Code::PaymentMalformed)
}
