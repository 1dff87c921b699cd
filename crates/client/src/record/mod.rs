//! Records: the signed document, its digest tree, attachments, what opens it, and the FHIR profile (spec R-*).

pub mod attachment;
pub mod opening;
pub mod profile;
pub mod statement;
pub mod summary;
pub mod tree;

pub use attachment::Attachment;
pub use opening::{ContentKey, Dossier, RecordOpening};
pub use profile::{Bundle, ProfileError};
pub use statement::{Author, Claims, Document, DocumentError, Form, Statement};
pub use summary::{Class, Patient, Summary};
