//! What the language knows and Provost cannot execute yet (`run: container`, `call: grpc`, …) or refuses for good
//! (`run: script|shell|container`): checked for shape, then refused with the reason.

use provost_model::program::TaskKind;

use super::Build;
use super::protocol::Written;
use super::shape::{Member, Shape, check, may, must};
use crate::fields::fields;
use crate::finding::Code;
use crate::yaml::Node;

const SECRET: Member = may("use", Shape::Text);
const OAUTH_ENDPOINTS: Shape =
    Shape::Object(&[may("token", Shape::Text), may("introspection", Shape::Text), may("revocation", Shape::Text)]);
const OAUTH_CLIENT: Shape = Shape::Object(&[
    may("id", Shape::Text),
    may("secret", Shape::Text),
    may("assertion", Shape::Text),
    may("authentication", Shape::OneOf(&["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"])),
]);
const OAUTH_TOKEN: Shape = Shape::Object(&[must("token", Shape::Text), must("type", Shape::Text)]);
const OAUTH: Shape = Shape::Object(&[
    SECRET,
    may("authority", Shape::Text),
    may("grant", Shape::Text),
    may("client", OAUTH_CLIENT),
    may("request", Shape::Object(&[may("encoding", Shape::Text)])),
    may("endpoints", OAUTH_ENDPOINTS),
    may("issuers", Shape::Texts),
    may("scopes", Shape::Texts),
    may("audiences", Shape::Texts),
    may("username", Shape::Text),
    may("password", Shape::Text),
    may("subject", OAUTH_TOKEN),
    may("actor", OAUTH_TOKEN),
]);
const LOGIN: Shape = Shape::Object(&[SECRET, may("username", Shape::Text), may("password", Shape::Text)]);
const AUTHENTICATION: Shape = Shape::Choice(&[
    SECRET,
    may("basic", LOGIN),
    may("bearer", Shape::Object(&[SECRET, may("token", Shape::Text)])),
    may("digest", LOGIN),
    may("oauth2", OAUTH),
    may("oidc", OAUTH),
]);
const ENDPOINT: Shape = Shape::UriOr(&[must("uri", Shape::Text), may("authentication", AUTHENTICATION)]);
const RESOURCE: Shape = Shape::Object(&[may("name", Shape::Text), must("endpoint", ENDPOINT)]);
const OUTPUT: Shape = Shape::OneOf(&["raw", "content", "response"]);

const HTTP: &[Member] = &[
    must("method", Shape::Text),
    must("endpoint", ENDPOINT),
    may("headers", Shape::MapOrExpression),
    may("body", Shape::Any),
    may("query", Shape::MapOrExpression),
    may("output", OUTPUT),
    may("redirect", Shape::Flag),
];
const OPENAPI: &[Member] = &[
    must("document", RESOURCE),
    must("operationId", Shape::Text),
    may("parameters", Shape::Map),
    may("authentication", AUTHENTICATION),
    may("output", OUTPUT),
    may("redirect", Shape::Flag),
];
const GRPC: &[Member] = &[
    must("proto", RESOURCE),
    must(
        "service",
        Shape::Object(&[
            must("name", Shape::Text),
            must("host", Shape::Text),
            may("port", Shape::Whole),
            may("authentication", AUTHENTICATION),
        ]),
    ),
    must("method", Shape::Text),
    may("arguments", Shape::Map),
];
const CONSUME: Shape =
    Shape::Object(&[may("for", Shape::Duration), may("amount", Shape::Whole), may("while", Shape::Text), may("until", Shape::Text)]);
const ITERATOR: Shape = Shape::Object(&[
    may("item", Shape::Text),
    may("at", Shape::Text),
    may("do", Shape::Any),
    may("output", Shape::Map),
    may("export", Shape::Map),
]);
const ASYNCAPI: &[Member] = &[
    must("document", RESOURCE),
    may("channel", Shape::Text),
    may("operation", Shape::Text),
    may("server", Shape::Object(&[must("name", Shape::Text), may("variables", Shape::Map)])),
    may("protocol", Shape::Text),
    may("message", Shape::Object(&[may("payload", Shape::MapOrExpression), may("headers", Shape::MapOrExpression)])),
    may("subscription", Shape::Object(&[may("filter", Shape::Text), must("consume", CONSUME), may("foreach", ITERATOR)])),
    may("authentication", AUTHENTICATION),
];
const MCP: &[Member] = &[
    may("protocolVersion", Shape::Text),
    must(
        "method",
        Shape::OneOf(&[
            "tools/list",
            "tools/call",
            "prompts/list",
            "prompts/get",
            "resources/list",
            "resources/read",
            "resources/templates/list",
        ]),
    ),
    may("parameters", Shape::MapOrExpression),
    may("timeout", Shape::Duration),
    must(
        "transport",
        Shape::Object(&[
            may("http", Shape::Object(&[must("endpoint", ENDPOINT), may("headers", Shape::Map)])),
            may("stdio", Shape::Object(&[must("command", Shape::Text), may("arguments", Shape::Texts), may("environment", Shape::Map)])),
            may("options", Shape::Map),
        ]),
    ),
    may("client", Shape::Object(&[must("name", Shape::Text), must("version", Shape::Text)])),
];
const A2A: &[Member] =
    &[may("agentCard", RESOURCE), may("server", ENDPOINT), must("method", Shape::Text), may("parameters", Shape::MapOrExpression)];

/// The calls of the language's protocols: http and openapi run, the others are checked.
pub(super) fn protocol_call(build: &mut Build<'_>, name: &str, node: &Node, written: &Written<'_, '_>) -> Option<TaskKind> {
    let members = match name {
        "http" => HTTP,
        "openapi" => OPENAPI,
        "grpc" => GRPC,
        "asyncapi" => ASYNCAPI,
        "mcp" => MCP,
        _ => A2A,
    };
    let with = written.body.need("with", build.log);
    if let Some(with) = with {
        check(build, with, &format!("`with` of {name}"), Shape::Object(members));
    }
    match name {
        "http" => build.http_call(with?, written),
        "openapi" => build.openapi_call(with?, written),
        _ => {
            let reason = "call it through an action of the bundle that a worker of yours serves, or over HTTP with `call: http`";
            build.not_yet(node.at, &format!("`call: {name}`"), reason);
            None
        }
    }
}

/// `use.authentications`.
pub(super) fn authentication(build: &mut Build<'_>, node: &Node) {
    check(build, node, "an authentication", AUTHENTICATION);
}

const ENVIRONMENT: Member = may("environment", Shape::Map);
const CONTAINER: &[Member] = &[
    must("image", Shape::Text),
    may("name", Shape::Text),
    may("command", Shape::Text),
    may("ports", Shape::Map),
    may("volumes", Shape::Map),
    ENVIRONMENT,
    may("stdin", Shape::Text),
    may("arguments", Shape::Texts),
    may("lifetime", Shape::Object(&[must("cleanup", Shape::OneOf(&["always", "never", "eventually"])), may("after", Shape::Duration)])),
    may("pullPolicy", Shape::OneOf(&["ifNotPresent", "always", "never"])),
];
const SCRIPT: &[Member] = &[
    must("language", Shape::Text),
    may("stdin", Shape::Text),
    may("arguments", Shape::Texts),
    ENVIRONMENT,
    may("code", Shape::Text),
    may("source", RESOURCE),
];
const SHELL: &[Member] = &[must("command", Shape::Text), may("stdin", Shape::Text), may("arguments", Shape::Texts), ENVIRONMENT];
const WORKFLOW: &[Member] =
    &[must("namespace", Shape::Text), must("name", Shape::Text), must("version", Shape::Text), may("input", Shape::MapOrExpression)];
const RUN: [(&str, &[Member]); 4] = [("container", CONTAINER), ("script", SCRIPT), ("shell", SHELL), ("workflow", WORKFLOW)];

/// `run`.
pub(super) fn run(build: &mut Build<'_>, node: &Node) -> Option<TaskKind> {
    let known = ["await", "return", "container", "script", "shell", "workflow"];
    let run = fields(node, "`run`", &known, build.log)?;
    run.flag("await", build.log);
    let gives = run.word("return", &["stdout", "stderr", "code", "all", "none"], build.log);
    let mut found = RUN.iter().filter(|(key, _)| run.find(key).is_some());
    let Some((kind, members)) = found.next() else {
        build.log.error(Code::MissingKey, run.at, "`run` runs nothing; it has exactly one of `container`, `script`, `shell`, `workflow`");
        return None;
    };
    if let Some((other, _)) = found.next() {
        build.log.error(Code::TaskShape, run.key_at(other), format!("`run` is both `{kind}` and `{other}`"));
    }
    let what = run.find(kind)?;
    check(build, what, &format!("`{kind}`"), Shape::Object(members));
    let at = run.key_at(kind);
    if *kind != "workflow" {
        build.refuse(at, &format!("`run: {kind}`"), "programs run as actions on a worker of your own, under a policy");
        return None;
    }
    if let Some(word @ ("stderr" | "code" | "all")) = gives.as_deref() {
        let hint = "leave it out: the task's output is the workflow's output; or write `none`";
        build.log.error_hint(Code::WrongValue, run.value_at("return"), format!("a workflow has no `{word}`, which programs have"), hint);
    }
    let awaits = run.find("await").is_none_or(|node| node.to_value() != provost_model::Value::Bool(false));
    build.run_workflow(what, at, (awaits, gives.as_deref() == Some("none")))
}
