//! The operator's decisions, written to a file as they are made: one line of JSON each, with everything that it was made from, so that
//! `hybridscaler decide --replay` can make it again.
//!
//! A turn never waits for the disk: it leaves a copy for a thread that writes, and what that thread cannot take in time is counted and
//! left out. The record is bounded: a file that has grown to half the limit becomes `FILE.1` in place of the one before.

mod file;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use hybridscaler_core::{Decision, history::History, observation::Observation};
use jiff::Timestamp;

use self::file::BoundedFile;
use crate::api::{
    HybridScalerSpec,
    decision::{self, DecisionInput, DecisionOutput, DecisionRecord},
    formulas::Readings,
    spec_error::SpecError,
};

/// Decisions that may wait to be written.
const WAITING: usize = 256;

/// Takes decisions for the record; without one, it takes none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<Desk>>);

/// Where decisions wait to be written.
struct Desk {
    papers: SyncSender<Paper>,
    left_out: AtomicU64,
}

enum Paper {
    Decision(Box<Noted>),
    End,
}

/// A decision with everything that it was made from.
#[derive(Clone, Debug)]
pub struct Noted {
    /// `namespace/name` of the scaler.
    pub name: String,
    /// Its spec.
    pub spec: HybridScalerSpec,
    /// What its signals said, by the names of their triggers.
    pub read: Readings,
    /// What was seen of its target, and the readings that its triggers were decided by.
    pub seen: Observation,
    /// What was remembered before the look.
    pub before: History,
    /// When it was decided.
    pub now: Timestamp,
    /// What was decided, with the budget's answer.
    pub decision: Decision,
    /// What was remembered after the look, before the target was told anything.
    pub after: History,
}

/// A record that is being written.
#[must_use = "a record that is not ended may lack its last decisions"]
pub struct Recording {
    desk: Arc<Desk>,
    writer: JoinHandle<()>,
}

impl Recorder {
    /// Keeps a record in the file at `path`, which is appended to, and in `path` with `.1` behind it: at most `limit` bytes in both.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread started.
    pub fn start(path: &Path, limit: u64) -> io::Result<(Self, Recording)> {
        let mut file = BoundedFile::open(path, limit)?;
        let (to, from) = sync_channel(WAITING);
        let desk = Arc::new(Desk { papers: to, left_out: AtomicU64::new(0) });
        let own = Arc::clone(&desk);
        let writer = thread::Builder::new().name("record".into()).spawn(move || own.write(&from, &mut file))?;
        Ok((Self(Some(Arc::clone(&desk))), Recording { desk, writer }))
    }

    /// Whether a record is kept; where none is, nothing need be remembered for it.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves a decision for the record, made by `decision` only if a record is kept. It never waits.
    pub fn note(&self, decision: impl FnOnce() -> Noted) {
        let Some(desk) = &self.0 else { return };
        if desk.papers.try_send(Paper::Decision(Box::new(decision()))).is_err() {
            desk.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Decisions that were left out since the start, because they came faster than they could be written, or could not be written.
    pub fn left_out(&self) -> u64 {
        self.0.as_ref().map_or(0, |desk| desk.left_out.load(Ordering::Relaxed))
    }
}

impl Recording {
    /// Writes what still waits, and ends the record.
    pub fn end(self) {
        let Self { desk, writer } = self;
        if desk.papers.send(Paper::End).is_ok() && writer.join().is_err() {
            tracing::warn!("the record ended early");
        }
        let left_out = desk.left_out.load(Ordering::Relaxed);
        if left_out > 0 {
            tracing::warn!(left_out, "decisions are missing in the record");
        }
    }
}

impl Desk {
    fn write(&self, papers: &Receiver<Paper>, file: &mut BoundedFile) {
        let mut trouble = None;
        while let Ok(Paper::Decision(noted)) = papers.recv() {
            let written = line(*noted).and_then(|line| file.append(&line));
            let now = written.err().map(|error| error.to_string());
            if now.is_some() {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
            // Told once, and not again for each decision while it lasts.
            if let Some(error) = now.as_ref().filter(|_| now != trouble) {
                tracing::warn!(error, "a decision is not recorded");
            }
            trouble = now;
        }
    }
}

/// One line of the record.
fn line(noted: Noted) -> io::Result<Vec<u8>> {
    let record = DecisionRecord::try_from(noted).map_err(io::Error::other)?;
    let mut line = serde_json::to_vec(&record)?;
    line.push(b'\n');
    Ok(line)
}

impl TryFrom<Noted> for DecisionRecord {
    type Error = SpecError;

    fn try_from(noted: Noted) -> Result<Self, SpecError> {
        let Noted { name, spec, read, seen, before, now, decision, after } = noted;
        let observation = decision::Observation::of(&seen, &read, &spec.policy()?);
        let budget = decision.explanation.budget.as_ref().map(Into::into);
        let input = DecisionInput { now, scaler: spec, observation, history: before, budget };
        Ok(Self { name, input, output: DecisionOutput::of(&decision, &after) })
    }
}

#[cfg(test)]
mod tests;
