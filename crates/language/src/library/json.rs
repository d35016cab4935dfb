//! JSON files of a bundle: read strictly, and what is wrong with them told where it stands.

use provost_model::Value;
use provost_model::value::{ParseErrorKind, parse};
use serde::de::IgnoredAny;

use crate::finding::{Code, Log, Place};
use crate::yaml::{Kind, Node, load};

/// The value of a file; where it is none, the log says why.
pub(super) fn read(bytes: &[u8], log: &Log) -> Option<Value> {
    let error = match parse(bytes) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let code = match error.kind {
        ParseErrorKind::Malformed => {
            malformed(bytes, log);
            return None;
        }
        ParseErrorKind::TooLarge | ParseErrorKind::TooDeep => Code::TooLarge,
        ParseErrorKind::DuplicateKey => Code::DuplicateKey,
        ParseErrorKind::Number => Code::Number,
    };
    // The same text is YAML, whose reader knows every place.
    let quiet = Log::new("");
    let _same = load(bytes, 1, &quiet);
    let seen = quiet.into_findings().into_iter().find(|finding| finding.code == code);
    let at = seen.map_or(Place::START, |finding| Place { line: finding.line, column: finding.column });
    let place = if error.pointer.is_empty() { String::new() } else { format!(" at `{}`", error.pointer) };
    log.error(code, at, format!("{}{place}", error.detail));
    None
}

fn malformed(bytes: &[u8], log: &Log) {
    let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) else {
        return log.error_hint(Code::NotUtf8, Place::START, "the file is not UTF-8", "save it as UTF-8");
    };
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or_default();
    // The reader counts bytes, and may stand behind the end of a line.
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.get(..error.column().saturating_sub(1)).unwrap_or(line);
    let column = number(String::from_utf8_lossy(before).chars().count() + 1);
    log.error(Code::Syntax, Place { line: number(error.line()), column }, format!("the file is not JSON: {what}"));
}

/// Where the value at a JSON pointer stands in a file of JSON or YAML.
pub(super) fn place_of(bytes: &[u8], pointer: &str) -> Place {
    let root = load(bytes, 1, &Log::new(""));
    root.map_or(Place::START, |root| inside(&root, pointer))
}

fn inside(root: &Node, pointer: &str) -> Place {
    let (mut node, mut at) = (root, root.at);
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match &node.kind {
            Kind::Map(entries) => entries.iter().find(|entry| *entry.key == *part).map(|entry| (&entry.value, entry.at)),
            Kind::List(items) => part.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item, item.at)),
            Kind::Scalar(_) => None,
        };
        let Some(found) = next else { break };
        (node, at) = found;
    }
    at
}
