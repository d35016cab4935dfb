//! The demonstration: a child server that is killed in front of the user, outside services that count, and an account of it all.
//!
//! What must stay true: what the table says is counted from the services' own ledgers and from the API, never from what the story
//! meant to do. What is absent: any way into the server but its HTTP interface and its signals.

pub mod account;
pub mod outside;
pub mod people;
pub mod report;
pub mod stage;
pub mod story;
pub mod stricter;

/// The bundle the demonstration runs, file by file.
pub const BUNDLE: &[(&str, &str)] = &[
    ("agents/customer-history-analyst.md", include_str!("../../../bundles/refund-triage/agents/customer-history-analyst.md")),
    ("agents/fraud-analyst.md", include_str!("../../../bundles/refund-triage/agents/fraud-analyst.md")),
    ("agents/refund-policy-analyst.md", include_str!("../../../bundles/refund-triage/agents/refund-policy-analyst.md")),
    ("agents/refund-screener.md", include_str!("../../../bundles/refund-triage/agents/refund-screener.md")),
    ("actions/crm.close-case.yaml", include_str!("../../../bundles/refund-triage/actions/crm.close-case.yaml")),
    ("actions/payments.refund.yaml", include_str!("../../../bundles/refund-triage/actions/payments.refund.yaml")),
    ("actions/payments.reverse-refund.yaml", include_str!("../../../bundles/refund-triage/actions/payments.reverse-refund.yaml")),
    ("contracts/refund.requested.v1.json", include_str!("../../../bundles/refund-triage/contracts/refund.requested.v1.json")),
    ("policies/refund.cedar", include_str!("../../../bundles/refund-triage/policies/refund.cedar")),
    ("workflows/refund-triage.yaml", include_str!("../../../bundles/refund-triage/workflows/refund-triage.yaml")),
];

/// The requests, one CloudEvent per line.
pub const EVENTS: &str = include_str!("../demo/events.jsonl");

/// The case that the CRM closes without ever saying so.
pub const SILENT_CASE: &str = "R-1042";

/// Whose reviews are left for the user.
pub const KEPT_CUSTOMERS: [&str; 3] = ["vip-amira", "new-tomas", "c-hildegard"];

/// A member of a JSON document, null where there is none.
pub trait At {
    /// The member at a JSON pointer.
    fn at(&self, pointer: &str) -> &serde_json::Value;
}

impl At for serde_json::Value {
    fn at(&self, pointer: &str) -> &serde_json::Value {
        static ABSENT: serde_json::Value = serde_json::Value::Null;
        self.pointer(pointer).unwrap_or(&ABSENT)
    }
}
