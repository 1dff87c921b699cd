//! How a command fails: one line that says what was wrong and what to do, with the stable code where there is one.

use std::{error::Error, fmt, process::ExitCode};

use yilian_authority::{AuthorityError, ChainError};
use yilian_client::ClientError;

use crate::{output::Output, terminal};

/// The command line asks for what cannot be: exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Somebody refused, with a stable code: a node, the authority, the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    pub code: String,
    pub message: String,
}

/// Wrong usage, as an error.
pub fn usage(text: impl fmt::Display) -> anyhow::Error {
    Usage(text.to_string()).into()
}

/// Prints the failure and gives the exit code.
pub fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    let code = code(error);
    let line = line(error);
    // Some messages carry their code already.
    let line = code.and_then(|code| line.strip_suffix(&format!(" ({code})"))).unwrap_or(&line);
    if output.is_json() {
        let value = serde_json::json!({ "error": line, "code": code });
        terminal::complain(&value.to_string());
    } else {
        let code = code.map(|code| format!(" [{code}]")).unwrap_or_default();
        terminal::complain(&format!("{} {line}{code}", terminal::paint("error:", "1;31")));
    }
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::from(1) }
}

/// The causes from the outermost in, on one line; a cause that its context repeats is left out.
fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if line.ends_with(&cause) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&cause);
    }
    line
}

/// The stable code that some cause carries.
pub fn code(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| {
        of_refusal(cause)
            .or_else(|| of_client(cause))
            .or_else(|| of_chain(cause))
            .or_else(|| of_authority(cause))
    })
}

fn of_refusal<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a str> {
    cause.downcast_ref::<Refused>().map(|refused| refused.code.as_str())
}

fn of_client<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a str> {
    match cause.downcast_ref()? {
        ClientError::Refused { code, .. } | ClientError::Rejected { code, .. } => Some(code),
        _ => None,
    }
}

fn of_chain<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a str> {
    match cause.downcast_ref()? {
        ChainError::Refused { code, .. } => Some(code),
        _ => None,
    }
}

fn of_authority(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    cause.downcast_ref::<AuthorityError>().map(|error| error.code().0)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_is_one_line_with_its_code() {
        let refused = Refused { code: "ticket.spent".into(), message: "the ticket\nwas used".into() };
        let error = Err::<(), _>(refused).context("cannot submit").expect_err("is an error");
        assert_eq!(line(&error), "cannot submit: the ticket was used");
        assert_eq!(code(&error), Some("ticket.spent"));
    }

    #[test]
    fn codes_of_every_library_are_found() {
        let rejected = ClientError::Rejected { code: "record.exists".into(), detail: "taken".into() };
        let (url, detail) = ("http://x".into(), "no".into());
        let failed = ChainError::Refused { url, status: 400, code: "certificate.issuer".into(), detail };
        assert_eq!(code(&rejected.into()), Some("record.exists"));
        assert_eq!(code(&failed.into()), Some("certificate.issuer"));
        assert_eq!(code(&AuthorityError::Budget.into()), Some("tickets.budget"));
    }

    #[test]
    fn a_failure_without_a_code_has_none() {
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(line(&error), "outer: inner");
        assert_eq!(code(&error), None);
    }
}
