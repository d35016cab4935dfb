//! The four correlation keys that stand on every span, log line and error.
//!
//! What must stay true: the keys are exactly `tenant_id event_id orchestration_id run_id`; a log line always has all four, empty
//! ones as `null`. It knows nothing of traces.

use provost_model::{EffectId, EventId, OrchestrationId, Problem, TenantId, Value};

use crate::catalogue::{Field, field};

/// Whose work it is: as many of the four keys as are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correlation {
    /// The owner.
    pub tenant: Option<TenantId>,
    /// The event behind it.
    pub event: Option<EventId>,
    /// The orchestration.
    pub orchestration: Option<OrchestrationId>,
    /// The run of an agent, or another effect's attempt.
    pub run: Option<EffectId>,
}

impl Correlation {
    /// Nothing is known: lines of the process itself.
    pub fn none() -> Self {
        Self::default()
    }

    /// Work of a tenant.
    pub fn of(tenant: &TenantId) -> Self {
        Self { tenant: Some(tenant.clone()), ..Self::default() }
    }

    /// With the event behind it.
    #[must_use]
    pub fn event(mut self, event: EventId) -> Self {
        self.event = Some(event);
        self
    }

    /// With the orchestration.
    #[must_use]
    pub fn orchestration(mut self, orchestration: OrchestrationId) -> Self {
        self.orchestration = Some(orchestration);
        self
    }

    /// With the run.
    #[must_use]
    pub fn run(mut self, run: EffectId) -> Self {
        self.run = Some(run);
        self
    }

    /// The four keys as text; `None` where unknown.
    pub fn keys(&self) -> [(Field, Option<String>); 4] {
        [
            (field::TENANT_ID, self.tenant.as_ref().map(ToString::to_string)),
            (field::EVENT_ID, self.event.map(|id| id.to_string())),
            (field::ORCHESTRATION_ID, self.orchestration.map(|id| id.to_string())),
            (field::RUN_ID, self.run.map(|id| id.as_run())),
        ]
    }

    /// A scope for log lines: every line written inside it has these keys. Cheap when logs are off; not for the hot path.
    pub fn scope(&self) -> tracing::Span {
        let [tenant, event, orchestration, run] = self.keys().map(|(_, text)| text);
        tracing::error_span!("correlation", tenant_id = tenant, event_id = event, orchestration_id = orchestration, run_id = run)
    }

    /// The problem with the known keys among its further facts.
    #[must_use]
    pub fn stamp(&self, mut problem: Problem) -> Problem {
        let known = self.keys().into_iter().filter_map(|(key, text)| Some((std::sync::Arc::from(key.name()), Value::from(text?))));
        let before = problem.extra.as_object().cloned().unwrap_or_default();
        let kept = before.iter().map(|(key, value)| (key.clone(), value.clone()));
        problem.extra = Value::object(kept.chain(known).collect::<Vec<_>>());
        problem
    }
}

impl std::fmt::Display for Correlation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut space = "";
        for (key, text) in self.keys() {
            if let Some(text) = text {
                write!(f, "{space}{}={text}", key.name())?;
                space = " ";
            }
        }
        Ok(())
    }
}
