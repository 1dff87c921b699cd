//! Wire forms: the suite byte and the canonical bytes, nothing else (spec D-6).

/// Implements length-checked `from_bytes` and the codec for a type that has `parse(&[u8; N])` and `as_bytes()`.
macro_rules! wire {
    ($name:ident, $len:expr) => {
        impl $name {
            /// Length without the suite byte.
            pub const BYTES: usize = $len;

            /// From the bytes without the suite byte, with every check.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::DelegationError> {
                let exact = <&[u8; $len]>::try_from(bytes)
                    .map_err(|_| $crate::DelegationError::Length { expected: $len, got: bytes.len() })?;
                Self::parse(exact)
            }
        }

        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                buf.put_u8($crate::SUITE);
                buf.put_slice(self.as_bytes());
            }
        }

        impl commonware_codec::Read for $name {
            type Cfg = ();

            fn read_cfg(
                buf: &mut impl commonware_codec::Buf,
                _: &(),
            ) -> Result<Self, commonware_codec::Error> {
                use commonware_codec::ReadExt as _;
                if u8::read(buf)? != $crate::SUITE {
                    return Err($crate::DelegationError::Suite.into());
                }
                Ok(Self::parse(&<[u8; $len]>::read(buf)?)?)
            }
        }

        impl commonware_codec::FixedSize for $name {
            const SIZE: usize = 1 + $len;
        }
    };
}

/// A wire type that is one point.
macro_rules! wire_point {
    ($(#[$doc:meta])* $name:ident, $point:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub(crate) $crate::group::$point);

        impl $name {
            /// Canonical compressed bytes, without the suite byte.
            pub const fn as_bytes(&self) -> &[u8; $crate::group::$point::BYTES] {
                self.0.as_bytes()
            }

            fn parse(bytes: &[u8; $crate::group::$point::BYTES]) -> Result<Self, $crate::DelegationError> {
                $crate::group::$point::from_bytes(bytes).map(Self)
            }
        }

        wire!($name, $crate::group::$point::BYTES);
    };
}
