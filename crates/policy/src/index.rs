//! Policies by action and principal, so that a question's cost follows the policies that could match it and not the set.
//!
//! What must stay true: a policy that is left out of a question's cells cannot match its scope, and a policy whose scope does not match
//! is never evaluated further (it neither decides nor errs). So the cells decide exactly as all policies would; a property test
//! compares both. It knows no layers and no verdicts.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint};

use crate::entities::Entities;
use crate::evaluate::reads_action;
use crate::question::Asked;

/// Policies by their numbers.
type Numbers = Vec<usize>;

/// The policies of one action, by what their scope says about the principal.
#[derive(Clone, Debug, Default)]
struct Cells {
    /// `principal`
    any: Numbers,
    /// `principal is T`
    kinds: BTreeMap<EntityTypeName, Numbers>,
    /// `principal == T::"id"`
    named: BTreeMap<EntityUid, Numbers>,
    /// `principal in T::"id"`, `principal is T in T::"id"`
    under: BTreeMap<EntityUid, Numbers>,
}

/// All policies of a set, in cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// `action == A`, `action in [A, B]`: once in the cells of each, by name; a namespace is refused when parsing.
    actions: BTreeMap<Arc<str>, Cells>,
    /// `action`, with a condition that reads which action it is
    any_action: Cells,
    /// `action`, with a condition to which the action is all the same
    unscoped: Cells,
}

impl Index {
    /// Puts numbered policies into their cells.
    pub(crate) fn build<'p>(policies: impl IntoIterator<Item = (usize, &'p Policy)>) -> Self {
        let mut index = Self::default();
        for (number, policy) in policies {
            for action in actions(policy) {
                let cells = match action {
                    Some(action) => index.actions.entry(action.id().unescaped().into()).or_default(),
                    None if reads_action(policy) => &mut index.any_action,
                    None => &mut index.unscoped,
                };
                cells.of(policy.principal_constraint()).push(number);
            }
        }
        index
    }

    /// Calls `visit` once for every policy whose scope could match: its action matches, and its principal but for a type beside a group.
    pub(crate) fn visit(&self, asked: &Asked, entities: &Entities, mut visit: impl FnMut(usize)) {
        self.visit_of_action(asked, entities, &mut visit);
        self.visit_of_any(asked, entities, &mut visit);
    }

    /// Those of [`Index::visit`] that say the same whatever the action is called.
    pub(crate) fn visit_of_any(&self, asked: &Asked, entities: &Entities, visit: &mut dyn FnMut(usize)) {
        self.unscoped.visit(&asked.principal, entities, visit);
    }

    /// All others of [`Index::visit`].
    pub(crate) fn visit_of_action(&self, asked: &Asked, entities: &Entities, visit: &mut dyn FnMut(usize)) {
        for cells in self.actions.get(&*asked.action).into_iter().chain([&self.any_action]) {
            cells.visit(&asked.principal, entities, visit);
        }
    }
}

impl Cells {
    fn of(&mut self, principal: PrincipalConstraint) -> &mut Numbers {
        match principal {
            PrincipalConstraint::Any => &mut self.any,
            PrincipalConstraint::Is(kind) => self.kinds.entry(kind).or_default(),
            PrincipalConstraint::Eq(name) => self.named.entry(name).or_default(),
            PrincipalConstraint::In(group) | PrincipalConstraint::IsIn(_, group) => self.under.entry(group).or_default(),
        }
    }

    fn visit(&self, principal: &EntityUid, entities: &Entities, visit: &mut dyn FnMut(usize)) {
        let mut all = |numbers: Option<&Numbers>| numbers.into_iter().flatten().for_each(|number| visit(*number));
        all(Some(&self.any));
        all(self.kinds.get(principal.type_name()));
        all(self.named.get(principal));
        if self.under.is_empty() {
            return;
        }
        all(self.under.get(principal));
        let ancestors = entities.cedar.ancestors(principal).into_iter().flatten();
        ancestors.filter(|group| *group != principal).for_each(|group| all(self.under.get(group)));
    }
}

/// The actions of a policy, each once; `None` stands for every action. Actions have no parents here, so `in` is equality.
fn actions(policy: &Policy) -> Vec<Option<EntityUid>> {
    match policy.action_constraint() {
        ActionConstraint::Any => vec![None],
        ActionConstraint::Eq(action) => vec![Some(action)],
        ActionConstraint::In(mut list) => {
            list.sort();
            list.dedup();
            list.into_iter().map(Some).collect()
        }
    }
}
