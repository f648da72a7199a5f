//! The picture of the demo: one panel a run, the open connections over time against what the database accepts.

use std::fmt;

use super::{
    record::{Moment, Record, Variant},
    report::thousands,
    story,
};

/// The plot area of a panel and the space around it, in pixels.
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 86.0;

/// Panels beside each other.
const COLUMNS: u32 = 2;

/// The top of the scale: the connections of both services at their most replicas.
const SCALE: u32 = 2 * story::MAX_REPLICAS * story::POOL;

/// For both themes of the place where the picture is shown.
const STYLE: &str = "\
svg{font:12px system-ui,sans-serif;--ink:#1f2328;--faint:#d1d9e0;--spike:#f6f8fa;--open:#0969da;--bad:#d1242f;--hurt:#bc4c00}
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--faint:#3d444d;--spike:#1c2128;--open:#4493f8;--bad:#f85149;--hurt:#db6d28}}
text{fill:var(--ink)}.title{font-size:15px;font-weight:600}.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:var(--faint)}.spike{fill:var(--spike)}.limit{stroke:var(--bad);stroke-dasharray:5 3}
.open{fill:var(--open);fill-opacity:.2;stroke:var(--open);stroke-width:1.5}
.asked{fill:none;stroke:var(--ink);stroke-width:1.5;stroke-dasharray:2 3}
.refused{stroke:var(--bad);stroke-width:2}.hurt{fill:var(--hurt)}";

/// The runs as SVG, each in a panel of its own, on the same scales.
pub struct Picture<'a>(pub &'a [Record]);

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(records) = self;
        let longest = records.iter().map(|record| record.end().at).fold(60.0, f64::max);
        let [column, row] = [LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM];
        let place = |index: u32| (f64::from(index % COLUMNS), f64::from(index / COLUMNS));
        let panels: Vec<_> =
            records.iter().zip(0..).map(|(record, index)| (Panel { record, longest }, place(index))).collect();
        let columns = panels.iter().fold(0.0, |most, (_, (x, _))| f64::max(most, x + 1.0));
        let rows = panels.last().map_or(0.0, |(_, (_, y))| y + 1.0);
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\">",
            columns * column,
            rows * row
        )?;
        writeln!(
            f,
            "<title>Open database connections under the same load, with a connection budget and without</title>"
        )?;
        writeln!(f, "<style>\n{STYLE}\n</style>")?;
        for (panel, (x, y)) in panels {
            writeln!(f, "<g transform=\"translate({} {})\">\n{panel}</g>", LEFT + x * column, TOP + y * row)?;
        }
        writeln!(f, "</svg>")
    }
}

/// One run. Its plot area begins at the origin.
struct Panel<'a> {
    record: &'a Record,
    /// Seconds that the plot is wide.
    longest: f64,
}

impl fmt::Display for Panel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading(f)?;
        self.axes(f)?;
        self.connections(f)?;
        self.marks(f)?;
        legend(f)
    }
}

impl Panel<'_> {
    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = match self.record.variant {
            Variant::Budgeted => "With a connection budget",
            Variant::Unbudgeted => "The same load without it",
            Variant::StaticMaximum => "With a fixed maximum for each service",
            Variant::Clamped => "Each service clamped to what it sees free",
        };
        let end = self.record.end();
        let [refused, failed, asked] = [end.refused, end.bystander_failed, end.bystander_asked].map(thousands);
        writeln!(f, "<text class=\"title\" y=\"-36\">{title}</text>")?;
        writeln!(f, "<text y=\"-16\">{refused} connections refused, payments failed {failed} of {asked} times</text>")
    }

    fn axes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, wide) =
            (self.x(story::SCHEDULE.spike_at.as_secs_f64()), self.x(story::SCHEDULE.spike_for.as_secs_f64()));
        writeln!(f, "<rect class=\"spike\" x=\"{from:.1}\" width=\"{wide:.1}\" height=\"{HEIGHT}\"/>")?;
        writeln!(f, "<text class=\"mid\" x=\"{:.1}\" y=\"{}\">tenfold load</text>", from + wide / 2.0, HEIGHT - 6.0)?;
        let lines = [0, 250, 500, 750, SCALE].map(|connections| (connections, "grid"));
        for (connections, class) in lines.into_iter().chain([(story::MAX_CONNECTIONS, "limit")]) {
            let y = y(connections);
            writeln!(f, "<path class=\"{class}\" d=\"M0 {y:.1}h{WIDTH}\"/>")?;
            writeln!(f, "<text class=\"end\" x=\"-6\" y=\"{:.1}\">{connections}</text>", y + 4.0)?;
        }
        for seconds in [0u32, 30, 60, 90, 120, 150] {
            let x = self.x(seconds.into());
            if x <= WIDTH {
                writeln!(f, "<text class=\"mid\" x=\"{x:.1}\" y=\"{}\">{seconds} s</text>", HEIGHT + 18.0)?;
            }
        }
        Ok(())
    }

    /// The open connections, and those that would be open if there were room for all.
    fn connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<path class=\"open\" d=\"M0 {HEIGHT}")?;
        for moment in &self.record.moments {
            write!(f, "L{:.1} {:.1}", self.x(moment.at), y(moment.connections))?;
        }
        writeln!(f, "V{HEIGHT}Z\"/>")?;
        write!(f, "<path class=\"asked\" d=\"M0 {:.1}", y(self.record.start().asked_for()))?;
        for moment in &self.record.moments {
            write!(f, "H{:.1}V{:.1}", self.x(moment.at), y(moment.asked_for()))?;
        }
        writeln!(f, "\"/>")
    }

    /// A stroke at the limit for each second with refusals, a dot below the plot for each with a failure of the bystander.
    fn marks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = Moment::default();
        let before = std::iter::once(&start).chain(&self.record.moments);
        for (before, moment) in before.zip(&self.record.moments) {
            let x = self.x(moment.at);
            if moment.refused > before.refused {
                writeln!(f, "<path class=\"refused\" d=\"M{x:.1} {:.1}v8\"/>", y(story::MAX_CONNECTIONS) - 10.0)?;
            }
            if moment.bystander_failed > before.bystander_failed {
                writeln!(f, "<circle class=\"hurt\" cx=\"{x:.1}\" cy=\"{}\" r=\"2\"/>", HEIGHT + 34.0)?;
            }
        }
        Ok(())
    }

    fn x(&self, seconds: f64) -> f64 {
        seconds / self.longest * WIDTH
    }
}

/// How far below the top of the plot so many connections are drawn.
fn y(connections: u32) -> f64 {
    HEIGHT * (1.0 - f64::from(connections.min(SCALE)) / f64::from(SCALE))
}

fn legend(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let [first, second] = [56.0, 74.0].map(|below| HEIGHT + below);
    writeln!(f, "<rect class=\"open\" y=\"{}\" width=\"12\" height=\"8\"/>", first - 8.0)?;
    writeln!(f, "<text x=\"18\" y=\"{first}\">open</text>")?;
    writeln!(f, "<path class=\"asked\" d=\"M66 {}h18\"/>", first - 4.0)?;
    writeln!(f, "<text x=\"90\" y=\"{first}\">10 for each replica that is told to run</text>")?;
    writeln!(f, "<path class=\"refused\" d=\"M6 {}v8\"/>", second - 8.0)?;
    writeln!(f, "<text x=\"18\" y=\"{second}\">refused</text>")?;
    writeln!(f, "<circle class=\"hurt\" cx=\"76\" cy=\"{}\" r=\"2\"/>", second - 4.0)?;
    writeln!(f, "<text x=\"90\" y=\"{second}\">payments failed</text>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(variant: Variant) -> Record {
        let moment = |at, connections, refused, bystander_failed| Moment {
            at,
            connections,
            refused,
            bystander_failed,
            ..Moment::default()
        };
        let moments =
            vec![moment(1.0, 100, 0, 0), moment(2.0, 360, 7, 0), moment(3.0, 360, 9, 1), moment(4.0, 350, 9, 1)];
        Record { variant, seed: 1, moments, peak_connections: 360, sent: 0, handled: 0, drained_after: None }
    }

    #[test]
    fn each_run_has_a_panel_and_each_second_with_a_refusal_a_stroke() {
        let svg = Picture(&[record(Variant::Budgeted), record(Variant::Unbudgeted)]).to_string();
        assert_eq!(svg.matches("<g transform").count(), 2);
        let strokes = svg.matches("class=\"refused\"").count();
        assert_eq!(strokes, 2 * (2 + 1), "two seconds with refusals and the legend, in each panel");
        assert_eq!(svg.matches("class=\"hurt\"").count(), 2 * (1 + 1));
    }

    #[test]
    fn the_scale_ends_at_what_all_replicas_together_open() {
        assert_eq!([0, 500, 1000, 2000].map(|connections| format!("{:.0}", y(connections))), ["200", "100", "0", "0"]);
    }
}
