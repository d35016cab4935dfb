//! The upstream conformance scenarios that need no network, read in place by a small reader of Gherkin.

use std::io::Write;
use std::path::Path;

use provost_engine::Phase;
use provost_language::Sources;
use provost_model::Value;
use provost_model::record::Ending;
use provost_model::value::lookup;

use crate::world::World;
use crate::{Failure, all, caught, compiled, script};

/// How many of the kit's scenarios need no network.
const SCENARIOS: usize = 12;

struct Step {
    text: String,
    document: String,
}

pub fn run(folder: &Path) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        let mut out = std::io::stdout();
        return writeln!(out, "the upstream scenarios are not here; skipped").map_err(|e| e.to_string());
    };
    let mut scenarios = Vec::new();
    for entry in entries {
        let text = std::fs::read_to_string(entry.map_err(|e| e.to_string())?.path()).map_err(|e| e.to_string())?;
        scenarios.extend(read(&text));
    }
    scenarios
        .retain(|(_, steps)| !steps.iter().any(|step| step.document.contains("call: http") || step.document.contains("call: openapi")));
    let ran = all(scenarios.iter().map(|(name, steps)| (name.clone(), caught(|| scenario(steps)))))?;
    if ran == SCENARIOS { Ok(()) } else { Err(format!("{ran} scenarios need no network, not {SCENARIOS}")) }
}

/// Scenarios by name with their steps.
fn read(text: &str) -> Vec<(String, Vec<Step>)> {
    let mut scenarios: Vec<(String, Vec<Step>)> = Vec::new();
    let mut quoted: Option<usize> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("\"\"\"") {
            quoted = if quoted.is_some() { None } else { Some(line.len() - trimmed.len()) };
        } else if let (Some(indent), Some(step)) = (quoted, scenarios.last_mut().and_then(|(_, steps)| steps.last_mut())) {
            step.document.push_str(line.get(indent..).unwrap_or_default());
            step.document.push('\n');
        } else if let Some(name) = trimmed.strip_prefix("Scenario: ") {
            scenarios.push((name.trim().to_owned(), Vec::new()));
        } else if let Some((_, steps)) = scenarios.last_mut()
            && let Some(text) = ["Given ", "When ", "Then ", "And "].iter().find_map(|word| trimmed.strip_prefix(word))
        {
            steps.push(Step { text: text.trim().to_owned(), document: String::new() });
        }
    }
    scenarios
}

fn scenario(steps: &[Step]) -> Result<(), Failure> {
    let (mut code, mut input, mut world) = (None, Value::Null, None);
    for step in steps {
        match step.text.as_str() {
            "a workflow with definition:" => {
                code = Some(compiled(&Sources::lone("ctk.yaml", step.document.clone().into_bytes()), None)?);
            }
            "given the workflow input is:" => input = data(&step.document)?,
            "the workflow is executed" => {
                let mut run = World::new(code.take().ok_or("there is no workflow")?);
                let start = run.start(input.clone())?;
                run.tell(&start)?.map_err(|rejected| rejected.to_string())?;
                run.settle()?;
                crate::tamper::check(&run)?;
                world = Some(run);
            }
            text => holds(world.as_ref().ok_or("nothing ran")?, text, &step.document).map_err(|e| format!("{text}: {e}"))?,
        }
    }
    Ok(())
}

/// YAML data, read by the language itself as the value of a `set`.
fn data(text: &str) -> Result<Value, Failure> {
    let indented: String = text.lines().map(|line| format!("          {line}\n")).collect();
    let heading = "document: { dsl: '1.0.3', namespace: test, name: data, version: '1.0.0' }\n";
    let document = format!("{heading}do:\n  - it:\n      set:\n        value:\n{indented}");
    let mut world = World::new(compiled(&Sources::lone("data.yaml", document.into_bytes()), None)?);
    let start = world.start(Value::Null)?;
    world.tell(&start)?.map_err(|rejected| rejected.to_string())?;
    Ok(world.state.output.member("value").cloned().unwrap_or_default())
}

fn holds(world: &World, text: &str, document: &str) -> Result<(), Failure> {
    let output = &world.state.output;
    let quoted: Vec<&str> = text.split('\'').skip(1).step_by(2).collect();
    let property = |name: &str| lookup(output, &format!("/{}", name.replace('.', "/"))).cloned();
    let good = match text {
        "the workflow should complete" => world.state.phase == Phase::Ended(Ending::Completed),
        "the workflow should complete with output:" => world.state.phase == Phase::Ended(Ending::Completed) && *output == data(document)?,
        "the workflow should fault" => world.state.phase == Phase::Ended(Ending::Faulted),
        "the workflow should fault with error:" => {
            let problem = world.state.problem.as_ref().map(|problem| problem.to_value()).unwrap_or_default();
            data(document)?.as_object().is_some_and(|wanted| wanted.iter().all(|(key, value)| problem.member(key) == Some(value)))
        }
        _ if text.contains("should have properties") => quoted.iter().all(|name| property(name).is_some()),
        _ if text.ends_with("property with value:") => quoted.first().and_then(|name| property(name)) == Some(data(document)?),
        _ if text.ends_with(" items") => {
            let items = quoted.first().and_then(|name| property(name)).and_then(|list| list.as_array().map(<[Value]>::len));
            items.is_some() && items == text.split(' ').rev().nth(1).and_then(|n| n.parse().ok())
        }
        _ => return order(world, text),
    };
    if good { Ok(()) } else { Err(format!("the output is {output}, the problem {:?}", world.state.problem)) }
}

/// `X should run first`, `last` or `after Y`.
fn order(world: &World, text: &str) -> Result<(), Failure> {
    let ran = script::completed(world)?;
    let (task, when) = text.split_once(" should run ").ok_or("this step is not known")?;
    let good = match when.split_once("after ") {
        Some((_, earlier)) => {
            let earlier = ran.iter().position(|name| name == earlier);
            earlier.is_some() && ran.iter().position(|name| name == task) > earlier
        }
        None if when == "first" => ran.first().is_some_and(|name| name == task),
        None => when == "last" && ran.last().is_some_and(|name| name == task),
    };
    if good { Ok(()) } else { Err(format!("what ran is {ran:?}")) }
}
