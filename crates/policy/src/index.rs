//! Policies by action and principal, so that a question's cost follows the policies that could match it and not the set.
//!
//! What must stay true: a policy that is left out of a question's cells cannot match its scope, and a policy whose scope does not match
//! is never evaluated further (it neither decides nor errs). So the cells decide exactly as all policies would; a property test
//! compares both. It knows no layers and no verdicts.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PolicySet, PolicySetError, PrincipalConstraint};

use crate::entities::Entities;
use crate::question::Asked;

/// The policies of one action, by what their scope says about the principal.
#[derive(Clone, Debug, Default)]
struct Cells {
    /// `principal`
    any: Option<PolicySet>,
    /// `principal is T`
    kinds: HashMap<EntityTypeName, PolicySet>,
    /// `principal == T::"id"`
    named: HashMap<EntityUid, PolicySet>,
    /// `principal in T::"id"`, `principal is T in T::"id"`
    under: HashMap<EntityUid, PolicySet>,
}

/// All policies of a set, in cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// `action == A`, `action in [A, B]`: once in the cells of each.
    actions: HashMap<EntityUid, Cells>,
    /// `action`
    unscoped: Cells,
}

/// Where a policy belongs inside the cells of an action; ordered only to group by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Any,
    Kind(EntityTypeName),
    Named(EntityUid),
    Under(EntityUid),
}

impl Index {
    /// Puts policies with unique ids into their cells.
    pub(crate) fn build(policies: &[Policy]) -> Result<Self, Box<PolicySetError>> {
        let mut groups: BTreeMap<(Option<EntityUid>, Place), Vec<&Policy>> = BTreeMap::new();
        for policy in policies {
            let place = place(policy);
            for action in actions(policy) {
                groups.entry((action, place.clone())).or_default().push(policy);
            }
        }
        let mut index = Self::default();
        for ((action, place), group) in groups {
            let set = PolicySet::from_policies(group.into_iter().cloned()).map_err(Box::new)?;
            match action {
                Some(action) => index.actions.entry(action).or_default().put(place, set),
                None => index.unscoped.put(place, set),
            }
        }
        Ok(index)
    }

    /// Every cell that could hold a policy whose scope matches.
    pub(crate) fn cells<'a>(&'a self, asked: &Asked, entities: &Entities) -> Vec<&'a PolicySet> {
        let mut found = Vec::with_capacity(4);
        if let Some(cells) = self.actions.get(&asked.action) {
            cells.find(&asked.principal, entities, &mut found);
        }
        self.unscoped.find(&asked.principal, entities, &mut found);
        found
    }
}

impl Cells {
    fn put(&mut self, place: Place, set: PolicySet) {
        match place {
            Place::Any => self.any = Some(set),
            Place::Kind(kind) => drop(self.kinds.insert(kind, set)),
            Place::Named(name) => drop(self.named.insert(name, set)),
            Place::Under(group) => drop(self.under.insert(group, set)),
        }
    }

    fn find<'a>(&'a self, principal: &EntityUid, entities: &Entities, found: &mut Vec<&'a PolicySet>) {
        found.extend(&self.any);
        found.extend(self.kinds.get(principal.type_name()));
        found.extend(self.named.get(principal));
        if self.under.is_empty() {
            return;
        }
        found.extend(self.under.get(principal));
        let ancestors = entities.cedar.ancestors(principal).into_iter().flatten();
        found.extend(ancestors.filter(|group| *group != principal).filter_map(|group| self.under.get(group)));
    }
}

fn place(policy: &Policy) -> Place {
    match policy.principal_constraint() {
        PrincipalConstraint::Any => Place::Any,
        PrincipalConstraint::Is(kind) => Place::Kind(kind),
        PrincipalConstraint::Eq(name) => Place::Named(name),
        PrincipalConstraint::In(group) | PrincipalConstraint::IsIn(_, group) => Place::Under(group),
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
