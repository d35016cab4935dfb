//! The Guard: a tenant's live, deny-only switches. It can stop what policy allows and can allow nothing.
//!
//! What must stay true: an empty Guard denies nothing; adding an entry can only turn an answer into deny; whoever must end an emergency
//! (look, cancel, resolve, lift the Guard) is not stopped by it, except a user whose rights are withdrawn. It keeps no time.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::digest::Digest;
use provost_model::value::Value;
use provost_model::verdict::{Entity, PolicyRequest, Rule};
use serde::{Deserialize, Serialize};

use crate::vocabulary as words;

/// A list of names.
pub type Names = BTreeSet<Arc<str>>;

/// What is stopped now. Unknown members are refused, so that no older reader overlooks a newer stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Guard {
    /// Counts up with every change; 0 is the Guard that nobody has set yet.
    pub revision: u64,
    /// Stops everything of the tenant but looking, cancelling, resolving, reporting and the Guard itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tenant_stopped: bool,
    /// Workflows that neither start nor go on.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub workflows: Names,
    /// Agents that no longer start.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub agents: Names,
    /// Actions that are no longer carried out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub actions: Names,
    /// Hosts that nothing is sent to, each with every host under it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub destinations: Names,
    /// Models that are no longer asked.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub models: Names,
    /// Digests of tool descriptions that are no longer called.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tool_hashes: Names,
    /// Users whose rights are withdrawn.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub users: Names,
}

/// What a stop leaves open.
const STILL_OPEN: [&str; 7] = [
    words::ORCHESTRATION_READ,
    words::BUNDLE_READ,
    words::ORCHESTRATION_CANCEL,
    words::EFFECT_RESOLVE,
    words::GUARD_SET,
    words::WORKER_EXCHANGE,
    words::BLOB_READ,
];

impl Guard {
    /// The first stop that this request meets, as a rule such as `guard:action:payments.refund`.
    pub fn denies(&self, request: &PolicyRequest) -> Option<Rule> {
        let PolicyRequest { principal, action, resource, context } = request;
        let text = |member: &str| context.member(member).and_then(Value::as_str);
        self.user(principal)
            .or_else(|| self.tenant(request))
            .or_else(|| self.workflow(request))
            .or_else(|| self.among("action", &self.actions, Some(action)))
            .or_else(|| self.among("action", &self.actions, of_kind(resource, words::ACTION)))
            .or_else(|| self.among("agent", &self.agents, of_kind(resource, words::AGENT)))
            .or_else(|| self.among("agent", &self.agents, of_kind(principal, words::AGENT)))
            .or_else(|| self.among("model", &self.models, of_kind(resource, words::MODEL)))
            .or_else(|| self.among("model", &self.models, text(words::MODEL_NAME)))
            .or_else(|| self.among("tool", &self.tool_hashes, text(words::TOOL_HASH)))
            .or_else(|| text(words::DESTINATION_HOST).and_then(|host| self.destination(host)))
    }

    /// Whether nothing is stopped.
    pub fn is_open(&self) -> bool {
        !self.tenant_stopped && self.lists().iter().all(|names| names.is_empty())
    }

    /// The digest of the revision and all stops; part of the key of a kept verdict.
    pub fn digest(&self) -> Digest {
        let revision = self.revision.to_be_bytes();
        let counts = self.lists().map(|names| (names.len() as u64).to_be_bytes());
        let mut parts: Vec<&[u8]> = vec![&revision, if self.tenant_stopped { b"stopped" } else { b"open" }];
        for (names, count) in self.lists().into_iter().zip(&counts) {
            parts.push(count);
            parts.extend(names.iter().map(|name| name.as_bytes()));
        }
        Digest::of_parts(&parts)
    }

    fn lists(&self) -> [&Names; 7] {
        [&self.workflows, &self.agents, &self.actions, &self.destinations, &self.models, &self.tool_hashes, &self.users]
    }

    fn user(&self, principal: &Entity) -> Option<Rule> {
        self.among("user", &self.users, of_kind(principal, words::USER))
    }

    fn tenant(&self, request: &PolicyRequest) -> Option<Rule> {
        (self.tenant_stopped && !still_open(request)).then(|| self.rule("tenant", "stopped"))
    }

    fn workflow(&self, request: &PolicyRequest) -> Option<Rule> {
        let acting = self.among("workflow", &self.workflows, of_kind(&request.principal, words::WORKFLOW));
        acting.or_else(|| {
            let meant = of_kind(&request.resource, words::WORKFLOW).filter(|_| !still_open(request));
            self.among("workflow", &self.workflows, meant)
        })
    }

    fn destination(&self, host: &str) -> Option<Rule> {
        if self.destinations.is_empty() {
            return None;
        }
        let host = plain_host(host);
        let stops = |blocked: &str| {
            let blocked = plain_host(blocked);
            host.strip_suffix(&blocked).is_some_and(|front| !blocked.is_empty() && (front.is_empty() || front.ends_with('.')))
        };
        self.destinations.iter().find(|blocked| stops(blocked)).map(|blocked| self.rule("destination", blocked))
    }

    fn among(&self, kind: &str, names: &Names, asked: Option<&str>) -> Option<Rule> {
        asked.filter(|name| names.contains(*name)).map(|name| self.rule(kind, name))
    }

    fn rule(&self, kind: &str, name: &str) -> Rule {
        Rule { id: format!("guard:{kind}:{name}").into(), at: format!("guard#{}", self.revision).into() }
    }
}

fn of_kind<'a>(entity: &'a Entity, kind: &str) -> Option<&'a str> {
    (&*entity.kind == kind).then_some(&*entity.id)
}

/// Reading, ending and explaining go on while a stop lasts; verifying a record changes nothing.
fn still_open(request: &PolicyRequest) -> bool {
    let verifies = &*request.action == words::REPLAY_RUN && request.context.member("mode").and_then(Value::as_str) == Some("verify");
    verifies || STILL_OPEN.contains(&&*request.action)
}

/// A host without case, brackets and the root's dot, so that no spelling slips past a stop.
fn plain_host(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}
