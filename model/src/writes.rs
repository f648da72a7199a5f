//! Writes to targets, and what becomes of them.

use crate::{
    scope::{Kind, Omission, Scope},
    turn::Stage,
    world::{Consumer, World},
};

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Arrives,
    /// It fails, and the writer learns so.
    IsLost,
    /// The writer learns nothing; it may arrive later.
    IsLate,
}

/// A write that may still be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Late {
    pub(crate) replicas: u32,
    /// The target is still of the version that the write was planned for.
    pub(crate) fresh: bool,
    /// The controllers that reckon with it.
    pub(crate) known_to: [bool; 2],
    /// Its writer stands still: no time is known after which it will not arrive.
    pub(crate) paused: bool,
}

impl Consumer {
    /// Whether a controller has to take it that a write from before may still be carried out.
    pub(crate) fn reckons_with_a_write(&self, controller: usize) -> bool {
        self.late.is_some_and(|late| late.known_to[controller] && !late.paused)
    }
}

impl World {
    pub(crate) fn send(&mut self, at: usize, controller: usize, fate: Fate, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        match std::mem::take(&mut consumer.turns[controller]).stage {
            Stage::Reserved { replicas, fresh } => {
                let refused = match scope.consumers[at] {
                    Kind::EcsService => {
                        consumer.reckons_with_a_write(controller) && !scope.omits(Omission::AwaitWrites)
                    }
                    _ => !fresh && !scope.omits(Omission::TargetVersion),
                };
                match fate {
                    _ if refused => {}
                    Fate::Arrives => self.write(at, replicas),
                    Fate::IsLost => {}
                    Fate::IsLate => {
                        let mut known_to = [false; 2];
                        known_to[controller] = true;
                        consumer.late = Some(Late { replicas, fresh, known_to, paused: false });
                    }
                }
            }
            Stage::Wrote(entry) => self.store(at, *entry, None, scope),
            _ => {}
        }
    }

    pub(crate) fn deliver(&mut self, at: usize, scope: &Scope) {
        let unconditional = scope.consumers[at] == Kind::EcsService || scope.omits(Omission::TargetVersion);
        if let Some(late) = self.consumers[at].late.take().filter(|late| late.fresh || unconditional) {
            self.write(at, late.replicas);
        }
    }

    /// A conditional write to a target that has changed is never carried out.
    pub(crate) fn drop_hopeless_writes(&mut self, scope: &Scope) {
        for (consumer, kind) in self.consumers.iter_mut().zip(scope.consumers) {
            let conditional = kind == Kind::Deployment && !scope.omits(Omission::TargetVersion);
            consumer.late = consumer.late.filter(|late| late.fresh || !conditional);
        }
    }

    pub(crate) fn write(&mut self, at: usize, replicas: u32) {
        self.consumers[at].target.write(replicas);
        self.forget_version(at);
    }

    /// A controller is replaced by one that remembers nothing. What it was about to write is lost, or waits with it.
    pub(crate) fn replace(&mut self, controller: usize, scope: &Scope, paused: bool) {
        for consumer in &mut self.consumers {
            consumer.remembered = None;
            let turn = std::mem::take(&mut consumer.turns[controller]);
            if let Some(late) = &mut consumer.late {
                // The successor reckons with what its predecessor may have sent.
                late.known_to[controller] = !scope.omits(Omission::AwaitPredecessor);
            } else if let Stage::Reserved { replicas, fresh } = turn.stage
                && paused
            {
                consumer.late = Some(Late { replicas, fresh, known_to: [false; 2], paused });
            }
        }
    }
}
