//! What a list shows of a record.

use crate::wire::{Text, layout, tags};

/// Told apart everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Signed by a certified member.
    Clinical,
    /// Signed by the patient's own key.
    SelfRecorded,
}

tags!(Class { Clinical = 1, SelfRecorded = 2 });

/// As the bundle says; nothing here is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patient {
    pub name: Text<256>,
    /// First identifier's value.
    pub identifier: Text<128>,
    /// FHIR date.
    pub birth_date: Text<32>,
}

layout!(Patient { name, identifier, birth_date });

impl Patient {
    pub fn is_named(&self) -> bool {
        !(self.name.as_str().is_empty() && self.identifier.as_str().is_empty())
    }
}

/// By the bundle's own words, clipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub class: Class,
    /// Composition's type, else the bundle's kind of content.
    pub kind: Text<256>,
    pub title: Text<256>,
    /// FHIR instant or date.
    pub date: Text<64>,
    /// Author's name as the bundle gives it.
    pub author: Text<256>,
    pub patient: Patient,
    pub attachments: u16,
}

layout!(Summary { class, kind, title, date, author, patient, attachments });
