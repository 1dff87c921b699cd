//! The password that locks a profile's seed on this device. It enters no identifier and leaves no device.

use std::{io::IsTerminal as _, path::Path};

use yilian_crypto::Secret;

use crate::{passphrase, terminal};

/// Environment variable that is asked before the keyboard.
pub const VARIABLE: &str = "YILIAN_PASSWORD";
/// Shorter ones are warned of: whoever copies the file can try very many.
const SHORT: usize = 12;

/// From `file` if one is named, else from the environment, else from the keyboard, unseen.
pub fn obtain(file: Option<&Path>, prompt: &str) -> anyhow::Result<Secret<String>> {
    if let Some(file) = file {
        return passphrase::read(file);
    }
    if let Ok(password) = std::env::var(VARIABLE) {
        return Ok(Secret::new(password));
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "the profile's password is needed: name a file with --password-file, or set {VARIABLE}"
    );
    passphrase::ask(prompt)
}

/// As `obtain`; at the keyboard it is asked for twice. An empty one is refused, a short one warned of.
pub fn obtain_new(file: Option<&Path>, prompt: &str) -> anyhow::Result<Secret<String>> {
    let first = obtain(file, prompt)?;
    approve(&first, file.is_none() && std::env::var_os(VARIABLE).is_none())?;
    Ok(first)
}

/// A password in place of another: the environment holds the old one and is not asked.
pub fn choose(file: Option<&Path>, prompt: &str) -> anyhow::Result<Secret<String>> {
    let first = match file {
        Some(file) => passphrase::read(file)?,
        None => passphrase::ask(prompt)?,
    };
    approve(&first, file.is_none())?;
    Ok(first)
}

fn approve(first: &Secret<String>, typed: bool) -> anyhow::Result<()> {
    anyhow::ensure!(!first.expose().is_empty(), "the password is empty; nothing was written");
    if typed {
        let again = passphrase::ask("Once more: ")?;
        anyhow::ensure!(first.expose() == again.expose(), "the two passwords differ; nothing was written");
    }
    if first.expose().chars().count() < SHORT {
        terminal::complain(&format!(
            "{} the password has fewer than {SHORT} characters; whoever copies this device's files may guess it. \
             Four or five random words are better.",
            terminal::paint("warning:", "1;33")
        ));
    }
    Ok(())
}
