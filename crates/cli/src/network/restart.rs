//! When a child that ended is started again: after a pause that doubles, and not at all when it keeps ending at once.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that ran so long is sound: its next end is the first one again.
const SOUND: Duration = Duration::from_secs(60);
/// A child that ran shorter failed at once.
const AT_ONCE: Duration = Duration::from_secs(5);
/// So many failures at once in a row, and it stays down.
const PATIENCE: u32 = 3;

/// What to do about a child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    RestartAfter(Duration),
    LeaveDown,
}

/// One child's past.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restarts {
    in_a_row: u32,
    at_once: u32,
}

impl Restarts {
    /// It ended after running for `ran`.
    pub fn ended(&mut self, ran: Duration) -> Verdict {
        if ran >= SOUND {
            *self = Self::default();
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.at_once = if ran < AT_ONCE { self.at_once + 1 } else { 0 };
        if self.at_once >= PATIENCE {
            return Verdict::LeaveDown;
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << (self.in_a_row - 1).min(5));
        Verdict::RestartAfter(doubled.min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);
    const WHILE: Duration = Duration::from_secs(20);

    fn after(seconds: u64) -> Verdict {
        Verdict::RestartAfter(Duration::from_secs(seconds))
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut restarts = Restarts::default();
        let verdicts: Vec<Verdict> = (0..7).map(|_| restarts.ended(WHILE)).collect();
        assert_eq!(verdicts, [1, 2, 4, 8, 16, 30, 30].map(after));
    }

    #[test]
    fn a_child_that_fails_at_once_is_left_down() {
        let mut restarts = Restarts::default();
        assert_eq!([restarts.ended(SHORT), restarts.ended(SHORT)], [after(1), after(2)]);
        assert_eq!(restarts.ended(SHORT), Verdict::LeaveDown);
    }

    #[test]
    fn a_child_that_ran_long_starts_over() {
        let mut restarts = Restarts::default();
        restarts.ended(SHORT);
        restarts.ended(SHORT);
        assert_eq!(restarts.ended(SOUND), after(1));
        assert_eq!(restarts.ended(SHORT), after(2));
    }
}
