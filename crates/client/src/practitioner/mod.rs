//! The practitioner's side: writing drafts, learning that one was refused; a member's applications and tickets.

mod membership;
mod write;

pub use membership::{Wanted, application, application_status, apply, enrol_patient};
pub use write::{NewRecord, ReceivedRefusal, SentDraft, attach, refusals, write};
