//! What one steady look costs: time, and instructions as Valgrind counts them.
//!
//! A harness of its own: one number is measured, and an instruction count needs two runs of the same program, which is less code than
//! a benchmark library is dependencies. Instructions hardly depend on the machine and what else it does, so they are what to compare.
#![expect(clippy::unwrap_used, reason = "a bench stops where it cannot go on")]

use std::{
    hint::black_box,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use steady::Steady;

mod steady;

/// Short, so that most of them are not interrupted by what else the machine does.
const LOOKS: u32 = 200;
const BATCHES: usize = 2_001;

fn main() {
    let looks = std::env::args().skip_while(|argument| argument != "--looks").nth(1);
    let steady = Steady::after_an_hour();
    if let Some(looks) = looks {
        batch(&steady, looks.parse().unwrap());
        return;
    }
    let mut times: Vec<_> = (0..BATCHES).map(|_| batch(&steady, LOOKS) / LOOKS).collect();
    times.sort_unstable();
    let [least, median] = [0, BATCHES / 2].map(|i| times.get(i).copied().unwrap_or_default());
    println!(
        "one look, 3 triggers, a full hour of history: {median:?} (median of {BATCHES} x {LOOKS} looks), {least:?} (least)"
    );
    match (instructions(1_000), instructions(11_000)) {
        (Some(few), Some(many)) => println!("instructions of one look: {}", (many - few) / 10_000),
        _ => println!(
            "instructions of one look: not counted, since valgrind does not run here (Debian: apt install valgrind)"
        ),
    }
}

/// The time that so many looks take.
fn batch(steady: &Steady, looks: u32) -> Duration {
    let mut steady = steady.clone();
    let started = Instant::now();
    for _ in 0..looks {
        drop(black_box(black_box(&mut steady).look()));
    }
    started.elapsed()
}

/// The instructions of this program when it looks so often.
fn instructions(looks: u32) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--looks", &looks.to_string()])
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(valgrind.stderr).ok()?;
    let (_, counted) = said.split_once("Collected : ")?;
    counted.split_whitespace().next()?.parse().ok()
}
