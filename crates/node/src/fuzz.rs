//! Entrances for the fuzzer, behind the feature `fuzz`: decoders that are private otherwise.

use axum::http::{HeaderMap, HeaderValue, header};
use commonware_codec::{Copying, DecodeExt as _, Encode as _};

use crate::{backup, config::Settings, http::content, mailbox};

/// `node.toml`, as it is read.
pub fn settings(text: &str) -> Option<Settings> {
    toml::from_str(text).ok()
}

pub fn settings_text(settings: &Settings) -> String {
    toml::to_string(settings).expect("settings are a table of tables and numbers")
}

/// From a row's bytes to the encoding of what was understood.
pub fn envelope(bytes: &[u8]) -> Option<Vec<u8>> {
    mailbox::Envelope::decode(Copying(bytes)).ok().map(|envelope| envelope.encode().to_vec())
}

/// The same.
pub fn backup_head(bytes: &[u8]) -> Option<Vec<u8>> {
    backup::head::Head::decode(Copying(bytes)).ok().map(|head| head.encode().to_vec())
}

/// Whether the gateway knows a form that this `Accept` header takes.
pub fn accepts(text: &str) -> bool {
    let Ok(value) = HeaderValue::from_str(text) else { return false };
    let headers = HeaderMap::from_iter([(header::ACCEPT, value.clone()), (header::IF_NONE_MATCH, value)]);
    let _ = content::negotiation::is_known(&headers, "\"a.raw\"");
    content::negotiation::format(None, &headers).is_ok()
}
