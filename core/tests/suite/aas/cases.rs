//! The cases: a rule, a life, and what comes of it.

use hybridscaler_core::{explanation::Limit, policy::Mode};

use super::{
    Case,
    Runs::{All, Deploying, Starting},
    Says::{Backlog, Cpu, Nothing},
    case, cooled, scheduled, suspended,
};

const NONE: Limit = Limit::None;
const UP: Limit = Limit::ScaleUpCooldown;
const DOWN: Limit = Limit::ScaleDownCooldown;

pub(super) const CASES: &[Case] = &[
    case("tt: capacity is added in proportion to the excess", 5, &[(0, &[Cpu(100.0)], All(5), 8, NONE)]),
    case("tt: a fraction of a task is rounded up", 5, &[(0, &[Cpu(72.0)], All(5), 6, NONE)]),
    case("tt: at the target nothing changes", 5, &[(0, &[Cpu(65.0)], All(5), 5, NONE)]),
    case("tt: slightly below the target nothing is removed", 10, &[(0, &[Cpu(60.0)], All(10), 10, NONE)]),
    case("tt: far below it capacity is removed in proportion", 10, &[(0, &[Cpu(32.5)], All(10), 5, NONE)]),
    case("tt: rounding never removes too much", 10, &[(0, &[Cpu(33.0)], All(10), 6, NONE)]),
    case("tt: never below the minimum", 5, &[(0, &[Cpu(1.0)], All(5), 2, Limit::MinReplicas)]),
    case("tt: never above the maximum", 40, &[(0, &[Cpu(130.0)], All(40), 50, Limit::MaxReplicas)]),
    case("tt: out if any policy asks", 5, &[(0, &[Cpu(65.0), Backlog(420)], All(5), 7, NONE)]),
    case("tt: the policy that asks for most wins", 5, &[(0, &[Cpu(130.0), Backlog(420)], All(5), 10, NONE)]),
    case("tt: the largest wins whichever it is", 5, &[(0, &[Cpu(78.0), Backlog(720)], All(5), 12, NONE)]),
    case("tt: in only if all policies agree", 10, &[(0, &[Cpu(65.0), Backlog(60)], All(10), 10, NONE)]),
    case("tt: in as far as all agree", 10, &[(0, &[Cpu(32.5), Backlog(180)], All(10), 5, NONE)]),
    case(
        "tt: insufficient data of one policy allows no scale-in",
        10,
        &[(0, &[Nothing, Backlog(180)], All(10), 10, Limit::UnknownSignal)],
    ),
    case(
        "tt: insufficient data of one leaves the others' scale-out",
        10,
        &[(0, &[Nothing, Backlog(720)], All(10), 12, NONE)],
    ),
    case(
        "tt: insufficient data of all changes nothing",
        10,
        &[(0, &[Nothing, Nothing], All(10), 10, Limit::UnknownSignal)],
    ),
    case(
        "tt: data that come back act at once",
        10,
        &[(0, &[Nothing], All(10), 10, Limit::UnknownSignal), (15, &[Cpu(32.5)], All(10), 5, NONE)],
    ),
    case("ecs: the base is the running count, not the desired", 10, &[(0, &[Cpu(97.5)], Starting(9, 1), 14, NONE)]),
    case("ecs: tasks on their way are capacity asked for already", 10, &[(0, &[Cpu(97.5)], Starting(6, 4), 10, NONE)]),
    case(
        "ecs: tasks that cannot start call for no others, however long",
        10,
        &[
            (0, &[Cpu(100.0)], Starting(2, 8), 10, NONE),
            (600, &[Cpu(100.0)], Starting(2, 8), 10, NONE),
            (6_000, &[Cpu(100.0)], Starting(2, 8), 10, NONE),
        ],
    ),
    case(
        "ours: of a service of which nothing runs CPU says nothing",
        5,
        &[(0, &[Cpu(10.0)], Starting(0, 5), 5, Limit::UnknownSignal)],
    ),
    case(
        "tt: capacity is not added again until the scale-out cooldown ends",
        5,
        &[
            (0, &[Cpu(100.0)], All(5), 8, NONE),
            (10, &[Cpu(100.0)], Starting(5, 3), 8, NONE),
            (20, &[Cpu(100.0)], All(8), 8, UP),
            (49, &[Cpu(100.0)], All(8), 8, UP),
            (50, &[Cpu(100.0)], All(8), 13, NONE),
        ],
    ),
    case(
        "step: a larger scale-out in the cooldown adds only the difference",
        10,
        &[(0, &[Cpu(78.0)], All(10), 12, NONE), (10, &[Cpu(84.5)], All(12), 13, UP)],
    ),
    case(
        "step: the same alarm again in the cooldown adds nothing",
        10,
        &[(0, &[Cpu(78.0)], All(10), 12, NONE), (10, &[Cpu(78.0)], All(12), 12, UP)],
    ),
    case(
        "step: a smaller alarm in the cooldown adds nothing",
        10,
        &[(0, &[Cpu(91.0)], All(10), 14, NONE), (10, &[Cpu(78.0)], All(14), 14, UP)],
    ),
    case(
        "step: a larger scale-out starts the cooldown anew",
        10,
        &[
            (0, &[Cpu(78.0)], All(10), 12, NONE),
            (10, &[Cpu(84.5)], All(12), 13, UP),
            (20, &[Cpu(84.5)], All(13), 13, UP),
            (49, &[Cpu(84.5)], All(13), 13, UP),
            (50, &[Cpu(84.5)], All(13), 17, NONE),
        ],
    ),
    case(
        "step: the base is that of the first of several scale-outs in one cooldown",
        10,
        &[
            (0, &[Cpu(78.0)], All(10), 12, NONE),
            (10, &[Cpu(84.5)], All(12), 13, UP),
            (20, &[Cpu(91.0)], All(13), 14, UP),
        ],
    ),
    case(
        "tt: the clock starts when the scale-out has succeeded",
        5,
        &[
            (0, &[Cpu(100.0)], All(5), 8, NONE),
            (100, &[Cpu(100.0)], Starting(7, 1), 8, UP),
            (120, &[Cpu(100.0)], All(8), 8, UP),
            (149, &[Cpu(100.0)], All(8), 8, UP),
            (150, &[Cpu(100.0)], All(8), 13, NONE),
        ],
    ),
    case(
        "ours: a scale-out that never settles is given up after 300 s",
        5,
        &[
            (0, &[Cpu(100.0)], All(5), 8, NONE),
            (299, &[Cpu(100.0)], Starting(7, 1), 8, UP),
            (329, &[Cpu(100.0)], Starting(7, 1), 8, UP),
            (330, &[Cpu(100.0)], Starting(7, 1), 11, NONE),
        ],
    ),
    cooled(
        (300, 300),
        case(
            "api: 300 s in each direction, ECS's default",
            5,
            &[
                (0, &[Cpu(100.0)], All(5), 8, NONE),
                (60, &[Cpu(100.0)], All(8), 8, UP),
                (359, &[Cpu(100.0)], All(8), 8, UP),
                (360, &[Cpu(100.0)], All(8), 13, NONE),
            ],
        ),
    ),
    cooled(
        (0, 0),
        case(
            "tt: without a cooldown the next scale-out follows at once",
            5,
            &[(0, &[Cpu(100.0)], All(5), 8, NONE), (10, &[Cpu(100.0)], All(8), 13, NONE)],
        ),
    ),
    case(
        "tt: a policy on an absolute number adds the difference in the cooldown",
        5,
        &[
            (0, &[Backlog(600)], All(5), 10, NONE),
            (5, &[Backlog(600)], Starting(5, 5), 10, NONE),
            (10, &[Backlog(720)], Starting(5, 5), 12, NONE),
        ],
    ),
    case(
        "ours: no scale-in in a scale-out cooldown",
        5,
        &[
            (0, &[Backlog(600)], All(5), 10, NONE),
            (10, &[Backlog(0)], All(10), 10, UP),
            (39, &[Backlog(0)], All(10), 10, UP),
            (40, &[Backlog(0)], All(10), 2, Limit::MinReplicas),
        ],
    ),
    case(
        "tt: scale-in is blocked until the scale-in cooldown ends",
        10,
        &[
            (0, &[Backlog(480)], All(10), 8, NONE),
            (10, &[Backlog(300)], All(8), 8, DOWN),
            (189, &[Backlog(300)], All(8), 8, DOWN),
            (190, &[Backlog(300)], All(8), 5, NONE),
        ],
    ),
    case(
        "tt: CPU waits for the scale-in cooldown too",
        10,
        &[
            (0, &[Cpu(32.5)], All(10), 5, NONE),
            (5, &[Cpu(32.5)], All(5), 5, DOWN),
            (185, &[Cpu(32.5)], All(5), 3, NONE),
        ],
    ),
    case(
        "tt: a scale-out in the scale-in cooldown goes ahead at once",
        10,
        &[(0, &[Backlog(480)], All(10), 8, NONE), (10, &[Backlog(720)], All(8), 12, NONE)],
    ),
    case(
        "tt: and the scale-in cooldown is cancelled",
        10,
        &[
            (0, &[Backlog(480)], All(10), 8, NONE),
            (10, &[Backlog(720)], All(8), 12, NONE),
            (20, &[Backlog(720)], All(12), 12, NONE),
            (50, &[Backlog(300)], All(12), 5, NONE),
        ],
    ),
    case(
        "tt: a scale-in cooldown leaves no trace in the next scale-out's",
        10,
        &[
            (0, &[Cpu(32.5)], All(10), 5, NONE),
            (10, &[Cpu(100.0)], All(5), 8, NONE),
            (20, &[Cpu(100.0)], All(8), 8, UP),
            (50, &[Cpu(100.0)], All(8), 13, NONE),
        ],
    ),
    case(
        "tt: the scale-in clock starts when it has succeeded, after 300 s at the latest",
        10,
        &[
            (0, &[Backlog(480)], All(10), 8, NONE),
            (400, &[Backlog(300)], Starting(9, 0), 8, DOWN),
            (479, &[Backlog(300)], Starting(9, 0), 8, DOWN),
            (480, &[Backlog(300)], Starting(9, 0), 5, NONE),
        ],
    ),
    cooled(
        (30, 0),
        case(
            "tt: without a scale-in cooldown steps follow one another",
            10,
            &[(0, &[Backlog(480)], All(10), 8, NONE), (1, &[Backlog(300)], All(8), 5, NONE)],
        ),
    ),
    case(
        "ours: a direction with a cooldown and no window acts on the first reading",
        10,
        &[(0, &[Backlog(480)], All(10), 8, NONE)],
    ),
    case(
        "tt: metrics go on being evaluated in a cooldown",
        5,
        &[
            (0, &[Cpu(100.0)], All(5), 8, NONE),
            (10, &[Cpu(65.0)], All(8), 8, NONE),
            (40, &[Cpu(78.0)], All(8), 10, NONE),
        ],
    ),
    case(
        "ecs: no scale-in while a deployment is in progress",
        10,
        &[(0, &[Cpu(32.5)], Deploying(10), 10, Limit::RolloutInProgress)],
    ),
    case("ecs: scale-out goes on while a deployment is in progress", 5, &[(0, &[Cpu(100.0)], Deploying(5), 8, NONE)]),
    case(
        "ecs: scale-in goes on once the deployment is over",
        10,
        &[(0, &[Cpu(32.5)], Deploying(10), 10, Limit::RolloutInProgress), (60, &[Cpu(32.5)], All(10), 5, NONE)],
    ),
    case(
        "ecs: a deployment keeps a change from succeeding",
        5,
        &[
            (0, &[Cpu(100.0)], All(5), 8, NONE),
            (100, &[Cpu(100.0)], Deploying(8), 8, UP),
            (110, &[Cpu(100.0)], All(8), 8, UP),
            (140, &[Cpu(100.0)], All(8), 13, NONE),
        ],
    ),
    scheduled(
        Some(9),
        None,
        10,
        case(
            "sched: a scheduled minimum ignores the scale-in cooldown",
            10,
            &[(0, &[Backlog(480)], All(10), 8, NONE), (10, &[Backlog(480)], All(8), 9, Limit::MinReplicas)],
        ),
    ),
    scheduled(
        Some(12),
        None,
        10,
        case(
            "sched: a scheduled minimum ignores the scale-out cooldown",
            5,
            &[(0, &[Cpu(100.0)], All(5), 8, NONE), (10, &[Cpu(65.0)], All(8), 12, Limit::MinReplicas)],
        ),
    ),
    scheduled(
        None,
        Some(6),
        10,
        case(
            "sched: a scheduled maximum ignores the scale-out cooldown",
            5,
            &[(0, &[Cpu(100.0)], All(5), 8, NONE), (10, &[Cpu(100.0)], All(8), 6, Limit::MaxReplicas)],
        ),
    ),
    scheduled(
        None,
        Some(4),
        0,
        case(
            "sched: a scheduled maximum moves in a deployment",
            10,
            &[(0, &[Cpu(65.0)], Deploying(10), 4, Limit::MaxReplicas)],
        ),
    ),
    case(
        "ours: a number below the minimum is lifted without an alarm",
        1,
        &[(0, &[Nothing], All(1), 2, Limit::MinReplicas)],
    ),
    case(
        "ours: a number above the maximum is lowered without an alarm",
        60,
        &[(0, &[Nothing], All(60), 50, Limit::MaxReplicas)],
    ),
    suspended(
        Mode::ScaleUpOnly,
        case(
            "api: suspended scale-in",
            10,
            &[(0, &[Cpu(32.5)], All(10), 10, Limit::ScaleDownPaused), (15, &[Cpu(130.0)], All(10), 20, NONE)],
        ),
    ),
    suspended(
        Mode::ScaleDownOnly,
        case(
            "api: suspended scale-out",
            10,
            &[(0, &[Cpu(130.0)], All(10), 10, Limit::ScaleUpPaused), (15, &[Cpu(32.5)], All(10), 5, NONE)],
        ),
    ),
];
