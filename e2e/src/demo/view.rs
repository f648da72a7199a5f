//! What the terminal shows while a run goes on.

use std::{
    fmt,
    io::{self, IsTerminal, Stdout, Write},
};

use super::{
    record::{Moment, SERVICES, Service},
    report::thousands,
    story,
};

/// Cells of the bar that shows the open connections.
const BAR: u32 = 48;

/// A panel that is drawn anew each second on a terminal, plain lines elsewhere.
pub(super) struct View {
    out: Stdout,
    style: Style,
}

enum Style {
    /// How many lines were drawn last, to be drawn over.
    Panel(usize),
    /// The decisions printed last: they are long, so each is printed once.
    Lines([String; 2]),
}

impl View {
    /// A view on standard output.
    pub(super) fn new() -> Self {
        let out = io::stdout();
        let style = if out.is_terminal() { Style::Panel(0) } else { Style::Lines(Default::default()) };
        Self { out, style }
    }

    /// Prints a sentence that stays.
    ///
    /// # Errors
    ///
    /// Standard output is closed.
    pub(super) fn say(&mut self, sentence: &str) -> io::Result<()> {
        if let Style::Panel(drawn) = &mut self.style {
            *drawn = 0;
        }
        writeln!(self.out, "{sentence}")
    }

    /// Shows the newest moment of a run.
    ///
    /// # Errors
    ///
    /// Standard output is closed.
    pub(super) fn show(&mut self, moment: &Moment) -> io::Result<()> {
        match &mut self.style {
            Style::Lines(told) => {
                writeln!(self.out, "{}", Line(moment))?;
                for ((name, service), told) in SERVICES.iter().zip(&moment.services).zip(told) {
                    if *told != service.decision {
                        writeln!(self.out, "        {name}: {}", service.decision)?;
                        told.clone_from(&service.decision);
                    }
                }
                Ok(())
            }
            Style::Panel(drawn) => {
                let panel = Panel(moment).to_string();
                // Up over the old panel, clear to the end of the screen, draw. A sentence longer than the terminal is wide is cut
                // at its edge instead of taking a second line, which the count would not know of.
                if *drawn > 0 {
                    write!(self.out, "\x1b[{drawn}A\x1b[J")?;
                }
                *drawn = panel.lines().count();
                write!(self.out, "\x1b[?7l{panel}\x1b[?7h")?;
                self.out.flush()
            }
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

/// All of a moment but its sentences, in one line.
struct Line<'a>(&'a Moment);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(moment) = self;
        write!(f, "{:4.0} s", moment.at)?;
        for (name, service) in SERVICES.iter().zip(&moment.services) {
            let Service { waiting, in_flight, wanted, allowed, desired: _, running, decision: _ } = service;
            let [wanted, allowed] = [number(*wanted), number(*allowed)];
            write!(
                f,
                " | {name}: {waiting} waiting, {in_flight} in flight; wants {wanted}, allowed {allowed}, runs {running}"
            )?;
        }
        write!(f, " | {} | {}", database(moment), bystander(moment))
    }
}

/// All of a moment, on a few lines.
struct Panel<'a>(&'a Moment);

impl fmt::Display for Panel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(moment) = self;
        writeln!(f, "\n{:4.0} s            waiting  in flight   wants  allowed    runs", moment.at)?;
        for (name, service) in SERVICES.iter().zip(&moment.services) {
            let Service { waiting, in_flight, wanted, allowed, desired: _, running, decision: _ } = service;
            let [waiting, wanted, allowed] = [thousands(*waiting), number(*wanted), number(*allowed)];
            writeln!(f, "{name:<14}{waiting:>12}{in_flight:>11}{wanted:>8}{allowed:>9}{running:>8}")?;
        }
        let cells = (moment.connections * BAR / story::MAX_CONNECTIONS).min(BAR);
        let (open, free) = ("#".repeat(cells as usize), " ".repeat((BAR - cells) as usize));
        writeln!(f, "\n[{open}{free}] {}\n{}\n", database(moment), bystander(moment))?;
        for (name, service) in SERVICES.iter().zip(&moment.services) {
            writeln!(f, "{name}: {}", service.decision)?;
        }
        Ok(())
    }
}

fn database(moment: &Moment) -> String {
    format!("{} of {} connections, {} refused", moment.connections, story::MAX_CONNECTIONS, thousands(moment.refused))
}

fn bystander(moment: &Moment) -> String {
    format!("payments failed {} of {}", moment.bystander_failed, moment.bystander_asked)
}

fn number(number: Option<u32>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        let service = |waiting, decision: &str| Service {
            waiting,
            in_flight: 31,
            wanted: Some(18),
            allowed: None,
            desired: Some(18),
            running: 14,
            decision: decision.to_owned(),
        };
        Moment {
            at: 12.3,
            connections: 287,
            refused: 1041,
            crashed: 9,
            bystander_asked: 24,
            bystander_failed: 2,
            services: [service(1043, "5 -> 18: backlog"), service(900, "no change")],
        }
    }

    #[test]
    fn a_line_tells_everything_but_the_sentences() {
        assert_eq!(
            Line(&moment()).to_string(),
            "  12 s | order-worker: 1043 waiting, 31 in flight; wants 18, allowed -, runs 14 | core-api: 900 waiting, 31 in flight; \
             wants 18, allowed -, runs 14 | 287 of 360 connections, 1,041 refused | payments failed 2 of 24"
        );
    }

    #[test]
    fn the_panel_shows_the_sentences_and_a_bar_in_proportion() {
        let panel = Panel(&moment()).to_string();
        assert!(panel.contains("order-worker: 5 -> 18: backlog\ncore-api: no change\n"), "{panel}");
        assert_eq!(panel.matches('#').count(), 38, "287 of 360 on 48 cells");
    }
}
