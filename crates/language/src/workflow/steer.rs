//! The tasks that steer: `set switch for fork try raise`.

use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{
    Block, Case, Catch, Duration, Flow, ForTask, ForkTask, RaiseTask, RetrySpec, SwitchTask, Task, TaskKind, Template, TryTask,
};

use super::task::{Names, plain_task};
use super::{Build, duration};
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::names::check_seen;
use crate::yaml::{Kind, Node, shown};

impl Build<'_> {
    pub(super) fn set_task(&mut self, node: &Node) -> Option<TaskKind> {
        match &node.kind {
            Kind::Map(entries) if entries.is_empty() => {
                self.log.error(Code::WrongValue, node.at, "`set` sets nothing");
                None
            }
            Kind::Map(_) => Some(TaskKind::Set(self.template(node))),
            Kind::Scalar(Value::Str(text)) => {
                let source = super::expression_text(text);
                if source.is_none() {
                    let hint = format!("write `${{ {} }}`", shown(text));
                    self.log.error_hint(Code::Expression, node.at, "the text of `set` must be one expression in `${ }`", hint);
                }
                self.expression(source?, "set", node).map(|index| TaskKind::Set(Template::Expression(index)))
            }
            Kind::Scalar(_) | Kind::List(_) => {
                fields::wrong_type(node, "set", "a mapping or an expression", self.log);
                None
            }
        }
    }

    pub(super) fn switch_task(&mut self, node: &Node, names: &Names) -> Option<TaskKind> {
        let list = fields::list(node, "switch", self.log)?;
        if list.is_empty() {
            self.log.error(Code::TaskShape, node.at, "`switch` has no case");
        }
        let mut cases: Vec<Case> = Vec::new();
        let mut otherwise: Option<Case> = None;
        for item in list {
            let Some((name, at, case)) = self.case(item, names) else { continue };
            check_seen(&name, at, self.log);
            if cases.iter().chain(&otherwise).any(|other| other.name == name) {
                self.log.error(Code::DuplicateName, at, format!("case `{}` stands twice", shown(&name)));
            }
            match (&otherwise, case.when) {
                (Some(first), None) => {
                    let hint = "one case is taken where no other holds; give this one a `when`";
                    let message = format!("case `{}` has no `when`, and neither has `{}`", shown(&name), shown(&first.name));
                    self.log.error_hint(Code::WrongValue, at, message, hint);
                }
                (None, None) => otherwise = Some(case),
                (_, Some(_)) => cases.push(case),
            }
        }
        // Wherever it stands, it is for what no other case holds of.
        cases.extend(otherwise);
        Some(TaskKind::Switch(SwitchTask { cases }))
    }

    fn case(&mut self, item: &Node, names: &Names) -> Option<(Arc<str>, Place, Case)> {
        let entries = item.as_map().unwrap_or_default();
        let [entry] = entries else {
            let hint = "write each as `- name: { when: …, then: … }`";
            self.log.error_hint(Code::TaskShape, item.at, "a case must be a mapping of one name", hint);
            return None;
        };
        let case = fields(&entry.value, "a case", &["when", "then"], self.log)?;
        let then = case.need("then", self.log).map(|node| self.flow(node, names)).unwrap_or_default();
        let when = case.find("when");
        let condition = when.and_then(|node| self.condition(node, "when"));
        if when.is_some() && condition.is_none() {
            return None;
        }
        Some((entry.key.clone(), entry.at, Case { name: entry.key.clone(), when: condition, then }))
    }

    pub(super) fn for_task(&mut self, body: &Fields<'_>, pointer: &str) -> Option<TaskKind> {
        let spec = fields(body.find("for")?, "`for`", &["each", "in", "at"], self.log)?;
        let each = spec.find("each").map_or(Some("item".into()), |node| self.variable(node, "each"));
        let at = spec.find("at").map_or(Some("index".into()), |node| self.variable(node, "at"));
        let items = spec.need("in", self.log).and_then(|node| self.items(node));
        let body_node = body.need("do", self.log);
        let (each, at) = (each?, at?);
        if each == at {
            self.log.error(Code::Variable, spec.at, format!("`each` and `at` are both `{each}`"));
        }
        let (condition, block) = self.with_variables(&[each.clone(), at.clone()], |build| {
            let condition = body.find("while").and_then(|node| build.condition(node, "while"));
            (condition, body_node.map(|node| build.block(node, "do", &format!("{pointer}/do"))))
        });
        Some(TaskKind::For(Box::new(ForTask { each, at, items: items?, condition, body: block? })))
    }

    /// `for.in`: an expression, or items as written.
    fn items(&mut self, node: &Node) -> Option<Template> {
        match &node.kind {
            Kind::List(_) => Some(self.template(node)),
            Kind::Scalar(Value::Str(text)) => self.expression(text, "in", node).map(Template::Expression),
            Kind::Scalar(_) | Kind::Map(_) => {
                fields::wrong_type(node, "in", "an expression or a list", self.log);
                None
            }
        }
    }

    pub(super) fn fork_task(&mut self, node: &Node, pointer: &str) -> Option<TaskKind> {
        let fork = fields(node, "`fork`", &["branches", "compete"], self.log)?;
        let compete = fork.flag("compete", self.log).unwrap_or(false);
        let written = fork.need("branches", self.log)?;
        let branches = self.branches(written, &format!("{pointer}/branches"));
        if compete && written.as_list().is_some_and(<[_]>::is_empty) {
            self.log.error_hint(Code::TaskShape, written.at, "of no branches none can win", "add a branch, or leave out `compete`");
        }
        Some(TaskKind::Fork(ForkTask { branches, compete }))
    }

    pub(super) fn raise_task(&mut self, node: &Node) -> Option<TaskKind> {
        let raise = fields(node, "`raise`", &["error"], self.log)?;
        let error = raise.need("error", self.log)?;
        let definition = match error.as_text() {
            Some(name) => self.uses.find("errors", name, error.at, self.log)?,
            None => error,
        };
        self.error_definition(definition).map(|error| TaskKind::Raise(RaiseTask { error }))
    }

    pub(super) fn try_task(&mut self, body: &Fields<'_>, names: &Names, pointer: &str) -> Option<TaskKind> {
        let block = self.block(body.find("try")?, "try", &format!("{pointer}/try"));
        let known = ["errors", "as", "when", "exceptWhen", "retry", "do", "then"];
        let catch = fields(body.need("catch", self.log)?, "`catch`", &known, self.log)?;
        let variable = catch.find("as").map_or(Some("error".into()), |node| self.variable(node, "as"))?;
        let errors = catch.find("errors").and_then(|node| fields(node, "`errors`", &["with"], self.log));
        let filter = errors.and_then(|errors| errors.find("with")).map(|node| self.error_filter(node)).unwrap_or_default();
        let then = catch.find("then").map_or(Flow::Continue, |node| self.flow(node, names));
        let mut attempt = None;
        let caught = self.with_variables(std::slice::from_ref(&variable), |build| {
            let retry = catch.find("retry").and_then(|node| build.catch_retry(node));
            let (retry, delay) = match retry {
                Some(read) => {
                    attempt = read.attempt;
                    (Some(read.spec), read.delay)
                }
                None => (None, None),
            };
            Catch {
                errors: filter,
                variable: variable.clone(),
                when: catch.find("when").and_then(|node| build.condition(node, "when")),
                except_when: catch.find("exceptWhen").and_then(|node| build.condition(node, "exceptWhen")),
                retry,
                delay,
                body: catch.find("do").map(|node| build.block(node, "do", &format!("{pointer}/catch/do"))),
                then,
            }
        });
        let body = attempt.map_or_else(|| block.clone(), |longest| self.timed(&block, longest, &format!("{pointer}/try")));
        Some(TaskKind::Try(Box::new(TryTask { body, catch: caught })))
    }

    /// The list of a `try` whose attempts are limited: one task of ours around it, which has the time of an attempt.
    fn timed(&mut self, list: &Block, longest: Duration, pointer: &str) -> Block {
        let around = Task { timeout: Some(Box::new(longest)), ..plain_task("attempt", pointer, TaskKind::Do(list.clone())) };
        Block::from([self.added(Some(around))])
    }

    /// The `retry` of a `catch`.
    fn catch_retry(&mut self, node: &Node) -> Option<duration::CatchRetry> {
        let node = match node.as_text() {
            Some(name) => self.uses.find("retries", name, node.at, self.log)?,
            None => node,
        };
        let log = self.log;
        duration::catch_retry(node, self, log)
    }

    /// `retry` of an action: a policy without conditions, or a name of `use.retries`.
    pub(super) fn retry(&mut self, node: &Node) -> Option<RetrySpec> {
        let Some(name) = node.as_text() else { return duration::retry_policy(node, self.log) };
        let policy = self.uses.find("retries", name, node.at, self.log)?;
        if let Some(key) = duration::CONDITIONS.iter().find(|key| policy.member(key).is_some()) {
            let message = format!("`{}` has the condition `{key}`, which an action's own retry does not ask", shown(name));
            self.log.error_hint(Code::WrongValue, node.at, message, "name it in `catch.retry` of a `try` around the action");
            return None;
        }
        duration::retry_policy(policy, self.log)
    }
}
