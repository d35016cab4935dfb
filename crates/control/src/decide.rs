//! The decision: a command and the state give facts, or a refusal. Transition table:
//!
//! | command | needs | gives |
//! |---|---|---|
//! | create tenant | no tenant | tenant created |
//! | publish bundle | tenant; no other content under this pin | bundle published (once), workflow activated per changed name if asked |
//! | activate workflow | tenant; a published bundle with it | workflow activated, unless it is |
//! | set binding, Guard, policies | tenant; the expected revision | the set fact with the next revision, unless nothing changes |
//! | create principal | tenant; name free or revoked | principal created |
//! | revoke principal | tenant; name in use | principal revoked |
//!
//! What must stay true: no facts means nothing changes and nothing needs to be appended; the same command twice is harmless.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Digest, Value, Who};

use crate::command::ControlCommand;
use crate::fact::ControlFact;
use crate::identity::{TokenHash, is_prefix};
use crate::limits::{BUNDLES_MAX, DESTINATIONS_MAX, PRINCIPALS_MAX, ROLES_MAX, WORKFLOWS_MAX};
use crate::refused::ControlRefused;
use crate::rules;
use crate::state::{Active, Bundle, Control};

type Decided = Result<Vec<ControlFact>, ControlRefused>;

/// Who wants it, and why.
struct Stamp<'c> {
    by: &'c Who,
    reason: &'c Arc<str>,
}

/// What `command` changes at `now_us`. No facts: it is so already.
///
/// # Errors
/// [`ControlRefused`] when the command cannot be carried out.
pub fn decide(control: &Control, command: &ControlCommand, now_us: i64) -> Decided {
    let stamp = Stamp { by: command.by(), reason: command.reason() };
    rules::reason(stamp.reason)?;
    if !control.created && !matches!(command, ControlCommand::CreateTenant { .. }) {
        return Err(ControlRefused::TenantUnknown(control.tenant.to_string()));
    }
    match command {
        ControlCommand::CreateTenant { .. } => create_tenant(control, &stamp),
        ControlCommand::PublishBundle { bundle, manifest, workflows, activate, .. } => {
            publish(control, *bundle, &Bundle { manifest: *manifest, workflows: workflows.clone() }, *activate, &stamp)
        }
        ControlCommand::ActivateWorkflow { workflow, bundle, .. } => activate(control, workflow, *bundle, &stamp),
        ControlCommand::SetBinding { destinations, if_revision, .. } => bind(control, destinations, *if_revision, &stamp),
        ControlCommand::SetGuard { guard, if_revision, .. } => set_guard(control, guard, *if_revision, &stamp),
        ControlCommand::SetPolicies { files, if_revision, .. } => set_policies(control, files, *if_revision, &stamp),
        ControlCommand::CreatePrincipal { name, roles, token_hash, prefix, expires_at_us, .. } => {
            let credential = Credential { token_hash: *token_hash, prefix, expires_at_us: *expires_at_us };
            create_principal(control, name, roles, &credential, now_us, &stamp)
        }
        ControlCommand::RevokePrincipal { name, .. } => revoke_principal(control, name, &stamp),
    }
}

fn create_tenant(control: &Control, stamp: &Stamp<'_>) -> Decided {
    if control.created {
        return Err(ControlRefused::TenantExists(control.tenant.to_string()));
    }
    Ok(vec![ControlFact::TenantCreated { by: stamp.by.clone(), reason: Arc::clone(stamp.reason) }])
}

fn publish(control: &Control, pin: Digest, bundle: &Bundle, activate: bool, stamp: &Stamp<'_>) -> Decided {
    if bundle.workflows.is_empty() {
        return Err(ControlRefused::BundleEmpty(pin));
    }
    rules::count("workflows of a bundle", bundle.workflows.len(), WORKFLOWS_MAX)?;
    for (name, version) in &bundle.workflows {
        rules::name("workflow", name)?;
        rules::version(version)?;
    }
    let mut facts = Vec::new();
    match control.bundles.get(&pin) {
        Some(known) if known != bundle => return Err(ControlRefused::BundleDiffers(pin)),
        Some(_) => {}
        None => {
            rules::count("bundles", control.bundles.len() + 1, BUNDLES_MAX)?;
            facts.push(ControlFact::BundlePublished {
                bundle: pin,
                manifest: bundle.manifest,
                workflows: bundle.workflows.clone(),
                by: stamp.by.clone(),
                reason: Arc::clone(stamp.reason),
            });
        }
    }
    if activate {
        facts.extend(bundle.workflows.keys().filter_map(|workflow| activated(control, workflow, pin, stamp)));
    }
    Ok(facts)
}

fn activate(control: &Control, workflow: &Arc<str>, pin: Digest, stamp: &Stamp<'_>) -> Decided {
    rules::name("workflow", workflow)?;
    if control.bundles.get(&pin).is_none_or(|bundle| !bundle.workflows.contains_key(workflow)) {
        return Err(ControlRefused::WorkflowUnknown { workflow: workflow.to_string(), bundle: pin });
    }
    Ok(activated(control, workflow, pin, stamp).into_iter().collect())
}

/// The fact, unless the workflow is at this pin already.
fn activated(control: &Control, workflow: &Arc<str>, pin: Digest, stamp: &Stamp<'_>) -> Option<ControlFact> {
    let there = control.active.get(workflow).is_some_and(|Active { bundle, .. }| *bundle == pin);
    (!there).then(|| ControlFact::WorkflowActivated {
        workflow: Arc::clone(workflow),
        bundle: pin,
        by: stamp.by.clone(),
        reason: Arc::clone(stamp.reason),
    })
}

fn bind(control: &Control, destinations: &BTreeMap<Arc<str>, Arc<str>>, expected: Option<u64>, stamp: &Stamp<'_>) -> Decided {
    let current = control.binding.revision;
    unmoved("binding", expected, current)?;
    rules::count("destinations", destinations.len(), DESTINATIONS_MAX)?;
    for (destination, address) in destinations {
        rules::name("destination", destination)?;
        rules::address(destination, address)?;
    }
    let changes = *destinations != control.binding.destinations;
    Ok(only_if(changes, || ControlFact::BindingSet {
        revision: current + 1,
        destinations: destinations.clone(),
        by: stamp.by.clone(),
        reason: Arc::clone(stamp.reason),
    }))
}

fn set_guard(control: &Control, guard: &Value, expected: Option<u64>, stamp: &Stamp<'_>) -> Decided {
    let current = control.guard_revision;
    unmoved("Guard", expected, current)?;
    let guard = rules::guard(guard)?;
    Ok(only_if(guard != control.guard, || ControlFact::GuardSet {
        revision: current + 1,
        guard: guard.clone(),
        by: stamp.by.clone(),
        reason: Arc::clone(stamp.reason),
    }))
}

fn set_policies(control: &Control, files: &BTreeMap<Arc<str>, Arc<str>>, expected: Option<u64>, stamp: &Stamp<'_>) -> Decided {
    let current = control.policies.revision;
    unmoved("policies", expected, current)?;
    rules::policies(files)?;
    Ok(only_if(*files != control.policies.files, || ControlFact::PoliciesSet {
        revision: current + 1,
        files: Some(files.clone()),
        by: stamp.by.clone(),
        reason: Arc::clone(stamp.reason),
    }))
}

/// How a principal will be known.
struct Credential<'c> {
    token_hash: TokenHash,
    prefix: &'c Arc<str>,
    expires_at_us: Option<i64>,
}

fn create_principal(
    control: &Control,
    name: &Arc<str>,
    roles: &[Arc<str>],
    credential: &Credential<'_>,
    now_us: i64,
    stamp: &Stamp<'_>,
) -> Decided {
    principal_name(name)?;
    rules::count("roles", roles.len(), ROLES_MAX)?;
    roles.iter().try_for_each(|role| rules::name("role", role))?;
    match control.principals.get(name) {
        Some(known) if !known.revoked => return Err(ControlRefused::PrincipalExists(name.to_string())),
        Some(_) => {}
        None => rules::count("principals", control.principals.len() + 1, PRINCIPALS_MAX)?,
    }
    usable(control, credential, now_us).map_err(|why| ControlRefused::Credential { name: name.to_string(), why })?;
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    Ok(vec![ControlFact::PrincipalCreated {
        name: Arc::clone(name),
        roles,
        token_hash: credential.token_hash,
        prefix: Arc::clone(credential.prefix),
        expires_at_us: credential.expires_at_us,
        by: stamp.by.clone(),
        reason: Arc::clone(stamp.reason),
    }])
}

/// A principal's name: none that Provost gives itself or a loopback connection.
fn principal_name(name: &str) -> Result<(), ControlRefused> {
    rules::name("principal", name)?;
    let lower = name.to_ascii_lowercase();
    if lower == "provost" || lower.starts_with("local:") {
        return Err(ControlRefused::PrincipalReserved(name.to_owned()));
    }
    Ok(())
}

/// A token that was never given to anybody, revoked ones included, and has not ended.
fn usable(control: &Control, credential: &Credential<'_>, now_us: i64) -> Result<(), &'static str> {
    if !is_prefix(credential.prefix) {
        return Err("its prefix is none");
    }
    if credential.expires_at_us.is_some_and(|end_us| end_us <= now_us) {
        return Err("it has ended already");
    }
    if control.principals.values().any(|principal| principal.token_hash == credential.token_hash) {
        return Err("it was given out before");
    }
    Ok(())
}

fn revoke_principal(control: &Control, name: &Arc<str>, stamp: &Stamp<'_>) -> Decided {
    if control.principals.get(name).is_none_or(|principal| principal.revoked) {
        rules::name("principal", name)?;
        return Err(ControlRefused::PrincipalUnknown(name.to_string()));
    }
    Ok(vec![ControlFact::PrincipalRevoked { name: Arc::clone(name), by: stamp.by.clone(), reason: Arc::clone(stamp.reason) }])
}

fn unmoved(what: &'static str, expected: Option<u64>, current: u64) -> Result<(), ControlRefused> {
    match expected {
        Some(expected) if expected != current => Err(ControlRefused::RevisionMoved { what, expected, current }),
        Some(_) | None => Ok(()),
    }
}

fn only_if(changes: bool, fact: impl FnOnce() -> ControlFact) -> Vec<ControlFact> {
    if changes { vec![fact()] } else { Vec::new() }
}
