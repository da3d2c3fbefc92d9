//! The plot of the share of informed servers over time, as an SVG for light and dark backgrounds.

use std::fmt::Write;

use clustershazbot::sim::report::share_informed;
use clustershazbot::sim::watch::Watch;

use crate::Run;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 56.0;
/// The start of the logarithmic time axis, in ms; one peer is a hundred times faster than another.
const FIRST: f64 = 10.0;
const POINTS: u32 = 300;
/// The maximum number of single events that are drawn faintly behind the average.
const MAX_SINGLE: usize = 10;

const STYLE: &str = "\
svg{background:#fff;color:#1c2024;font:13px system-ui,sans-serif}\
text{fill:currentColor}\
.grid{stroke:currentColor;stroke-opacity:.14}\
.axis{stroke:currentColor;stroke-opacity:.6}\
.line{fill:none;stroke-width:2.5;stroke-linejoin:round}\
.single{fill:none;stroke-width:1;stroke-opacity:.16}\
.c0{stroke:#0b62c4}.c1{stroke:#c2410c}.t0{fill:#0b62c4}.t1{fill:#c2410c}\
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill-opacity:.75}\
@media(prefers-color-scheme:dark){svg{background:#14171a;color:#e8eaed}\
.c0{stroke:#6db1ff}.c1{stroke:#ff9a5c}.t0{fill:#6db1ff}.t1{fill:#ff9a5c}}";

/// Draws the plot.
pub(crate) fn of(runs: &[Run]) -> String {
    let mut svg = String::new();
    // Writing into memory cannot fail.
    let _ = draw(runs, &mut svg);
    svg
}

fn draw(runs: &[Run], svg: &mut String) -> std::fmt::Result {
    let last = last_moment(runs);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title">"#
    )?;
    let of_what = runs.first().map_or_else(String::new, |run| {
        format!(
            "{} among {} servers: the share of those who know, over time",
            run.plan.scenario.name(),
            run.plan.servers
        )
    });
    writeln!(svg, r#"<title id="title">{of_what}</title>"#)?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    if let Some(run) = runs.first() {
        let plan = run.plan;
        let name = plan.scenario.name();
        writeln!(
            svg,
            r#"<text class="title" x="{LEFT}" y="28">{name} among {} servers</text>"#,
            plan.servers
        )?;
        let about = format!(
            "{} events, {} % of the messages lost, seed {}",
            plan.events,
            plan.loss * 100.0,
            plan.seed
        );
        writeln!(svg, r#"<text class="small" x="{LEFT}" y="48">{about}</text>"#)?;
    }
    draw_axes(svg, last)?;
    for (index, run) in runs.iter().enumerate() {
        let events = &run.results.events;
        for event in events.iter().take(MAX_SINGLE) {
            draw_curve(svg, &format!("single c{index}"), std::slice::from_ref(event), last)?;
        }
        draw_curve(svg, &format!("line c{index}"), events, last)?;
        let (x, y) = (WIDTH - RIGHT, 28.0 + 20.0 * index as f64);
        writeln!(svg, r#"<text class="t{index}" x="{x}" y="{y}" text-anchor="end">{}</text>"#, run.name)?;
    }
    writeln!(svg, "</svg>")
}

fn last_moment(runs: &[Run]) -> f64 {
    let events = runs.iter().flat_map(|run| &run.results.events);
    let ends = events.filter_map(|watch| watch.curve.last().map(|(at, _)| at - watch.since));
    (ends.max().unwrap_or(0) as f64 * 1.2).max(FIRST * 10.0)
}

fn draw_axes(svg: &mut String, last: f64) -> std::fmt::Result {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for percent in [0, 25, 50, 75, 100] {
        let y = height_of(f64::from(percent) / 100.0);
        writeln!(svg, r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}"/>"#)?;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{percent} %</text>"#,
            LEFT - 8.0,
            y + 4.0
        )?;
    }
    let mut decade = FIRST;
    while decade <= last {
        for step in [1.0, 2.0, 5.0] {
            let millis = decade * step;
            if millis > last {
                continue;
            }
            let x = place_of(millis, last);
            writeln!(svg, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}"/>"#)?;
            let label =
                if millis < 1_000.0 { format!("{millis} ms") } else { format!("{} s", millis / 1_000.0) };
            writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                bottom + 18.0
            )?;
        }
        decade *= 10.0;
    }
    writeln!(svg, r#"<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>"#)?;
    let (x, y) = ((LEFT + right) / 2.0, HEIGHT - 14.0);
    writeln!(svg, r#"<text class="small" x="{x}" y="{y}" text-anchor="middle">time after the event</text>"#)?;
    writeln!(svg, r#"<text class="small" x="{LEFT}" y="{:.1}">who knows</text>"#, TOP - 10.0)
}

fn draw_curve(svg: &mut String, class: &str, events: &[Watch], last: f64) -> std::fmt::Result {
    write!(svg, r#"<path class="{class}" d=""#)?;
    let mut before = None;
    for point in 0..=POINTS {
        let millis = FIRST * (last / FIRST).powf(f64::from(point) / f64::from(POINTS));
        let share = share_informed(events, millis as u64);
        // A level line needs only its end points.
        if before == Some(share) && point < POINTS {
            continue;
        }
        let (x, y) = (place_of(millis, last), height_of(share));
        match before {
            None => write!(svg, "M{x:.1} {y:.1}")?,
            Some(level) => write!(svg, "L{x:.1} {:.1}V{y:.1}", height_of(level))?,
        }
        before = Some(share);
    }
    writeln!(svg, r#""/>"#)
}

fn place_of(millis: f64, last: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * (millis.max(FIRST) / FIRST).ln() / (last / FIRST).ln()
}

fn height_of(share: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
}
