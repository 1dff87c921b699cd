//! From an error of the flows to one line with a stable code, and what the person can do next.
//!
//! The code is the error's own (`ClientError::code`).

use std::path::Path;

use yilian_client::{
    ClientError, offer::OfferError, record::ProfileError as RecordError, wallet::WalletError,
};
use yilian_crypto::seed::SeedError;

use crate::{failure::Refused, output, profile::ProfileError};

/// An error with a stable code.
pub fn refused(code: &str, message: impl Into<String>) -> anyhow::Error {
    Refused { code: code.into(), message: message.into() }.into()
}

pub fn profile(error: ProfileError) -> anyhow::Error {
    refused(error.code(), error.to_string())
}

/// Wrong words: which one, and that the order counts.
pub fn seed(error: SeedError) -> anyhow::Error {
    let (code, next) = match error {
        SeedError::Count(_) => {
            ("words.count", "type all of them, separated by spaces, in the order they were shown")
        }
        SeedError::Word(_) => ("words.unknown", "look at how it is spelled; all words are English"),
        SeedError::Checksum => ("words.checksum", "compare each with what you wrote down, and their order"),
    };
    refused(code, format!("{error}; {next}. Nothing was written"))
}

/// A file of the person's that cannot be read or written.
pub fn file(path: &Path, error: &std::io::Error) -> anyhow::Error {
    refused("file.failed", format!("{}: {error}", path.display()))
}

/// Results of flows become results of commands.
pub trait Explain<T> {
    fn explain(self) -> anyhow::Result<T>;
}

impl<T, E: Into<ClientError>> Explain<T> for Result<T, E> {
    fn explain(self) -> anyhow::Result<T> {
        self.map_err(|error| explain(&error.into()))
    }
}

/// The line and the code for an error.
pub fn explain(error: &ClientError) -> anyhow::Error {
    let next = next(error);
    let text = match error {
        ClientError::Ended(time) => format!("the grant was withdrawn or expired at {}", output::time(time.0)),
        // The code is shown beside the line.
        ClientError::Refused { node, detail, .. } => format!("{node} refused: {detail}"),
        ClientError::Rejected { detail, .. } => format!("the ledger refused the transaction: {detail}"),
        ClientError::UnknownMember(id) => format!("member {} is not in the directory", id.0),
        other => other.to_string(),
    };
    let message = if next.is_empty() { text } else { format!("{text}; {next}") };
    refused(error.code(), message)
}

/// What to do; empty where the error says it.
fn next(error: &ClientError) -> &'static str {
    match error {
        ClientError::LyingNode { .. } => {
            "its answer was not believed. Name more nodes in the network's description, and tell its operator"
        }
        ClientError::StaleNode { .. } => {
            "it has not caught up, or the chain stands still, or this device's clock is wrong; try again in a minute"
        }
        ClientError::Transport { .. } => {
            "see whether the network runs (`yilian network status`) and whether --network names the right one"
        }
        ClientError::NotFinalized => "run the same command again: nothing is done twice",
        ClientError::NoTickets => {
            "`yilian wallet tickets` fetches the next period's; those of this period are a fixed number"
        }
        ClientError::NoTicketKey => "the authority sets it before the period begins; try again later",
        ClientError::OfferNotOpen(_) => "`yilian records list` shows which offers are open",
        ClientError::UnknownRecord(_) => "`yilian records list` shows what there is",
        ClientError::UnknownMember(_) => "compare the id with what the member shows, all 64 digits",
        ClientError::NotCertifiedNow => "nothing can be granted to it or believed from it now",
        ClientError::Offer(
            OfferError::Prefix | OfferError::Character | OfferError::Checksum | OfferError::Malformed,
        ) => "scan or copy the whole offer again",
        ClientError::Offer(OfferError::Chain) => "choose the patient's network with --network",
        ClientError::Profile(RecordError::NotJson | RecordError::NotABundle) => {
            "records are FHIR R4 Bundles in JSON"
        }
        ClientError::Profile(RecordError::NoPatient) => {
            "put a Patient with a name or an identifier into the Bundle"
        }
        ClientError::Ended(_) => "ask the patient for a new grant",
        ClientError::NoDelegateeKey => {
            "it was made for another member, or for a key that this profile does not hold"
        }
        ClientError::Wallet(WalletError::Sealed(_) | WalletError::Malformed) => {
            "the 24 words bring the records back: `yilian wallet restore` under another name"
        }
        ClientError::Refused { code, .. } | ClientError::Rejected { code, .. } => by_code(code),
        _ => "",
    }
}

fn by_code(code: &str) -> &'static str {
    match code {
        "enrolment.code-unknown" => "compare it with what the counter gave you",
        "enrolment.code-used" | "enrolment.wallet-taken" => "ask at the counter for a new code",
        "enrolment.not-hospital" => "only a member with the role hospital enrols patients",
        "tickets.not-enrolled" => {
            "enrol first: `yilian wallet enrol CODE`, with a code from an institution's counter"
        }
        "tickets.budget" => "this period's tickets were fetched before, perhaps by another device",
        "request.expired" => "set this device's clock",
        "ticket.spent" | "payment.spent" => "run the command again: it takes another ticket",
        "transaction.pool-full" | "state.unready" | "node.unavailable" | "node.busy" | "request.rate" => {
            "try again in a moment"
        }
        "application.other-issuer" => {
            "this authority certifies only for itself; see `yilian reader directory`"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use yilian_client::NodeUrl;

    fn line(error: &anyhow::Error) -> (String, String) {
        let refused = error.downcast_ref::<Refused>().unwrap();
        (refused.code.clone(), refused.message.clone())
    }

    #[test]
    fn a_refusal_keeps_its_code_and_gains_what_to_do() {
        let node = NodeUrl::new("http://a");
        let detail = "no such code".to_owned();
        let error = ClientError::Refused { node, status: 404, code: "enrolment.code-unknown".into(), detail };
        let (code, message) = line(&explain(&error));
        assert_eq!(code, "enrolment.code-unknown");
        assert!(
            message.contains("no such code") && message.ends_with("what the counter gave you"),
            "{message}"
        );
    }

    #[test]
    fn what_a_person_meets_often_says_what_to_do() {
        let node = NodeUrl::new("http://a");
        for error in [
            ClientError::NoTickets,
            ClientError::NotFinalized,
            ClientError::Transport { node: node.clone(), source: yilian_client::TransportError::Timeout },
            ClientError::StaleNode { node, age_ms: 1 },
            ClientError::Offer(OfferError::Checksum),
            ClientError::Profile(RecordError::NotJson),
            ClientError::Ended(yilian_ledger::Time(0)),
        ] {
            assert!(!next(&error).is_empty(), "{error}");
            assert!(error.code().contains('.'), "{error}");
        }
    }

    #[test]
    fn every_mistake_in_the_words_has_its_code() {
        let codes = [SeedError::Count(23), SeedError::Word(4), SeedError::Checksum].map(|e| line(&seed(e)).0);
        assert_eq!(codes, ["words.count", "words.unknown", "words.checksum"]);
    }
}
