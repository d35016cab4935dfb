//! Policies, one by one: by their `@id`, else by their text.

use std::collections::BTreeMap;

use super::{Changes, Subject};

pub(super) fn compare(changes: &mut Changes, before: &[(String, String)], after: &[(String, String)]) {
    let (before, after) = (read(before), read(after));
    for name in before.keys().chain(after.keys()) {
        changes.whole(Subject::Policy, name, before.get(name).cloned(), after.get(name).cloned());
    }
}

fn read(files: &[(String, String)]) -> BTreeMap<String, String> {
    let statements = files.iter().flat_map(|(_, text)| statements(text));
    statements.map(|statement| (id(&statement).unwrap_or_else(|| statement.clone()), statement)).collect()
}

fn id(statement: &str) -> Option<String> {
    let (_, rest) = statement.split_once("@id")?;
    rest.trim_start().strip_prefix('(')?.split('"').nth(1).map(str::to_owned)
}

/// The statements of a Cedar file, without comments and with single spaces.
fn statements(text: &str) -> Vec<String> {
    let (mut all, mut one) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            _ if escaped => {
                escaped = false;
                one.push(c);
            }
            '\\' if quoted => {
                escaped = true;
                one.push(c);
            }
            '"' => {
                quoted = !quoted;
                one.push(c);
            }
            _ if quoted => one.push(c),
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => all.push(std::mem::take(&mut one)),
            c if c.is_whitespace() => {
                if !one.is_empty() && !one.ends_with(' ') {
                    one.push(' ');
                }
            }
            c => one.push(c),
        }
    }
    all.push(one);
    all.into_iter().map(|statement| statement.trim().to_owned()).filter(|statement| !statement.is_empty()).collect()
}
