//! One run: things fail for a while, all is well again, and every promise is looked at.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use commonware_runtime::{Clock as _, Runner as _, Spawner as _, Supervisor as _, deterministic};
use yilian_chain::TransactionStatus;
use yilian_crypto::hash::sha256;
use yilian_finality::{Trust, verify, verify_answer};
use yilian_ledger::{Name, Time};

use crate::{
    board::Board,
    client,
    network::Machines,
    scenario::{ACTIVE_MS, Fault, HEALING_MS, Scenario},
    storage::ENTRIES,
    violation::{Report, Violation},
    world::{Outside, start},
};

/// How often a run looks at its validators, ms.
const TICK_MS: u64 = 50;
/// Blocks that must be built once all is well.
const PROGRESS: u64 = 3;

/// What is broken on purpose, so that the checks are seen to find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weakness {
    /// Nothing.
    #[default]
    None,
    /// The entry store's disk says that it has synchronized, and has not.
    LyingDisk,
    /// Things never get well again: a part of the network stays alone.
    NeverHealed,
    /// The disks of entry stores rot while the power is away.
    RottenDisk,
}

/// Runs a scenario in simulated time, in this thread.
pub fn run(scenario: &Scenario) -> Result<Report, Violation> {
    run_weakened(scenario, Weakness::None)
}

pub fn run_weakened(scenario: &Scenario, weakness: Weakness) -> Result<Report, Violation> {
    let config = deterministic::Config::new().with_seed(scenario.seed).with_start_time(start());
    let scenario = scenario.clone();
    let run = move || {
        deterministic::Runner::new(config).start(|context| async move {
            let result = Show::new(&context, scenario, weakness).await.play().await;
            let auditor = context.auditor().state();
            result.map(|report| {
                let trace = sha256(&[report.trace.0.as_slice(), auditor.as_bytes()].concat());
                Report { trace, ..report }
            })
        })
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Violation::Panicked(text.unwrap_or_default()))
    })
}

struct Show {
    context: deterministic::Context,
    scenario: Scenario,
    weakness: Weakness,
    outside: Outside,
    machines: Machines,
    board: Board,
    /// When a validator's power comes back, ms.
    returns: Vec<(u64, usize)>,
    /// How long those will be away that lose their power at some operation, ms.
    armed: Vec<(usize, u64)>,
    orders: u64,
}

impl Show {
    async fn new(context: &deterministic::Context, scenario: Scenario, weakness: Weakness) -> Self {
        let outside = Outside::new(scenario.seed, scenario.validators);
        let board = Board::default();
        let machines = Machines::new(context, &scenario, &outside, board.clone()).await;
        if weakness == Weakness::LyingDisk {
            machines.honest.values().for_each(|site| site.disk.lie_about(ENTRIES));
        }
        Self {
            context: context.child("show"),
            scenario,
            weakness,
            outside,
            machines,
            board,
            returns: Vec::new(),
            armed: Vec::new(),
            orders: 0,
        }
    }

    /// Since the beginning, ms.
    fn now(&self) -> u64 {
        self.context.current().duration_since(start()).map_or(0, |d| d.as_millis() as u64)
    }

    fn time(&self) -> Time {
        Time(start().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64) + self.now())
    }

    async fn play(mut self) -> Result<Report, Violation> {
        for node in self.machines.down() {
            self.machines.start(node).await;
        }
        while self.now() < ACTIVE_MS {
            self.tick().await?;
        }
        let healed = self.now();
        self.heal().await?;
        let goal = self.machines.heights().into_values().max().unwrap_or(0) + PROGRESS;
        loop {
            let (heights, waiting) = (self.machines.heights(), self.board.waiting());
            // What one acknowledged a moment ago, the others have a moment later.
            let goal = goal.max(self.board.highest());
            if waiting == 0 && heights.values().all(|height| *height >= goal) {
                break;
            }
            if self.now() > healed + HEALING_MS {
                return Err(Violation::Stalled { heights, waiting, goal });
            }
            self.tick().await?;
        }
        let proved = self.prove().await?;
        self.machines.judge().await;
        self.verdict()?;
        let (heads, height) = (self.board.heads(), self.machines.heights().into_values().min());
        for digest in heads.values() {
            self.board.note(&digest.to_string());
        }
        let report = Report {
            trace: self.board.trace(),
            height: height.unwrap_or(0),
            acknowledged: self.board.acknowledged().len(),
            refused: self.board.refused(),
            crashes: self.machines.crashes() as usize,
            proved,
            spoiled: self.machines.spoiled().len(),
            lasted: self.now(),
        };
        self.board.close_all();
        Ok(report)
    }

    fn verdict(&self) -> Result<(), Violation> {
        self.board.violation().map_or(Ok(()), Err)
    }

    async fn tick(&mut self) -> Result<(), Violation> {
        let now = self.now();
        while let Some((_, fault)) = self.scenario.faults.first().filter(|(at, _)| *at <= now).copied() {
            self.scenario.faults.remove(0);
            self.inflict(fault, now);
        }
        for node in self.machines.dark() {
            self.machines.crash(node);
            let down = self.armed.iter().find(|(armed, _)| *armed == node).map_or(1_000, |(_, down)| *down);
            self.armed.retain(|(armed, _)| *armed != node);
            self.returns.push((now + down, node));
        }
        let due: Vec<usize> =
            self.returns.iter().filter(|(at, _)| *at <= now).map(|(_, node)| *node).collect();
        self.returns.retain(|(at, _)| *at > now);
        for node in due {
            self.machines.start(node).await;
        }
        self.machines.links.update(now).await;
        while self.scenario.orders.first().is_some_and(|at| *at <= now) {
            self.scenario.orders.remove(0);
            self.order();
        }
        self.machines.look().await;
        self.verdict()?;
        self.context.sleep(Duration::from_millis(TICK_MS)).await;
        Ok(())
    }

    fn inflict(&mut self, fault: Fault, now: u64) {
        self.board.note(&format!("at {now}: {fault:?}"));
        match fault {
            Fault::Crash { node, after: None, down } => self.fell(node, now + down),
            Fault::Crash { node, after: Some(operations), down } => {
                if self.machines.arm(node, operations) {
                    self.armed.push((node, down));
                }
            }
            Fault::Blackout { down } => {
                for node in self.scenario.honest() {
                    self.fell(node, now + down);
                }
            }
            Fault::Partition { mask, lasts } => self.machines.links.part(mask, now + lasts),
            Fault::Cut { from, to, lasts } => self.machines.links.cut(from, to, now + lasts),
        }
    }

    fn fell(&mut self, node: usize, back: u64) {
        if self.machines.crash(node) {
            self.returns.push((back, node));
        }
    }

    fn order(&mut self) {
        let now = self.time();
        for order in self.outside.next(now) {
            self.orders += 1;
            self.board.begin();
            let (board, seed) = (self.board.clone(), self.scenario.seed ^ (self.orders << 32));
            self.context.child("client").spawn(move |clock| client::serve(clock, board, order, seed));
        }
    }

    async fn heal(&mut self) -> Result<(), Violation> {
        self.board.note("all is well again");
        if self.weakness == Weakness::NeverHealed {
            // Two of four are no quorum.
            let half = (1 << (self.scenario.validators / 2)) - 1;
            self.machines.links.part(half, u64::MAX);
        } else {
            self.machines.links.heal(&self.scenario).await;
        }
        for node in self.machines.dark() {
            self.machines.crash(node);
        }
        for site in self.machines.honest.values() {
            site.disk.disarm();
        }
        if self.weakness == Weakness::RottenDisk {
            let node = *self.machines.honest.keys().next().expect("somebody is honest");
            self.machines.crash(node);
            self.machines.honest[&node].disk.rot(ENTRIES);
        }
        for node in self.machines.down() {
            self.machines.start(node).await;
        }
        self.returns.clear();
        self.verdict()
    }

    /// Every acknowledged transaction is known everywhere, in its place, and what it left is proved to a light client.
    async fn prove(&mut self) -> Result<usize, Violation> {
        let mut proved = 0;
        for node in self.scenario.honest() {
            let handle = self.board.handle(node).expect("all are up");
            for (transaction, known) in self.board.acknowledged() {
                match handle.transaction(transaction).await {
                    Ok(Some(TransactionStatus::Included(place))) if place == known.place => {}
                    Ok(Some(TransactionStatus::Included(place))) => {
                        let places = Box::new([known.place, place]);
                        return Err(Violation::Moved { transaction, places });
                    }
                    _ => return Err(Violation::Lost { node, transaction }),
                }
            }
            for order in self.board.applied() {
                let Some(name) = order.leaves else { continue };
                self.prove_one(node, name).await.map_err(|why| Violation::Unprovable {
                    node,
                    what: order.kind,
                    why,
                })?;
                proved += 1;
            }
        }
        Ok(proved)
    }

    async fn prove_one(&self, node: usize, name: Name) -> Result<(), String> {
        let handle = self.board.handle(node).expect("all are up");
        let answered = handle.answer(name).await.map_err(|error| error.to_string())?;
        let trust = Trust::genesis(self.outside.genesis()).map_err(|error| error.to_string())?;
        let header = verify(&trust, &answered.snapshot, self.time()).map_err(|error| error.to_string())?;
        match verify_answer(&header, &name, &answered.answer) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("proved absent".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}
