//! Follows what is known of the data from task to task, in the order of LANGUAGE: raw input -> `if` -> `input` -> run -> `output` ->
//! `export` -> next raw input.
//!
//! What must stay true: what is known at a task joins every way that leads there. Where control comes back, or a handler begins in the
//! middle of what was tried, nothing is assumed.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::{
    AgentSpec, Block, Duration, ExprIx, FailureMode, Flow, ForTask, ForkTask, HitPolicy, Keeping, Output, RulesTable, SchemaIx, Task,
    TaskIx, TaskKind, Template, TryTask,
};
use provost_model::{Program, Value};

use super::blocks::{Next, exports_within, flows, next};
use super::known::{Known, Makes};
use super::read::{Read, Reader};
use super::schema;
use crate::expr::Tree;

/// What was found on the way.
pub(super) struct Found<'s> {
    /// Remarkable reads, with the task and the expression they stand in.
    pub(super) reads: Vec<(Option<TaskIx>, ExprIx, Read<'s>)>,
    /// Each `for` over a list of any length.
    pub(super) unbounded: Vec<TaskIx>,
}

/// What is known between two tasks.
#[derive(Clone)]
struct State {
    data: Arc<Known>,
    context: Arc<Known>,
}

/// The `.`, `$input` and `$output` of an expression.
struct Scope<'k> {
    dot: &'k Arc<Known>,
    input: &'k Arc<Known>,
    output: &'k Arc<Known>,
    context: &'k Arc<Known>,
}

/// Follows a program whose expressions parsed to `trees`.
pub(super) fn follow<'s>(program: &'s Program, trees: &[Option<Tree<'s>>]) -> Found<'s> {
    let found = Found { reads: Vec::new(), unbounded: Vec::new() };
    let mut follow = Follow { program, trees, makes: Makes::new(), variables: Vec::new(), ends: Vec::new(), task: None, found };
    follow.workflow();
    follow.found
}

struct Follow<'f, 's> {
    program: &'s Program,
    trees: &'f [Option<Tree<'s>>],
    makes: Makes,
    /// Loop and error variables in scope.
    variables: Vec<(&'s str, Arc<Known>)>,
    /// What is known where the workflow ends.
    ends: Vec<State>,
    /// The task whose expressions are being read.
    task: Option<TaskIx>,
    found: Found<'s>,
}

impl<'s> Follow<'_, 's> {
    fn workflow(&mut self) {
        let program = self.program;
        let raw = self.refined(&self.started(), program.input.schema);
        let context = self.makes.object(BTreeMap::new(), false);
        let anything = self.makes.anything();
        let scope = Scope { dot: &raw, input: &raw, output: &anything, context: &context };
        for key in [program.order, program.concurrency.map(|concurrency| concurrency.key)].into_iter().flatten() {
            self.expression(key, &scope);
        }
        let data = program.input.from.as_ref().map_or_else(|| raw.clone(), |from| self.template(from, &scope));
        let out = self.list(&program.root, State { data: data.clone(), context });
        let ends = std::mem::take(&mut self.ends);
        let Some(end) = self.joined(ends.into_iter().chain(out)) else { return };
        if let Some(to) = &program.output.to {
            self.template(to, &Scope { dot: &end.data, input: &data, output: &end.data, context: &end.context });
        }
    }

    /// The raw input: what an event brings where one starts it, as a list or by itself.
    fn started(&self) -> Arc<Known> {
        let contract = self
            .program
            .starts_on
            .as_ref()
            .and_then(|on| on.contract)
            .filter(|_| self.program.starts_on_set.is_none() && self.program.start_read.is_default());
        let Some(schema) = contract.and_then(|index| self.program.schemas.get(index.0 as usize)) else { return self.makes.anything() };
        let one = schema::known(&self.makes, schema);
        self.makes.join(&one, &self.makes.places(vec![one.clone()]))
    }

    /// `known`, or what the schema promises where nothing else is known.
    fn refined(&self, known: &Arc<Known>, schema: Option<SchemaIx>) -> Arc<Known> {
        let schema = schema.and_then(|index| self.program.schemas.get(index.0 as usize));
        schema.filter(|_| known.any).map_or_else(|| known.clone(), |schema| schema::known(&self.makes, schema))
    }

    fn joined(&self, states: impl IntoIterator<Item = State>) -> Option<State> {
        states
            .into_iter()
            .reduce(|a, b| State { data: self.makes.join(&a.data, &b.data), context: self.makes.join(&a.context, &b.context) })
    }

    /// Walks a list; what is known where control leaves it, if it can.
    fn list(&mut self, block: &'s Block, state: State) -> Option<State> {
        let mut entries: Vec<Option<State>> = vec![None; block.len()];
        let again = self.targets_back(block);
        let mut outs = Vec::new();
        match entries.first_mut() {
            Some(first) => *first = Some(state),
            None => return Some(state),
        }
        for (at, index) in block.iter().enumerate() {
            let Some(mut state) = entries.get_mut(at).and_then(Option::take) else { continue };
            if again.contains(&at) {
                state = State { data: self.makes.anything(), context: self.makes.anything() };
            }
            for (flow, state) in self.task(*index, state) {
                match next(block, at, &flow) {
                    Next::Task(to) => {
                        if let Some(entry) = entries.get_mut(to).filter(|_| to > at) {
                            *entry = self.joined(entry.take().into_iter().chain([state]));
                        }
                    }
                    Next::Out => outs.push(state),
                    Next::End => self.ends.push(state),
                }
            }
        }
        self.joined(outs)
    }

    /// The places of a list that control comes back to.
    fn targets_back(&self, block: &Block) -> Vec<usize> {
        let tasks = block.iter().enumerate().filter_map(|(at, index)| Some((at, self.program.task(*index)?)));
        let targets = tasks.flat_map(|(at, task)| flows(self.program, task).into_iter().map(move |flow| (at, next(block, at, &flow))));
        targets
            .filter_map(|(at, to)| if let Next::Task(to) = to { Some((at, to)) } else { None })
            .filter(|(at, to)| to <= at)
            .map(|(_, to)| to)
            .collect()
    }

    /// One task: each way out of it, with what is known there.
    fn task(&mut self, index: TaskIx, state: State) -> Vec<(Flow, State)> {
        let Some(task) = self.program.task(index) else { return Vec::new() };
        let outer = self.task.replace(index);
        let out = self.known_task(index, task, state);
        self.task = outer;
        out
    }

    fn known_task(&mut self, index: TaskIx, task: &'s Task, state: State) -> Vec<(Flow, State)> {
        let anything = self.makes.anything();
        let mut out = Vec::new();
        let scope = Scope { dot: &state.data, input: &state.data, output: &anything, context: &state.context };
        if let Some(when) = task.when {
            self.expression(when, &scope);
            out.extend([(Flow::Continue, state.clone()), (task.then.clone(), state.clone())]);
        }
        let raw = self.refined(&state.data, task.input.schema);
        let input = match &task.input.from {
            Some(from) => self.template(from, &Scope { dot: &raw, input: &raw, output: &anything, context: &state.context }),
            None => raw,
        };
        let inside = State { data: input.clone(), context: state.context };
        for (flow, ended) in self.kind(index, task, inside) {
            let scope = Scope { dot: &ended.data, input: &input, output: &ended.data, context: &ended.context };
            let output = task.output.to.as_ref().map_or_else(|| ended.data.clone(), |to| self.template(to, &scope));
            let output = self.refined(&output, task.output.schema);
            let context = self.exported(&task.export, &input, &output, &ended.context);
            out.push((flow, State { data: output, context }));
        }
        out
    }

    fn exported(&mut self, export: &'s Output, input: &Arc<Known>, output: &Arc<Known>, context: &Arc<Known>) -> Arc<Known> {
        let Some(to) = &export.to else { return context.clone() };
        let known = self.template(to, &Scope { dot: output, input, output, context });
        self.refined(&known, export.schema)
    }

    /// What a task comes to, before `output`.
    fn kind(&mut self, index: TaskIx, task: &'s Task, state: State) -> Vec<(Flow, State)> {
        let anything = self.makes.anything();
        let then = |known: Arc<Known>, context: &Arc<Known>| vec![(task.then.clone(), State { data: known, context: context.clone() })];
        let State { data: input, context } = &state;
        let scope = Scope { dot: input, input, output: &anything, context };
        match &task.kind {
            TaskKind::Do(block) => self.list(block, state.clone()).map(|state| (task.then.clone(), state)).into_iter().collect(),
            TaskKind::For(each) => self.each(index, task, each, &state),
            TaskKind::Fork(fork) => self.fork(task, fork, &state),
            TaskKind::Try(attempt) => self.attempt(task, attempt, &state),
            TaskKind::Switch(switch) => {
                let whens = switch.cases.iter().filter_map(|case| case.when);
                whens.for_each(|when| drop(self.expression(when, &scope)));
                let own = task.then.clone();
                let cases = switch.cases.iter().map(|case| case.then.clone());
                let open = switch.cases.iter().all(|case| case.when.is_some());
                cases.chain(open.then_some(own)).map(|flow| (flow, state.clone())).collect()
            }
            TaskKind::Set(value) => then(self.template(value, &scope), context),
            TaskKind::Raise(raise) => {
                self.template(&raise.error, &scope);
                Vec::new()
            }
            TaskKind::Wait(duration) => {
                if let Duration::Template(template) = duration {
                    self.template(template, &scope);
                }
                then(input.clone(), context)
            }
            TaskKind::Emit(emit) => {
                self.template(&emit.event, &scope);
                then(anything.clone(), context)
            }
            TaskKind::Agent(call) => {
                self.template(&call.input, &scope);
                let known = self.program.agents.get(&call.agent).filter(|_| call.store == Keeping::Record);
                then(known.map_or_else(|| anything.clone(), |spec| self.agent(&call.agent, spec)), context)
            }
            TaskKind::Act(call) => {
                let also = [Some(&call.arguments), call.key.as_ref(), call.because.as_ref()];
                also.into_iter().flatten().for_each(|template| drop(self.template(template, &scope)));
                let known = self.program.actions.get(&call.action).filter(|_| call.store == Keeping::Record);
                let result = known.map_or_else(|| anything.clone(), |spec| self.promised(&call.action, spec.result));
                then(result, context)
            }
            TaskKind::Retrieve(call) => {
                self.template(&call.query, &scope);
                then(anything.clone(), context)
            }
            TaskKind::Feature(call) => {
                [Some(&call.entity), call.as_of.as_ref()].into_iter().flatten().for_each(|template| drop(self.template(template, &scope)));
                then(anything.clone(), context)
            }
            TaskKind::Rules(_)
            | TaskKind::Plan(_)
            | TaskKind::Decide(_)
            | TaskKind::Policy(_)
            | TaskKind::Review(_)
            | TaskKind::Run(_)
            | TaskKind::Compensate(_) => then(self.answered(&task.kind, &scope), context),
            // What they hand on depends on events and on lists of others: anything.
            TaskKind::Listen(_) | TaskKind::Extended(_) | TaskKind::Aside(_) => {
                let state = State { data: anything.clone(), context: anything.clone() };
                flows(self.program, task).into_iter().map(|flow| (flow, state.clone())).collect()
            }
        }
    }

    /// What a call of the catalogue answers, or a workflow that is run.
    fn answered(&mut self, kind: &'s TaskKind, scope: &Scope<'_>) -> Arc<Known> {
        let anything = self.makes.anything();
        match kind {
            TaskKind::Rules(call) => {
                self.template(&call.input, scope);
                self.program.rules.get(&call.table).map_or(anything, |table| self.rules(table))
            }
            TaskKind::Decide(call) => {
                self.template(&call.opinions, scope);
                self.decision()
            }
            TaskKind::Policy(call) => {
                let asked = [call.principal.as_ref(), Some(&call.action), call.resource.as_ref(), call.context.as_ref()];
                asked.into_iter().flatten().for_each(|template| drop(self.template(template, scope)));
                anything
            }
            TaskKind::Review(call) => {
                let shown = [Some(&call.show), call.approves.as_ref().map(|(_, arguments)| arguments)];
                shown.into_iter().flatten().for_each(|template| drop(self.template(template, scope)));
                anything
            }
            TaskKind::Plan(plan) => {
                self.template(&plan.goal, scope);
                plan.allow.iter().flat_map(|one| &one.fixed).for_each(|(_, fixed)| drop(self.template(fixed, scope)));
                for one in &plan.tasks {
                    self.task(*one, State { data: anything.clone(), context: scope.context.clone() });
                }
                anything
            }
            TaskKind::Run(call) => {
                call.input.iter().for_each(|template| drop(self.template(template, scope)));
                anything
            }
            TaskKind::Compensate(call) => {
                call.reason.iter().for_each(|reason| drop(self.template(reason, scope)));
                anything
            }
            TaskKind::Do(_)
            | TaskKind::For(_)
            | TaskKind::Fork(_)
            | TaskKind::Set(_)
            | TaskKind::Switch(_)
            | TaskKind::Try(_)
            | TaskKind::Raise(_)
            | TaskKind::Wait(_)
            | TaskKind::Emit(_)
            | TaskKind::Retrieve(_)
            | TaskKind::Feature(_)
            | TaskKind::Listen(_)
            | TaskKind::Agent(_)
            | TaskKind::Act(_)
            | TaskKind::Extended(_)
            | TaskKind::Aside(_) => anything,
        }
    }

    /// What is carried from item to item is anything; so is the context where an item exports.
    fn each(&mut self, index: TaskIx, task: &'s Task, each: &'s ForTask, state: &State) -> Vec<(Flow, State)> {
        let anything = self.makes.anything();
        let scope = Scope { dot: &state.data, input: &state.data, output: &anything, context: &state.context };
        let items = self.template(&each.items, &scope);
        if !items.is_bounded() && each.condition.is_none() {
            self.found.unbounded.push(index);
        }
        let exports = each.body.iter().any(|inner| exports_within(self.program, *inner));
        let context = if exports { anything.clone() } else { state.context.clone() };
        let outer = self.variables.len();
        self.variables.extend([(&*each.each, self.makes.children(&items)), (&*each.at, self.makes.flat())]);
        if let Some(condition) = each.condition {
            self.expression(condition, &Scope { dot: &anything, input: &state.data, output: &anything, context: &context });
        }
        self.list(&each.body, State { data: anything.clone(), context: context.clone() });
        self.variables.truncate(outer);
        vec![(task.then.clone(), State { data: anything, context })]
    }

    fn fork(&mut self, task: &'s Task, fork: &'s ForkTask, state: &State) -> Vec<(Flow, State)> {
        let mut places = Vec::new();
        let mut context = state.context.clone();
        for branch in &fork.branches {
            let out = self.task(*branch, state.clone());
            let out = self.joined(out.into_iter().map(|(_, state)| state));
            let data = out.as_ref().map_or_else(|| self.makes.anything(), |out| out.data.clone());
            context = out.map_or_else(|| context.clone(), |out| self.makes.join(&context, &out.context));
            places.push(data);
        }
        let won = |makes: &Makes, places: &[Arc<Known>]| places.iter().fold(makes.flat(), |joined, place| makes.join(&joined, place));
        let data = if fork.compete { won(&self.makes, &places) } else { self.makes.places(places) };
        vec![(task.then.clone(), State { data, context })]
    }

    /// A handler begins where something failed: it may see what was exported until then, or not.
    fn attempt(&mut self, task: &'s Task, attempt: &'s TryTask, state: &State) -> Vec<(Flow, State)> {
        let anything = self.makes.anything();
        let catch = &attempt.catch;
        let exports = attempt.body.iter().any(|inner| exports_within(self.program, *inner));
        let broken = if exports { anything.clone() } else { state.context.clone() };
        let begins = if catch.retry.is_some() { broken.clone() } else { state.context.clone() };
        let body = self.list(&attempt.body, State { data: state.data.clone(), context: begins });
        let mut out: Vec<(Flow, State)> = body.map(|state| (task.then.clone(), state)).into_iter().collect();
        let outer = self.variables.len();
        self.variables.push((&*catch.variable, anything.clone()));
        let scope = Scope { dot: &anything, input: &anything, output: &anything, context: &broken };
        [catch.when, catch.except_when].into_iter().flatten().for_each(|condition| drop(self.expression(condition, &scope)));
        let caught = State { data: anything.clone(), context: broken.clone() };
        let caught = match &catch.body {
            Some(block) => self.list(block, caught),
            None => Some(caught),
        };
        self.variables.truncate(outer);
        let then = if catch.then == Flow::Continue { task.then.clone() } else { catch.then.clone() };
        out.extend(caught.map(|state| (then, state)));
        out
    }

    fn promised(&self, name: &Arc<str>, contract: Option<SchemaIx>) -> Arc<Known> {
        let schema = contract.and_then(|index| self.program.schemas.get(index.0 as usize));
        schema.map_or_else(|| self.makes.answer(name), |schema| schema::known(&self.makes, schema))
    }

    fn agent(&self, name: &Arc<str>, spec: &AgentSpec) -> Arc<Known> {
        let answer = self.promised(name, spec.output);
        match &spec.failure {
            FailureMode::Fail | FailureMode::Abstain => answer,
            FailureMode::Review(_) => self.makes.anything(),
            FailureMode::Default(value) => self.makes.join(&answer, &self.makes.value(value)),
        }
    }

    fn rules(&self, table: &RulesTable) -> Arc<Known> {
        let row = table.rows.iter().fold(self.makes.flat(), |joined, row| self.makes.join(&joined, &self.makes.value(&row.then)));
        match table.hit {
            HitPolicy::Unique | HitPolicy::First => row,
            HitPolicy::Collect => self.makes.items(row, true),
        }
    }

    /// The record of a decision, as `decide` gives it.
    fn decision(&self) -> Arc<Known> {
        let flat = || self.makes.flat();
        let quorum = self.makes.object(["present", "needed"].map(|name| (name.into(), flat())).into(), false);
        let votes = self.makes.object(BTreeMap::new(), true);
        let plain = ["decisionId", "choice", "confidencePct", "vetoedBy"].map(|name| (Arc::from(name), flat()));
        self.makes.object(plain.into_iter().chain([("quorum".into(), quorum), ("votes".into(), votes)]).collect(), false)
    }

    fn template(&mut self, template: &'s Template, scope: &Scope<'_>) -> Arc<Known> {
        match template {
            Template::Literal(value) => self.literal(value),
            Template::Expression(index) => self.expression(*index, scope),
            Template::Array(items) => {
                let places = items.iter().map(|item| self.template(item, scope)).collect();
                self.makes.places(places)
            }
            Template::Object(members) => {
                let fields = members.iter().map(|(key, member)| (key.clone(), self.template(member, scope))).collect();
                self.makes.object(fields, false)
            }
        }
    }

    fn literal(&self, value: &Value) -> Arc<Known> {
        self.makes.value(value)
    }

    fn expression(&mut self, index: ExprIx, scope: &Scope<'_>) -> Arc<Known> {
        let Some(Some(tree)) = self.trees.get(index.0 as usize) else { return self.makes.anything() };
        let known = [("input", scope.input), ("output", scope.output), ("context", scope.context)];
        let variables = known.into_iter().map(|(name, known)| (name, known.clone())).chain(self.variables.iter().cloned()).collect();
        let mut reader = Reader::new(&self.makes, variables);
        let result = reader.term(tree, scope.dot);
        self.found.reads.extend(reader.found.into_iter().map(|read| (self.task, index, read)));
        result
    }
}
