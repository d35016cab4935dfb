//! Documents as long as a measurement wants them, and what the compiler makes of them.
//!
//! What must stay true: the same length gives the same document.

use provost_language::{Compiled, Sources, compile, render};
use provost_model::Value;
use provost_model::value::canonical_len;

const HEAD: &str = "document: { dsl: '1.0.3', namespace: bench, name: long, version: '1.0.0' }\n";

/// A list of `tasks` tasks that set a small value.
pub fn list(tasks: usize) -> String {
    let line = |n: usize| format!("  - t{n}: {{ set: {{ n: {n} }} }}\n");
    format!("{HEAD}do:\n{}", (1..=tasks).map(line).collect::<String>())
}

/// A loop over `items` numbers, with one task inside.
pub fn repeated(items: usize) -> String {
    format!(
        "{HEAD}do:\n  - all:\n      for: {{ in: '${{ [range({items})] }}' }}\n      do:\n        - one: {{ set: {{ n: '${{ $item }}' }} }}\n"
    )
}

/// `tasks` tasks as people write them: values, conditions, choices, loops, errors that are caught.
pub fn varied(tasks: usize) -> String {
    // Six tasks a group: two of them stand inside others.
    let group = |n: usize| {
        format!(
            "  - value{n}: {{ set: {{ amount: '${{ .amount }}', rate: '${{ (.rate // 1) + {n} }}', note: 'step {n}' }} }}\n\
             \x20 - choice{n}:\n      switch:\n        - large: {{ when: '${{ .amount > {n} }}', then: continue }}\n        - other: {{ then: continue }}\n\
             \x20 - each{n}:\n      for: {{ each: item, in: '${{ [.amount, .rate] }}' }}\n      do:\n        - add{n}: {{ set: {{ amount: '${{ $item + 1 }}', rate: 1 }} }}\n\
             \x20 - guarded{n}:\n      try:\n        - check{n}: {{ if: '${{ .amount < 0 }}', raise: {{ error: {{ type: 'https://example.com/errors/low', status: 400 }} }} }}\n      catch: {{ as: problem }}\n"
        )
    };
    format!("{HEAD}do:\n{}", (1..=tasks / 6).map(group).collect::<String>())
}

/// `switches` choices in a row; the second case holds, by a member at the far end of the document.
pub fn switches(switches: usize) -> String {
    let line = |n: usize| {
        format!(
            "  - s{n}:\n      switch:\n        - no: {{ when: '${{ .order.state == \"closed\" }}', then: end }}\n        - yes: {{ when: '${{ .zone > 3 }}', then: continue }}\n"
        )
    };
    format!("{HEAD}do:\n{}", (1..=switches).map(line).collect::<String>())
}

/// A document of 2 KiB, as an event brings one.
pub fn two_kib() -> Value {
    let line =
        |n: i64| Value::object([("sku", Value::from(format!("item-{n:04}"))), ("count", Value::Int(n)), ("price", Value::Int(100 * n))]);
    let order = Value::object([("state", Value::from("open")), ("lines", Value::array((0..30).map(line)))]);
    let with = |note: String| Value::object([("order", order.clone()), ("zone", Value::Int(7)), ("note", Value::from(note))]);
    let short = 2048_usize.saturating_sub(canonical_len(&with(String::new())));
    with("x".repeat(short))
}

/// Checks and compiles a lone document, as publishing does.
pub fn published(text: &str) -> Result<Compiled, String> {
    let sources = Sources::lone("long.yaml", text.as_bytes().to_vec());
    let checked = compile(&sources);
    let Some(bundle) = checked.bundle else { return Err(render(&checked.findings, &sources)) };
    let program = bundle.workflows.first().ok_or("the document holds no workflow")?.clone();
    Compiled::new(program).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn every_document_compiles_and_has_its_length() {
        let tasks = |text: &str| published(text).unwrap().program.tasks.len();
        assert_eq!([tasks(&list(100)), tasks(&repeated(100)), tasks(&varied(204)), tasks(&switches(100))], [100, 2, 204, 100]);
        assert_eq!(canonical_len(&two_kib()), 2048);
    }
}
