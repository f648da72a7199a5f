//! What was measured, as Markdown.

use std::{fmt, time::Duration};

use super::{
    Figures,
    burst::{Bursts, CONSUMERS, Operations, ROUNDS},
    cost::REST,
    delay::{CHANGES, INTERVAL},
    spread::Spread,
};

/// The tables of `docs/measurements.md`.
#[derive(Debug)]
pub struct Table<'a>(pub &'a Figures);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { starts, stops, cost, delays } = self.0;
        writeln!(f, "| what | min | median | p95 | max |\n| --- | --- | --- | --- | --- |")?;
        let times = starts.len();
        let ready = Spread::of(starts.iter().map(|start| start.ready));
        row(f, &format!("start to `/readyz`, {times} times"), ready, seconds)?;
        let told = Spread::of(starts.iter().map(|start| start.told));
        row(f, "start to the first status of both scalers", told, seconds)?;
        let decided = Spread::of(starts.iter().map(|start| start.decided));
        row(f, "start to the first decision on what their queues say", decided, seconds)?;
        let stopped = Spread::of(stops.iter().copied());
        row(f, &format!("SIGTERM to the end, {} times", stops.len()), stopped, seconds)?;
        let share = |delay: Duration| format!("{:.2}", delay.div_duration_f64(INTERVAL));
        for (write, delays) in [("the scale", &delays.deployment), ("`UpdateService`", &delays.service)] {
            let delayed = Spread::of(delays.iter().copied());
            row(f, &format!("change of a queue to the write of {write}, {CHANGES} changes"), delayed, seconds)?;
            row(f, &format!("the same as a share of the poll interval, {} s", INTERVAL.as_secs()), delayed, share)?;
        }

        let percent = 100.0 * cost.cpu.div_duration_f64(REST);
        writeln!(f, "\n| what | figure |\n| --- | --- |")?;
        writeln!(
            f,
            "| resident memory after {} s, with 2 scalers and a budget | {} |",
            REST.as_secs(),
            mebibytes(cost.resident)
        )?;
        writeln!(f, "| most ever resident until then | {} |", mebibytes(cost.peak))?;
        writeln!(
            f,
            "| processor time in these {} s | {} ({percent:.1} % of a core) |",
            REST.as_secs(),
            seconds(cost.cpu)
        )
    }
}

/// The tables of bursts.
#[derive(Debug)]
pub struct BurstTable<'a>(pub &'a Bursts);

impl fmt::Display for BurstTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bursts { granted, written, released, rises, requests } = self.0;
        writeln!(f, "| {CONSUMERS} consumers, {ROUNDS} times | median | p95 | p99 | max |")?;
        writeln!(f, "| --- | --- | --- | --- | --- |")?;
        for (what, times) in [
            ("reading of the queue to the grant in the ledger", granted),
            ("reading of the queue to the write of the scale", written),
            ("end of the pod to the release in the ledger", released),
        ] {
            cells(f, what, Spread::of(times.iter().copied()).map(Spread::tail), seconds)?;
        }
        writeln!(f, "\n| a rise of all, in each of the rounds | figures |\n| --- | --- |")?;
        let all = |count: fn(&Operations) -> u64| listed(rises.iter().map(count));
        writeln!(f, "| steps asked of the ledger | {} |", all(|rise| rise.steps))?;
        writeln!(f, "| writes that stored them | {} |", all(|rise| rise.writes))?;
        writeln!(f, "| writes that met a newer ledger | {} |", all(|rise| rise.conflicts))?;
        writeln!(f, "| requests of the operator to the API server | {} |", listed(requests))
    }
}

fn listed(counts: impl IntoIterator<Item = impl ToString>) -> String {
    counts.into_iter().map(|count| count.to_string()).collect::<Vec<_>>().join(", ")
}

fn row(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    spread: Option<Spread>,
    cell: impl Fn(Duration) -> String,
) -> fmt::Result {
    cells(f, what, spread.map(Spread::columns), cell)
}

fn cells(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    columns: Option<[Duration; 4]>,
    cell: impl Fn(Duration) -> String,
) -> fmt::Result {
    let cells = columns.map_or_else(|| ["–"; 4].map(str::to_owned), |columns| columns.map(cell));
    writeln!(f, "| {what} | {} |", cells.join(" | "))
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

/// A size in KiB; tenths are cut off.
fn mebibytes(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{cost::Cost, delay::Delays, start::Start};

    #[test]
    fn each_figure_of_a_burst_stands_in_its_row() {
        let rise = |writes| Operations { steps: 100, writes, conflicts: 0 };
        let bursts = Bursts {
            granted: (1..=100).map(Duration::from_millis).collect(),
            written: vec![Duration::from_millis(250)],
            released: Vec::new(),
            rises: vec![rise(1), rise(2)],
            requests: vec![507, 511],
        };
        let table = BurstTable(&bursts).to_string();
        for row in [
            "| reading of the queue to the grant in the ledger | 0.050 s | 0.095 s | 0.099 s | 0.100 s |",
            "| reading of the queue to the write of the scale | 0.250 s | 0.250 s | 0.250 s | 0.250 s |",
            "| end of the pod to the release in the ledger | – | – | – | – |",
            "| steps asked of the ledger | 100, 100 |",
            "| writes that stored them | 1, 2 |",
            "| writes that met a newer ledger | 0, 0 |",
            "| requests of the operator to the API server | 507, 511 |",
        ] {
            assert!(table.lines().any(|line| line == row), "no {row:?} in\n{table}");
        }
    }

    #[test]
    fn each_figure_stands_in_its_row() {
        let ms = Duration::from_millis;
        let figures = Figures {
            starts: vec![Start { ready: ms(60), told: ms(80), decided: ms(900) }],
            stops: vec![ms(7), ms(9)],
            cost: Cost { resident: 20_531, peak: 21_000, cpu: ms(360) },
            delays: Delays {
                deployment: (1..=4).map(|half| ms(500 * half)).collect(),
                service: (1..=3).map(|half| ms(400 * half)).collect(),
            },
        };
        let table = Table(&figures).to_string();
        for row in [
            "| start to `/readyz`, 1 times | 0.060 s | 0.060 s | 0.060 s | 0.060 s |",
            "| start to the first status of both scalers | 0.080 s | 0.080 s | 0.080 s | 0.080 s |",
            "| start to the first decision on what their queues say | 0.900 s | 0.900 s | 0.900 s | 0.900 s |",
            "| SIGTERM to the end, 2 times | 0.007 s | 0.007 s | 0.009 s | 0.009 s |",
            "| change of a queue to the write of the scale, 50 changes | 0.500 s | 1.000 s | 2.000 s | 2.000 s |",
            "| the same as a share of the poll interval, 2 s | 0.25 | 0.50 | 1.00 | 1.00 |",
            "| change of a queue to the write of `UpdateService`, 50 changes | 0.400 s | 0.800 s | 1.200 s | 1.200 s |",
            "| the same as a share of the poll interval, 2 s | 0.20 | 0.40 | 0.60 | 0.60 |",
            "| resident memory after 60 s, with 2 scalers and a budget | 20.0 MiB |",
            "| most ever resident until then | 20.5 MiB |",
            "| processor time in these 60 s | 0.360 s (0.6 % of a core) |",
        ] {
            assert!(table.lines().any(|line| line == row), "no {row:?} in\n{table}");
        }
    }
}
