//! The curve of `--find-max`: CPU per packet and latency against load, as SVG.

use std::fmt::Write;

/// One load.
pub struct Point {
    /// Packets out in a second.
    pub packets: f64,
    pub visits: u32,
    /// Microseconds of the server for each of them, and the user's share of it.
    pub cpu: f64,
    pub user: f64,
    /// Microseconds: the median, of a hundred the worst, of a thousand the worst.
    pub latency: [f64; 3],
    /// Nothing gave way.
    pub carried: bool,
}

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 640.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 790.0;
/// Upper and lower edge of each panel.
const CPU: (f64, f64) = (60.0, 290.0);
const LATENCY: (f64, f64) = (350.0, 580.0);

const BLUE: &str = "#1f5fa8";
const SHADES: [&str; 3] = ["#2e7d32", "#c77700", "#b3261e"];

/// One panel: where values lie in it.
struct Panel {
    edges: (f64, f64),
    /// The load at the right edge.
    load_max: f64,
    scale: Scale,
}

enum Scale {
    /// From nothing to this.
    Linear(f64),
    /// From one power of ten to another.
    Decades(i32, i32),
}

impl Panel {
    fn x(&self, load: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * load / self.load_max
    }

    fn y(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear(most) => value / most,
            Scale::Decades(least, most) => (value.max(1e-9).log10() - f64::from(least)) / f64::from(most - least),
        };
        let (top, bottom) = self.edges;
        bottom - (bottom - top) * part.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear(most) => steps(most),
            Scale::Decades(least, most) => (least..=most).map(|power| 10_f64.powi(power)).collect(),
        }
    }

    fn frame(&self, out: &mut String, title: &str) {
        let (top, bottom) = self.edges;
        text(out, LEFT, top - 10.0, "start", title);
        for tick in self.ticks() {
            let y = self.y(tick);
            line(out, (LEFT, y), (RIGHT, y), "#ddd", "");
            text(out, LEFT - 8.0, y + 4.0, "end", &plain(tick));
        }
        for tick in steps(self.load_max) {
            let x = self.x(tick);
            line(out, (x, bottom), (x, bottom + 5.0), "#444", "");
            text(out, x, bottom + 19.0, "middle", &plain(tick / 1_000.0));
        }
        line(out, (LEFT, bottom), (RIGHT, bottom), "#444", "");
    }

    /// A line through the loads that were carried, dots for all, hollow where something gave way.
    fn curve(&self, out: &mut String, points: &[Point], color: &str, value: impl Fn(&Point) -> f64) {
        let carried: Vec<String> = points
            .iter()
            .filter(|point| point.carried)
            .map(|point| format!("{:.1},{:.1}", self.x(point.packets), self.y(value(point))))
            .collect();
        let _ = writeln!(out, r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#, carried.join(" "));
        for point in points {
            let (x, y) = (self.x(point.packets), self.y(value(point)));
            let fill = if point.carried { color } else { "white" };
            let visits = point.visits;
            let _ = writeln!(
                out,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{fill}" stroke="{color}" stroke-width="1.5"><title>{visits} visits</title></circle>"#
            );
        }
    }
}

/// The picture; `points` from the smallest load on.
pub fn svg(points: &[Point], machine: &str) -> String {
    let most = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
    let load_max = 1.05 * most(&|point| point.packets).max(1_000.0);
    let slowest = most(&|point| point.latency[2]).max(10_000.0).log10().ceil();
    let cpu = Panel { edges: CPU, load_max, scale: Scale::Linear(1.1 * most(&|point| point.cpu).max(1.0)) };
    let latency = Panel { edges: LATENCY, load_max, scale: Scale::Decades(1, slowest.min(9.0) as i32) };

    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#
    );
    text(&mut out, LEFT, 24.0, "start", &format!("One worker on one processor; {machine}"));
    cpu.frame(&mut out, "CPU per forwarded packet, µs");
    cpu.curve(&mut out, points, BLUE, |point| point.cpu);
    cpu.curve(&mut out, points, "#7fa6d6", |point| point.user);
    legend(&mut out, CPU.0 - 10.0, &[("user and system", BLUE), ("user", "#7fa6d6")]);

    latency.frame(&mut out, "Added latency, µs");
    let allowed = latency.y(crate::run::limits::P99_MAX_US);
    line(&mut out, (LEFT, allowed), (RIGHT, allowed), SHADES[1], r#" stroke-dasharray="5 4""#);
    text(&mut out, LEFT + 6.0, allowed - 5.0, "start", "what p99 may be");
    for (quantile, color) in SHADES.iter().enumerate() {
        latency.curve(&mut out, points, color, |point| point.latency[quantile]);
    }
    legend(&mut out, LATENCY.0 - 10.0, &[("p50", SHADES[0]), ("p99", SHADES[1]), ("p99.9", SHADES[2])]);
    let hollow = if points.iter().all(|point| point.carried) { "" } else { "; hollow: something gave way" };
    text(&mut out, RIGHT, LATENCY.1 + 42.0, "end", &format!("packets out, thousands a second{hollow}"));
    out.push_str("</svg>\n");
    out
}

fn legend(out: &mut String, y: f64, entries: &[(&str, &str)]) {
    let mut x = RIGHT;
    for (name, color) in entries.iter().rev() {
        text(out, x, y, "end", name);
        x -= 8.0 * name.chars().count() as f64 + 8.0;
        let _ = writeln!(out, r#"<circle cx="{x:.1}" cy="{:.1}" r="4" fill="{color}"/>"#, y - 4.0);
        x -= 16.0;
    }
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64), color: &str, more: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(out, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{color}"{more}/>"#);
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, said: &str) {
    let said = said.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(out, r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#222">{said}</text>"##);
}

/// Four to nine round numbers from nothing up to `most`.
fn steps(most: f64) -> Vec<f64> {
    let power = 10_f64.powf((most / 5.0).max(f64::MIN_POSITIVE).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|part| part * power).into_iter().find(|step| most / step <= 8.0).unwrap_or(most);
    (0..).map(|n| f64::from(n) * step).take_while(|tick| *tick <= most * 1.0001).take(12).collect()
}

/// Without needless zeros.
fn plain(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_has_a_few_round_ticks() {
        for most in [0.7, 1.0, 3.3, 9.0, 12.5, 96_000.0, 410_000.0, 1e9] {
            let ticks = steps(most);
            assert!((4..=9).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!(ticks.iter().all(|tick| *tick <= most * 1.001));
        }
    }

    #[test]
    fn no_point_lies_outside_the_picture() {
        let point = |visits: u32, carried| Point {
            packets: f64::from(visits) * 2_400.0,
            visits,
            cpu: 3.0,
            user: 1.0,
            latency: [50.0, 5e6, 0.0],
            carried,
        };
        for points in [vec![], vec![point(1, true)], vec![point(10, true), point(300, false)]] {
            let drawn = svg(&points, "1 × <a processor> & more");
            for (name, most) in [("cx=\"", WIDTH), ("cy=\"", HEIGHT)] {
                for place in drawn.split(name).skip(1) {
                    let place: f64 = place.split('"').next().unwrap().parse().unwrap();
                    assert!((0.0..=most).contains(&place), "{name}{place}");
                }
            }
            assert!(drawn.contains("&lt;a processor> &amp; more") && !drawn.contains("NaN"));
        }
    }
}
