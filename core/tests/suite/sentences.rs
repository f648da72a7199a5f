//! Every sentence that an explanation can say, word for word: its headline and what the next move needs.

use hybridscaler_core::{
    Replicas,
    demand::Ruling,
    explanation::Limit,
    observation::Rollout,
    policy::{Enough, FallbackBehavior, Mode, Policy, Queue, RateKind, RatePolicy, Schedule, SelectPolicy, Target},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Unread, Usage},
};
use jiff::SignedDuration;

use crate::{
    life::{Life, new},
    support::{at, messages, policy, queue, queue_of, unhurried, unknown, utilization},
};

fn plain(min: u32, target: Target) -> Policy {
    let mut policy = policy(min, 50, &[("backlog", target)]);
    policy.behavior.scale_up = unhurried();
    policy.behavior.scale_down = unhurried();
    policy
}

/// A life of 60 messages a replica, 2 to 50 replicas, with something changed.
fn life(replicas: u32, change: impl FnOnce(&mut Life)) -> Life {
    of(2, messages(60), replicas, change)
}

fn of(min: u32, target: Target, replicas: u32, change: impl FnOnce(&mut Life)) -> Life {
    let mut life = Life::new(plain(min, target), replicas);
    change(&mut life);
    life
}

/// The headline and the last line of the last of these looks.
fn told(mut life: Life, looks: &[(i64, Reading)]) -> (String, String) {
    let mut told = (String::new(), String::new());
    for (seconds, reading) in looks {
        let decision = life.look(*seconds, &new(*seconds, std::slice::from_ref(reading)));
        let explanation = decision.explanation;
        told = (explanation.headline().to_string(), explanation.to_string().lines().last().unwrap().to_owned());
    }
    told
}

fn rate(kind: RateKind, value: u32, seconds: i64) -> Vec<RatePolicy> {
    vec![RatePolicy { kind, value, period: SignedDuration::from_secs(seconds) }]
}

fn schedule(life: &mut Life, [floor, min, max]: [Option<u32>; 3]) {
    let [floor, min, max] = [floor, min, max].map(|number| number.map(Replicas));
    life.policy.schedules = vec![Schedule { name: "office".into(), floor, min, max }];
    life.schedules = vec![Some(at(3_600))];
}

fn by_latency(message_groups: Option<u32>) -> Target {
    let enough = Enough::Latency { target: 30_000, per_message: 250 };
    Target::Queue(Queue { enough, concurrency: Some(2), message_groups })
}

fn pods(used: &[Option<u64>]) -> Reading {
    let pod = |used: &Option<u64>| Pod {
        phase: Phase::Running,
        deleting: false,
        started: Some(at(-3_600)),
        ready: Some(Ready { ready: true, since: at(-3_500) }),
        request_milli: Some(500),
        usage: used.map(|milli| Usage { milli, at: at(-10), window: SignedDuration::from_secs(15) }),
    };
    let load = Load::Pods { resource: Resource::Cpu, pods: used.iter().map(pod).collect() };
    Reading::Known { load, at: at(0) }
}

fn value(milli: u64) -> Reading {
    Reading::Known { load: Load::Value { milli }, at: at(0) }
}

type Told = (&'static str, (String, String));

fn limits() -> Vec<Told> {
    let once = |reading| [(0, reading)];
    let more = || [(0, queue(300)), (15, queue(1_440))];
    let fewer = || [(0, queue(1_440)), (15, queue(300))];
    let disabled = |life: &mut Life| life.policy.behavior.scale_up.select = SelectPolicy::Disabled;
    let up = |life: &mut Life| life.policy.behavior.scale_up.cooldown = SignedDuration::from_secs(30);
    vec![
        ("None", told(life(5, |_| {}), &once(queue(1_440)))),
        ("MinReplicas", told(life(5, |_| {}), &once(queue(0)))),
        ("MinReplicas", told(life(5, |life| schedule(life, [None, Some(4), None])), &once(queue(0)))),
        ("MinReplicas", told(of(9, messages(60), 1, |life| life.policy.idle = Some(Replicas(3))), &once(queue(0)))),
        ("MinReplicas", told(of(0, messages(60), 0, disabled), &once(queue(20)))),
        ("MaxReplicas", told(life(5, |_| {}), &once(queue(6_000)))),
        ("MaxReplicas", told(life(5, |life| schedule(life, [None, None, Some(9)])), &once(queue(6_000)))),
        (
            "ScaleUpStabilized",
            told(life(5, |life| life.policy.behavior.scale_up.window = SignedDuration::from_secs(60)), &more()),
        ),
        (
            "ScaleDownStabilized",
            told(life(24, |life| life.policy.behavior.scale_down.window = SignedDuration::from_mins(5)), &fewer()),
        ),
        (
            "ScaleUpLimit",
            told(life(5, |life| life.policy.behavior.scale_up.policies = rate(RateKind::Pods, 4, 15)), &more()),
        ),
        (
            "ScaleDownLimit",
            told(life(24, |life| life.policy.behavior.scale_down.policies = rate(RateKind::Percent, 10, 60)), &fewer()),
        ),
        (
            "ScaleUpDisabled",
            told(life(5, |life| life.policy.behavior.scale_up.select = SelectPolicy::Disabled), &more()),
        ),
        (
            "ScaleDownDisabled",
            told(life(24, |life| life.policy.behavior.scale_down.select = SelectPolicy::Disabled), &fewer()),
        ),
        ("ScaleUpCooldown", {
            let mut life = life(5, up);
            life.turn(0, &[queue(1_440)]);
            life.turn(5, &[queue(1_440)]);
            told(life, &[(15, queue(300))])
        }),
        ("ScaleUpCooldown", {
            let mut life = life(5, |life| life.policy.behavior.scale_up.cooldown = SignedDuration::from_mins(5));
            life.turn(0, &[queue(1_440)]);
            told(life, &[(310, queue(300))])
        }),
        ("ScaleDownCooldown", {
            let mut life = life(24, |life| life.policy.behavior.scale_down.cooldown = SignedDuration::from_secs(180));
            life.turn(0, &[queue(600)]);
            told(life, &[(15, queue(300))])
        }),
        ("UnknownSignal", told(life(5, |_| {}), &once(unknown(Unknown::Throttled)))),
        ("RolloutInProgress", told(life(24, |life| life.workload.rollout = Rollout::InProgress), &once(queue(300)))),
        ("PausedByHand", told(life(0, |_| {}), &once(queue(300)))),
        ("Paused", told(life(5, |life| life.policy.mode = Mode::Paused), &once(queue(1_440)))),
        ("ScaleUpPaused", told(life(5, |life| life.policy.mode = Mode::ScaleDownOnly), &once(queue(1_440)))),
        ("ScaleDownPaused", told(life(24, |life| life.policy.mode = Mode::ScaleUpOnly), &once(queue(300)))),
        ("Pinned", told(life(5, |life| life.policy.pinned = Some(Replicas(8))), &once(queue(1_440)))),
    ]
}

fn winners() -> Vec<Told> {
    let empty = || queue(0);
    let unread = Unread { since: Some(at(-90)), failures: 6, ..Unread::new(Unknown::Unreachable, "no answer in 2 s") };
    vec![
        ("Schedule", told(life(10, |life| schedule(life, [Some(10), None, None])), &[(0, queue(60))])),
        (
            "Fallback",
            told(
                life(6, |life| {
                    life.policy.fallback.behavior = FallbackBehavior::Static;
                    life.policy.fallback.replicas = Replicas(6);
                }),
                &[(0, Reading::Unknown(unread))],
            ),
        ),
        ("Idle", told(of(0, messages(60), 1, |_| {}), &[(0, empty()), (60, empty())])),
        ("Resting", told(of(0, messages(60), 0, |_| {}), &[(0, queue_of(0, 0, 7))])),
        ("Activation", told(of(0, messages(60), 1, |_| {}), &[(0, empty())])),
    ]
}

fn rulings() -> Vec<Told> {
    let cpu = |replicas, change: fn(&mut Life)| of(2, Target::Utilization(65), replicas, change);
    let latency = |replicas| of(1, by_latency(None), replicas, |_| {});
    let each = |milli| Target::AverageValue { milli };
    let all = |milli| Target::Value { milli };
    vec![
        ("More", told(latency(1), &[(0, queue(0)), (15, queue_of(1_200, 2, 0))])),
        ("More", told(cpu(5, |_| {}), &[(0, utilization(97.5))])),
        ("More", told(of(2, each(10_000), 5, |_| {}), &[(0, value(144_500))])),
        ("More", told(of(2, all(10_000), 5, |_| {}), &[(0, value(14_450))])),
        ("More", told(of(2, Target::Utilization(65), 3, |_| {}), &[(0, pods(&[Some(480), Some(490), Some(470)]))])),
        ("More", told(of(2, each(250), 2, |_| {}), &[(0, pods(&[Some(480), Some(490)]))])),
        ("Fewer", told(latency(20), &[(0, queue(0)), (15, queue_of(0, 10, 0))])),
        ("Fewer", told(cpu(10, |_| {}), &[(0, utilization(32.5))])),
        ("Fewer", told(life(10, |_| {}), &[(0, queue_of(60, 240, 0))])),
        ("WithinTolerance", told(life(10, |_| {}), &[(0, queue(580))])),
        ("WithinTolerance", told(cpu(10, |_| {}), &[(0, utilization(66.2))])),
        ("WholeReplicas", told(life(2, |_| {}), &[(0, queue_of(50, 20, 0))])),
        ("WholeReplicas", told(cpu(3, |_| {}), &[(0, utilization(44.0))])),
        ("WorkInFlight", told(life(10, |_| {}), &[(0, queue_of(60, 600, 0))])),
        ("CapacityOnItsWay", told(cpu(10, |life| life.workload.running = Replicas(6)), &[(0, utilization(97.5))])),
        ("MessageGroups", told(of(1, by_latency(Some(8)), 4, |_| {}), &[(0, queue(9_000))])),
        ("RateUnknown", told(latency(4), &[(0, queue(0))])),
        ("MissingPods", told(of(2, Target::Utilization(65), 3, |_| {}), &[(0, pods(&[Some(200), None, Some(210)]))])),
    ]
}

#[test]
fn every_limit_winner_and_ruling_has_its_sentence() {
    let told = limits().into_iter().chain(winners()).chain(rulings());
    let found: Vec<_> = told.map(|(name, (headline, next))| format!("{name}\n  {headline}\n  {next}\n")).collect();
    let found = found.concat();
    let expected = include_str!("../cases/sentences.txt");
    assert_eq!(found, expected, "\n{found}");

    let names: Vec<_> = expected.lines().filter(|line| !line.starts_with(' ')).collect();
    let ours = |limit: &&Limit| !matches!(limit, Limit::None | Limit::ConnectionBudget);
    let limits = Limit::ALL.iter().filter(ours).map(|limit| limit.as_str().to_owned());
    let rulings = Ruling::ALL.iter().map(|ruling| format!("{ruling:?}"));
    for name in
        limits.chain(rulings).chain(["Schedule", "Fallback", "Idle", "Resting", "Activation"].map(str::to_owned))
    {
        assert!(names.contains(&&*name), "{name} has no sentence");
    }
}

#[test]
fn every_reason_is_explained_in_the_documentation() {
    let documented = include_str!("../../../docs/conditions.md");
    let limits = Limit::ALL.iter().map(|limit| limit.as_str().to_owned());
    let rulings = Ruling::ALL.iter().map(|ruling| format!("{ruling:?}"));
    let winners = ["Trigger", "Schedule", "Fallback", "Idle", "Resting", "Activation"].map(str::to_owned);
    for reason in limits.chain(rulings).chain(winners) {
        assert!(documented.contains(&format!("`{reason}`")), "docs/conditions.md lacks {reason}");
    }
}

#[test]
fn a_sentence_that_would_be_too_long_leaves_out_what_matters_least() {
    let name = "a-trigger-with-a-name-as-long-as-a-dns-label-may-be-at-most-63c";
    let triggers: Vec<String> = (0..10).map(|i| format!("{}{i}", &name[..62])).collect();
    let named: Vec<_> = triggers.iter().map(|name| (name.as_str(), messages(60))).collect();
    let mut readings = vec![unknown(Unknown::Unreachable); 10];
    let headline = |readings: &[Reading]| {
        let mut life = Life::new(policy(2, 50, &named), 30);
        life.look(0, readings).explanation.headline().to_string()
    };
    assert_eq!(headline(&readings), "30 stays: no signal can be read");
    readings[3] = queue(60);
    assert_eq!(
        headline(&readings),
        "30 stays: a-trigger-with-a-name-as-long-as-a-dns-label-may-be-at-most-633 wants 1; no scale-in while 9 signals are unknown"
    );
}
