//! Arguments that fix a new chain's parameters.

use clap::Args;
use yilian_ledger::{Parameters, genesis::EPOCH_BLOCKS};

use crate::failure;

const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, Debug, Default, Args)]
pub struct ChainArguments {
    /// Length of a new chain's period: the unit of tickets and expiry [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    period_seconds: Option<u64>,

    /// How long grants of each of the four classes last, in periods [default: 7,30,90,365]
    #[arg(long, value_name = "A,B,C,D", value_parser = expiry_classes)]
    expiry_classes: Option<ExpiryClasses>,

    /// A new chain makes a block every so often when nothing happens [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = milliseconds)]
    idle_block_seconds: Option<Milliseconds>,

    /// Blocks of a new chain's epochs: committees change between epochs only [default: 1024]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(2..=1 << 20))]
    epoch_blocks: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct ExpiryClasses([u32; 4]);

#[derive(Clone, Copy, Debug)]
struct Milliseconds(u64);

impl ChainArguments {
    /// The first argument that was given.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--period-seconds", self.period_seconds.is_some()),
            ("--expiry-classes", self.expiry_classes.is_some()),
            ("--idle-block-seconds", self.idle_block_seconds.is_some()),
            ("--epoch-blocks", self.epoch_blocks.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// Blocks of an epoch.
    pub fn epoch_blocks(&self) -> u64 {
        self.epoch_blocks.unwrap_or(EPOCH_BLOCKS)
    }

    /// Within the ledger's bounds, or wrong usage.
    pub fn parameters(&self) -> anyhow::Result<Parameters> {
        let default = Parameters::default();
        let period_ms = self.period_seconds.map_or(default.period_ms, |seconds| seconds.saturating_mul(1000));
        let parameters = Parameters {
            period_ms,
            // Short periods leave less room for what is under way at their end.
            ticket_overlap_ms: HOUR_MS.min(period_ms / 2),
            expiry_classes: self.expiry_classes.map_or(default.expiry_classes, |classes| classes.0),
            idle_block_ms: self.idle_block_seconds.map_or(default.idle_block_ms, |ms| ms.0),
            ..default
        };
        parameters.validate().map_err(|_| {
            failure::usage(
                "out of bounds: --period-seconds is 1 to 2678400 (31 days), --expiry-classes ascend from 1 to 3650, \
                 --idle-block-seconds is 0.1 to 60",
            )
        })?;
        Ok(parameters)
    }
}

fn expiry_classes(text: &str) -> Result<ExpiryClasses, String> {
    let periods: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let classes = periods.ok().and_then(|list| <[u32; 4]>::try_from(list).ok());
    classes
        .map(ExpiryClasses)
        .ok_or_else(|| "four numbers of periods are expected, such as 7,30,90,365".into())
}

fn milliseconds(text: &str) -> Result<Milliseconds, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=1e6).contains(&seconds) => Ok(Milliseconds((seconds * 1000.0).round() as u64)),
        _ => Err("a number of seconds is expected, such as 10 or 0.5".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn expiry_classes_are_four_numbers() {
        assert_eq!(expiry_classes("1, 2,3,4").unwrap().0, [1, 2, 3, 4]);
        for wrong in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,-4"] {
            assert!(expiry_classes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_may_have_fractions() {
        assert_eq!(milliseconds("0.5").unwrap().0, 500);
        for wrong in ["", "x", "-1", "NaN", "inf", "1e9"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parameters_stay_within_the_ledgers_bounds() {
        assert_eq!(ChainArguments::default().parameters().unwrap(), Parameters::default());
        let short = ChainArguments { period_seconds: Some(20), ..Default::default() };
        assert_eq!(short.parameters().unwrap().ticket_overlap_ms, 10_000);
        let never = ChainArguments { period_seconds: Some(0), ..Default::default() };
        assert!(never.parameters().unwrap_err().is::<failure::Usage>());
    }
}
