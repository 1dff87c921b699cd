//! Which profile a command works with.

use std::path::{Path, PathBuf};

use clap::Args;
use yilian_crypto::Secret;

use super::{ProfileError, password};

/// Profile used unless another one is named.
const DEFAULT: &str = "me";
/// Longest name.
const MAX_NAME: usize = 32;

/// Taken by every command of a patient or a member.
#[derive(Clone, Debug, Args)]
pub struct ProfileArgs {
    /// Folder of all profiles [default: ~/.yilian]
    #[arg(long, global = true, value_name = "DIR", env = "YILIAN_HOME", help_heading = "Profile")]
    home: Option<PathBuf>,

    /// Profile to work with: one person on this device
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "YILIAN_PROFILE",
        default_value = DEFAULT,
        help_heading = "Profile"
    )]
    profile: String,

    /// File whose first line is the profile's password; else YILIAN_PASSWORD, else it is asked for
    #[arg(long, global = true, value_name = "FILE", help_heading = "Profile")]
    password_file: Option<PathBuf>,
}

impl ProfileArgs {
    pub fn at(home: &Path, name: &str) -> Self {
        Self { home: Some(home.to_owned()), profile: name.to_owned(), password_file: None }
    }

    /// The name, if it is one: it becomes the name of a folder.
    pub fn name(&self) -> Result<&str, ProfileError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=MAX_NAME).contains(&self.profile.len()) && self.profile.chars().all(allowed);
        if fits { Ok(&self.profile) } else { Err(ProfileError::Name(self.profile.clone())) }
    }

    pub fn home(&self) -> Result<PathBuf, ProfileError> {
        let user = || std::env::home_dir().filter(|dir| !dir.as_os_str().is_empty());
        self.home.clone().or_else(|| user().map(|dir| dir.join(".yilian"))).ok_or(ProfileError::NoHome)
    }

    pub fn dir(&self) -> Result<PathBuf, ProfileError> {
        Ok(self.home()?.join(self.name()?))
    }

    pub fn check_free(&self) -> Result<(), ProfileError> {
        let dir = self.dir()?;
        if dir.exists() { Err(ProfileError::Exists(dir)) } else { Ok(()) }
    }

    /// The password of an existing profile.
    pub fn password(&self) -> anyhow::Result<Secret<String>> {
        password::obtain(self.password_file.as_deref(), &format!("Password of profile {}: ", self.name()?))
    }

    /// A password for a new profile; asked for twice at the keyboard.
    pub fn new_password(&self) -> anyhow::Result<Secret<String>> {
        let prompt = format!("A password for profile {} on this device: ", self.name()?);
        password::obtain_new(self.password_file.as_deref(), &prompt)
    }

    /// Arguments that repeat the profile in a suggested command.
    pub fn repeated(&self) -> String {
        if self.profile == DEFAULT { String::new() } else { format!(" --profile {}", self.profile) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for wrong in ["", "..", "a/b", "a\\b", ".hidden", "a b", "马", &"x".repeat(33)] {
            let args = ProfileArgs::at(Path::new("/tmp"), wrong);
            assert!(matches!(args.dir(), Err(ProfileError::Name(_))), "{wrong}");
        }
        assert_eq!(ProfileArgs::at(Path::new("/h"), "dr-Bob_2").dir(), Ok("/h/dr-Bob_2".into()));
    }
}
