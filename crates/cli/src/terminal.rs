//! Colors only where a person sees them, and never when NO_COLOR is set; a closed pipe is no reason to panic.

use std::io::{self, IsTerminal as _, Write as _};

/// Whether standard error takes colors.
pub fn colors() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// `text` in an SGR style such as `1;31`, where colors are wanted.
pub fn paint(text: &str, style: &str) -> String {
    if colors() { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// One line to standard error; whoever closed it does not want it.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
