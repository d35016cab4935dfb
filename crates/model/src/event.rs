//! CloudEvents 1.0.2 in our envelope: what comes in, what goes out.

pub mod attributes;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{EffectId, OrchestrationId};
use crate::labels::Labels;
use crate::value::Value;

/// A CloudEvent. Times are kept as the sender wrote them (RFC 3339); the journal's own time stands in the row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The sender's id of the event; with `source` and the tenant it is unique for 30 days.
    pub id: Arc<str>,
    /// Of an event of ours whose author gave it an id: the effect that sends it, beside which it lands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
    /// Who sent it.
    pub source: Arc<str>,
    /// What kind of event it is; contracts are found by it.
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Arc<str>>,
    /// When it happened, as the sender says (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Arc<str>>,
    /// The schema of `data`, as the sender says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<Arc<str>>,
    /// The media type of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<Arc<str>>,
    /// The W3C trace context it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Arc<str>>,
    /// How many events of ours caused it, one after the other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
    /// The orchestration that nothing of ours caused and that caused it, through whatever lies between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OrchestrationId>,
    /// Extension attributes, sorted by name.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extensions: Value,
    /// What it says.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Of an event of ours: who may see its places, as an object of attributes and `data`. Nobody outside can say it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Event {
    /// What it is about, for people: not what only some may see.
    pub fn subject_shown(&self) -> Option<Arc<str>> {
        let label = self.labels.at("/subject");
        self.subject.as_ref().map(|subject| if label.is_shown() { subject.clone() } else { label.instead().into() })
    }

    /// An attribute by its name in the standard, or `data`; `None` where the event has none.
    pub fn attribute(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<Arc<str>>| text.clone().map(Value::Str);
        match name {
            "specversion" => Some(Value::from("1.0")),
            "id" => Some(Value::Str(self.id.clone())),
            "source" => Some(Value::Str(self.source.clone())),
            "type" => Some(Value::Str(self.kind.clone())),
            "subject" => text(&self.subject),
            "time" => text(&self.time),
            "dataschema" => text(&self.dataschema),
            "datacontenttype" => text(&self.datacontenttype),
            "traceparent" => text(&self.traceparent),
            "data" => Some(self.data.clone()),
            other => self.extensions.member(other).cloned(),
        }
    }

    /// What makes two deliveries of one id the same event: type, subject, schema and data.
    pub fn fingerprint(&self) -> crate::digest::Digest {
        let optional = |text: &Option<Arc<str>>| text.as_deref().map_or_else(String::new, |t| format!("={t}"));
        crate::digest::Digest::of_parts(&[
            self.kind.as_bytes(),
            optional(&self.subject).as_bytes(),
            optional(&self.dataschema).as_bytes(),
            crate::value::canonical(&self.data).as_bytes(),
        ])
    }
}
