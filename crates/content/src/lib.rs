//! The on-disk store of ciphertext blocks
