//! Fields that an expression reads and that nothing before it provides: jq gives null for them, silently.

use super::Subject;
use super::flow::Found;
use super::read::What;
use crate::finding::{Code, listed};
use crate::nearest::nearest;
use crate::yaml::shown;

pub(super) fn report(subject: Subject<'_>, found: &Found<'_>) {
    for (task, index, read) in &found.reads {
        let What::Absent(fields) = &read.what else { continue };
        let Some(at) = subject.inside(*task, *index, read.at) else { continue };
        let known: Vec<&str> = fields.iter().map(|field| &**field).collect();
        let hint = match (nearest(read.at, &known), known.is_empty()) {
            (Some(near), _) => format!("did you mean `{}`?", near.word),
            (None, true) => "what is read here is an empty object".to_owned(),
            (None, false) => format!("there are {}; where it may be absent, write `(.{} // …)`", listed(&known), shown(read.at)),
        };
        subject.log.warn(Code::NoField, at, format!("nothing provides the field `{}`: it is always null here", shown(read.at)), hint);
    }
}
