//! Parameters: lengths, classes and times that genesis sets and more than two thirds of the validators may change (spec
//! L-20 to L-22). The length of a period is never changed: names and tickets count in it.

use yilian_crypto::ticket::Period;

use crate::{Refusal, Time, codec::codec_struct};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// 0 at genesis, one more at every change.
    pub sequence: u64,
    /// Ticket and expiry unit, ms (a day by default; seconds in the demo).
    pub period_ms: u64,
    /// How long a period's tickets stay valid after its end, ms.
    pub ticket_overlap_ms: u64,
    /// Expiry classes in periods, by default 7, 30, 90, 365.
    pub expiry_classes: [u32; 4],
    /// Header age after which clients call it stale, ms (120 s).
    pub stale_after_ms: u64,
    /// An idle chain makes a block every so often, ms (10 s).
    pub idle_block_ms: u64,
    /// How far a valid-until may lie ahead, ms.
    pub max_validity_ms: u64,
}

codec_struct!(Parameters {
    sequence,
    period_ms,
    ticket_overlap_ms,
    expiry_classes,
    stale_after_ms,
    idle_block_ms,
    max_validity_ms
});

impl Default for Parameters {
    /// Periods of a day, an hour of overlap.
    fn default() -> Self {
        Self {
            sequence: 0,
            period_ms: DAY,
            ticket_overlap_ms: HOUR,
            expiry_classes: [7, 30, 90, 365],
            stale_after_ms: 120 * SECOND,
            idle_block_ms: 10 * SECOND,
            max_validity_ms: HOUR,
        }
    }
}

impl Parameters {
    /// Bounds of spec L-21.
    pub fn validate(&self) -> Result<(), Refusal> {
        let classes = &self.expiry_classes;
        let sound = (SECOND..=31 * DAY).contains(&self.period_ms)
            && self.ticket_overlap_ms <= self.period_ms
            && classes[0] >= 1
            && classes.windows(2).all(|pair| pair[0] < pair[1])
            && classes[3] <= 3650
            && (SECOND..=DAY).contains(&self.stale_after_ms)
            && (100..=self.stale_after_ms / 2).contains(&self.idle_block_ms)
            && (SECOND..=7 * DAY).contains(&self.max_validity_ms);
        if sound { Ok(()) } else { Err(Refusal::ParametersBounds) }
    }

    /// The period that `time` lies in.
    pub fn period(&self, time: Time) -> Period {
        Period(u32::try_from(time.0 / self.period_ms.max(1)).unwrap_or(u32::MAX))
    }

    /// First instant of a period.
    pub fn begin(&self, period: Period) -> Time {
        Time(u64::from(period.0).saturating_mul(self.period_ms))
    }

    /// First instant after a period.
    pub fn end(&self, period: Period) -> Time {
        self.begin(period).after(self.period_ms)
    }

    /// The period at whose beginning a grant of `class` made at `time` ends: the class's length, rounded up to a
    /// boundary. Always later than the period of `time`.
    pub fn expiry(&self, time: Time, class: u8) -> Result<Period, Refusal> {
        let length = self.expiry_classes.get(usize::from(class)).ok_or(Refusal::ExpiryClass)?;
        let here = self.period(time);
        let begun = u32::from(self.begin(here) < time);
        Ok(Period(here.0.saturating_add(begun).saturating_add(*length)))
    }

    /// Whether a ticket of `period` is good at `time`: from its first instant until the overlap after its end is over.
    pub fn ticket_window(&self, period: Period, time: Time) -> Result<(), Refusal> {
        if time < self.begin(period) {
            return Err(Refusal::TicketEarly);
        }
        if time >= self.end(period).after(self.ticket_overlap_ms) {
            return Err(Refusal::TicketExpired);
        }
        Ok(())
    }
}
