//! Questions to the person at the keyboard. Nobody there is no consent.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use yilian_crypto::Secret;

use crate::failure;

/// Longest answer, bytes.
const MAX_LINE: u64 = 4096;

/// Whether somebody can answer.
pub fn somebody() -> bool {
    io::stdin().is_terminal()
}

/// `question` asked; only `yes` or `y` is consent. Without a terminal `--yes` has to be given.
pub fn confirm(yes: bool, question: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !somebody() {
        return Err(failure::usage(format!("{question} Nobody is there to answer; say so with --yes")));
    }
    let answer = line(&format!("{question} [yes/no] "))?;
    let consent = matches!(answer.expose().to_lowercase().as_str(), "yes" | "y");
    anyhow::ensure!(consent, "not confirmed; nothing was done");
    Ok(())
}

/// One line, without its end.
pub fn line(prompt: &str) -> anyhow::Result<Secret<String>> {
    let mut errors = io::stderr().lock();
    write!(errors, "{prompt}")?;
    errors.flush()?;
    let mut text = String::with_capacity(MAX_LINE as usize);
    io::stdin().lock().take(MAX_LINE).read_line(&mut text)?;
    let text = Secret::new(text);
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// Words from the keyboard, on one line or several, or all of a pipe.
pub fn words(count: usize) -> anyhow::Result<Secret<String>> {
    if !somebody() {
        let mut text = String::with_capacity(MAX_LINE as usize);
        io::stdin().lock().take(MAX_LINE).read_to_string(&mut text)?;
        return Ok(Secret::new(text));
    }
    let mut text = String::with_capacity(MAX_LINE as usize);
    loop {
        let known = text.split_whitespace().count();
        if known >= count {
            return Ok(Secret::new(text));
        }
        let next = line(&format!("Words {} to {count}: ", known + 1))?;
        if next.expose().is_empty() {
            return Ok(Secret::new(text));
        }
        text.push_str(next.expose());
        text.push(' ');
    }
}
