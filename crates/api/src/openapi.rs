//! The OpenAPI 3.1 document, generated from the wire types and the table of routes. Committed as `schema/openapi.json`.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, Required, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::{exchange, problem, resources};

/// One route: method, path, what it does, and the names of its request and answer types (empty: plain JSON).
pub struct Route {
    /// The method.
    pub method: HttpMethod,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The type of its body.
    pub request: &'static str,
    /// The type of its answer.
    pub answer: &'static str,
}

const fn route(method: HttpMethod, path: &'static str, summary: &'static str, request: &'static str, answer: &'static str) -> Route {
    Route { method, path, summary, request, answer }
}

/// Every route of the API.
pub const ROUTES: [Route; 37] = {
    use HttpMethod::{Get, Post, Put};
    [
        route(Get, "/healthz", "Whether the server can work.", "", ""),
        route(Get, "/metrics", "Metrics as Prometheus text.", "", ""),
        route(Get, "/openapi.json", "This document.", "", ""),
        route(Get, "/v1/events", "What came in, oldest first; `status` is accepted or rejected, `after limit` page.", "", "FeedAnswer"),
        route(Post, "/v1/events", "Take a CloudEvent, or a batch with one answer per item.", "", "EventAnswer"),
        route(
            Post,
            "/v1/workflows/{name}/orchestrations",
            "Start; `Prefer: wait=N` waits, `Idempotency-Key` starts once.",
            "StartBody",
            "Orchestration",
        ),
        route(Get, "/v1/orchestrations", "List, newest first; `workflow status subject event before limit`.", "", ""),
        route(
            Get,
            "/v1/orchestrations/{id}",
            "Show as it stands; `wait_ms` waits for its end, `at` goes back to a sequence.",
            "",
            "Orchestration",
        ),
        route(Get, "/v1/orchestrations/{id}/journal", "Every row behind `after`.", "", ""),
        route(
            Get,
            "/v1/orchestrations/{id}/events",
            "Its life as CloudEvents in a JSON array; `type after limit` page (`Link` names the next), `follow` sends them as they come.",
            "",
            "",
        ),
        route(Get, "/v1/orchestrations/{id}/explanation", "What happened, why it stands, what can be done.", "", ""),
        route(
            Get,
            "/v1/orchestrations/{id}/stream",
            "Rows as server-sent events until the end; a last event `refused` says why an end comes early.",
            "",
            "",
        ),
        route(Post, "/v1/orchestrations/{id}/verification", "Decide again from the record and compare.", "", "Verification"),
        route(Post, "/v1/orchestrations/{id}/cancellation", "Stop it.", "ReasonBody", "Orchestration"),
        route(Post, "/v1/orchestrations/{id}/redrive", "Try parked work again, under the same keys.", "ReasonBody", "Orchestration"),
        route(Get, "/v1/journals", "Every journal, read from the rows and not from the lists; `after limit` page.", "", "JournalsAnswer"),
        route(
            Post,
            "/v1/journals/{name}/verification",
            "Follow an inbox or control journal and look for what it says was started.",
            "",
            "JournalVerification",
        ),
        route(Get, "/v1/reviews", "Questions that are open; `state` is open.", "", "ReviewsAnswer"),
        route(Post, "/v1/reviews/{id}", "Answer a question.", "ReviewBody", "Orchestration"),
        route(Get, "/v1/effects", "Effects that need a person; `state` is in-doubt or conflict, absent: both.", "", "EffectsAnswer"),
        route(Post, "/v1/effects/{id}/resolution", "Settle an effect in doubt by evidence.", "ResolveBody", "Orchestration"),
        route(Get, "/v1/dead-letters", "Parked orchestrations.", "", "DeadLettersAnswer"),
        route(Get, "/v1/bundles", "Active workflows with their pins.", "", ""),
        route(Post, "/v1/bundles", "Check, publish and activate a bundle.", "BundleBody", "BundleAnswer"),
        route(
            Post,
            "/v1/bundles/comparison",
            "What a bundle changes, and what it would have decided otherwise about work under way. Nothing is published.",
            "ComparisonBody",
            "ComparisonAnswer",
        ),
        route(Get, "/v1/blobs/{digest}", "The content behind a reference, as the bytes that were put.", "", ""),
        route(Get, "/v1/binding", "Where destinations are, and the revision.", "", "BindingAnswer"),
        route(Put, "/v1/binding", "Replace where destinations are.", "BindingBody", ""),
        route(Get, "/v1/guard", "What is stopped now, and its revision.", "", ""),
        route(Put, "/v1/guard", "Set what is stopped now.", "GuardBody", ""),
        route(Get, "/v1/policies", "The tenant's own policies, and their revision.", "", "PoliciesAnswer"),
        route(Put, "/v1/policies", "Replace the tenant's own policies.", "PoliciesBody", ""),
        route(Get, "/v1/principals", "Who may come in.", "", ""),
        route(Post, "/v1/principals", "Make a named token; it is shown once.", "PrincipalBody", ""),
        route(Post, "/v1/principals/{name}/revocation", "Shut a named token out.", "ReasonBody", ""),
        route(Post, "/v1/workers/exchange", "Report outcomes and claim work.", "Exchange", "Exchanged"),
        route(Post, "/v1/workers/extend", "Hold work for longer.", "Extend", "Extended"),
    ]
};

/// The document.
pub fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    for route in &ROUTES {
        paths = paths.path(route.path, PathItem::new(route.method.clone(), operation(route)));
    }
    let info = InfoBuilder::new()
        .title("Provost")
        .version("1")
        .description(Some("Refusals are problem documents (RFC 9457) with a stable `code`."));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components())).build()
}

fn operation(route: &Route) -> OperationBuilder {
    let mut operation = OperationBuilder::new().summary(Some(route.summary));
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let text = <String as PartialSchema>::schema();
        operation = operation
            .parameter(ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True).schema(Some(text)));
    }
    if !route.request.is_empty() {
        let body = RequestBodyBuilder::new().content("application/json", referring(route.request)).required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    let done = ResponseBuilder::new().description("done");
    let done = if route.answer.is_empty() { done } else { done.content("application/json", referring(route.answer)) };
    let refused = ResponseBuilder::new().description("refused, with the reason").content(problem::MEDIA_TYPE, referring("ProblemBody"));
    operation.response("200", done).response("default", refused)
}

fn referring(name: &str) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build()
}

fn components() -> utoipa::openapi::Components {
    let mut schemas = Vec::new();
    let mut add = |name: String, schema, gather: fn(&mut Vec<_>)| {
        schemas.push((name, schema));
        gather(&mut schemas);
    };
    macro_rules! all {
        ($($of:ty),* $(,)?) => { $(add(<$of as ToSchema>::name().into_owned(), <$of as PartialSchema>::schema(), <$of as ToSchema>::schemas);)* };
    }
    all!(
        resources::EventAnswer,
        resources::FeedAnswer,
        resources::FeedItem,
        resources::Orchestration,
        resources::ReviewsAnswer,
        resources::EffectsAnswer,
        resources::DeadLettersAnswer,
        resources::StartBody,
        resources::ReasonBody,
        resources::ReviewBody,
        resources::ResolveBody,
        resources::BundleBody,
        resources::BundleAnswer,
        resources::ComparisonBody,
        resources::ComparisonAnswer,
        resources::BundleChange,
        resources::RunningUnder,
        resources::BindingBody,
        resources::BindingAnswer,
        resources::GuardBody,
        resources::PoliciesBody,
        resources::PoliciesAnswer,
        resources::PrincipalBody,
        resources::PrincipalAnswer,
        resources::Verification,
        resources::Retired,
        resources::JournalItem,
        resources::JournalsAnswer,
        resources::JournalVerification,
        resources::MissingOrchestration,
        exchange::Exchange,
        exchange::Exchanged,
        exchange::Extend,
        exchange::Extended,
        problem::ProblemBody,
    );
    schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema)).build()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    #[test]
    fn the_committed_document_is_the_generated_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/openapi.json");
        let generated = format!("{}\n", super::document().to_pretty_json().unwrap());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), generated, "run with UPDATE_GOLDEN=1 and read the difference");
    }
}
