//! Answers whose fields are read though no contract promises them.

use std::collections::BTreeSet;

use super::Subject;
use super::flow::Found;
use super::read::What;
use crate::finding::Code;
use crate::yaml::shown;

pub(super) fn report(subject: Subject<'_>, found: &Found<'_>) {
    let mut said = BTreeSet::new();
    for (task, index, read) in &found.reads {
        let What::Unpromised(name) = &read.what else { continue };
        // A protocol call has no file that could promise anything.
        if subject.program.actions.get(name).is_some_and(|action| action.call.is_some()) {
            continue;
        }
        let Some(at) = subject.inside(*task, *index, read.at).filter(|_| said.insert(name.clone())) else { continue };
        let (word, field) = if subject.program.agents.contains_key(name) { ("output", "agent") } else { ("result", "action") };
        let message = format!("`{}` is read from the answer of `{name}`, and no contract promises it", shown(read.at));
        let hint =
            format!("add `{word}:` with a schema to the file of the {field}: what breaks it is then an error at the call, not a null here");
        subject.log.warn(Code::NoOutput, at, message, hint);
    }
}
