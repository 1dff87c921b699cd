//! Why bytes or keys are refused.

use commonware_codec::Error as CodecError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    #[error("unknown suite byte")]
    Suite,
    #[error("expected {expected} bytes, got {got}")]
    Length { expected: usize, got: usize },
    #[error("bytes are not a point on the curve in canonical form")]
    Encoding,
    #[error("point is outside the prime-order subgroup")]
    Subgroup,
    #[error("point is the identity")]
    Identity,
    #[error("scalar is zero or not below the group order")]
    Scalar,
    #[error("proof of possession does not verify")]
    Possession,
    #[error("wrapped key does not open")]
    Unwrap,
    #[error("wrapped codec is neither raw nor dag-pb")]
    Codec,
}

impl From<DelegationError> for CodecError {
    fn from(error: DelegationError) -> Self {
        Self::Wrapped("delegation", Box::new(error))
    }
}
