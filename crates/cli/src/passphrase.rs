//! Where a passphrase comes from: a private file, the environment, or the keyboard, unseen.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use yilian_crypto::Secret;

/// Environment variable that is asked before the keyboard.
pub const VARIABLE: &str = "YILIAN_PASSPHRASE";
/// Longest passphrase, bytes.
const MAX: u64 = 1024;

/// From `file` if one is named, else from the environment, else from the keyboard.
pub fn obtain(file: Option<&Path>, prompt: &str) -> anyhow::Result<Secret<String>> {
    if let Some(file) = file {
        return read(file);
    }
    if let Ok(passphrase) = std::env::var(VARIABLE) {
        return Ok(Secret::new(passphrase));
    }
    anyhow::ensure!(
        io::stdin().is_terminal(),
        "a passphrase is needed: name a file with --passphrase-file, or set {VARIABLE}"
    );
    ask(prompt)
}

/// As `obtain`; at the keyboard it is asked for twice.
pub fn obtain_new(file: Option<&Path>, prompt: &str) -> anyhow::Result<Secret<String>> {
    let first = obtain(file, prompt)?;
    if file.is_none() && std::env::var_os(VARIABLE).is_none() {
        let again = ask("Once more: ")?;
        anyhow::ensure!(first.expose() == again.expose(), "the two passphrases differ; nothing was written");
    }
    anyhow::ensure!(!first.expose().is_empty(), "the passphrase is empty");
    Ok(first)
}

/// The file's first line; refuses one that others can read.
pub fn read(path: &Path) -> anyhow::Result<Secret<String>> {
    let file =
        File::open(path).with_context(|| format!("cannot read the passphrase from {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        anyhow::ensure!(mode & 0o077 == 0, "{0} can be read by others: `chmod 600 {0}`", path.display());
    }
    let mut text = String::with_capacity(MAX as usize);
    file.take(MAX).read_to_string(&mut text).context("the passphrase is not text")?;
    let text = Secret::new(text);
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default().to_owned()))
}

/// One line from the terminal, not shown while it is typed.
pub fn ask(prompt: &str) -> anyhow::Result<Secret<String>> {
    let mut errors = io::stderr().lock();
    let line = {
        // Before the prompt: who types at once is not shown either.
        let _hidden = Hidden::begin()?;
        write!(errors, "{prompt}")?;
        errors.flush()?;
        let mut line = String::with_capacity(MAX as usize);
        io::stdin().lock().take(MAX).read_line(&mut line)?;
        Secret::new(line)
    };
    writeln!(errors)?;
    Ok(Secret::new(line.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal shows nothing that is typed until this is dropped.
struct Hidden(#[cfg(unix)] rustix::termios::Termios);

impl Hidden {
    #[cfg(unix)]
    fn begin() -> anyhow::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).context("cannot hide what is typed")?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden).context("cannot hide what is typed")?;
        Ok(Self(before))
    }

    #[cfg(not(unix))]
    fn begin() -> anyhow::Result<Self> {
        anyhow::bail!("the keyboard cannot be read unseen here; use --passphrase-file or {VARIABLE}")
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Nothing to be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
