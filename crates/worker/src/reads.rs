//! Reads: scripted sources and features, which play what stands in their files.
//!
//! What must stay true: what is not in the file is an error and never a guess.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::{Example, FeatureSpec, SourceSpec};
use provost_model::record::Attempted;
use provost_model::{Problem, Value, instant};

use crate::agents;

/// The answer of a scripted source that takes no time.
pub fn passages_at_once(spec: &SourceSpec, example: Option<u32>) -> Option<Attempted> {
    let example = chosen(spec, example)?;
    (example.takes_ms <= 0).then(|| agents::answer(example))
}

/// One retrieval, cut after `within_ms` milliseconds where that is positive.
pub async fn passages(spec: &SourceSpec, example: Option<u32>, within_ms: i64) -> Attempted {
    let Some(example) = chosen(spec, example) else {
        let problem = Problem::ours("source-not-served", 501, format!("nothing serves the source `{}`", spec.served.name));
        let problem = problem.detail("add `examples:` to its file, or let a worker serve its queue");
        return Attempted::Failed { problem, retry: false, retry_after_ms: None };
    };
    agents::played(example, within_ms, || format!("source `{}` took longer than its timeout", spec.served.name)).await
}

fn chosen(spec: &SourceSpec, example: Option<u32>) -> Option<&Example> {
    spec.examples.get(example? as usize)
}

/// The features that `{ names, … }` names.
pub fn asked_for(arguments: &Value, features: &BTreeMap<Arc<str>, FeatureSpec>) -> Vec<FeatureSpec> {
    let names = arguments.member("names").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| features.get(name.as_str()?).cloned()).collect()
}

/// The values of the features for `{ entity, asOf }`.
pub fn features(specs: &[FeatureSpec], arguments: &Value) -> Attempted {
    let text = |key: &str| arguments.member(key).and_then(Value::as_str).unwrap_or_default();
    let (entity, as_of) = (text("entity"), text("asOf"));
    let as_of_us = instant::parse(as_of).unwrap_or(i64::MIN);
    let mut values: Vec<(Arc<str>, Value)> = Vec::new();
    for spec in specs {
        let Some(value) = spec.at(entity, as_of_us) else {
            let title = format!("feature `{}` has no value for `{entity}` as of {as_of}", spec.served.name);
            let problem = Problem::ours("feature-missing", 404, title).detail("add one to `values` of its file, or ask as of a later time");
            return Attempted::Failed { problem, retry: false, retry_after_ms: None };
        };
        values.push((spec.served.name.clone(), value.clone()));
    }
    Attempted::Done { value: Value::object(values), reference: None, usage: None, dropped_bytes: None }
}
