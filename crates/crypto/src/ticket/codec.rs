//! Wire forms (spec T-1, T-3): all of fixed size.

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt as _, Write};

use super::{Class, MODULUS, PREFIX, Period, SUITE, Ticket, TicketKey};
use crate::{sign::VerifyingKey, suite};

impl Write for Class {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_u8(*self as u8);
    }
}

impl Read for Class {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let tag = u8::read(buf)?;
        Self::ALL.into_iter().find(|class| *class as u8 == tag).ok_or(Error::InvalidEnum(tag))
    }
}

impl FixedSize for Class {
    const SIZE: usize = 1;
}

impl Write for Period {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_u32(self.0);
    }
}

impl Read for Period {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self(u32::read(buf)?))
    }
}

impl FixedSize for Period {
    const SIZE: usize = 4;
}

impl Write for TicketKey {
    fn write(&self, buf: &mut impl BufMut) {
        SUITE.write(buf);
        buf.put_slice(self.modulus());
    }
}

impl Read for TicketKey {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let modulus = suite::read::<MODULUS>(SUITE, buf)?;
        Self::from_modulus(&modulus).map_err(|_| Error::Invalid("TicketKey", "not an odd 3072-bit modulus"))
    }
}

impl FixedSize for TicketKey {
    const SIZE: usize = 1 + MODULUS;
}

impl Write for Ticket {
    fn write(&self, buf: &mut impl BufMut) {
        SUITE.write(buf);
        self.class.write(buf);
        self.period.write(buf);
        self.one_time_key.write(buf);
        buf.put_slice(&self.prefix);
        buf.put_slice(&self.signature);
    }
}

impl Read for Ticket {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        suite::read::<0>(SUITE, buf)?;
        Ok(Self {
            class: Class::read(buf)?,
            period: Period::read(buf)?,
            one_time_key: VerifyingKey::read(buf)?,
            prefix: <[u8; PREFIX]>::read(buf)?,
            signature: <[u8; MODULUS]>::read(buf)?,
        })
    }
}

impl FixedSize for Ticket {
    const SIZE: usize = 1 + Class::SIZE + Period::SIZE + VerifyingKey::SIZE + PREFIX + MODULUS;
}
