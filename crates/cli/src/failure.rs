//! How a command fails: one line that says what was wrong and what to do, with the stable code where there is one.

use std::{fmt, process::ExitCode};

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
    let line = line(error);
    let code = code(error);
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
fn code(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| cause.downcast_ref::<Refused>()).map(|refused| refused.code.as_str())
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
    fn a_failure_without_a_code_has_none() {
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(line(&error), "outer: inner");
        assert_eq!(code(&error), None);
    }
}
