//! The wallet seed: 24 words (BIP-39, 256 bits of entropy), and derivation by label and index (spec W-1 to W-3).

use bip39::{Language, Mnemonic};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Label, Secret, kdf};

/// Words of a seed.
pub const WORDS: usize = 24;

/// 32 bytes of entropy behind the 24 words.
#[derive(Clone, Debug)]
pub struct Seed(Secret<[u8; 32]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    #[error("expected {WORDS} words, got {0}")]
    Count(usize),
    /// Position from 1.
    #[error("word {0} is not in the list")]
    Word(usize),
    #[error("the words do not match their checksum: one is wrong or two are swapped")]
    Checksum,
}

impl Seed {
    /// Draws a fresh seed.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// English list; case and white space are forgiven.
    pub fn from_words(words: &str) -> Result<Self, SeedError> {
        let count = words.split_whitespace().count();
        if count != WORDS {
            return Err(SeedError::Count(count));
        }
        let lowercase = Zeroizing::new(words.to_lowercase());
        let mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &lowercase).map_err(|error| match error {
                bip39::Error::UnknownWord(index) => SeedError::Word(index + 1),
                _ => SeedError::Checksum,
            })?;
        let entropy = Zeroizing::new(mnemonic.to_entropy_array().0);
        Ok(Self(Secret::filled(|bytes| bytes.copy_from_slice(&entropy[..32]))))
    }

    /// The 24 words, separated by single spaces.
    pub fn words(&self) -> Secret<String> {
        let mnemonic =
            Mnemonic::from_entropy_in(Language::English, self.expose()).expect("256 bits make 24 words");
        // Room for the longest words: a growing string would leave copies behind.
        let mut words = String::with_capacity(WORDS * 9);
        for word in mnemonic.words() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        Secret::new(words)
    }

    /// From stored entropy.
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The entropy, for storage under a lock.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// `HKDF(seed, label ‖ indexes)`; indexes as big-endian u64 each (spec W-3).
    pub fn derive(&self, label: Label, indexes: &[u64]) -> Secret<[u8; 32]> {
        let indexes: Vec<[u8; 8]> = indexes.iter().map(|index| index.to_be_bytes()).collect();
        let parts: Vec<&[u8]> = indexes.iter().map(|index| index.as_slice()).collect();
        kdf::derive(self.expose(), label, &parts)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test::Seeded;

    const ZERO: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn words_lead_back_to_the_seed() {
        let mut rng = Seeded::new(1);
        for _ in 0..20 {
            let seed = Seed::generate(&mut rng);
            let words = seed.words();
            assert_eq!(words.expose().split(' ').count(), WORDS);
            assert_eq!(Seed::from_words(words.expose()).unwrap().expose(), seed.expose());
        }
    }

    /// The list's published vector for 256 zero bits.
    #[test]
    fn matches_the_published_vector() {
        assert_eq!(Seed::from_words(ZERO).unwrap().expose(), &[0; 32]);
        assert_eq!(Seed::from_bytes(Secret::new([0; 32])).words().expose(), ZERO);
    }

    #[test]
    fn forgives_case_and_white_space() {
        let sloppy = format!("\n {}\t ", ZERO.to_uppercase().replace(' ', "  "));
        assert_eq!(Seed::from_words(&sloppy).unwrap().expose(), &[0; 32]);
    }

    #[test]
    fn names_what_is_wrong_with_words() {
        let error = |words: &str| Seed::from_words(words).unwrap_err();
        assert_eq!(error(""), SeedError::Count(0));
        assert_eq!(error("abandon abandon"), SeedError::Count(2));
        assert_eq!(error(&format!("{ZERO} art")), SeedError::Count(25));
        assert_eq!(error(&ZERO.replace("art", "arc")), SeedError::Word(24));
        assert_eq!(error(&ZERO.replacen("abandon", "abandoned", 1)), SeedError::Word(1));
        assert_eq!(error(&ZERO.replace("art", "about")), SeedError::Checksum);
    }

    #[test]
    fn derivations_differ_by_label_and_by_every_index() {
        let seed = Seed::from_bytes(Secret::new([1; 32]));
        let cases = [
            seed.derive(Label::WalletOwner, &[0]),
            seed.derive(Label::WalletOwner, &[1]),
            seed.derive(Label::WalletOwner, &[]),
            seed.derive(Label::WalletOwner, &[0, 0]),
            seed.derive(Label::WalletSalt, &[0]),
            Seed::from_bytes(Secret::new([2; 32])).derive(Label::WalletOwner, &[0]),
        ];
        for (i, a) in cases.iter().enumerate() {
            for b in &cases[i + 1..] {
                assert_ne!(a.expose(), b.expose());
            }
        }
    }
}
