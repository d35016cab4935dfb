//! Two tenants never see each other's rows: what stands in a tenant's journal came from that tenant.

use provost_model::Value;
use provost_model::record::Stream;
use provost_runtime::{InboxFact, inbox};

use super::Left;

/// Looks at the owner named in each input.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((tenant, id), state) in &left.states {
        let input = state.start.as_ref().and_then(|start| start.input.as_array().and_then(|list| list.first().cloned()));
        if input.as_ref().is_some_and(|data| foreign(data, tenant.as_str())) {
            found.push(format!("`{id}` of `{tenant}` holds another tenant's input"));
        }
    }
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        for fact in row.json().ok().and_then(|json| inbox::decode(&json).ok()).unwrap_or_default() {
            let (InboxFact::Accepted { event, .. } | InboxFact::Rejected { event, .. }) = fact else { continue };
            if foreign(&event.data, row.tenant.as_str()) {
                found.push(format!("event `{}` of another tenant is in the inbox of `{}`", event.id, row.tenant));
            }
        }
    }
    found
}

fn foreign(data: &Value, tenant: &str) -> bool {
    data.member("tenant").and_then(Value::as_str).is_some_and(|owner| owner != tenant)
}
