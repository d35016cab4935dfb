//! Findings as text: place, message, the line with what is meant underlined, what was expected, and the line as it should be.
//!
//! What must stay true: nothing of a source reaches a terminal that could steer it; every finding shows, however many there are.

use std::fmt::Write as _;

use super::{Code, Finding, Severity, listed};
use crate::source::Sources;

/// Whether the text is for a terminal that shows colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Letters only.
    #[default]
    Plain,
    /// With the escape sequences of ANSI terminals.
    Colours,
}

impl Paint {
    fn wrap(self, sequence: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colours => format!("\u{1b}[{sequence}m{text}\u{1b}[0m"),
        }
    }
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const GREEN: &str = "32";
const BLUE: &str = "34";

/// Longest piece of a line that is shown.
const SHOWN_MAX: usize = 140;
/// How much of a long line is shown before the place.
const BEFORE_MAX: usize = 80;

/// Findings as plain text.
pub fn render(findings: &[Finding], sources: &Sources) -> String {
    render_for(findings, sources, Paint::Plain)
}

/// Findings as text for a terminal.
pub fn render_for(findings: &[Finding], sources: &Sources, paint: Paint) -> String {
    let mut out = String::new();
    for finding in findings {
        let (word, colour) = match finding.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let Finding { code, file, line, column, message, .. } = finding;
        // What is said of a folder, or of a file that was not read, has no line.
        let place = if sources.bytes(file).is_some() { format!("{file}:{line}:{column}:") } else { format!("{file}:") };
        let place = paint.wrap(BOLD, &place);
        let _infallible = writeln!(out, "{place} {} {code}: {message}", paint.wrap(colour, word));
        let excerpt = Excerpt::of(finding, sources);
        if let Some(excerpt) = &excerpt {
            excerpt.write(finding.line, colour, paint, &mut out);
        }
        advice(finding, excerpt.as_ref(), paint, &mut out);
    }
    out
}

fn advice(finding: &Finding, excerpt: Option<&Excerpt>, paint: Paint, out: &mut String) {
    let sign = paint.wrap(BLUE, "      =");
    let hint = finding.hint.as_deref().unwrap_or_default();
    // Where the hint lists the words already, once is enough.
    if finding.expected.len() > 1 && !hint.starts_with("known here") {
        let words: Vec<&str> = finding.expected.iter().map(String::as_str).collect();
        let _infallible = writeln!(out, "{sign} expected one of {}", listed(&words));
    }
    if !hint.is_empty() {
        let _infallible = writeln!(out, "{sign} {hint}");
    }
    if let (Some(fix), Some(excerpt)) = (&finding.fix, excerpt) {
        let better = excerpt.shown.get(excerpt.byte..).and_then(|rest| rest.strip_prefix(fix.replace.as_str()));
        if let Some(rest) = better {
            let lead = excerpt.shown.get(..excerpt.byte).unwrap_or_default();
            let sign = paint.wrap(GREEN, &format!("{:>5} +", finding.line));
            let _infallible = writeln!(out, "{sign} {lead}{}{}", paint.wrap(GREEN, &fix.with), rest.trim_end());
        }
    }
}

/// The piece of a line around a place.
struct Excerpt {
    shown: String,
    /// Characters before the place.
    lead: usize,
    /// Bytes before the place.
    byte: usize,
    /// Characters that are underlined.
    length: usize,
}

impl Excerpt {
    fn of(finding: &Finding, sources: &Sources) -> Option<Self> {
        let text = sources.text(&finding.file)?;
        let line = text.lines().nth(finding.line.saturating_sub(1) as usize)?.trim_start_matches('\u{feff}');
        // Long lines are cut around the place; a caret must never stand alone on a screen.
        let at = finding.column.saturating_sub(1) as usize;
        let from = at.saturating_sub(BEFORE_MAX);
        let shown: String = line.chars().skip(from).take(SHOWN_MAX).map(|c| if steers(c) { ' ' } else { c }).collect();
        if shown.trim().is_empty() {
            return None;
        }
        let lead = at - from;
        let byte = shown.char_indices().nth(lead).map_or(shown.len(), |(byte, _)| byte);
        let rest = shown.get(byte..).unwrap_or_default();
        let length = length(rest, finding.code).max(1);
        Some(Self { shown, lead, byte, length })
    }

    fn write(&self, line: u32, colour: &str, paint: Paint, out: &mut String) {
        let _infallible = writeln!(out, "{} {}", paint.wrap(BLUE, &format!("{line:>5} |")), self.shown.trim_end());
        let carets = paint.wrap(colour, &"^".repeat(self.length));
        let _infallible = writeln!(out, "{} {}{carets}", paint.wrap(BLUE, "      |"), " ".repeat(self.lead));
    }
}

/// What could move the cursor or turn the direction of a line.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many characters at the beginning of `rest` are meant.
fn length(rest: &str, code: Code) -> usize {
    let inside = matches!(code, Code::Expression | Code::Secret | Code::Policy);
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) if !inside => {
            let closing = rest.chars().skip(1).position(|c| c == quote);
            closing.map_or_else(|| rest.trim_end().chars().count(), |at| at + 2)
        }
        Some('[' | '{' | '|' | '>' | '-') | None => 1,
        Some(_) if inside => rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '@')).count(),
        Some(_) => scalar(rest),
    }
}

/// A plain key or value of YAML.
fn scalar(rest: &str) -> usize {
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        let next = rest.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        let over = match c {
            ',' | '}' | ']' => true,
            ':' => next.is_none_or(char::is_whitespace),
            '#' => rest.get(..at).is_some_and(|before| before.ends_with(' ')),
            _ => false,
        };
        if over {
            end = at;
            break;
        }
    }
    rest.get(..end).map_or(0, |text| text.trim_end().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_underlined() {
        for (rest, code, marked) in [
            ("tiemout: { after: 1 }", Code::UnknownKey, "tiemout"),
            ("'a b': 1", Code::UnknownKey, "'a b'"),
            ("then: x  # why", Code::UnknownKey, "then"),
            ("x  # why", Code::UnknownTarget, "x"),
            ("https://a.example/b }", Code::WrongValue, "https://a.example/b"),
            ("{ a: 1 }", Code::WrongType, "{"),
            ("$foo + 1", Code::Expression, "$foo"),
            ("+ 1", Code::Expression, ""),
        ] {
            assert_eq!(length(rest, code), marked.chars().count(), "{rest}");
        }
    }

    #[test]
    fn colours_are_only_there_when_asked_for_and_sources_cannot_add_any() {
        let sources = Sources::lone("w.yaml", "dcoument: \u{1b}[31m\u{202e}x\n".as_bytes());
        let findings = crate::compile(&sources).findings;
        let plain = render(&findings, &sources);
        assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "{plain}");
        let sources = Sources::lone("w.yaml", &b"dcoument: {}\ndo: []\n"[..]);
        let findings = crate::compile(&sources).findings;
        assert!(render(&findings, &sources).contains("    1 + document: {}\n"), "{}", render(&findings, &sources));
        assert!(render_for(&findings, &sources, Paint::Colours).contains("\u{1b}[1;31m^^^^^^^^\u{1b}[0m"));
    }
}
