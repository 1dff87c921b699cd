//! `Secret<T>`: a value that is zeroized on drop and never printed (spec C-5).

use std::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret: `Debug` is redacted, there is no `Display`, no `Serialize`, no `PartialEq`, and memory is wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes custody of a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for as short as possible.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<const N: usize> Secret<[u8; N]> {
    /// `N` fresh random bytes.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self::filled(|bytes| rng.fill_bytes(bytes))
    }

    /// Filled in place, so that no copy stays on the stack.
    pub(crate) fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self([0; N]);
        fill(&mut secret.0);
        secret
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_the_value() {
        assert_eq!(format!("{:?}", Secret::new([7u8; 4])), "Secret(..)");
        assert_eq!(format!("{:#?}", Secret::new(String::from("word"))), "Secret(..)");
    }

    #[test]
    fn wipes_the_value() {
        let mut secret = Secret::new([7u8; 4]);
        secret.zeroize();
        assert_eq!(secret.expose(), &[0; 4]);
    }
}
