//! Errors: RFC 9457 problem details with a stable `code`.

use serde::{Deserialize, Serialize};

/// Media type of an error body.
pub const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `"about:blank"` or a page of the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// Stable and machine-readable, e.g. `"ticket.spent"`.
    pub code: String,
    /// What was wrong and what to do.
    pub detail: String,
    /// Names the request in the service's log: `urn:yilian:request:` and the answer's `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub instance: Option<Box<str>>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// Codes that a node itself gives. A refused transaction carries the ledger's own code instead.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// Stable, machine-readable.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.text() == text)
            }
        }
    };
}

codes! {
    RequestMalformed = "request.malformed", 400, "The body is not what this route takes";
    RequestField = "request.field", 400, "A field does not hold what it promises";
    RequestPath = "request.path", 400, "A part of the path is malformed";
    RequestQuery = "request.query", 400, "The query is malformed";
    RequestTooLarge = "request.too-large", 413, "The body is too large";
    RequestMediaType = "request.media-type", 415, "The body's media type is not taken here";
    RequestTimeout = "request.timeout", 408, "The request did not arrive in time";
    RequestUnauthorized = "request.unauthorized", 401, "The request's signature does not verify";
    RequestExpired = "request.expired", 401, "The request's time is outside the window";
    RequestReplayed = "request.replayed", 409, "The request was answered before";
    RateLimited = "request.rate", 429, "Too many requests";
    RouteNotFound = "route.not-found", 404, "There is no such route";
    RouteMethod = "route.method", 405, "The route does not take this method";
    TransactionUnknown = "transaction.unknown", 404, "The transaction is not known here";
    TransactionMalformed = "transaction.malformed", 400, "The bytes are not a transaction";
    TransactionPool = "transaction.pool-full", 503, "The transaction pool is full";
    BlockUnknown = "block.unknown", 404, "The block is not known here";
    StateUnready = "state.unready", 503, "The node has no finalized state to answer from yet";
    PrefixMalformed = "bucket.prefix", 400, "The prefix is malformed";
    PrefixTooWide = "bucket.too-wide", 400, "The bucket is wider than the chain's counts ask for";
    EventsFull = "events.full", 503, "Too many subscribers";
    GovernancePolicy = "governance.policy", 403, "The node's policy leaves this action to its operator";
    GovernanceOrder = "governance.order", 409, "The ticket key's period is not the next one to be set";
    GovernanceSigned = "governance.signed", 409, "The node has signed another key for this period";
    GovernanceObserver = "governance.observer", 403, "The node is not in the committee";
    PaymentRequired = "payment.required", 402, "Payment is required";
    PaymentMalformed = "payment.malformed", 400, "The payment is malformed";
    PaymentTickets = "payment.tickets", 402, "The number of tickets is not the price";
    PaymentPeriod = "payment.period", 402, "The ticket's period is not valid now";
    PaymentInvalid = "payment.invalid", 402, "The ticket is not signed by the period's key";
    PaymentSignature = "payment.signature", 402, "The payment does not sign this request";
    PaymentSpent = "payment.spent", 402, "The ticket was used at this node before";
    PaymentMember = "payment.member", 402, "The member is not certified now";
    PaymentAllowance = "payment.allowance", 429, "The member's allowance for today is used up";
    MailboxOwner = "mailbox.owner", 403, "The key is not this mailbox's owner";
    MailboxFull = "mailbox.full", 429, "The mailbox is full";
    MailboxStore = "mailbox.store-full", 507, "The node has no room for unpaid messages";
    MessageTooLarge = "mailbox.too-large", 413, "The message is too large";
    MessageEmpty = "mailbox.empty", 400, "The message is empty";
    MessageUnknown = "mailbox.unknown", 404, "There is no such message";
    ReceiptRequired = "mailbox.receipt-required", 428, "The message is handed out against a receipt";
    ReceiptInvalid = "mailbox.receipt-invalid", 403, "The receipt does not verify";
    BackupName = "backup.name", 403, "The key is not this backup's write key";
    BackupSize = "backup.size", 400, "A backup's size is a power of two within bounds";
    BackupCounter = "backup.counter", 409, "A backup of this counter or a higher one is stored";
    BackupUnknown = "backup.unknown", 404, "There is no such backup";
    BackupStore = "backup.store-full", 507, "The node has no room for unpaid backups";
    ContentCid = "content.cid", 400, "Not a CID of this system";
    ContentFormat = "content.format", 406, "The gateway answers with `raw` blocks and `car` files only";
    ContentUnknown = "content.unknown", 404, "The content is not stored here";
    ContentDamaged = "content.damaged", 503, "The content is damaged at this node; another one may have it";
    ContentBusy = "content.busy", 503, "Too many downloads are under way";
    ContentTooLarge = "content.too-large", 413, "The content is larger than a node stores";
    ContentStore = "content.store-full", 507, "The node has no room for this content";
    ContentUploads = "content.uploads-full", 503, "Too many uploads are open";
    ContentReserve = "content.reserve", 507, "The node keeps the rest of its disk for the chain";
    ContentDisk = "content.disk-full", 507, "The node's disk is full";
    UploadUnknown = "upload.unknown", 404, "There is no such upload";
    UploadOrder = "upload.leaf-order", 409, "Another leaf is due";
    UploadLeaf = "upload.leaf-size", 400, "The leaf has another size than its place gives";
    UploadIncomplete = "upload.incomplete", 409, "Leaves are missing";
    UploadRoot = "upload.root", 422, "The content's root is not the CID announced";
    PinUnknown = "pin.unknown", 403, "The key holds no paid pin on this content";
    Busy = "node.busy", 503, "Too many requests are under way";
    Unavailable = "node.unavailable", 503, "The node cannot answer now";
    Internal = "node.internal", 500, "The node failed";
}

impl Code {
    /// After how many seconds it may be worth trying again; `None`: not by waiting.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::RateLimited | Self::Busy | Self::TransactionPool => Some(1),
            Self::Unavailable | Self::StateUnready | Self::ContentBusy => Some(2),
            Self::EventsFull | Self::ContentUploads => Some(10),
            _ => None,
        }
    }
}

impl Problem {
    /// One of the node's own codes.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::with(code.status(), code.text(), code.title(), detail)
    }

    /// Any other code, such as the ledger's.
    pub fn with(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".into(),
            title: title.into(),
            status,
            code: code.into(),
            detail: detail.into(),
            instance: None,
        }
    }
}
