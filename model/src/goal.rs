//! That everybody gets what fits: a fair schedule without faults, run from a world until it changes nothing more.

use crate::{
    people::Scaler,
    scope::{Discipline, Event, Kind, Scope},
    target::Happening,
    turn::Stage,
    world::{Action, CONSUMERS, World},
    writes::Fate,
};

/// What each consumer wants.
pub(crate) type Wants = [u32; CONSUMERS];

impl World {
    /// One round: what is late arrives, reads show the present, every target's controllers take each kind of step once, and every
    /// controller finishes a turn. The capacity is read, too. All of these are actions of the model.
    pub(crate) fn round(mut self, wants: Wants, scope: &Scope) -> Self {
        use Happening::{Observe, Retire, Start, Vanish};
        if scope.has(Event::Capacity) {
            self = self.after(Action::Read(Some(scope.capacity)), scope);
        }
        for (at, kind) in scope.consumers.into_iter().enumerate() {
            if kind == Kind::Rest {
                self = self.after(Action::Rest(wants[at]), scope);
                continue;
            }
            if self.consumers[at].scaler == Scaler::Deleted {
                if self.consumers[at].turns[0].stage != Stage::Idle {
                    self = self.finish_turn(at, 0, wants[at], scope);
                }
                self = self.after(Action::MakeScaler(at), scope);
            }
            for action in [Action::Deliver(at), Action::CatchUp(at)] {
                self = self.after(action, scope);
            }
            for happening in [Observe, Retire, Vanish, Start] {
                self = self.after(Action::Happen(at, happening), scope);
            }
            for controller in 0..scope.controllers {
                self = self.finish_turn(at, controller, wants[at], scope);
                if self.may_settle(at, controller) {
                    self = self.after(Action::Settle(at, controller), scope);
                }
                self = self.finish_turn(at, controller, wants[at], scope);
            }
        }
        self
    }

    fn finish_turn(mut self, at: usize, controller: usize, wanted: u32, scope: &Scope) -> Self {
        loop {
            let next = match self.consumers[at].turns[controller].stage {
                Stage::Idle if scope.discipline == Discipline::Fences || scope.controllers > 1 => {
                    Action::Open(at, controller)
                }
                Stage::Opened { fenced: false, .. } if scope.discipline == Discipline::Fences => {
                    Action::Fence(at, controller)
                }
                Stage::Idle | Stage::Opened { .. } => Action::Look(at, controller),
                Stage::Seen { .. } => Action::Plan(at, controller, wanted),
                Stage::Reserved { .. } | Stage::Wrote(_) => Action::Send(at, controller, Fate::Arrives),
            };
            self = self.after(next, scope);
            if self.consumers[at].turns[controller].stage == Stage::Idle {
                return self;
            }
        }
    }

    /// Whether everybody has what they want, or one replica more does not fit, and no more is granted than that takes.
    pub(crate) fn has_what_fits(&self, wants: Wants, scope: &Scope) -> bool {
        let room = self.limit().saturating_sub(self.granted());
        self.consumers.iter().zip(scope.consumers).zip(wants).all(|((consumer, kind), wanted)| {
            let Some(entry) = &consumer.entry else { return false };
            let (has, each) = match kind {
                Kind::Rest => (entry.grant.0, 1),
                Kind::Deployment | Kind::EcsService => (consumer.target.desired, 2),
            };
            entry.grant.0 == has * each && (has == wanted || has < wanted && room < each)
        })
    }
}
