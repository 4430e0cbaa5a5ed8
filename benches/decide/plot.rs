//! The plot: the cost of a decision by the number of users, on logarithmic scales.

use std::fmt::Write;

use super::organisation::Actors;
use super::race::{FLOOR, FLOOR_BATCH};
use super::report::{GROUPS, Report, VERDICTS, in_words};
use super::{VERDICT, VERDICT_BATCH};

struct Line {
    name: &'static str,
    label: &'static str,
    colour: &'static str,
    dashes: &'static str,
}

/// Colours that are visible on white and on black.
const LINES: [Line; 6] = [
    Line { name: GROUPS, label: "HashMap of groups, by hand", colour: "#d9822b", dashes: "" },
    Line { name: VERDICTS, label: "HashMap of verdicts, by hand", colour: "#c2558f", dashes: "" },
    Line { name: VERDICT, label: "verdict", colour: "#2f81d6", dashes: "" },
    Line { name: FLOOR, label: "floor: one probe", colour: "#2f81d6", dashes: "3 4" },
    Line { name: VERDICT_BATCH, label: "verdicts", colour: "#2e9e5b", dashes: "" },
    Line { name: FLOOR_BATCH, label: "floor, 64 at once", colour: "#2e9e5b", dashes: "3 4" },
];

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 400.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 350.0;
/// From 10 ns to 2,000 ns.
const LEAST: f64 = 10.0;
const MOST: f64 = 2_000.0;
const PANEL: f64 = 270.0;

pub(crate) fn svg(report: &Report) -> String {
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#808890\">\n\
         <title>Nanoseconds a decision by number of users</title>\n"
    );
    for (left, actors) in [60.0, 370.0].into_iter().zip(Actors::BOTH) {
        panel(&mut svg, report, left, actors);
    }
    for (line, y) in LINES.iter().zip((0..).map(|at| 80.0 + 26.0 * f64::from(at))) {
        let Line { label, colour, dashes, .. } = line;
        let _ = write!(
            svg,
            "<line x1=\"664\" y1=\"{y}\" x2=\"692\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2.5\" \
             stroke-dasharray=\"{dashes}\"/>\n<text x=\"700\" y=\"{}\">{label}</text>\n",
            y + 4.5
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, report: &Report, left: f64, actors: Actors) {
    let right = left + PANEL;
    let decades = |users: u32| f64::from(users).log10();
    let first = report.0.first().map_or(1.0, |size| decades(size.users));
    let last = report.0.last().map_or(first, |size| decades(size.users)).max(first + 1e-9);
    let x = |users: u32| left + 12.0 + (decades(users) - first) / (last - first) * (PANEL - 24.0);
    let y = |nanoseconds: f64| {
        let share = (nanoseconds / LEAST).log10() / (MOST / LEAST).log10();
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    };
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"600\">ns a decision, {} actors</text>",
        TOP - 18.0,
        actors.name()
    );
    for tick in [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0] {
        let at = y(tick);
        let _ = write!(
            svg,
            "<line x1=\"{left}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#808890\" stroke-opacity=\"0.25\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\">{tick}</text>\n",
            left - 6.0,
            at + 4.0
        );
    }
    for size in &report.0 {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(size.users),
            BOTTOM + 22.0,
            in_words(size.users)
        );
    }
    for Line { name, colour, dashes, .. } in &LINES {
        let points = report.0.iter().filter_map(|size| {
            let (_, times) = size.decisions.iter().find(|(known, _)| *known == actors)?;
            let (nanoseconds, _) = times.of(name)?;
            Some((x(size.users), y(nanoseconds)))
        });
        let points: Vec<(f64, f64)> = points.collect();
        let joined: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{dashes}\"/>",
            joined.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
    let _ =
        writeln!(svg, "<text x=\"{right}\" y=\"{}\" text-anchor=\"end\" font-size=\"11\">users</text>", BOTTOM + 38.0);
}
