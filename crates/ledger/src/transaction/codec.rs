//! Wire forms of transactions (spec L-51): fields in order, one tag byte before a choice, every list bounded.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest,
    sign::Signature,
    ticket::{Class, Period, TicketKey},
};

use super::{
    Action, AddMember, BYTES_PER_TICKET, Body, Create, Governance, Grant, MAX_TICKETS, Payment, Revoke,
    Transaction, Withdraw,
};
use crate::{
    Parameters, Time,
    codec::{codec_struct, read_level, read_list},
    committee::{MAX_COMMITTEE, SetCommittee},
    name::MemberId,
};

/// Bound on a certificate while decoding; one longer than `MAX_CERTIFICATE` has a refusal of its own.
const MAX_DER: usize = BYTES_PER_TICKET;

codec_struct!(Transaction { chain, body });
codec_struct!(Create { owner, capsule, wrapped, com, owner_signature, payment });
codec_struct!(Grant {
    owner,
    withdrawal,
    rk,
    expiry_class,
    valid_until,
    owner_signature,
    withdrawal_signature,
    payment
});
codec_struct!(Withdraw { withdrawal, signature });

impl Write for Body {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Create(body) => tagged_write(1, body, buf),
            Self::Grant(body) => tagged_write(2, body, buf),
            Self::Withdraw(body) => tagged_write(3, body, buf),
            Self::AddMember(body) => tagged_write(4, body, buf),
            Self::Revoke(body) => tagged_write(5, body, buf),
            Self::Governance(body) => tagged_write(6, body, buf),
        }
    }
}

fn tagged_write(tag: u8, body: &impl Write, buf: &mut impl BufMut) {
    tag.write(buf);
    body.write(buf);
}

impl EncodeSize for Body {
    fn encode_size(&self) -> usize {
        1 + match self {
            Self::Create(body) => body.encode_size(),
            Self::Grant(body) => body.encode_size(),
            Self::Withdraw(body) => body.encode_size(),
            Self::AddMember(body) => body.encode_size(),
            Self::Revoke(body) => body.encode_size(),
            Self::Governance(body) => body.encode_size(),
        }
    }
}

impl Read for Body {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(match u8::read(buf)? {
            1 => Self::Create(Create::read(buf)?),
            2 => Self::Grant(Grant::read(buf)?),
            3 => Self::Withdraw(Withdraw::read(buf)?),
            4 => Self::AddMember(AddMember::read(buf)?),
            5 => Self::Revoke(Revoke::read(buf)?),
            6 => Self::Governance(Governance::read(buf)?),
            other => return Err(Error::InvalidEnum(other)),
        })
    }
}

impl Write for Payment {
    fn write(&self, buf: &mut impl BufMut) {
        self.tickets.write(buf);
    }
}

impl EncodeSize for Payment {
    fn encode_size(&self) -> usize {
        self.tickets.encode_size()
    }
}

impl Read for Payment {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self { tickets: Vec::read_cfg(buf, &(RangeCfg::new(0..=MAX_TICKETS), ((), ())))? })
    }
}

impl Write for AddMember {
    fn write(&self, buf: &mut impl BufMut) {
        self.issuer.write(buf);
        self.certificate.write(buf);
    }
}

impl EncodeSize for AddMember {
    fn encode_size(&self) -> usize {
        self.issuer.encode_size() + self.certificate.encode_size()
    }
}

impl Read for AddMember {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self { issuer: MemberId::read(buf)?, certificate: read_list(buf, 0, MAX_DER)? })
    }
}

impl Write for Revoke {
    fn write(&self, buf: &mut impl BufMut) {
        (self.level as u8).write(buf);
        self.member.write(buf);
        self.certificate.write(buf);
        self.signature.write(buf);
    }
}

impl EncodeSize for Revoke {
    fn encode_size(&self) -> usize {
        1 + self.member.encode_size() + self.certificate.encode_size() + self.signature.encode_size()
    }
}

impl Read for Revoke {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            level: read_level(buf)?,
            member: MemberId::read(buf)?,
            certificate: Option::<Digest>::read(buf)?,
            signature: Signature::read(buf)?,
        })
    }
}

impl Write for Governance {
    fn write(&self, buf: &mut impl BufMut) {
        self.action.write(buf);
        self.valid_until.write(buf);
        self.signatures.write(buf);
    }
}

impl EncodeSize for Governance {
    fn encode_size(&self) -> usize {
        self.action.encode_size() + self.valid_until.encode_size() + self.signatures.encode_size()
    }
}

impl Read for Governance {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            action: Action::read(buf)?,
            valid_until: Time::read(buf)?,
            signatures: Vec::read_cfg(buf, &(RangeCfg::new(0..=MAX_COMMITTEE), ((), ())))?,
        })
    }
}

impl Write for Action {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::AddRoot { certificate } => tagged_write(1, certificate, buf),
            Self::RevokeRoot { member } => tagged_write(2, member, buf),
            Self::SetTicketKey { class, period, key } => {
                tagged_write(3, class, buf);
                period.write(buf);
                key.write(buf);
            }
            Self::SetParameters(parameters) => tagged_write(4, parameters, buf),
            Self::SetCommittee(set) => tagged_write(5, set, buf),
        }
    }
}

impl EncodeSize for Action {
    fn encode_size(&self) -> usize {
        1 + match self {
            Self::AddRoot { certificate } => certificate.encode_size(),
            Self::RevokeRoot { member } => member.encode_size(),
            Self::SetTicketKey { class, period, key } => {
                class.encode_size() + period.encode_size() + key.encode_size()
            }
            Self::SetParameters(parameters) => parameters.encode_size(),
            Self::SetCommittee(set) => set.encode_size(),
        }
    }
}

impl Read for Action {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(match u8::read(buf)? {
            1 => Self::AddRoot { certificate: read_list(buf, 0, MAX_DER)? },
            2 => Self::RevokeRoot { member: MemberId::read(buf)? },
            3 => Self::SetTicketKey {
                class: Class::read(buf)?,
                period: Period::read(buf)?,
                key: TicketKey::read(buf)?,
            },
            4 => Self::SetParameters(Parameters::read(buf)?),
            5 => Self::SetCommittee(SetCommittee::read(buf)?),
            other => return Err(Error::InvalidEnum(other)),
        })
    }
}
