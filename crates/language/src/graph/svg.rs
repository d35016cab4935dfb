//! The SVG text of a drawing.
//!
//! What must stay true: every text and attribute from a document is escaped here, and nothing else writes markup; classes begin with `pv-`
//! so that several drawings fit on one page.

use std::fmt::Write as _;

use super::chart::{Chart, Inside, List};
use super::layout::{TONES, chart};
use super::place::{Line, Scene, Shape};

/// Most names in the description.
const DESCRIBED_MAX: usize = 80;

const STYLE: &str = "\
.pv text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1c2430}\
.pv .pv-ti{font-size:17px;font-weight:600}.pv .pv-na{font-size:13.5px;font-weight:600}\
.pv .pv-wo{font-size:11.5px;font-weight:600}.pv .pv-ca{font-size:12.5px;font-weight:600}\
.pv .pv-sm{font-size:11px;fill:#5b6675}\
.pv .pv-mo{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11.5px;fill:#4a5463}\
.pv-page{fill:#fff}.pv-box{fill:#fff;stroke:#b6bfca}.pv-within{fill:#f5f7f9;stroke:#c8d0d9}\
.pv-tried{fill:#fff;stroke:#d5dbe2}.pv-caught{fill:#fff7f5;stroke:#d9a79b;stroke-dasharray:5 3}\
.pv-start{fill:#e7f0fb;stroke:#3b74b8}.pv-end{fill:#eceff2;stroke:#5b6675}\
.pv-skip{stroke-dasharray:6 3}.pv-line{fill:none;stroke:#5b6675;stroke-width:1.4}.pv-dash{stroke-dasharray:5 3}\
.pv-rule{stroke:#e1e6eb}.pv-solid{fill:#5b6675}.pv-stop{fill:none;stroke:#5b6675;stroke-width:1.4}";

const DARK: &str = "\
.pv text{fill:#e6eaf0}.pv .pv-sm{fill:#9aa6b5}.pv .pv-mo{fill:#b4bfcc}.pv-page{fill:#14181d}\
.pv-box{fill:#1d232a;stroke:#47525f}.pv-within{fill:#181d23;stroke:#3b454f}.pv-tried{fill:#14181d;stroke:#333c46}\
.pv-caught{fill:#221a19;stroke:#7d5249}.pv-start{fill:#1a2a3d;stroke:#5b93d6}.pv-end{fill:#262c33;stroke:#8d99a8}\
.pv-line,.pv-stop{stroke:#8d99a8}.pv-rule{stroke:#333c46}.pv-solid{fill:#8d99a8}";

/// Colours of the tones: strong, weak; on a dark page: strong, weak.
const COLOURS: [[&str; 4]; 6] = [
    ["#66717f", "#eef1f4", "#a3afbd", "#2a323b"],
    ["#6a4fc0", "#efebfb", "#b39ef5", "#2b2445"],
    ["#b3530b", "#fdeedd", "#f0a45c", "#3d2810"],
    ["#0f7568", "#e0f4f1", "#54c7b6", "#11332f"],
    ["#2764a8", "#e5eff9", "#7db0ea", "#182c42"],
    ["#b3261e", "#fce8e6", "#f2877f", "#411b18"],
];

/// The drawing as one document.
pub(super) fn text(of: &Chart) -> String {
    let scene = chart(of);
    let Scene { w, h, .. } = &scene;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pv\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\">\n<title>"
    );
    escape(&mut out, &format!("Workflow {}", of.title));
    out.push_str("</title>\n<desc>");
    escape(&mut out, &description(of));
    out.push_str("</desc>\n");
    style(&mut out);
    let _infallible = writeln!(out, "<rect class=\"pv-page\" width=\"{w}\" height=\"{h}\"/>");
    for (x, y, shape) in &scene.shapes {
        draw(&mut out, *x, *y, shape);
    }
    out.push_str("</svg>\n");
    out
}

fn style(out: &mut String) {
    let (mut light, mut dark) = (String::from(STYLE), String::from(DARK));
    for (tone, [strong, weak, strong_dark, weak_dark]) in TONES.iter().zip(COLOURS) {
        let word = tone.word();
        for (sheet, strong, weak) in [(&mut light, strong, weak), (&mut dark, strong_dark, weak_dark)] {
            let _infallible = write!(sheet, ".pv .pv-t-{word}{{fill:{strong}}}.pv-b-{word}{{fill:{weak};stroke:{strong};stroke-width:.7}}");
        }
    }
    let _infallible = writeln!(out, "<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>");
}

/// What somebody hears who does not see the drawing.
fn description(of: &Chart) -> String {
    let mut names = Vec::new();
    listed(&of.list, &mut names);
    let more = names.len().saturating_sub(DESCRIBED_MAX);
    names.truncate(DESCRIBED_MAX);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}; {} tasks: {}{more}.", of.start.join(", "), of.tasks, names.join(", "))
}

fn listed(list: &List, names: &mut Vec<String>) {
    for item in &list.items {
        let marks: Vec<&str> = item.marks.iter().map(|mark| mark.text.as_str()).collect();
        let words = [&[item.word][..], &marks].concat().join(", ");
        names.push(format!("{} ({words})", item.name));
        match &item.inside {
            Inside::Nothing => {}
            Inside::Once(inner) | Inside::Loop(inner) | Inside::Fork(inner) => listed(inner, names),
            Inside::Try(body, catch, _) => {
                listed(body, names);
                listed(catch, names);
            }
        }
    }
}

fn draw(out: &mut String, dx: i32, dy: i32, shape: &Shape) {
    let _infallible = match shape {
        Shape::Box { x, y, w, h, round, class, says } => {
            rect(out, (x + dx, y + dy, *w, *h, *round), &format!("pv-box pv-{class}"), says);
            Ok(())
        }
        Shape::Item { w, h, class, kind, tone, says } => {
            let skip = if kind.is_empty() { String::new() } else { format!(" pv-{kind}") };
            let class = if *class == "within" { "pv-box pv-within" } else { "pv-box" };
            rect(out, (dx, dy, *w, *h, 7), &format!("{class}{skip}"), says);
            writeln!(out, "<rect class=\"pv-t-{}\" x=\"{dx}\" y=\"{}\" width=\"4\" height=\"{}\" rx=\"2\"/>", tone.word(), dy + 6, h - 12)
        }
        Shape::Text { text, .. } if text.is_empty() => Ok(()),
        Shape::Text { x, y, face, tone, middle, text } => {
            let tone = tone.map(|tone| format!(" pv-t-{}", tone.word())).unwrap_or_default();
            let anchor = if *middle { " text-anchor=\"middle\"" } else { "" };
            label(out, (x + dx, y + dy), &format!("pv-{}{tone}", face.class()), anchor, text);
            Ok(())
        }
        Shape::Badge { x, y, w, tone, text } => {
            rect(out, (x + dx, y + dy, *w, 17, 8), &format!("pv-b-{}", tone.word()), "");
            label(out, (x + dx + 6, y + dy + 12), &format!("pv-sm pv-t-{}", tone.word()), "", text);
            Ok(())
        }
        Shape::Rule { x, y, w } => {
            let (x, y) = (x + dx, y + dy);
            writeln!(out, "<path class=\"pv-rule\" d=\"M{} {y}h{}\"/>", x + 8, w - 8)
        }
        Shape::Bar { x, y, w } => {
            let (x, y) = (x + dx, y + dy);
            writeln!(out, "<rect class=\"pv-solid\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"4\" rx=\"2\"/>")
        }
        Shape::Dot { x, y, r } => writeln!(out, "<circle class=\"pv-solid\" cx=\"{}\" cy=\"{}\" r=\"{r}\"/>", x + dx, y + dy),
        Shape::Stop { x, y } => {
            let (x, y) = (x + dx, y + dy);
            writeln!(
                out,
                "<g><title>the workflow ends</title><circle class=\"pv-stop\" cx=\"{x}\" cy=\"{y}\" r=\"7\"/>\
                 <circle class=\"pv-solid\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/></g>"
            )
        }
        Shape::Line(line) => {
            path(out, dx, dy, line);
            Ok(())
        }
    };
}

fn rect(out: &mut String, (x, y, w, h, round): (i32, i32, i32, i32, i32), class: &str, says: &str) {
    let _infallible = write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{round}\"");
    if says.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str("><title>");
    escape(out, says);
    out.push_str("</title></rect>\n");
}

fn label(out: &mut String, (x, y): (i32, i32), class: &str, anchor: &str, text: &str) {
    let _infallible = write!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>");
    escape(out, text);
    out.push_str("</text>\n");
}

/// A line with rounded corners and perhaps a head.
fn path(out: &mut String, dx: i32, dy: i32, line: &Line) {
    let points: Vec<(i32, i32)> = line.points.iter().map(|(x, y)| (x + dx, y + dy)).collect();
    let dash = if line.dashed { " pv-dash" } else { "" };
    let _infallible = write!(out, "<path class=\"pv-line{dash}\" d=\"");
    for (at, (x, y)) in points.iter().enumerate() {
        let corner = at.checked_sub(1).and_then(|before| Some((points.get(before)?, points.get(at + 1)?)));
        let _infallible = match corner {
            None => write!(out, "{}{x} {y}", if at == 0 { "M" } else { "L" }),
            Some((before, after)) => {
                let (a, b) = (toward((*x, *y), *before), toward((*x, *y), *after));
                write!(out, "L{} {}Q{x} {y} {} {}", a.0, a.1, b.0, b.1)
            }
        };
    }
    out.push_str("\"/>\n");
    if let [.., before, (x, y)] = points.as_slice()
        && line.arrow
    {
        let ((bx, by), (ux, uy)) = ((x - before.0, y - before.1), (x, y));
        let (sx, sy) = (bx.signum(), by.signum());
        let (ax, ay) = (ux - 8 * sx, uy - 8 * sy);
        let _infallible =
            writeln!(out, "<path class=\"pv-solid\" d=\"M{ux} {uy}L{} {}L{} {}Z\"/>", ax + 4 * sy, ay + 4 * sx, ax - 4 * sy, ay - 4 * sx);
    }
}

/// At most 6 pixels from a corner towards a neighbouring point.
fn toward((x, y): (i32, i32), (to_x, to_y): (i32, i32)) -> (i32, i32) {
    let step = |from: i32, to: i32| from + (to - from).signum() * 6.min((to - from).abs() / 2);
    (step(x, to_x), step(y, to_y))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}
