//! A line chart as SVG: axes from zero, a few lines, their names beside them.

/// A line and its name.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// What stands around the lines.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Above.
    title: &'static str,
    /// Below.
    across: &'static str,
    /// What the values are divided by before they are written at the side.
    unit: f64,
    /// The unit's name.
    up: &'static str,
}

/// Growth of files over finished orchestrations.
pub const GROWTH: Chart = Chart { title: "Growth of files", across: "finished orchestrations of ten tasks", unit: 1_048_576.0, up: "MiB" };

/// Time for each task over the length of a document or loop.
pub const LANGUAGE: Chart = Chart { title: "Time for each task", across: "tasks of the document, items of the loop", unit: 1.0, up: "us" };

/// The picture, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 340.0;
/// Room for what stands around the lines.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
/// Marks on each axis.
const MARKS: u32 = 5;
/// One colour for each line; told apart by people who see few colours too.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#555555"];

/// The chart as an SVG document.
pub fn chart(chart: &Chart, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let (most_x, most_y) = points().fold((1.0_f64, 1.0_f64), |(x, y), point| (x.max(point.0), y.max(point.1)));
    let across = |x: f64| LEFT + x / most_x * (WIDTH - LEFT - RIGHT);
    let up = |y: f64| HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}",
        text(LEFT, 20.0, "start", &format!("{} ({})", chart.title, chart.up))
    );
    for mark in 0..=MARKS {
        let share = f64::from(mark) / f64::from(MARKS);
        let (x, y) = (across(most_x * share), up(most_y * share));
        svg.push_str(&format!("<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n", WIDTH - RIGHT));
        svg.push_str(&text(LEFT - 6.0, y + 4.0, "end", &format!("{:.0}", most_y * share / chart.unit)));
        svg.push_str(&text(x, HEIGHT - BOTTOM + 16.0, "middle", &format!("{:.0}", most_x * share)));
    }
    svg.push_str(&text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0, "middle", chart.across));
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let path: Vec<String> = line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect();
        svg.push_str(&format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n", path.join(" ")));
        if let Some((x, y)) = line.points.last() {
            svg.push_str(&text(across(*x) + 8.0, up(*y) + 4.0, "start", &line.name));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_point_is_at_the_upper_right_and_zero_at_the_lower_left() {
        let line = Line { name: "a < b".to_owned(), points: vec![(0.0, 0.0), (100.0, 2_097_152.0)] };
        let svg = chart(&GROWTH, &[line]);
        assert!(svg.contains("points=\"60.0,296.0 520.0,36.0\""), "{svg}");
        assert!(svg.contains(">a &lt; b</text>") && svg.contains(">2</text>") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
