//! Files of JSON: the value, or what is wrong with them and where.

use provost_model::Value;
use provost_model::value::{ParseErrorKind, parse};
use serde::de::IgnoredAny;

use crate::finding::{Code, Log, Place};
use crate::yaml::load;

/// Reads a file of JSON.
pub(super) fn read(bytes: &[u8], log: &Log) -> Option<Value> {
    let error = match parse(bytes) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let code = match error.kind {
        ParseErrorKind::Malformed => Code::Syntax,
        ParseErrorKind::TooLarge | ParseErrorKind::TooDeep => Code::TooLarge,
        ParseErrorKind::DuplicateKey => Code::DuplicateKey,
        ParseErrorKind::Number => Code::Number,
    };
    if std::str::from_utf8(bytes).is_err() {
        log.error_hint(Code::NotUtf8, Place::START, "the file is not UTF-8", "save it as UTF-8");
    } else if let Err(broken) = serde_json::from_slice::<IgnoredAny>(bytes) {
        let said = broken.to_string();
        let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        // Its columns count bytes.
        let line = bytes.split(|byte| *byte == b'\n').nth(broken.line().saturating_sub(1)).unwrap_or_default();
        let before = line.get(..broken.column().saturating_sub(1)).unwrap_or(line);
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        let at = Place { line: count(broken.line()), column: count(column) };
        log.error(code, at, format!("the file is not JSON: {what}"));
    } else {
        // JSON is YAML, whose reader knows where everything stands.
        let quiet = Log::new(log.file());
        let root = load(bytes, 1, &quiet);
        let told: Vec<_> = quiet.into_findings().into_iter().filter(|finding| finding.code == code).collect();
        if told.is_empty() {
            let at = root.map_or(Place::START, |root| root.place(&error.pointer));
            log.error(code, at, error.detail);
        }
        log.extend(told);
    }
    None
}

fn count(from_one: usize) -> u32 {
    u32::try_from(from_one).unwrap_or(u32::MAX).max(1)
}
