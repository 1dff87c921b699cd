//! How this crate's own structures are laid out: bounded text and blobs, and one macro so that a structure's encoding
//! is the list of its fields in order (spec R-1).

use bytes::BufMut;
use commonware_codec::{Buf, Copying, Decode, EncodeSize, Error, RangeCfg, Read, Write};

/// Text of at most `MAX` bytes of UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Cuts at a character boundary when longer.
    pub fn clipped(text: &str) -> Self {
        let mut end = text.len().min(MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text[..end].to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> std::fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Write for Text<MAX> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.as_bytes().write(buf);
    }
}

impl<const MAX: usize> EncodeSize for Text<MAX> {
    fn encode_size(&self) -> usize {
        self.0.as_bytes().encode_size()
    }
}

impl<const MAX: usize> Read for Text<MAX> {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let bytes = Vec::<u8>::read_cfg(buf, &at_most(MAX))?;
        String::from_utf8(bytes).map(Self).map_err(|_| Error::Invalid("Text", "not UTF-8"))
    }
}

/// Bytes, at most `MAX`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> std::fmt::Debug for Blob<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<const MAX: usize> Write for Blob<MAX> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl<const MAX: usize> EncodeSize for Blob<MAX> {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl<const MAX: usize> Read for Blob<MAX> {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Vec::<u8>::read_cfg(buf, &at_most(MAX)).map(Self)
    }
}

/// Bound of a vector whose items need no configuration.
pub(crate) fn at_most(items: usize) -> (RangeCfg<usize>, ()) {
    (RangeCfg::new(0..=items), ())
}

/// Bound of a map.
pub(crate) fn entries(items: usize) -> (RangeCfg<usize>, ((), ())) {
    (RangeCfg::new(0..=items), ((), ()))
}

/// Decodes all of `bytes`; trailing bytes are refused.
pub(crate) fn decode<T: Read<Cfg = ()>>(bytes: &[u8]) -> Result<T, Error> {
    T::decode_cfg(Copying(bytes), &())
}

/// Encoding of a structure: its fields in order. `field: cfg` gives a bound where the field's type needs one.
macro_rules! layout {
    ($name:ident { $($field:ident $(: $cfg:expr)?),* $(,)? }) => {
        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                $(commonware_codec::Write::write(&self.$field, buf);)*
            }
        }

        impl commonware_codec::EncodeSize for $name {
            fn encode_size(&self) -> usize {
                0 $(+ commonware_codec::EncodeSize::encode_size(&self.$field))*
            }
        }

        impl commonware_codec::Read for $name {
            type Cfg = ();

            fn read_cfg(
                buf: &mut impl commonware_codec::Buf,
                _: &(),
            ) -> Result<Self, commonware_codec::Error> {
                Ok(Self { $($field: $crate::wire::layout!(@read buf $($cfg)?)),* })
            }
        }
    };
    (@read $buf:ident) => { commonware_codec::Read::read_cfg($buf, &())? };
    (@read $buf:ident $cfg:expr) => { commonware_codec::Read::read_cfg($buf, &$cfg)? };
}

/// Encoding of an enumeration without contents: one explicit tag byte, every other value refused.
macro_rules! tags {
    ($name:ident { $($variant:ident = $tag:literal),* $(,)? }) => {
        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                buf.put_u8(match self { $(Self::$variant => $tag),* });
            }
        }

        impl commonware_codec::FixedSize for $name {
            const SIZE: usize = 1;
        }

        impl commonware_codec::Read for $name {
            type Cfg = ();

            fn read_cfg(
                buf: &mut impl commonware_codec::Buf,
                _: &(),
            ) -> Result<Self, commonware_codec::Error> {
                match u8::read_cfg(buf, &())? {
                    $($tag => Ok(Self::$variant),)*
                    other => Err(commonware_codec::Error::InvalidEnum(other)),
                }
            }
        }
    };
}

pub(crate) use {layout, tags};
