//! Agents, prompts, routes, actions, rules and contracts.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{
    ActionSpec, AgentSpec, Example, FailureMode, FeatureSpec, Model, ReviewSpec, RulesTable, SchemaIx, SourceSpec,
};
use serde::Serialize;

use super::{Changes, Members, Sheet, Subject};

pub(super) fn compare(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    agents(changes, old, new);
    actions(changes, old, new);
    rules(changes, old, new);
    sources(changes, old, new);
    features(changes, old, new);
    let name = format!("{} input", old.program.name);
    contract(changes, &name, (old, old.program.input.schema), (new, new.program.input.schema));
    let name = format!("{} output", old.program.name);
    contract(changes, &name, (old, old.program.output.schema), (new, new.program.output.schema));
    for index in 0..old.program.start_filters().count().max(new.program.start_filters().count()) {
        let event = |sheet: Sheet<'_>| sheet.program.start_filters().nth(index).and_then(|on| on.contract);
        contract(changes, &format!("{} event", old.program.name), (old, event(old)), (new, event(new)));
    }
}

/// A contract place by place.
fn contract(changes: &mut Changes, name: &str, (old, was): (Sheet<'_>, Option<SchemaIx>), (new, is): (Sheet<'_>, Option<SchemaIx>)) {
    changes.values(Subject::Contract, (name, ""), old.schema(was), new.schema(is));
}

/// Things of both sides by name without the major version, which is a version like the rest.
fn paired<'a, T>(old: &'a BTreeMap<Arc<str>, T>, new: &'a BTreeMap<Arc<str>, T>) -> Vec<(&'a str, Option<&'a T>, Option<&'a T>)> {
    let plain = |key: &'a Arc<str>, all: &BTreeMap<Arc<str>, T>| {
        let name = key.split('@').next().unwrap_or(key);
        let several = all.keys().filter(|other| other.split('@').next() == Some(name)).count() > 1;
        if several { &**key } else { name }
    };
    let named =
        |all: &'a BTreeMap<Arc<str>, T>| -> BTreeMap<&'a str, &'a T> { all.iter().map(|(key, one)| (plain(key, all), one)).collect() };
    let (old, new) = (named(old), named(new));
    let names: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names.into_iter().map(|name| (name, old.get(name).copied(), new.get(name).copied())).collect()
}

/// What serializes of `one`, but for the members in `without`.
fn plain<T: Serialize>(one: &T, without: &[&str]) -> Value {
    let json = serde_json::to_vec(one).unwrap_or_default();
    let value = provost_model::value::parse(&json).unwrap_or_default();
    let members = value.as_object().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| !without.contains(&&***key));
    Value::object(members.map(|(key, member)| (key.clone(), member.clone())).collect::<Vec<_>>())
}

fn review(spec: &ReviewSpec) -> Value {
    plain(spec, &["form"])
}

fn agents(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    for (name, was, is) in paired(&old.program.agents, &new.program.agents) {
        let (Some(was), Some(is)) = (was, is) else {
            let version = |spec: Option<&AgentSpec>| spec.map(|spec| spec.version.to_string());
            changes.whole(Subject::Agent, name, version(was), version(is));
            continue;
        };
        let without = ["name", "digest", "prompt", "model", "input", "output", "examples", "failure"];
        changes.values(Subject::Agent, (name, ""), Some(&plain(was, &without)), Some(&plain(is, &without)));
        changes.push(Subject::Agent, name, "/failure", (Some(failure(&was.failure)), Some(failure(&is.failure))));
        changes.push(Subject::Agent, name, "/examples", (Some(examples(old, &was.examples)), Some(examples(new, &is.examples))));
        changes.whole(Subject::Route, name, Some(model(&was.model)), Some(model(&is.model)));
        prompt(changes, name, &was.prompt, &is.prompt);
        contract(changes, &format!("{name} input"), (old, was.input), (new, is.input));
        contract(changes, &format!("{name} output"), (old, was.output), (new, is.output));
    }
}

fn model(model: &Model) -> String {
    match model {
        Model::Scripted => "scripted".to_owned(),
        Model::Named(name) => name.to_string(),
    }
}

fn failure(mode: &FailureMode) -> String {
    match mode {
        FailureMode::Fail => "fail".to_owned(),
        FailureMode::Abstain => "abstain".to_owned(),
        FailureMode::Review(spec) => format!("review {}", review(spec)),
        FailureMode::Default(value) => format!("default {value}"),
    }
}

fn examples(sheet: Sheet<'_>, examples: &[Example]) -> String {
    let examples = examples.iter().map(|example| {
        let when = example.when.map(|when| format!("when {} ", sheet.expression(when))).unwrap_or_default();
        format!("{when}{}", plain(example, &["when"]))
    });
    examples.collect::<Vec<_>>().join("; ")
}

/// A prompt line by line: each line that is only on one side.
fn prompt(changes: &mut Changes, name: &str, was: &str, is: &str) {
    let (old, new): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let behind = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count().min(old.len().min(new.len()) - same);
    let between = |lines: &[&str]| lines.get(same..lines.len() - behind).filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ⏎ "));
    changes.push(Subject::Prompt, name, &format!("line {}", same + 1), (between(&old), between(&new)));
}

fn actions(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    for (name, was, is) in paired(&old.program.actions, &new.program.actions) {
        let (Some(was), Some(is)) = (was, is) else {
            let version = |spec: Option<&ActionSpec>| spec.map(|spec| format!("{} {:?}", spec.version, spec.class));
            changes.whole(Subject::Action, name, version(was), version(is));
            continue;
        };
        let without = ["name", "digest", "arguments", "result", "review"];
        changes.values(Subject::Action, (name, ""), Some(&plain(was, &without)), Some(&plain(is, &without)));
        let reviews = [was, is].map(|spec| spec.review.as_ref().map(review));
        let [before, after] = &reviews;
        changes.values(Subject::Action, (name, "/review"), before.as_ref(), after.as_ref());
        contract(changes, &format!("{name} arguments"), (old, was.arguments), (new, is.arguments));
        contract(changes, &format!("{name} result"), (old, was.result), (new, is.result));
    }
}

fn rules(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    for (name, was, is) in paired(&old.program.rules, &new.program.rules) {
        let (Some(was), Some(is)) = (was, is) else {
            let version = |table: Option<&RulesTable>| table.map(|table| table.version.to_string());
            changes.whole(Subject::Rules, name, version(was), version(is));
            continue;
        };
        let without = ["name", "digest", "rows"];
        changes.values(Subject::Rules, (name, ""), Some(&plain(was, &without)), Some(&plain(is, &without)));
        changes.members(Subject::Rules, name, &cells(old, was), &cells(new, is));
    }
}

fn sources(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    for (name, was, is) in paired(&old.program.sources, &new.program.sources) {
        let (Some(was), Some(is)) = (was, is) else {
            let version = |spec: Option<&SourceSpec>| spec.map(|spec| spec.served.version.to_string());
            changes.whole(Subject::Source, name, version(was), version(is));
            continue;
        };
        let without = ["name", "digest", "examples"];
        changes.values(Subject::Source, (name, ""), Some(&plain(was, &without)), Some(&plain(is, &without)));
        changes.push(Subject::Source, name, "/examples", (Some(examples(old, &was.examples)), Some(examples(new, &is.examples))));
    }
}

fn features(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    for (name, was, is) in paired(&old.program.features, &new.program.features) {
        let (Some(was), Some(is)) = (was, is) else {
            let version = |spec: Option<&FeatureSpec>| spec.map(|spec| spec.served.version.to_string());
            changes.whole(Subject::Feature, name, version(was), version(is));
            continue;
        };
        let without = ["name", "digest", "value"];
        changes.values(Subject::Feature, (name, ""), Some(&plain(was, &without)), Some(&plain(is, &without)));
        contract(changes, &format!("{name} value"), (old, was.value), (new, is.value));
    }
}

/// Every cell of a table, by row and column, and the order of its rows.
fn cells(sheet: Sheet<'_>, table: &RulesTable) -> Members {
    let mut cells = Members::new();
    cells.insert("rows".to_owned(), table.rows.iter().map(|row| &*row.id).collect::<Vec<_>>().join(", "));
    for row in &table.rows {
        let when = row.when.map_or_else(|| "always".to_owned(), |when| sheet.expression(when));
        match columns(&when) {
            Some(columns) => cells.extend(columns.map(|(column, cell)| (format!("row {} {column}", row.id), cell.to_owned()))),
            None => drop(cells.insert(format!("row {} when", row.id), when.clone())),
        }
        match row.then.as_object() {
            Some(map) => cells.extend(map.iter().map(|(key, value)| (format!("row {} = {key}", row.id), value.to_string()))),
            None => drop(cells.insert(format!("row {} then", row.id), row.then.to_string())),
        }
    }
    cells
}

/// The cells that a table in columns was compiled from: `((.amount) <= 100) and ((.country) == "DE")`.
fn columns(when: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
    let inner = when.strip_prefix("((")?.strip_suffix(')')?;
    let parts = || inner.split(") and ((").map(|part| part.split_once(") "));
    parts().all(|part| part.is_some_and(|(path, _)| path.starts_with('.'))).then(|| parts().flatten())
}
