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

    /// Whether two records name different patients: something that both give differs, or they share neither name nor
    /// identifier, so that nothing shows them to be the same. Who is not named is nobody else.
    pub fn is_other_than(&self, other: &Self) -> bool {
        if !(self.is_named() && other.is_named()) {
            return false;
        }
        let both = |a: &str, b: &str| (!a.is_empty() && !b.is_empty()).then_some(a == b);
        let name = both(self.name.as_str(), other.name.as_str());
        let identifier = both(self.identifier.as_str(), other.identifier.as_str());
        let birth = both(self.birth_date.as_str(), other.birth_date.as_str());
        [name, identifier, birth].contains(&Some(false)) || (name.is_none() && identifier.is_none())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(name: &str, identifier: &str, birth_date: &str) -> Patient {
        Patient {
            name: Text::clipped(name),
            identifier: Text::clipped(identifier),
            birth_date: Text::clipped(birth_date),
        }
    }

    #[test]
    fn patients_are_the_same_where_all_that_both_say_agrees() {
        let full = patient("Alice", "1", "1990-03-07");
        for same in [full.clone(), patient("Alice", "", ""), patient("", "1", ""), Patient::default()] {
            assert!(!full.is_other_than(&same) && !same.is_other_than(&full), "{same:?}");
        }
    }

    #[test]
    fn patients_differ_where_anything_differs_or_nothing_can_be_compared() {
        let full = patient("Alice", "1", "1990-03-07");
        for other in [patient("Bob", "1", ""), patient("Alice", "2", ""), patient("Alice", "", "1991-01-01")]
        {
            assert!(full.is_other_than(&other) && other.is_other_than(&full), "{other:?}");
        }
        assert!(patient("Alice", "", "").is_other_than(&patient("", "1", "")));
    }
}
