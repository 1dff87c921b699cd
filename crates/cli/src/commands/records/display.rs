//! A record for a person: what it says, who signed it, and how that was verified. What others wrote is shown without
//! characters that could move the cursor, recolor or reverse the line.

use serde::Serialize;
use yilian_client::{
    opened::{Authorship, Contents, OpenedRecord, VerifiedDocument},
    record::{Class, Dossier, Summary},
    verified::directory::VerifiedMember,
};
use yilian_ledger::{Time, name::Aid};

use crate::output;

/// A document as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// `clinical` or `self-recorded`.
    pub class: &'static str,
    pub kind: String,
    pub title: String,
    pub date: String,
    /// As the record says; not verified.
    pub author: String,
    pub patient: Patient,
    /// Verified; `None` for the patient's own.
    pub signer: Option<Signer>,
    /// Id of the signed statement, hex.
    pub statement: String,
    /// Statement that this one corrects, hex.
    pub supersedes: Option<String>,
    pub attachments: Vec<Attached>,
    /// For a dossier: its records' AIDs, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dossier: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
pub struct Patient {
    pub name: String,
    pub identifier: String,
    pub birth_date: String,
}

#[derive(Debug, Serialize)]
pub struct Signer {
    /// By the certificate.
    pub name: String,
    pub institution: String,
    pub member: String,
    /// The ledger's time at which the certificate counted, Unix ms.
    pub certified_at: u64,
}

#[derive(Debug, Serialize)]
pub struct Attached {
    pub number: usize,
    pub title: String,
    pub media_type: String,
    pub bytes: u64,
    /// Address of the ciphertext.
    pub cid: String,
}

/// `text` without control characters and without those that change the direction of writing.
pub fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

pub fn class(class: Class) -> &'static str {
    match class {
        Class::Clinical => "clinical",
        Class::SelfRecorded => "self-recorded",
    }
}

/// Who it is, at a time of the ledger at which its certificate counted.
pub fn signer(member: &VerifiedMember, at: Time) -> Signer {
    Signer {
        name: plain(member.name()),
        institution: plain(member.institution()),
        member: member.id().0.to_string(),
        certified_at: at.0,
    }
}

/// A dossier's records.
pub fn dossier_aids(dossier: &Dossier) -> Vec<Aid> {
    dossier.records.iter().map(|record| Aid::of(&record.owner)).collect()
}

/// A verified document; `at` is the ledger's time that its signer was checked for.
pub fn shown(document: &VerifiedDocument, at: Time) -> Shown {
    let (summary, statement) = (document.summary(), document.statement());
    let attached = |(place, attachment): (usize, &yilian_client::record::Attachment)| Attached {
        number: place + 1,
        title: plain(attachment.title.as_str()),
        media_type: plain(attachment.media_type.as_str()),
        bytes: attachment.length,
        cid: attachment.cid.to_string(),
    };
    Shown {
        class: class(summary.class),
        kind: plain(summary.kind.as_str()),
        title: plain(summary.title.as_str()),
        date: plain(summary.date.as_str()),
        author: plain(summary.author.as_str()),
        patient: patient(summary),
        signer: match document.authorship() {
            Authorship::Clinical(member) => Some(signer(member, at)),
            Authorship::SelfRecorded => None,
        },
        statement: statement.id().to_string(),
        supersedes: statement.supersedes.map(|id| id.to_string()),
        attachments: statement.attachments.iter().enumerate().map(attached).collect(),
        dossier: match document.contents() {
            Contents::Dossier(dossier) => {
                Some(dossier_aids(dossier).iter().map(|aid| aid.0.to_string()).collect())
            }
            Contents::Fhir(_) => None,
        },
    }
}

fn patient(summary: &Summary) -> Patient {
    Patient {
        name: plain(summary.patient.name.as_str()),
        identifier: plain(summary.patient.identifier.as_str()),
        birth_date: plain(summary.patient.birth_date.as_str()),
    }
}

impl Shown {
    /// For people.
    pub fn render(&self) -> String {
        let mut rows = vec![
            ("title", self.title.clone()),
            ("kind", self.kind.clone()),
            ("date", self.date.clone()),
            ("patient", self.patient.render()),
            ("author, as it says", self.author.clone()),
        ];
        match &self.signer {
            Some(signer) => {
                rows.push(("signed by", signer.full_name()));
                rows.push(("member", signer.member.clone()));
                let checked = format!(
                    "yes, at {}; certificate chain to a root of the ledger, signature over every byte",
                    output::time(signer.certified_at)
                );
                rows.push(("certified then", checked));
            }
            None => rows.push(("signed by", "the patient; nobody certified it".into())),
        }
        rows.push(("statement", self.statement.clone()));
        if let Some(statement) = &self.supersedes {
            rows.push(("corrects", statement.clone()));
        }
        if let Some(records) = &self.dossier {
            rows.push(("holds", format!("{} records", records.len())));
        }
        let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
        let mut text = output::table(&["record", ""], rows.map(|(name, value)| [name.to_owned(), value]));
        if !self.attachments.is_empty() {
            let row = |a: &Attached| {
                [a.number.to_string(), a.title.clone(), a.media_type.clone(), output::bytes(a.bytes)]
            };
            text.push('\n');
            text +=
                &output::table(&["attachment", "title", "type", "size"], self.attachments.iter().map(row));
        }
        text
    }
}

impl Signer {
    /// With the institution, where that is another.
    pub fn full_name(&self) -> String {
        full_name(&self.name, &self.institution)
    }
}

/// A name with its institution, where that is another.
pub fn full_name(name: &str, institution: &str) -> String {
    let (name, institution) = (plain(name), plain(institution));
    if institution.is_empty() || institution == name { name } else { format!("{name}, {institution}") }
}

impl Patient {
    /// On one line.
    pub fn render(&self) -> String {
        let parts = [&self.name, &self.birth_date, &self.identifier];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }
}

/// A record of the ledger as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct ShownRecord {
    pub aid: String,
    /// The ledger's time of the entry, Unix ms.
    pub time: u64,
    #[serde(flatten)]
    pub document: Shown,
    /// What stands between the chain and this screen.
    pub verified: [&'static str; 5],
}

const VERIFIED: [&str; 5] = [
    "entry proved under a fresh header that more than two thirds of the validators signed",
    "content has the address that the entry commits to",
    "every segment decrypted and authenticated",
    "signed for this owner and nobody else",
    "signer certified at the entry's time, or the owner",
];

impl ShownRecord {
    pub fn of(record: &OpenedRecord) -> Self {
        Self {
            aid: record.aid().0.to_string(),
            time: record.time().0,
            document: shown(record.document(), record.time()),
            verified: VERIFIED,
        }
    }

    pub fn render(&self) -> String {
        let mut text = self.document.render();
        text += &format!("\nOn the chain since {}, as {}.\nVerified:\n", output::time(self.time), self.aid);
        for line in self.verified {
            text += &format!("  ✓ {line}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\rc\u{202e}d\u{7}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}");
        assert_eq!(plain("医链 – Größe"), "医链 – Größe");
    }
}
