//! `call: rules`: a decision table, looked up in the core. Hit policies after DMN 1.5 §8.2.10.

use provost_model::program::{HitPolicy, RulesRow, RulesTask};
use provost_model::{Label, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry};
use crate::origin;
use crate::turn::{Scope, Turn};

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RulesTask) -> Result<Entry, Problem> {
    let input = turn.render(&task.input, &entering.input, &entering.scope())?;
    let program = turn.program();
    let Some(table) = program.rules.get(&task.table) else {
        return Err(Problem::standard("configuration", 500, format!("the bundle holds no rules table `{}`", task.table))
            .detail("publish the bundle again"));
    };
    let scope = Scope { input: input.clone(), ..entering.scope() };
    let (mut hits, mut read) = (Vec::new(), Label::NONE);
    for row in &table.rows {
        let (holds, label) = row.when.map_or(Ok((true, Label::NONE)), |when| turn.holds_labelled(when, &input, &scope))?;
        read = read.join(label);
        if holds {
            hits.push(row);
            if table.hit == HitPolicy::First {
                break;
            }
        }
    }
    let answer = answer(&task.table, table.hit, &hits)?;
    match answer.or_else(|| table.otherwise.clone()) {
        Some(answer) => ended(entering, origin::decided(answer, read)),
        None => Err(Problem::ours("no-rule-matches", 422, format!("no row of `{}` matches", task.table))
            .detail("add a row that matches, or `otherwise`")),
    }
}

fn answer(table: &str, hit: HitPolicy, hits: &[&RulesRow]) -> Result<Option<Value>, Problem> {
    match (hit, hits) {
        (HitPolicy::Collect, hits) => Ok(Some(Value::array(hits.iter().map(|row| row.then.clone())))),
        (HitPolicy::Unique | HitPolicy::First, []) => Ok(None),
        (HitPolicy::Unique | HitPolicy::First, [row]) => Ok(Some(row.then.clone())),
        (HitPolicy::First, [row, ..]) => Ok(Some(row.then.clone())),
        (HitPolicy::Unique, several) => {
            let rows: Vec<&str> = several.iter().map(|row| &*row.id).collect();
            Err(Problem::ours("rules-not-unique", 422, format!("rows {} of `{table}` match at once", rows.join(" and ")))
                .detail("make the rows exclude each other, or use `hit: first`"))
        }
    }
}
