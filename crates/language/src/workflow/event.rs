//! Events: `emit`.

use provost_model::event::attributes;
use provost_model::program::{EmitTask, TaskKind, Template};

use super::{Build, expression_text};
use crate::fields::{self, fields};
use crate::finding::Code;
use crate::yaml::{Entry, Node, shown};

impl Build<'_> {
    pub(super) fn emit_task(&mut self, node: &Node) -> Option<TaskKind> {
        let emit = fields(node, "`emit`", &["event"], self.log)?;
        let event = fields(emit.need("event", self.log)?, "`event`", &["with"], self.log)?;
        let with = event.need("with", self.log)?;
        let attributes = fields::open_fields(with, "`with`", self.log)?;
        let kind = attributes.need_text("type", self.log)?;
        for entry in with.as_map().unwrap_or_default() {
            self.attribute(entry);
            self.literal_attribute(entry);
        }
        let contract = match expression_text(&kind) {
            Some(_) => None,
            None => self.library.contract_of_event(&kind).map(|schema| self.tables.schema(&schema)),
        };
        let event: Template = self.sent(with);
        if let (Some(node), Template::Object(members)) = (with.member("data"), &event)
            && let Some((_, data)) = members.iter().find(|(key, _)| &**key == "data")
        {
            self.written_out(node, data, contract, "the event's data");
        } else if let (Some(node), Template::Literal(value)) = (with.member("data"), &event) {
            let data = Template::Literal(value.member("data").cloned().unwrap_or_default());
            self.written_out(node, &data, contract, "the event's data");
        }
        Some(TaskKind::Emit(Box::new(EmitTask { event, contract })))
    }

    /// The event as authored; `source` and `dataschema` may be URIs with variables.
    fn sent(&mut self, with: &Node) -> Template {
        let members = with.as_map().unwrap_or_default().iter().map(|entry| {
            let uri = matches!(&*entry.key, "source" | "dataschema").then(|| self.uri_template(&entry.value, &entry.key)).flatten();
            (entry.key.clone(), uri.unwrap_or_else(|| self.template(&entry.value)))
        });
        super::template::object(members.collect())
    }

    /// A value that is written out must be what the attribute may be; of an expression the task says so when it runs.
    fn literal_attribute(&self, entry: &Entry) {
        let text = entry.value.as_text();
        if &*entry.key == "id" && text.is_some_and(|text| expression_text(text).is_none()) {
            let hint = "leave it out, or compute it from the input: events of one source and id are one event, the others are dropped";
            self.log.warn(Code::SameId, entry.value.at, "every orchestration sends this event under the same `id`", hint);
        }
        let nested = entry.value.as_map().is_some() || entry.value.as_list().is_some();
        // Of a `type` that is no text it was said already.
        let told = nested
            || matches!(&*entry.key, "source" | "dataschema") && text.is_some_and(|text| text.contains('{'))
            || &*entry.key == "type" && text.is_none()
            || text.is_some_and(|text| expression_text(text).is_some());
        let Some(must) = attributes::flaw(&entry.key, &entry.value.to_value()).filter(|_| !told) else { return };
        let hint = match text {
            Some(_) => "see CloudEvents 1.0.2, Context Attributes",
            None => "put the value in quotes",
        };
        self.log.error_hint(Code::WrongValue, entry.value.at, format!("the event's `{}` {must}", shown(&entry.key)), hint);
    }

    /// CloudEvents 1.0.2 §3: attribute names are lower-case letters and digits; values are not structured.
    pub(super) fn attribute(&self, entry: &Entry) {
        if &*entry.key == "data" {
            return;
        }
        if entry.key.is_empty() || !entry.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            let hint = "attributes are lower-case letters and digits; everything else belongs into `data`";
            self.log.error_hint(Code::UnknownKey, entry.at, format!("`{}` is not an event attribute", shown(&entry.key)), hint);
        }
        if entry.value.as_map().is_some() || entry.value.as_list().is_some() {
            fields::wrong_type(&entry.value, &entry.key, "text, a number or a boolean", self.log);
        }
    }
}
