//! What a seed stands for: how many validators, how good the network, who lies and how, what fails and when.

use yilian_testkit::ledger::Seeded;

/// How long things fail, ms of simulated time.
pub const ACTIVE_MS: u64 = 30_000;
/// How long all may take to be well again afterwards, ms of simulated time.
pub const HEALING_MS: u64 = 60_000;

/// What a dishonest validator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treason {
    /// Proposes blocks that break a rule, each time another.
    InvalidBlocks,
    /// Sends one half of the others one block and the other half another, and votes for both; contradicts its own votes.
    Equivocation,
    /// Is two validators with one key, each with its own pool and state, each heard by a part of the others.
    Twins,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A validator's power goes now, or after so many operations of its disk; it comes back after `down` ms.
    Crash { node: usize, after: Option<u64>, down: u64 },
    /// The power of all goes.
    Blackout { down: u64 },
    /// Members of the mask do not reach the others for so long, ms.
    Partition { mask: u32, lasts: u64 },
    /// One does not reach another for so long, ms.
    Cut { from: usize, to: usize, lasts: u64 },
}

/// Everything that a run hangs on.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    pub validators: usize,
    /// Their places in the committee.
    pub traitors: Vec<(usize, Treason)>,
    /// Mean latency of a message and its deviation, ms.
    pub latency: (u64, u64),
    /// Messages in a hundred that arrive while things fail.
    pub arrive: u64,
    /// Error of each validator's clock, ms.
    pub skews: Vec<i64>,
    /// By time, ms.
    pub faults: Vec<(u64, Fault)>,
    /// Times at which clients want something, ms.
    pub orders: Vec<u64>,
    /// Who breaks the protocol is cut off by those who notice.
    pub disconnects: bool,
}

impl Scenario {
    /// A third of all seeds has seven validators, two of them traitors, the rest four with one.
    pub fn of(seed: u64) -> Self {
        let mut rng = Seeded::new(seed ^ 0xc0de << 32);
        let validators = if seed % 3 == 2 { 7 } else { 4 };
        let number = if validators == 7 { 2 } else { 1 };
        let first = rng.below(validators as u64) as usize;
        let traitors: Vec<_> =
            (0..number).map(|i| ((first + 3 * i) % validators, treason(&mut rng))).collect();
        let honest: Vec<usize> =
            (0..validators).filter(|i| traitors.iter().all(|(traitor, _)| traitor != i)).collect();
        Self {
            seed,
            validators,
            latency: (5 + rng.below(70), rng.below(25)),
            arrive: 85 + rng.below(16),
            skews: (0..validators).map(|_| rng.below(1_400) as i64 - 700).collect(),
            faults: faults(&mut rng, &honest, validators),
            orders: orders(&mut rng),
            disconnects: rng.below(2) == 0,
            traitors,
        }
    }

    pub fn honest(&self) -> Vec<usize> {
        (0..self.validators).filter(|i| self.traitors.iter().all(|(traitor, _)| traitor != i)).collect()
    }

    /// In a few words.
    pub fn summary(&self) -> String {
        let count = |f: fn(&Fault) -> bool| self.faults.iter().filter(|(_, fault)| f(fault)).count();
        let treasons: Vec<_> = self.traitors.iter().map(|(_, treason)| format!("{treason:?}")).collect();
        format!(
            "{} validators, {}, {} ± {} ms, {} % lost, {} crashes, {} blackouts, {} partitions, {} cut links",
            self.validators,
            if treasons.is_empty() { "no traitor".into() } else { treasons.join(" and ") },
            self.latency.0,
            self.latency.1,
            100 - self.arrive,
            count(|f| matches!(f, Fault::Crash { .. })),
            count(|f| matches!(f, Fault::Blackout { .. })),
            count(|f| matches!(f, Fault::Partition { .. })),
            count(|f| matches!(f, Fault::Cut { .. })),
        )
    }
}

fn treason(rng: &mut Seeded) -> Treason {
    match rng.below(3) {
        0 => Treason::InvalidBlocks,
        1 => Treason::Equivocation,
        _ => Treason::Twins,
    }
}

fn faults(rng: &mut Seeded, honest: &[usize], validators: usize) -> Vec<(u64, Fault)> {
    let mut faults = Vec::new();
    let mut at = 2_000 + rng.below(2_000);
    while at < ACTIVE_MS {
        let pick = |rng: &mut Seeded| honest[rng.below(honest.len() as u64) as usize];
        let lasts = 500 + rng.below(5_000);
        let fault = match rng.below(12) {
            0..3 => Fault::Crash { node: pick(rng), after: None, down: lasts },
            3..7 => Fault::Crash { node: pick(rng), after: Some(rng.below(120)), down: lasts },
            7 => Fault::Blackout { down: lasts / 2 },
            8..10 => Fault::Partition { mask: rng.below(1 << validators) as u32, lasts },
            _ => Fault::Cut { from: pick(rng), to: pick(rng), lasts },
        };
        faults.push((at, fault));
        at += 500 + rng.below(5_000);
    }
    faults
}

fn orders(rng: &mut Seeded) -> Vec<u64> {
    let mut orders = Vec::new();
    let mut at = 500;
    while at < ACTIVE_MS {
        orders.push(at);
        at += 100 + rng.below(1_600);
    }
    orders
}
