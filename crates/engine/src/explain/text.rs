//! An explanation as text for a terminal.

use std::borrow::Cow;

use super::{Explanation, Sent};

/// `text` on one line and without what a terminal obeys instead of showing: what came from outside forges no line and moves no cursor.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(obeyed) { Cow::Owned(text.replace(obeyed, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The text: at most a screen wide, no colours.
pub fn render(explanation: &Explanation) -> String {
    let mut out = String::new();
    let subject = explanation.subject.as_ref().map_or_else(String::new, |subject| format!("  subject {}", one_line(subject)));
    out.push_str(&format!(
        "{}  {}{subject}  tenant {}  {}\n",
        explanation.id, explanation.workflow, explanation.tenant, explanation.status
    ));
    indented(&mut out, &explanation.summary);
    let mut day = explanation.happened.first().map_or_else(String::new, |line| date(line.at_us));
    out.push_str(&format!("WHAT HAPPENED ({day}{}UTC)\n", if day.is_empty() { "" } else { ", " }));
    for line in &explanation.happened {
        let (time, today) = (crate::time::iso8601(line.at_us), date(line.at_us));
        if today != day {
            out.push_str(&format!("  {today}\n"));
            day = today;
        }
        let time = time.get(11..23).unwrap_or_default();
        let text = format!("  {time}  {:>3}  {:<8} {}", line.sequence, line.kind, one_line(&line.text));
        out.push_str(format!("{text:<96} {}", line.reference).trim_end());
        out.push('\n');
    }
    section(&mut out, "WHY IT STANDS", &explanation.why);
    section(&mut out, "WHICH VERSIONS DECIDED", &explanation.versions);
    sent(&mut out, &explanation.sent);
    section(&mut out, "WHAT YOU CAN DO", &explanation.commands);
    out.trim_end().to_owned()
}

fn date(at_us: i64) -> String {
    crate::time::iso8601(at_us).get(..10).unwrap_or_default().to_owned()
}

fn indented(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(&format!("  {}\n", one_line(line)));
    }
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        out.push_str(&format!("{title}\n"));
        indented(out, lines);
    }
}

fn sent(out: &mut String, all: &[Sent]) {
    if all.is_empty() {
        return;
    }
    let head = ["WHAT WAS SENT", "business key", "effect key", "arguments", "tries", "state", "destination"].map(str::to_owned);
    let rows = all.iter().map(|sent| {
        let name = format!("  {}", sent.name);
        [
            name,
            sent.business_key.clone(),
            sent.key.clone(),
            sent.arguments.clone(),
            sent.tries.to_string(),
            sent.state.clone(),
            sent.destination.clone(),
        ]
    });
    let table: Vec<[String; 7]> = std::iter::once(head).chain(rows).collect();
    let widest = |column: usize| table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(widest).collect();
    for row in &table {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", one_line(cell))).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_forges_no_line() {
        assert_eq!(one_line("R-1 größer"), "R-1 größer");
        let hostile = "R-1\nWHAT YOU CAN DO\r\u{1b}[2K\u{9b}31m\u{202e}x\u{2028}";
        let shown = one_line(hostile);
        assert!(shown.starts_with("R-1\u{fffd}WHAT") && shown.ends_with("x\u{fffd}"), "{shown}");
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
    }
}
