//! A layer's policies: parsed once, indexed, named by one digest, asked often.
//!
//! What must stay true: the same files give the same digest, the same rules and the same answers in the same order; an error while
//! evaluating any policy that was asked is a denial (Cedar alone would skip it, and with it a forbid); a policy on trial (`@log_only`) has
//! no part in an answer. It performs no IO.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy as cedar;
use provost_model::digest::Digest;
use provost_model::verdict::{Answer, PolicyRequest, Rule};

use crate::entities::Entities;
use crate::evaluate::{Compiled, Evaluation};
use crate::finding::Finding;
use crate::index::Index;
use crate::question::{Asked, Question};

/// What a set of policies says to one request, before layers are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAnswer {
    /// Allow, review or deny.
    pub answer: Answer,
    /// The policies that decided, in the order of the files; empty for a denial by default.
    pub rules: Vec<Rule>,
    /// Errors met while evaluating.
    pub errors: Vec<String>,
}

/// A layer's policies.
#[derive(Clone, Debug)]
pub struct PolicySet {
    digest: Digest,
    /// Of every policy, on trial or not, by number; `compiled` too.
    rules: Arc<[Rule]>,
    compiled: Arc<[Compiled]>,
    /// The policies that decide; `index` too.
    in_force: cedar::PolicySet,
    index: Index,
    actions: Arc<BTreeSet<Arc<str>>>,
    trial: Option<Arc<Trial>>,
}

/// A set's policies on trial.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The set with every policy in force.
    pub(crate) set: PolicySet,
    tried: Index,
    rules: Vec<Rule>,
}

/// What one of the two questions found, by the policies' numbers.
#[derive(Clone, Debug, Default)]
struct Found {
    permits: BTreeSet<usize>,
    forbids: BTreeSet<usize>,
    errors: BTreeSet<(usize, String)>,
}

impl PolicySet {
    /// Parses Cedar files, given as (name, text), and checks them against a schema if one is given.
    ///
    /// # Errors
    /// Every finding of every file, in the order of the files.
    pub fn parse(files: &[(&str, &str)], schema: Option<(&str, &str)>) -> Result<Self, Vec<Finding>> {
        let parsed = crate::parse::parse(files, schema)?;
        let mut set = Self {
            digest: digest_of(files),
            compiled: parsed.policies.iter().map(Compiled::new).collect(),
            rules: parsed.rules.into(),
            actions: Arc::new(parsed.actions),
            ..Self::empty()
        };
        let (tried, decide): (Vec<_>, Vec<_>) = parsed.policies.iter().enumerate().partition(|(number, _)| parsed.tried.contains(number));
        if !tried.is_empty() {
            let rules = tried.iter().filter_map(|(number, _)| set.rules.get(*number).cloned()).collect();
            let all = set.clone().holding(parsed.policies.iter().enumerate())?;
            set.trial = Some(Arc::new(Trial { set: all, tried: Index::build(tried), rules }));
        }
        set.holding(decide)
    }

    /// This set with these of its policies in force.
    fn holding<'p>(self, decide: impl IntoIterator<Item = (usize, &'p cedar::Policy)> + Clone) -> Result<Self, Vec<Finding>> {
        let refused =
            |e: cedar::PolicySetError| vec![Finding::at("", "", 0, "policy-file", format!("the policies do not make a set: {e}"))];
        let policies = decide.clone().into_iter().map(|(_, policy)| policy.clone());
        Ok(Self { in_force: cedar::PolicySet::from_policies(policies).map_err(refused)?, index: Index::build(decide), ..self })
    }

    /// A set without policies: it denies whatever it would have to grant.
    pub fn empty() -> Self {
        Self {
            digest: digest_of(&[]),
            rules: Arc::new([]),
            compiled: Arc::new([]),
            in_force: cedar::PolicySet::new(),
            index: Index::default(),
            actions: Arc::default(),
            trial: None,
        }
    }

    /// The digest over the sorted (name, text) of its files.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether it holds no policy.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The number of its policies.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Its policies as rules, in the order of the files, those on trial among them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The action names that its scopes mention, sorted, so that a name nobody asks for can be reported.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(|name| &**name)
    }

    /// Its answer, found through the index.
    pub fn answer(&self, request: &PolicyRequest, entities: &Entities) -> SetAnswer {
        Question::new(request).map_or_else(SetAnswer::broken, |question| self.ask(&question, entities))
    }

    /// Its answer, found by evaluating every policy in force: slow, and what [`PolicySet::answer`] must equal.
    pub fn full_scan(&self, request: &PolicyRequest, entities: &Entities) -> SetAnswer {
        let scan = |asked: &Asked| self.scan(asked, entities);
        Question::new(request).map_or_else(SetAnswer::broken, |question| self.decide(&question, scan))
    }

    /// The same set with its policies on trial in force; `None` where it has none.
    pub fn trial(&self) -> Option<&Self> {
        self.trial.as_ref().map(|trial| &trial.set)
    }

    /// The trial, where a policy on trial may be about this question.
    pub(crate) fn trial_on(&self, question: &Question, entities: &Entities) -> Option<&Trial> {
        self.trial.as_deref().filter(|trial| trial.is_about(&question.plain, entities) || trial.is_about(&question.with_review, entities))
    }

    pub(crate) fn ask(&self, question: &Question, entities: &Entities) -> SetAnswer {
        // Both questions are about one principal, resource and context: what does not look at the action is asked once for both.
        let of_any = self.find(&question.plain, entities, Index::visit_of_any);
        self.decide(question, |asked| self.find(asked, entities, Index::visit_of_action).with(&of_any))
    }

    /// Joins both questions: allowed, else only with review, else denied. The second is asked only where the first says no.
    fn decide(&self, question: &Question, ask: impl Fn(&Asked) -> Found) -> SetAnswer {
        let plain = ask(&question.plain);
        if !plain.errors.is_empty() {
            return self.answered(Answer::Deny, &plain.forbids, &plain);
        }
        if plain.allows() {
            return self.answered(Answer::Allow, &plain.permits, &plain);
        }
        let review = ask(&question.with_review);
        if review.allows() && review.errors.is_empty() {
            return self.answered(Answer::Review, &(&plain.forbids | &review.permits), &review);
        }
        self.answered(Answer::Deny, &(&plain.forbids | &review.forbids), &review)
    }

    fn answered(&self, answer: Answer, rules: &BTreeSet<usize>, found: &Found) -> SetAnswer {
        let rules = rules.iter().filter_map(|number| self.rules.get(*number).cloned()).collect();
        let errors = found.errors.iter().map(|(number, error)| self.located(*number, error)).collect();
        SetAnswer { answer, rules, errors }
    }

    fn located(&self, number: usize, error: &str) -> String {
        self.rules.get(number).map_or_else(|| error.to_owned(), |rule| format!("`{}` at {}: {error}", rule.id, rule.at))
    }

    fn find(&self, asked: &Asked, entities: &Entities, visit: impl Fn(&Index, &Asked, &Entities, &mut dyn FnMut(usize))) -> Found {
        let evaluation = Evaluation::new(asked, entities);
        let mut found = Found::default();
        visit(&self.index, asked, entities, &mut |number| {
            let Some(compiled) = self.compiled.get(number) else { return };
            let satisfied = match compiled.effect {
                cedar::Effect::Permit => &mut found.permits,
                cedar::Effect::Forbid => &mut found.forbids,
            };
            match evaluation.satisfied(compiled) {
                Ok(true) => drop(satisfied.insert(number)),
                Ok(false) => {}
                Err(error) => drop(found.errors.insert((number, error))),
            }
        });
        found
    }

    /// The same by Cedar's authorizer over all policies in force.
    fn scan(&self, asked: &Asked, entities: &Entities) -> Found {
        let response = cedar::Authorizer::new().is_authorized(&asked.request, &self.in_force, &entities.cedar);
        let mut found = Found::default();
        let decided = match response.decision() {
            cedar::Decision::Allow => &mut found.permits,
            cedar::Decision::Deny => &mut found.forbids,
        };
        decided.extend(response.diagnostics().reason().map(number));
        found.errors.extend(response.diagnostics().errors().map(error));
        found
    }
}

impl Trial {
    fn is_about(&self, asked: &Asked, entities: &Entities) -> bool {
        let mut about = false;
        self.tried.visit(asked, entities, |_| about = true);
        about
    }

    /// Whether `rule` is on trial.
    pub(crate) fn holds(&self, rule: &Rule) -> bool {
        self.rules.contains(rule)
    }
}

impl Found {
    /// This and what was found beside it.
    fn with(mut self, other: &Self) -> Self {
        self.permits.extend(&other.permits);
        self.forbids.extend(&other.forbids);
        self.errors.extend(other.errors.iter().cloned());
        self
    }

    fn allows(&self) -> bool {
        self.forbids.is_empty() && !self.permits.is_empty()
    }
}

impl SetAnswer {
    /// The denial of a question that could not be asked.
    fn broken(error: String) -> Self {
        Self { answer: Answer::Deny, rules: Vec::new(), errors: vec![error] }
    }
}

/// The number that `parse` wrote as a policy's id.
fn number(id: &cedar::PolicyId) -> usize {
    let text: &str = id.as_ref();
    text.parse().unwrap_or(usize::MAX)
}

fn error(error: &cedar::AuthorizationError) -> (usize, String) {
    match error {
        cedar::AuthorizationError::PolicyEvaluationError(e) => (number(e.policy_id()), e.inner().to_string()),
    }
}

fn digest_of(files: &[(&str, &str)]) -> Digest {
    let mut sorted = files.to_vec();
    sorted.sort_unstable();
    let parts: Vec<&[u8]> = sorted.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]).collect();
    Digest::of_parts(&parts)
}
