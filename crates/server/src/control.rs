//! What a tenant sets for itself: where destinations are, what is stopped now, its own policies, who may come in.
//!
//! What must stay true: every change carries who and why, and goes through the control journal; a token is shown once; nobody can set
//! policies that would keep them from setting them back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use provost_api::resources::{
    BindingAnswer, BindingBody, GuardBody, PoliciesAnswer, PoliciesBody, PrincipalAnswer, PrincipalBody, ReasonBody,
};
use provost_control::{Control, ControlCommand, Policies};
use provost_model::verdict::Entity;
use provost_model::who::Known;
use provost_model::{Answer, PolicyRequest, TenantId, Value};
use serde_json::json;

use crate::App;
use crate::auth::Caller;
use crate::orchestrations::body;
use crate::refusal::Refusal;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// The longest a token may be given for, in days.
const TOKEN_DAYS_MAX: u32 = 3_650;

/// A reason that was given.
pub fn reason(text: &str) -> Result<Arc<str>, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(422, "reason", "a reason is needed", "say why, for the record"));
    }
    Ok(text.into())
}

/// `GET /v1/binding`.
pub async fn binding(State(app): State<App>, caller: Caller) -> Result<Json<BindingAnswer>, Refusal> {
    caller.may_in_tenant(&app, "bundle.read")?;
    let binding = app.node.control.control(&caller.tenant).await.map(|control| control.binding).unwrap_or_default();
    let destinations = binding.destinations.iter().map(|(name, url)| (name.to_string(), url.to_string())).collect();
    Ok(Json(BindingAnswer { revision: binding.revision, destinations }))
}

/// `PUT /v1/binding`: replaces all of it.
pub async fn bind(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let asked: BindingBody = body(&bytes)?;
    caller.may_in_tenant(&app, "bundle.publish")?;
    let destinations = asked.destinations.iter().map(|(name, url)| (name.as_str().into(), url.as_str().into())).collect();
    let (by, reason) = (caller.who.clone(), reason(&asked.reason)?);
    let command = ControlCommand::SetBinding { destinations, if_revision: asked.if_revision, by, reason };
    control(&app, &caller, command).await
}

/// `GET /v1/guard`.
pub async fn guard(State(app): State<App>, caller: Caller) -> Result<Json<serde_json::Value>, Refusal> {
    caller.may_in_tenant(&app, "orchestration.read")?;
    let control = app.node.control.control(&caller.tenant).await;
    Ok(Json(serde_json::json!({ "revision": control.as_ref().map_or(0, |c| c.guard_revision), "guard": control.map(|c| c.guard) })))
}

/// `PUT /v1/guard`.
pub async fn set_guard(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let asked: GuardBody = body(&bytes)?;
    caller.may_in_tenant(&app, "guard.set")?;
    let (by, reason) = (caller.who.clone(), reason(&asked.reason)?);
    let command = ControlCommand::SetGuard { guard: asked.guard, if_revision: asked.if_revision, by, reason };
    control(&app, &caller, command).await
}

async fn control(app: &App, caller: &Caller, command: ControlCommand) -> Result<Json<serde_json::Value>, Refusal> {
    app.node.ensure_tenant(&caller.tenant, caller.who.clone()).await?;
    let facts = app.node.control.command(&app.node.plane, &caller.tenant, command).await?;
    Ok(Json(serde_json::json!({ "changed": !facts.is_empty() })))
}

/// `GET /v1/policies`: the tenant's own; without files the built-in ones hold.
pub async fn policies(State(app): State<App>, caller: Caller) -> Result<Json<PoliciesAnswer>, Refusal> {
    caller.may_in_tenant(&app, "orchestration.read")?;
    let policies = app.node.control.control(&caller.tenant).await.map(|control| control.policies).unwrap_or_default();
    let files = policies.files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    Ok(Json(PoliciesAnswer { revision: policies.revision, files }))
}

/// `PUT /v1/policies`: replaces the tenant's own.
pub async fn set_policies(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let asked: PoliciesBody = body(&bytes)?;
    caller.may_in_tenant(&app, "guard.set")?;
    let files: BTreeMap<Arc<str>, Arc<str>> = asked.files.iter().map(|(name, text)| (name.as_str().into(), text.as_str().into())).collect();
    keeps_the_way_back(&app, &caller, &files)?;
    let (by, reason) = (caller.who.clone(), reason(&asked.reason)?);
    control(&app, &caller, ControlCommand::SetPolicies { files, if_revision: asked.if_revision, by, reason }).await
}

/// Refuses policies under which the caller could not set others: a slip would shut everybody out for good.
fn keeps_the_way_back(app: &App, caller: &Caller, files: &BTreeMap<Arc<str>, Arc<str>>) -> Result<(), Refusal> {
    let mut proposed = Control::new(caller.tenant.clone());
    proposed.policies = Arc::new(Policies { files: files.clone(), revision: 0 });
    let set = proposed.policy_set().map_err(provost_runtime::Refused::from)?;
    let request = PolicyRequest {
        principal: provost_policy::principal_of(&caller.who),
        action: "guard.set".into(),
        resource: Entity::new("Tenant", caller.tenant.as_str()),
        context: Value::empty(),
    };
    let verdict = app.node.plane.registry().judge_under(&caller.tenant, set.as_ref(), &caller.who, &request);
    if verdict.answer == Answer::Allow {
        return Ok(());
    }
    let title = format!("under these policies `{}` could not set them back", caller.who.name);
    Err(Refusal::new(409, "locks-out", title, "add a policy that grants you `guard.set`, or set them as somebody who keeps it"))
}

/// `GET /v1/principals`: who may come in; never a token or its hash.
pub async fn principals(State(app): State<App>, caller: Caller) -> Result<Json<serde_json::Value>, Refusal> {
    caller.may_in_tenant(&app, "guard.set")?;
    let known = app.node.control.control(&caller.tenant).await;
    let items: Vec<PrincipalAnswer> = known
        .iter()
        .flat_map(|control| &control.principals)
        .map(|(name, principal)| PrincipalAnswer {
            name: name.to_string(),
            roles: principal.roles.iter().map(ToString::to_string).collect(),
            prefix: principal.prefix.to_string(),
            expires_at: principal.expires_at_us.map(provost_runtime::engine::iso8601),
            revoked: principal.revoked,
        })
        .collect();
    Ok(Json(json!({ "items": items })))
}

/// `POST /v1/principals`: makes a named token and shows it once.
pub async fn create_principal(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let asked: PrincipalBody = body(&bytes)?;
    caller.may_in_tenant(&app, "guard.set")?;
    let tenant = tenant_of(&caller, asked.tenant.as_deref())?;
    if asked.days.is_some_and(|days| days == 0 || days > TOKEN_DAYS_MAX) {
        return Err(Refusal::new(422, "days", "a token cannot last that long", format!("give 1 to {TOKEN_DAYS_MAX} days, or none")));
    }
    let expires_at_us = asked.days.map(|days| provost_runtime::now_us() + i64::from(days) * DAY_US);
    app.node.ensure_tenant(&tenant, caller.who.clone()).await?;
    let roles: Vec<Arc<str>> = asked.roles.iter().map(|role| role.as_str().into()).collect();
    let made = app.node.create_token(&tenant, &asked.name, roles, expires_at_us, caller.who.clone(), reason(&asked.reason)?).await?;
    Ok(Json(json!({ "name": asked.name, "token": made.reveal() })))
}

/// Another tenant than the caller's is for the local user of a laptop only.
fn tenant_of(caller: &Caller, named: Option<&str>) -> Result<TenantId, Refusal> {
    let Some(named) = named else { return Ok(caller.tenant.clone()) };
    let tenant = TenantId::parse(named).map_err(|e| Refusal::new(422, "tenant", e.to_string(), "use 1 to 63 of a-z, 0-9 and `-`"))?;
    if tenant != caller.tenant && caller.who.known != Known::Loopback {
        let title = format!("a token of `{}` cannot reach into `{tenant}`", caller.tenant);
        return Err(Refusal::new(403, "foreign-tenant", title, "do it on the machine itself, over loopback and without a token"));
    }
    Ok(tenant)
}

/// `POST /v1/principals/{name}/revocation`: the token works no more.
pub async fn revoke_principal(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<serde_json::Value>, Refusal> {
    let asked: ReasonBody = body(&bytes)?;
    caller.may_in_tenant(&app, "guard.set")?;
    let (by, reason) = (caller.who.clone(), reason(&asked.reason)?);
    control(&app, &caller, ControlCommand::RevokePrincipal { name: name.as_str().into(), by, reason }).await
}
