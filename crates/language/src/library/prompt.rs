//! The placeholders of a prompt: `{{ input.member }}`, or `{{ input | json }}`.
//!
//! What must stay true: what is refused here could be filled by nobody: a name that is not there, or a placeholder that does not end.

use provost_model::Value;

use crate::finding::{Code, Log, Place};
use crate::version;
use crate::yaml::shown;

const HINT: &str = "a placeholder is `{{ input.member }}`, or `{{ input | json }}` for all of it";

/// Checks a prompt whose first line is line `line` of its file, against what the agent says of its input.
pub(super) fn check(body: &str, line: u32, input: Option<&Value>, log: &Log) {
    for (line, row) in (line..).zip(body.lines()) {
        let mut rest = row;
        while let Some(start) = rest.find("{{") {
            let inside = rest.get(start + 2..).unwrap_or_default();
            let before = row.len() - inside.len();
            let at = Place { line, column: column(row, before - 2) };
            let Some(end) = inside.find("}}") else {
                log.error_hint(Code::Agent, at, "this placeholder does not end in its line", HINT);
                break;
            };
            let written = inside.get(..end).unwrap_or_default();
            let at = Place { line, column: column(row, before + (written.len() - written.trim_start().len())) };
            placeholder(written.trim(), at, input, log);
            rest = inside.get(end + 2..).unwrap_or_default();
        }
    }
}

fn column(row: &str, byte: usize) -> u32 {
    let before = row.get(..byte).unwrap_or_default().chars().count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

fn placeholder(written: &str, at: Place, input: Option<&Value>, log: &Log) {
    let (path, filter) = written.split_once('|').map_or((written, None), |(path, filter)| (path.trim(), Some(filter.trim())));
    if let Some(filter) = filter.filter(|filter| *filter != "json") {
        return log.error_hint(Code::Agent, at, format!("`{}` is nothing that a prompt can do with a value", shown(filter)), HINT);
    }
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    if path.is_empty() {
        return log.error_hint(Code::Agent, at, "this placeholder is empty", HINT);
    }
    if first != "input" {
        let message = format!("`{}` is not known in a prompt", shown(first));
        return match version::is_name(first) {
            true => log.unknown(Code::Agent, at, message, first, &["input"]),
            false => log.error_hint(Code::Agent, at, message, HINT),
        };
    }
    let mut parts = parts.peekable();
    let member = parts.peek().copied();
    if parts.any(|part| part.is_empty() || !part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))) {
        return log.error_hint(Code::Agent, at, format!("`{}` is no path into the input", shown(path)), HINT);
    }
    let (Some(member), Some(input)) = (member, input) else { return };
    let closed = input.member("additionalProperties") == Some(&Value::Bool(false)) && input.member("patternProperties").is_none();
    let known: Vec<&str> =
        input.member("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.iter()).map(|(key, _)| &**key).collect();
    if closed && !known.contains(&member) {
        log.unknown(Code::Agent, at, format!("the agent's input has no `{}`", shown(member)), member, &known);
    }
}
