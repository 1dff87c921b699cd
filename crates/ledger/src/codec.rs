//! Small pieces for codecs: a struct whose fields are all plain is written field by field, in order (spec L-2).

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, Write};

/// Codec of a struct whose fields need no configuration: the concatenation of its fields.
macro_rules! codec_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl commonware_codec::Write for $type {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                $(commonware_codec::Write::write(&self.$field, buf);)*
            }
        }
        impl commonware_codec::EncodeSize for $type {
            fn encode_size(&self) -> usize {
                0 $(+ commonware_codec::EncodeSize::encode_size(&self.$field))*
            }
        }
        impl commonware_codec::Read for $type {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, _: &()) -> Result<Self, commonware_codec::Error> {
                Ok(Self { $($field: commonware_codec::ReadExt::read(buf)?),* })
            }
        }
    };
}

/// Codec of a newtype over a plain, fixed-size value.
macro_rules! codec_newtype {
    ($type:ident($inner:ty)) => {
        impl commonware_codec::Write for $type {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                commonware_codec::Write::write(&self.0, buf);
            }
        }
        impl commonware_codec::FixedSize for $type {
            const SIZE: usize = <$inner as commonware_codec::FixedSize>::SIZE;
        }
        impl commonware_codec::Read for $type {
            type Cfg = ();
            fn read_cfg(
                buf: &mut impl commonware_codec::Buf,
                _: &(),
            ) -> Result<Self, commonware_codec::Error> {
                Ok(Self(commonware_codec::ReadExt::read(buf)?))
            }
        }
    };
}

pub(crate) use {codec_newtype, codec_struct};

/// Reads a list of at least `min` and at most `max` plain values.
pub(crate) fn read_list<T: Read<Cfg = ()>>(
    buf: &mut impl Buf,
    min: usize,
    max: usize,
) -> Result<Vec<T>, Error> {
    Vec::<T>::read_cfg(buf, &(RangeCfg::new(min..=max), ()))
}

/// A certificate level as one byte.
pub(crate) fn read_level(buf: &mut impl Buf) -> Result<yilian_crypto::certificate::Level, Error> {
    let byte = u8::read_cfg(buf, &())?;
    yilian_crypto::certificate::Level::from_u8(byte).ok_or(Error::InvalidEnum(byte))
}

/// Text: a bounded list of UTF-8 bytes.
pub(crate) fn write_text(text: &str, buf: &mut impl BufMut) {
    text.as_bytes().write(buf);
}

pub(crate) fn text_size(text: &str) -> usize {
    text.as_bytes().encode_size()
}

pub(crate) fn read_text(buf: &mut impl Buf, min: usize, max: usize) -> Result<String, Error> {
    String::from_utf8(read_list::<u8>(buf, min, max)?).map_err(|_| Error::Invalid("text", "not UTF-8"))
}
