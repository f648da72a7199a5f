//! The operator in a simulated world: the reconcile functions themselves, on a schedule drawn from a seed.
//!
//! kube's `Controller` is left out, and with it everything that chance decides on a real machine. One thread carries out one event
//! at a time: a call arrives, an answer comes back, a watch delivers, a replica starts, a process is killed. Between two events every
//! task runs until it waits, so a seed names a schedule, and the same seed gives the same life on every machine.
//!
//! A life has two parts. At first everything goes wrong that may: calls are lost, late or refused, processes are killed at any await,
//! databases fail over, replicas are evicted. Then all is well, and everybody must come to have what fits.

mod dice;
mod happenings;
mod network;
mod omission;
mod process;
mod promise;
mod scene;
mod server;
mod target;
mod tests;
mod world;

use std::time::Duration;

use self::{
    dice::Dice,
    omission::Omission,
    process::Process,
    world::{Event, Object, Shared, World},
};

/// How long a quiet world must stay as it is, in milliseconds.
const QUIET: u64 = 120_000;
/// How long after the last fault all must be quiet, in milliseconds.
const AT_LEAST_QUIET_AFTER: u64 = 15 * 60_000;

/// The most that a clock is set forth or back, in milliseconds.
const CLOCK_STEP: u64 = 3_600_000;

/// How a life went.
struct Life {
    broken: Option<String>,
    story: Vec<String>,
    calls: u64,
    events: u64,
}

/// Lives one life. `told`: its story is kept.
fn live(seed: u64, omission: Option<Omission>, told: bool) -> Life {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut dice = Dice::new(seed);
    let world = Shared::new(World::new(dice.split(), omission, told));
    let events = runtime.block_on(Schedule { world: world.clone(), dice, process: None, processes: 0 }.run());
    let mut world = world.lock();
    let story = world.story.take().unwrap_or_default();
    Life { broken: world.broken.take(), story, calls: world.called, events }
}

/// What happens next, again and again.
struct Schedule {
    world: Shared,
    dice: Dice,
    process: Option<Process>,
    processes: u64,
}

impl Schedule {
    /// Runs until the promise is broken, or all has been quiet for long. Counts the events.
    async fn run(mut self) -> u64 {
        let mut events = 0;
        let mut quiet_by = None;
        loop {
            let Some((ahead, event)) = self.world.lock().next() else { return events };
            events += 1;
            if ahead > 0 {
                tokio::time::advance(Duration::from_millis(ahead)).await;
            }
            if matches!(event, Event::Calm) {
                quiet_by = Some(self.world.lock().now + AT_LEAST_QUIET_AFTER);
            }
            self.happen(event);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            self.go_on();
            let mut world = self.world.lock();
            promise::check(&mut world);
            if world.broken.is_some() {
                return events;
            }
            if let Some(by) = quiet_by
                && (world.now > by
                    || (world.calm && world.now > world.written_at.max(by - AT_LEAST_QUIET_AFTER) + QUIET))
            {
                promise::check_quiet(&mut world);
                if world.broken.is_none() && world.now > by && world.now < world.written_at + QUIET {
                    world.break_promise("the world is quiet, and the operator still writes".to_owned());
                }
                return events;
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(call) => {
                self.maybe_crash();
                self.world.lock().arrive(call);
                self.maybe_crash();
            }
            Event::Answer(call) => self.world.lock().answer(call),
            Event::Tick => {}
            Event::StoreLate(call) => drop(server::serve(&mut self.world.lock(), &call)),
            Event::Start => self.start(),
            Event::Listed(id) => {
                if let Some(process) = self.process.as_mut().filter(|process| process.id == id) {
                    let now = self.world.lock().now;
                    self.world.lock().watchers.insert(id, now);
                    process.list();
                }
            }
            Event::Seen(id, changed) => {
                if let Some(process) = self.process.as_mut().filter(|process| process.id == id) {
                    process.see(changed);
                }
            }
            Event::Wake(id, object) => {
                if let Some(process) = self.process.as_mut().filter(|process| process.id == id) {
                    process.look_if_due(object);
                }
            }
            Event::Tend(at) => self.world.lock().tend(at),
            Event::Move(at, replica) => self.world.lock().step(at, replica),
            Event::Load(at) => {
                self.world.lock().load(at);
                if let Some(process) = &mut self.process {
                    process.wake(Object::Scaler(at));
                }
            }
            Event::RollOut(at) => self.world.lock().roll_out(at),
            Event::Evict(at) => self.world.lock().evict(at),
            Event::Wipe(at) => self.world.lock().wipe(at),
            Event::Scale(at, replicas) => self.world.lock().scale_by_hand(at, replicas),
            Event::Delete(at) => self.world.lock().delete(at),
            Event::FailOver(at) => self.world.lock().fail_over(at),
            Event::SetClocks => {
                let ahead =
                    i64::try_from(self.dice.within(0, 2 * CLOCK_STEP)).unwrap() - i64::try_from(CLOCK_STEP).unwrap();
                self.world.lock().tell(|| format!("the clock is set by {ahead} ms"));
                if let Some(process) = &self.process {
                    process.set_clock(ahead);
                }
            }
            Event::Calm => self.world.lock().calm_down(),
        }
    }

    /// Takes up what ended, and wakes what is to be woken.
    fn go_on(&mut self) {
        let Some(process) = &mut self.process else { return };
        let later = process.go_on();
        let mut world = self.world.lock();
        for (after, object) in later {
            world.note(after, Event::Wake(process.id, object));
        }
        if process.has_panicked() {
            world.break_promise("a reconcile panicked".to_owned());
        }
    }

    fn start(&mut self) {
        self.processes += 1;
        let id = self.processes;
        self.world.lock().tell(|| format!("process {id} starts"));
        self.process = Some(Process::start(id, &self.world, &mut self.dice));
        let mut world = self.world.lock();
        let after = world.delay(200, 5_000);
        world.note(after, Event::Listed(id));
    }

    /// Kills the process, sometimes: its memory is lost, what it has sent is on its way.
    fn maybe_crash(&mut self) {
        let killed = {
            let world = self.world.lock();
            if world.calm { 0 } else { world.rates.killed }
        };
        if !self.dice.chance(killed) {
            return;
        }
        if let Some(process) = self.process.take() {
            let mut world = self.world.lock();
            world.tell(|| format!("process {} is killed", process.id));
            world.watchers.remove(&process.id);
            let after = world.delay(1_000, 30_000);
            world.note(after, Event::Start);
            drop(world);
            drop(process);
        }
    }
}
