//! `metadata.provost.redact` and `metadata.provost.labels`: who may see which places of what a workflow is given, or a task returns.

use std::sync::Arc;

use provost_model::labels::is_pointer;
use provost_model::marks::{MARKS_MAX, mark};
use provost_model::{Label, Marks, Value};

use super::Build;
use crate::fields::{self, Fields};
use crate::finding::{Code, Log, Place};
use crate::yaml::shown;

/// What an author may say of a place.
const WORDS: [&str; 4] = ["public", "internal", "personal", "secret"];

impl Build<'_> {
    /// What `settings` say of places.
    pub(super) fn marks(&self, settings: &Fields<'_>) -> Marks {
        let mut marks = Marks::default();
        for node in settings.list("redact", self.log).unwrap_or_default() {
            if let Some(place) = fields::text(node, "redact", self.log).and_then(|text| self.place(text, node.at)) {
                marks.add(&place, Label::PERSONAL);
            }
        }
        let labels = settings.find("labels").map(|node| fields::entries(node, "`labels`", self.log)).unwrap_or_default();
        for entry in labels {
            let Some(place) = self.place(entry.key.clone(), entry.at) else { continue };
            match mark(&entry.value.to_value()) {
                Ok(label) => marks.add(&place, label),
                Err(error) => unknown_word(&entry.value.to_value(), entry.value.at, &error, self.log),
            }
        }
        if marks.len() > MARKS_MAX {
            let hint = "name what holds them: a place stands for everything in it";
            self.log.error_hint(Code::WrongValue, settings.at, format!("more than {MARKS_MAX} places are labelled"), hint);
        }
        marks
    }

    fn place(&self, text: Arc<str>, at: Place) -> Option<Arc<str>> {
        if is_pointer(&text) {
            return Some(text);
        }
        let hint = "write a JSON pointer such as `/customer/email`, or an empty text for the whole value";
        self.log.error_hint(Code::WrongValue, at, format!("`{}` is no place of a value", shown(&text)), hint);
        None
    }
}

/// A word that marks no place, in a document or a contract.
pub(crate) fn unknown_word(word: &Value, at: Place, error: &provost_model::labels::LabelError, log: &Log) {
    match word.as_str() {
        Some("trusted" | "untrusted") => {
            let hint = "a contract says what is trusted, in `x-provost.trusted`";
            log.error_hint(Code::WrongValue, at, error.to_string(), hint);
        }
        Some(word) => log.unknown(Code::WrongValue, at, error.to_string(), word, &WORDS),
        None => {
            let message = format!("a place is labelled with one word, not {}", word.kind());
            log.error_hint(Code::WrongType, at, message, "write `public`, `internal`, `personal` or `secret`");
        }
    }
}
