//! What is scaled, as its own controllers run it: they start, roll out, replace and drain without asking anybody.

mod deployment;
mod service;

/// Who runs the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The Deployment controller, with `maxSurge` and `maxUnavailable` as counts.
    Deployment { surge: u32, unavailable: u32 },
    /// ECS, with its default of 100 and 200 percent.
    Service,
}

/// One replica, from the moment it is made until its last connection is closed.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) number: u32,
    pub(super) revision: u32,
    pub(super) phase: Phase,
    /// Whether it has opened its pool.
    pub(super) open: bool,
    /// Whether a rollout or an eviction replaces it, and not a lower number.
    replaced: bool,
    /// Whether its next phase is on the calendar.
    pub(super) scheduled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Ready,
    Leaving,
}

/// The replicas of one revision, as the controller wants them: a `ReplicaSet`, an ECS deployment.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) revision: u32,
    pub(super) told: u32,
    /// Whether its own controller has seen what it is told.
    pub(super) observed: bool,
}

/// A Deployment or a service.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Connections that each replica opens.
    pub(super) per_replica: u32,
    /// What it is told to run.
    pub(super) desired: u32,
    /// Changes with every write.
    pub(super) version: u64,
    /// What its controller last saw that it is told.
    observed: u32,
    pub(super) revision: u32,
    /// Whether the newest spec is seen.
    pub(super) caught_up: bool,
    pub(super) sets: Vec<Set>,
    pub(super) replicas: Vec<Replica>,
    made: u32,
}

impl Target {
    /// One that has run `replicas` for long.
    pub(super) fn new(name: &'static str, kind: Kind, per_replica: u32, replicas: u32) -> Self {
        let mut target = Self {
            name,
            kind,
            per_replica,
            desired: replicas,
            version: 1,
            observed: replicas,
            revision: 1,
            caught_up: true,
            sets: vec![Set { revision: 1, told: replicas, observed: true }],
            replicas: Vec::new(),
            made: 0,
        };
        for _ in 0..replicas {
            target.start(1);
        }
        for replica in &mut target.replicas {
            (replica.phase, replica.open, replica.scheduled) = (Phase::Ready, true, true);
        }
        target
    }

    /// Tells it to run so many.
    pub(super) fn write(&mut self, replicas: u32, version: u64) {
        self.version = version;
        if self.desired != replicas {
            self.desired = replicas;
            self.caught_up = false;
        }
    }

    /// A person changes its template, if the promise covers that now: one rollout at a time, none while replaced replicas drain.
    pub(super) fn roll_out(&mut self, version: u64) -> bool {
        let quiet = self.outdated() == 0 && !self.replicas.iter().any(|replica| replica.replaced);
        let able = quiet && self.caught_up && self.active() > 0;
        if able {
            self.revision += 1;
            self.version = version;
            self.caught_up = false;
        }
        able
    }

    /// A replica is evicted, if the promise covers that now: each once, outside rollouts.
    pub(super) fn evict(&mut self) -> bool {
        let replaced = self.replicas.iter().filter(|replica| replica.replaced).count();
        let most = self.desired.min(self.observed) as usize;
        if self.outdated() > 0 || replaced >= most || self.sets.len() > 1 {
            return false;
        }
        let victim = self.replicas.iter_mut().find(|replica| replica.phase == Phase::Ready);
        victim.is_some_and(|replica| {
            (replica.phase, replica.replaced, replica.scheduled) = (Phase::Leaving, true, false);
            true
        })
    }

    /// Whether its controller has something to do.
    pub(super) fn is_restless(&self) -> bool {
        !self.caught_up
            || self.observed != self.desired
            || self.sets.iter().any(|set| !set.observed || set.told != self.active_of(set.revision))
            || self.sets.len() > 1
            || self.sets.iter().all(|set| set.revision != self.revision || set.told != self.desired)
    }

    /// Its controllers look at it once.
    pub(super) fn tend(&mut self) {
        match self.kind {
            Kind::Deployment { surge, unavailable } => self.tend_deployment(surge, unavailable),
            Kind::Service => self.tend_service(),
        }
    }

    /// Connections that its replicas may hold now.
    pub(super) fn live(&self) -> u32 {
        self.held(|_| true)
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> u32 {
        self.held(|replica| replica.open)
    }

    fn held(&self, by: impl Fn(&Replica) -> bool) -> u32 {
        self.replicas.iter().filter(|replica| by(replica)).map(|_| self.per_replica).sum()
    }

    /// Replicas in `phase`.
    pub(super) fn counted(&self, phase: Phase) -> usize {
        self.replicas.iter().filter(|replica| replica.phase == phase).count()
    }

    /// Replicas of `revision` that are to run.
    pub(super) fn active_of(&self, revision: u32) -> u32 {
        self.count(|replica| replica.revision == revision && replica.phase != Phase::Leaving)
    }

    fn active(&self) -> u32 {
        self.count(|replica| replica.phase != Phase::Leaving)
    }

    fn ready(&self) -> u32 {
        self.count(|replica| replica.phase == Phase::Ready)
    }

    /// Replicas of former revisions that are to run.
    pub(super) fn outdated(&self) -> u32 {
        self.count(|replica| replica.revision != self.revision && replica.phase != Phase::Leaving)
    }

    fn count(&self, of: impl Fn(&Replica) -> bool) -> u32 {
        self.replicas.iter().filter(|replica| of(replica)).map(|_| 1).sum()
    }

    fn start(&mut self, revision: u32) {
        self.made += 1;
        let (number, phase) = (self.made, Phase::Starting);
        self.replicas.push(Replica { number, revision, phase, open: false, replaced: false, scheduled: false });
    }

    /// Ends `count` replicas of `revision`, those first that are not ready.
    fn stop(&mut self, revision: u32, count: u32, replaced: bool) {
        for _ in 0..count {
            let of = |phase| move |replica: &&mut Replica| replica.revision == revision && replica.phase == phase;
            let found = match self.replicas.iter_mut().find(of(Phase::Starting)) {
                Some(_) => self.replicas.iter_mut().find(of(Phase::Starting)),
                None => self.replicas.iter_mut().find(of(Phase::Ready)),
            };
            if let Some(replica) = found {
                (replica.phase, replica.replaced, replica.scheduled) = (Phase::Leaving, replaced, false);
            }
        }
    }
}
