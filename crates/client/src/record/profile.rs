//! The record profile (spec R-10): a FHIR R4 `Bundle`, kept as the bytes that were signed.
//!
//! The checks are light and bounded: well-formed JSON of limited depth, a `Bundle`; a `document` begins with a
//! `Composition`; a clinical record names its patient. Whatever else is inside is kept and shown, never dropped.

use serde_json::Value;

use super::{
    statement::{Form, MAX_BODY},
    summary::{Class, Patient, Summary},
};
use crate::wire::Text;

/// Deepest nesting of a bundle.
pub const MAX_DEPTH: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("the record is larger than {MAX_BODY} bytes")]
    TooLarge,
    #[error("the record is not JSON")]
    NotJson,
    #[error("the record is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("the record is not a FHIR Bundle")]
    NotABundle,
    #[error("a document Bundle begins with a Composition")]
    NoComposition,
    #[error("a clinical record names its patient")]
    NoPatient,
    #[error("the record is a {0:?}, its statement says otherwise")]
    Form(Form),
}

/// A bundle that keeps the profile.
#[derive(Clone, Debug)]
pub struct Bundle {
    form: Form,
    value: Value,
}

impl Bundle {
    /// Parses untrusted bytes; never panics.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProfileError> {
        if bytes.len() > MAX_BODY {
            return Err(ProfileError::TooLarge);
        }
        if depth(bytes) > MAX_DEPTH {
            return Err(ProfileError::TooDeep);
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|_| ProfileError::NotJson)?;
        if text(&value, "/resourceType") != "Bundle" {
            return Err(ProfileError::NotABundle);
        }
        let form = match text(&value, "/type") {
            "document" => Form::FhirDocument,
            _ => Form::FhirBundle,
        };
        let first = text(&value, "/entry/0/resource/resourceType");
        if form == Form::FhirDocument && first != "Composition" {
            return Err(ProfileError::NoComposition);
        }
        Ok(Self { form, value })
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// The parsed JSON, for display.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The patient whom the record names.
    pub fn patient(&self) -> Result<Patient, ProfileError> {
        let subject = self.composition().map(|c| text(c, "/subject/reference")).unwrap_or_default();
        let patient = self
            .resolve(subject)
            .filter(|resource| text(resource, "/resourceType") == "Patient")
            .or_else(|| self.first("Patient"))
            .map(describe_patient)
            .unwrap_or_default();
        if patient.is_named() { Ok(patient) } else { Err(ProfileError::NoPatient) }
    }

    pub fn summary(&self, class: Class, attachments: usize) -> Summary {
        let composition = self.composition();
        let of = |path: &str| composition.map(|c| text(c, path)).unwrap_or_default();
        let kind = [of("/type/text"), of("/type/coding/0/display"), of("/type/coding/0/code")];
        let date = [of("/date"), text(&self.value, "/timestamp"), text(&self.value, "/meta/lastUpdated")];
        Summary {
            class,
            kind: Text::clipped(first_of(&kind).unwrap_or_else(|| self.content_kind())),
            title: Text::clipped(first_of(&[of("/title")]).unwrap_or_else(|| self.content_kind())),
            date: Text::clipped(first_of(&date).unwrap_or_default()),
            author: Text::clipped(&self.author()),
            patient: self.patient().unwrap_or_default(),
            attachments: u16::try_from(attachments).unwrap_or(u16::MAX),
        }
    }

    fn composition(&self) -> Option<&Value> {
        self.first("Composition")
    }

    fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.value.pointer("/entry").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((text(entry, "/fullUrl"), entry.get("resource")?)))
    }

    fn first(&self, kind: &str) -> Option<&Value> {
        self.resources().map(|(_, resource)| resource).find(|r| text(r, "/resourceType") == kind)
    }

    /// Within the bundle only: by full URL, or by type and id.
    fn resolve(&self, reference: &str) -> Option<&Value> {
        if reference.is_empty() {
            return None;
        }
        let named = |resource: &Value| {
            reference.split_once('/').is_some_and(|(kind, id)| {
                text(resource, "/resourceType") == kind && text(resource, "/id") == id
            })
        };
        self.resources()
            .find(|(url, resource)| *url == reference || named(resource))
            .map(|(_, resource)| resource)
    }

    fn author(&self) -> String {
        let Some(reference) = self.composition().and_then(|c| c.pointer("/author/0")) else {
            return String::new();
        };
        let display = text(reference, "/display");
        match self.resolve(text(reference, "/reference")) {
            Some(resource) if display.is_empty() => name_of(resource),
            _ => display.to_owned(),
        }
    }

    /// Type of the first resource that is not about a person, for bundles without a composition.
    fn content_kind(&self) -> &str {
        const PEOPLE: [&str; 4] = ["Patient", "Practitioner", "Organization", "Composition"];
        self.resources()
            .map(|(_, resource)| text(resource, "/resourceType"))
            .find(|kind| !kind.is_empty() && !PEOPLE.contains(kind))
            .unwrap_or("Bundle")
    }
}

fn describe_patient(patient: &Value) -> Patient {
    Patient {
        name: Text::clipped(&name_of(patient)),
        identifier: Text::clipped(text(patient, "/identifier/0/value")),
        birth_date: Text::clipped(text(patient, "/birthDate")),
    }
}

/// `HumanName` as text, or assembled, or an organization's plain name.
fn name_of(resource: &Value) -> String {
    if let Some(name) = resource.get("name").and_then(Value::as_str) {
        return name.to_owned();
    }
    let whole = text(resource, "/name/0/text");
    if !whole.is_empty() {
        return whole.to_owned();
    }
    let given = resource.pointer("/name/0/given").and_then(Value::as_array);
    let mut parts: Vec<&str> = given.into_iter().flatten().filter_map(Value::as_str).collect();
    parts.push(text(resource, "/name/0/family"));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn first_of<'a>(candidates: &[&'a str]) -> Option<&'a str> {
    candidates.iter().copied().find(|text| !text.is_empty())
}

/// Nesting of brackets outside strings, before any parsing is tried.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
