//! The Mermaid text of a drawing: the same chart for places that render Mermaid themselves.
//!
//! What must stay true: labels stand in quotes and hold no character that Mermaid or HTML reads; ids are our own numbers.

use std::fmt::Write as _;

use super::chart::{Chart, Inside, Item, List, To};
use super::layout::TONES;

/// Fill and line of the tones, as in the SVG.
const COLOURS: [&str; 6] = [
    "fill:#ffffff,stroke:#66717f",
    "fill:#efebfb,stroke:#6a4fc0",
    "fill:#fdeedd,stroke:#b3530b",
    "fill:#e0f4f1,stroke:#0f7568",
    "fill:#e5eff9,stroke:#2764a8",
    "fill:#fce8e6,stroke:#b3261e",
];

/// The drawing as text.
pub(super) fn text(of: &Chart) -> String {
    let mut out = format!("flowchart TD\n  accTitle: Workflow {}\n", plain(&of.title));
    let _infallible = writeln!(out, "  start([\"{}\"])", of.start.iter().map(|line| quoted(line)).collect::<Vec<_>>().join("<br/>"));
    let mut edges = Edges::default();
    let first = of.list.items.first().map_or_else(|| "finish".to_owned(), |item| node(item.id));
    edges.add("start", &first, None);
    list(&mut out, &mut edges, &of.list, "finish", 1);
    out.push_str("  finish([\"end\"])\n");
    out.push_str(&edges.text);
    for (tone, colour) in TONES.iter().zip(COLOURS) {
        let _infallible = writeln!(out, "  classDef {} {colour},color:#1c2430", tone.word());
    }
    out
}

#[derive(Default)]
struct Edges {
    text: String,
}

impl Edges {
    fn add(&mut self, from: &str, to: &str, label: Option<&str>) {
        let _infallible = match label {
            Some(label) => writeln!(self.text, "  {from} -->|\"{}\"| {to}", quoted(label)),
            None => writeln!(self.text, "  {from} --> {to}"),
        };
    }
}

fn node(id: usize) -> String {
    format!("t{id}")
}

/// Items in order; `after` is where a line out of the list leads, empty if it leads out of what contains it.
fn list(out: &mut String, edges: &mut Edges, of: &List, after: &str, depth: usize) {
    for (at, item) in of.items.iter().enumerate() {
        draw(out, edges, item, depth);
        let place = |to: To| {
            let index = match to {
                To::Next => at + 1,
                To::Item(index) => index,
                To::Exit => of.items.len(),
                To::End => return "finish".to_owned(),
            };
            of.items.get(index).map_or_else(|| after.to_owned(), |target| node(target.id))
        };
        let from = node(item.id);
        for case in &item.cases {
            let to = place(case.to);
            let label = if case.when.is_empty() { case.name.clone() } else { format!("{}: {}", case.name, case.when) };
            lead(out, edges, &from, &to, Some(&label), depth);
        }
        if !item.cases.iter().any(|case| case.always) {
            let label = (!item.cases.is_empty()).then_some("no case");
            let goes = item.then != To::Next || at + 1 < of.items.len() || label.is_some() || !after.is_empty();
            if goes {
                lead(out, edges, &from, &place(item.then), label, depth);
            }
        }
        if let Inside::Try(_, _, then) = &item.inside
            && *then != To::Next
        {
            lead(out, edges, &from, &place(*then), Some("caught"), depth);
        }
    }
}

/// A line; out of an inner list it leads to a point of its own.
fn lead(out: &mut String, edges: &mut Edges, from: &str, to: &str, label: Option<&str>, depth: usize) {
    if !to.is_empty() {
        return edges.add(from, to, label);
    }
    let point = format!("{from}x");
    if !out.contains(&format!(" {point}((")) {
        let _infallible = writeln!(out, "{:indent$}{point}((\" \"))", "", indent = depth * 2);
    }
    edges.add(from, &point, label);
}

fn draw(out: &mut String, edges: &mut Edges, item: &Item, depth: usize) {
    let indent = depth * 2;
    let id = node(item.id);
    let label = label(item);
    let inner = match &item.inside {
        Inside::Nothing => {
            let (open, close) = if item.cases.is_empty() { ("[", "]") } else { ("{", "}") };
            let _infallible = writeln!(out, "{:indent$}{id}{open}\"{label}\"{close}:::{}", "", item.tone.word());
            return;
        }
        Inside::Once(inner) | Inside::Loop(inner) | Inside::Fork(inner) => vec![(id.clone(), label, inner)],
        Inside::Try(body, catch, _) => {
            let _infallible = writeln!(out, "{:indent$}subgraph {id} [\"{label}\"]", "");
            let title = |list: &List| list.title.iter().map(|line| quoted(line)).collect::<Vec<_>>().join(", ");
            vec![(format!("{id}try"), title(body), body), (format!("{id}catch"), title(catch), catch)]
        }
    };
    let nested = inner.len() > 1;
    for (id, label, list) in &inner {
        block(out, edges, (id, label), item, list, depth + usize::from(nested));
    }
    if nested {
        let _infallible = writeln!(out, "{:indent$}end", "");
        let _infallible = writeln!(edges.text, "  {id}try -.->|error| {id}catch");
    }
}

fn block(out: &mut String, edges: &mut Edges, (id, label): (&str, &str), item: &Item, inner: &List, depth: usize) {
    let indent = depth * 2;
    let fork = matches!(item.inside, Inside::Fork(_));
    if inner.items.is_empty() {
        let _infallible = writeln!(out, "{:indent$}{id}[\"{label}\"]", "");
        return;
    }
    let _infallible = writeln!(out, "{:indent$}subgraph {id} [\"{label}\"]", "");
    let _infallible = writeln!(out, "{:indent$}  direction {}", "", if fork { "LR" } else { "TB" });
    if fork {
        for branch in &inner.items {
            draw(out, edges, branch, depth + 1);
        }
    } else {
        list(out, edges, inner, "", depth + 1);
    }
    if let (Inside::Loop(_), Some(first), Some(last)) = (&item.inside, inner.items.first(), inner.items.last()) {
        edges.add(&node(last.id), &node(first.id), Some("next"));
    }
    let _infallible = writeln!(out, "{:indent$}end", "");
}

/// A container has one line for its title; more would lie under what it contains.
fn label(item: &Item) -> String {
    let head = format!("{} {}", item.word, item.name);
    let marks: Vec<String> = item.marks.iter().map(|mark| format!("[{}]", mark.text)).collect();
    let marks = marks.join(" ");
    let lines = [head.trim()].into_iter().chain(item.details.iter().map(String::as_str)).chain([marks.as_str()]);
    let between = if matches!(item.inside, Inside::Nothing) { "<br/>" } else { ", " };
    lines.filter(|line| !line.is_empty()).map(quoted).collect::<Vec<_>>().join(between)
}

/// Mermaid writes characters as `#number;`.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            _ if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '_' | '/' | '@' | ':' | '…' | '$' | '+' | '=' | '?') => {
                out.push(c)
            }
            _ => drop(write!(out, "#{};", u32::from(c))),
        }
    }
    out
}

/// A directive takes its whole line as text; only what could end it or begin another is left out.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '+')).collect()
}
