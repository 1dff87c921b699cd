//! Roles as the command line writes them.

use std::str::FromStr;

use yilian_crypto::certificate::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName(pub Role);

pub const fn name(role: Role) -> &'static str {
    match role {
        Role::Hospital => "hospital",
        Role::Doctor => "doctor",
        Role::Pharmacy => "pharmacy",
        Role::Insurer => "insurer",
        Role::Researcher => "researcher",
        Role::Maker => "maker",
        Role::Carrier => "carrier",
        Role::Wholesaler => "wholesaler",
        Role::Inspector => "inspector",
        Role::Validator => "validator",
    }
}

impl FromStr for RoleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Role::ALL.into_iter().find(|role| name(*role) == text);
        found.map(Self).ok_or_else(|| format!("one of {} is expected", Role::ALL.map(name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(name(role).parse::<RoleName>().unwrap().0, role);
        }
        assert!("nurse".parse::<RoleName>().unwrap_err().contains("pharmacy"));
    }
}
