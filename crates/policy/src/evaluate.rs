//! One policy, one question: does its scope match, and is its condition true?
//!
//! Cedar's authorizer builds each policy's whole condition anew for every question and collects what nobody asks for, which is most of a
//! small slice's cost. Here the scope is compared directly and only the written condition is evaluated, by Cedar's own evaluator.
//! What must stay true: satisfied, not satisfied or in error exactly as the authorizer says; `tests/equal.rs` compares both. This file and
//! `context.rs` alone reach into `cedar-policy-core`.

use std::sync::Arc;

use cedar_policy::{Effect, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};
use cedar_policy_core::ast::{Expr, ExprKind, Literal, SlotEnv, Value, ValueKind, Var};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;

use crate::entities::Entities;
use crate::question::Asked;

/// Most parts of a condition that is made anew without its places: making it recurses.
const PARTS_MAX: usize = 64;

/// A policy as it is evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) effect: Effect,
    /// The type that `principal is T in G` asks for; the index knows only the group.
    kind: Option<EntityTypeName>,
    resource: ResourceConstraint,
    condition: Option<Arc<Expr>>,
    policy: Policy,
}

/// Whether the written condition of a policy names `action`.
pub(crate) fn reads_action(policy: &Policy) -> bool {
    let names = |condition: &Arc<Expr>| condition.subexpressions().any(|part| matches!(part.expr_kind(), ExprKind::Var(Var::Action)));
    policy.as_ref().non_scope_constraints_arc().is_some_and(names)
}

/// The evaluator of one question.
pub(crate) struct Evaluation<'a> {
    asked: &'a Asked,
    entities: &'a Entities,
    evaluator: Evaluator<'a>,
    no_slots: SlotEnv,
}

impl Compiled {
    /// Takes a static policy apart.
    pub(crate) fn new(policy: &Policy) -> Self {
        let kind = match policy.principal_constraint() {
            PrincipalConstraint::IsIn(kind, _) => Some(kind),
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) | PrincipalConstraint::Eq(_) | PrincipalConstraint::In(_) => None,
        };
        Self {
            effect: policy.effect(),
            kind,
            resource: policy.resource_constraint(),
            condition: policy.as_ref().non_scope_constraints_arc().map(|condition| without_places(policy, condition)),
            policy: policy.clone(),
        }
    }
}

/// The same condition without its places in the file: the evaluator copies the place of every part that it looks at, and all of a file's
/// places share one count, which every thread that judges would write to.
fn without_places(policy: &Policy, condition: &Arc<Expr>) -> Arc<Expr> {
    if condition.subexpressions().nth(PARTS_MAX).is_some() {
        return condition.clone();
    }
    let bare = policy.to_json().ok().and_then(|json| Policy::from_json(None, json).ok());
    let bare = bare.and_then(|bare| bare.as_ref().non_scope_constraints_arc().cloned());
    // Equality passes over places: what did not come back as it was stays as it was read.
    bare.filter(|bare| bare == condition).unwrap_or_else(|| condition.clone())
}

impl<'a> Evaluation<'a> {
    /// Prepares to evaluate policies for one question.
    pub(crate) fn new(asked: &'a Asked, entities: &'a Entities) -> Self {
        let evaluator = Evaluator::new(asked.request.as_ref().clone(), entities.cedar.as_ref(), Extensions::all_available());
        Self { asked, entities, evaluator, no_slots: SlotEnv::new() }
    }

    /// Whether a policy from the question's cells is satisfied, or the text of its error.
    pub(crate) fn satisfied(&self, compiled: &Compiled) -> Result<bool, String> {
        if !self.scope_matches(compiled) {
            return Ok(false);
        }
        let Some(condition) = &compiled.condition else { return Ok(true) };
        match self.evaluator.interpret(condition, &self.no_slots) {
            Ok(Value { value: ValueKind::Lit(Literal::Bool(truth)), .. }) => Ok(truth),
            // No truth value: Cedar's own way through the whole policy words the error.
            Ok(Value { .. }) => self.evaluator.evaluate(compiled.policy.as_ref()).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The part of the scope that the index has not settled.
    fn scope_matches(&self, compiled: &Compiled) -> bool {
        let resource = &self.asked.resource;
        let principal_is = compiled.kind.as_ref().is_none_or(|kind| self.asked.principal.type_name() == kind);
        principal_is
            && match &compiled.resource {
                ResourceConstraint::Any => true,
                ResourceConstraint::Eq(named) => named == resource,
                ResourceConstraint::In(group) => self.within(resource, group),
                ResourceConstraint::Is(kind) => resource.type_name() == kind,
                ResourceConstraint::IsIn(kind, group) => resource.type_name() == kind && self.within(resource, group),
            }
    }

    fn within(&self, entity: &EntityUid, group: &EntityUid) -> bool {
        entity == group || self.entities.cedar.is_ancestor_of(group, entity)
    }
}
