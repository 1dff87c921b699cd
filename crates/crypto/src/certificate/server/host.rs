//! What a server is called: a DNS name in lower case, or an IP address. No wildcards (spec M-20).

use std::{fmt, net::IpAddr, str::FromStr};

use der::asn1::{Ia5String, OctetString};
use x509_cert::ext::pkix::name::GeneralName;

/// Most hosts of one certificate.
pub const MAX_HOSTS: usize = 16;
/// Longest DNS name and longest label of one, bytes (RFC 1035).
const MAX_DNS: usize = 253;
const MAX_LABEL: usize = 63;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    Dns(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address nor a DNS name in lower case, such as node.hospital.example")]
pub struct HostError;

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        if is_dns_name(text) { Ok(Self::Dns(text.to_owned())) } else { Err(HostError) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Host {
    pub(super) fn general(&self) -> der::Result<GeneralName> {
        Ok(match self {
            Self::Dns(name) => GeneralName::DnsName(Ia5String::new(name)?),
            Self::Address(IpAddr::V4(address)) => GeneralName::IpAddress(OctetString::new(address.octets())?),
            Self::Address(IpAddr::V6(address)) => GeneralName::IpAddress(OctetString::new(address.octets())?),
        })
    }

    /// `None`: a name of another kind or form.
    pub(super) fn of(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::DnsName(name) => is_dns_name(name.as_str()).then(|| Self::Dns(name.as_str().into())),
            GeneralName::IpAddress(bytes) => match bytes.as_bytes().len() {
                4 => Some(Self::Address(<[u8; 4]>::try_from(bytes.as_bytes()).ok()?.into())),
                16 => Some(Self::Address(<[u8; 16]>::try_from(bytes.as_bytes()).ok()?.into())),
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits would read as an address.
    let last_is_a_name =
        text.rsplit('.').next().is_some_and(|label| label.bytes().any(|b| !b.is_ascii_digit()));
    text.len() <= MAX_DNS && text.split('.').all(is_label) && last_is_a_name
}
