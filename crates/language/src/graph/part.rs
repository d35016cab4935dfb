//! What each kind of task shows of itself: the one place of the drawings that knows the kinds.

use provost_model::Value;
use provost_model::program::{
    ActTask, ActionSpec, AgentTask, Block, Case, Catch, Consume, DecideRule, Duration, EmitTask, ExprIx, FailureMode, Flow, ForTask,
    HitPolicy, ListenTask, PlanTask, PlannedCall, Program, RaiseTask, ReviewSpec, ReviewTask, StartOn, Task, TaskKind, Template, Times,
};

use super::chart::{Mark, Tone, cut};

/// What is shown of one task.
pub(super) struct Part<'p> {
    pub(super) word: &'static str,
    pub(super) tone: Tone,
    pub(super) details: Vec<String>,
    pub(super) marks: Vec<Mark>,
    pub(super) cases: Vec<Row<'p>>,
    pub(super) blocks: Blocks<'p>,
}

/// A case of a `switch`.
pub(super) struct Row<'p> {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) always: bool,
    pub(super) flow: &'p Flow,
}

/// The lists inside a task.
pub(super) enum Blocks<'p> {
    None,
    Once(&'p Block),
    Loop(&'p Block),
    Fork(&'p Block),
    Try { body: &'p Block, catch: Option<&'p Block>, title: Vec<String>, then: &'p Flow },
}

impl Part<'_> {
    fn new(word: &'static str, tone: Tone) -> Self {
        Self { word, tone, details: Vec::new(), marks: Vec::new(), cases: Vec::new(), blocks: Blocks::None }
    }

    fn detail(mut self, line: impl AsRef<str>) -> Self {
        let line = cut(line.as_ref());
        // The input as it is says nothing.
        if !line.is_empty() && line != "." {
            self.details.push(line);
        }
        self
    }

    fn mark(mut self, text: &str, tone: Tone) -> Self {
        self.marks.push(Mark { text: cut(text), tone });
        self
    }
}

/// What starts a workflow.
pub(super) fn start(program: &Program) -> Vec<String> {
    if let Some(schedule) = &program.schedule {
        return vec![match &schedule.at {
            Times::EveryMs(ms) => format!("every {}", length(program, &Duration::Millis(*ms))),
            Times::AfterMs(ms) => format!("{} after its end", length(program, &Duration::Millis(*ms))),
            Times::Cron(pattern) => cut(&format!("cron {pattern}")),
            Times::CronIn { pattern, zone } => cut(&format!("cron {pattern} {zone}")),
            Times::DaysIn { days: 1, zone } => cut(&format!("every day {zone}")),
            Times::DaysIn { days, zone } => cut(&format!("every {days} days {zone}")),
        }];
    }
    if let Some(on) = &program.starts_on {
        return event(program, on, "on");
    }
    let Some(set) = &program.starts_on_set else { return vec!["start".to_owned()] };
    let between = if set.all { "and" } else { "or" };
    let filters = set.filters.iter().enumerate();
    filters.flat_map(|(index, filter)| event(program, &filter.on, if index == 0 { "on" } else { between })).collect()
}

/// An event that starts a workflow.
fn event(program: &Program, on: &StartOn, word: &str) -> Vec<String> {
    let mut lines: Vec<String> = on.attributes.iter().map(|(key, value)| cut(&format!("{word} {key} {}", bare(value)))).collect();
    lines.extend(on.computed.iter().map(|(key, index)| cut(&format!("{word} {key} {}", source(program, *index)))));
    lines.extend(on.data.map(|index| cut(&format!("when {}", source(program, index)))));
    lines
}

/// What is shown of `task`.
pub(super) fn of<'p>(program: &'p Program, task: &'p Task) -> Part<'p> {
    let mut part = kind(program, &task.kind);
    if let Some(when) = task.when {
        part.details.insert(0, cut(&format!("if {}", source(program, when))));
    }
    if let Some(timeout) = &task.timeout {
        part = part.detail(format!("at most {}", length(program, timeout)));
    }
    part
}

fn kind<'p>(program: &'p Program, kind: &'p TaskKind) -> Part<'p> {
    match kind {
        TaskKind::Do(block) => Part { blocks: Blocks::Once(block), ..Part::new("do", Tone::Plain) },
        TaskKind::For(each) => loop_over(program, each),
        TaskKind::Fork(fork) => {
            let part = Part { blocks: Blocks::Fork(&fork.branches), ..Part::new("fork", Tone::Plain) };
            part.detail(if fork.compete { "the first to complete wins" } else { "all of them" })
        }
        TaskKind::Set(value) => Part::new("set", Tone::Plain).detail(template(program, value)),
        TaskKind::Switch(switch) => {
            let cases = switch.cases.iter().map(|case| row(program, case)).collect();
            Part { cases, ..Part::new("switch", Tone::Plain) }
        }
        TaskKind::Try(attempt) => {
            let (catch, title) = (attempt.catch.body.as_ref(), catching(program, &attempt.catch));
            let blocks = Blocks::Try { body: &attempt.body, catch, title, then: &attempt.catch.then };
            Part { blocks, ..Part::new("try", Tone::Plain) }
        }
        TaskKind::Raise(raise) => Part::new("raise", Tone::Fault).detail(raised(program, raise)),
        TaskKind::Wait(time) => Part::new("wait", Tone::Event).detail(length(program, time)),
        TaskKind::Emit(emit) => Part::new("emit", Tone::Event).detail(emitted(program, emit)),
        TaskKind::Agent(run) => agent(program, run),
        TaskKind::Rules(rules) => {
            let hit = program.rules.get(&rules.table).map(|table| hit_word(table.hit));
            Part::new("rules", Tone::Plain).detail(format!("{} {}", rules.table, hit.unwrap_or_default()))
        }
        TaskKind::Decide(decide) => {
            let part = Part::new("decide", Tone::Plain).detail(rule_word(decide.rule));
            decide.veto.iter().fold(part, |part, veto| part.mark(&format!("veto {}", veto.by), Tone::Fault))
        }
        TaskKind::Policy(policy) => Part::new("policy", Tone::Plain).detail(template(program, &policy.action)),
        TaskKind::Review(review) => asked(review),
        TaskKind::Act(act) => effect(program, act),
        TaskKind::Compensate(undo) => {
            let scope = undo.scope.as_ref().map_or("all that was done".to_owned(), |scope| format!("what {scope} did"));
            Part::new("compensate", Tone::Effect).detail(format!("undoes {scope}"))
        }
        TaskKind::Listen(listen) => listening(program, listen),
        TaskKind::Retrieve(read) => {
            let part = Part::new("retrieve", Tone::Plain).detail(format!("{} from {}", read.top_k, read.source));
            part.detail(template(program, &read.query))
        }
        TaskKind::Feature(read) => Part::new("feature", Tone::Plain).detail(read.names.join(", ")),
        TaskKind::Plan(plan) => planned(program, plan),
        TaskKind::Run(run) => {
            let part = Part::new("run", Tone::Plain).detail(format!("{} {}", run.workflow, run.version));
            if run.awaits { part } else { part.detail("nobody waits for its end") }
        }
        TaskKind::Extended(extended) => Part { blocks: Blocks::Once(&extended.body), ..Part::new("do", Tone::Plain) }.detail("extended"),
        TaskKind::Aside(aside) => {
            let part = Part { blocks: Blocks::Once(&aside.body), ..Part::new("do", Tone::Plain) };
            let part = part.detail(if aside.before { "before it" } else { "after it" });
            match aside.when {
                Some(when) => part.detail(format!("if {}", source(program, when))),
                None => part,
            }
        }
    }
}

fn listening<'p>(program: &'p Program, listen: &'p ListenTask) -> Part<'p> {
    let how = match listen.to.consume {
        Consume::One => "one",
        Consume::Any => "any",
        Consume::All => "all",
    };
    let part = Part::new("listen", Tone::Event).detail(how);
    let part = listen.to.filters.iter().fold(part, |part, filter| {
        let kind = filter.attributes.iter().find(|(name, _)| **name == *"type");
        part.detail(kind.map_or_else(|| "any type".to_owned(), |(_, kind)| template(program, kind)))
    });
    match &listen.each {
        Some(each) => Part { blocks: Blocks::Loop(&each.body), ..part },
        None => part,
    }
}

fn planned<'p>(program: &'p Program, plan: &'p PlanTask) -> Part<'p> {
    let tone = if plan.allow.iter().any(|one| one.call == PlannedCall::Act) { Tone::Effect } else { Tone::Plain };
    let part = Part::new("plan", tone).detail(format!("by {}", plan.agent)).detail(template(program, &plan.goal));
    let allowed = plan.allow.iter().filter(|one| one.call != PlannedCall::Set);
    allowed.fold(part, |part, one| part.detail(format!("may {} {}", one.call.word(), one.name)))
}

fn loop_over<'p>(program: &'p Program, each: &'p ForTask) -> Part<'p> {
    let part = Part { blocks: Blocks::Loop(&each.body), ..Part::new("for", Tone::Plain) };
    let part = part.detail(format!("each {} in {}", each.each, template(program, &each.items)));
    match each.condition {
        Some(condition) => part.detail(format!("while {}", source(program, condition))),
        None => part,
    }
}

fn agent<'p>(program: &'p Program, run: &AgentTask) -> Part<'p> {
    let part = Part::new("agent", Tone::Agent).detail(&*run.agent);
    match program.agents.get(&run.agent).map(|spec| &spec.failure) {
        Some(FailureMode::Review(review)) => part.mark(&format!("review {}", review.queue), Tone::Person),
        Some(FailureMode::Abstain) => part.mark("may abstain", Tone::Plain),
        Some(FailureMode::Default(_)) => part.mark("has a default", Tone::Plain),
        Some(FailureMode::Fail) | None => part,
    }
}

fn effect<'p>(program: &'p Program, act: &ActTask) -> Part<'p> {
    let part = Part::new("act", Tone::Effect);
    let Some(spec) = program.actions.get(&act.action) else { return part.detail(&*act.action) };
    let part = match &spec.call {
        Some(call) => Part { word: "call", ..part }.detail(call.operation.as_ref().map_or(&*call.method, |operation| operation)),
        None => part.detail(&*act.action),
    };
    let part = match act.compensate.as_ref().or(spec.undo.as_ref()) {
        Some(undo) => part.detail(format!("undone by {undo}")),
        None => part,
    };
    let part = part.mark(&format!("{:?}", spec.class), Tone::Effect);
    let part = if spec.money_out { part.mark("money out", Tone::Fault) } else { part };
    let part = if act.key.is_some() { part.mark("key", Tone::Plain) } else { part };
    reviewed(part, spec)
}

fn reviewed<'p>(part: Part<'p>, spec: &ActionSpec) -> Part<'p> {
    match &spec.review {
        Some(review) => part.mark(&format!("review {}{}", review.queue, eyes(review)), Tone::Person),
        None => part,
    }
}

fn asked<'p>(task: &ReviewTask) -> Part<'p> {
    let review = &task.review;
    let part = Part::new("review", Tone::Person).detail(&*review.title).mark(&format!("{}{}", review.queue, eyes(review)), Tone::Person);
    match &task.approves {
        Some((action, _)) => part.detail(format!("releases {action}")),
        None => part,
    }
}

fn eyes(review: &ReviewSpec) -> &'static str {
    if review.four_eyes { ", four eyes" } else { "" }
}

fn row<'p>(program: &Program, case: &'p Case) -> Row<'p> {
    let name = cut(&case.name);
    let when = match case.when {
        Some(when) => cut(source(program, when)),
        None if name == "otherwise" => String::new(),
        None => "otherwise".to_owned(),
    };
    Row { name, when, always: case.when.is_none(), flow: &case.then }
}

fn catching(program: &Program, catch: &Catch) -> Vec<String> {
    let mut lines = vec!["catch".to_owned()];
    let kind = catch.errors.kind.as_ref().map(|uri| uri.rsplit('/').next().unwrap_or(uri).to_owned());
    let status = catch.errors.status.map(|status| status.to_string());
    let wanted: Vec<String> = kind.into_iter().chain(status).collect();
    if !wanted.is_empty() {
        lines.push(cut(&wanted.join(" ")));
    }
    lines.extend(catch.when.map(|when| cut(&format!("when {}", source(program, when)))));
    lines.extend(catch.except_when.map(|when| cut(&format!("except when {}", source(program, when)))));
    lines.extend(catch.retry.as_ref().map(|retry| format!("up to {} attempts", retry.attempts_max)));
    lines
}

fn raised(program: &Program, raise: &RaiseTask) -> String {
    let member = |key: &str| member(program, &raise.error, key);
    let kind = member("type").unwrap_or_default();
    let short = kind.rsplit('/').next().unwrap_or_default().to_owned();
    format!("{short} {}", member("status").unwrap_or_default())
}

fn emitted(program: &Program, emit: &EmitTask) -> String {
    member(program, &emit.event, "type").unwrap_or_default()
}

fn member(program: &Program, of: &Template, key: &str) -> Option<String> {
    match of {
        Template::Object(members) => members.iter().find(|(known, _)| **known == *key).map(|(_, value)| template(program, value)),
        Template::Literal(value) => value.member(key).map(bare),
        Template::Expression(_) | Template::Array(_) => None,
    }
}

/// A template at a glance: its expression, its keys, or the value itself.
fn template(program: &Program, of: &Template) -> String {
    match of {
        Template::Expression(index) => source(program, *index).to_owned(),
        Template::Object(members) => members.iter().map(|(key, _)| &**key).collect::<Vec<_>>().join(", "),
        Template::Literal(Value::Object(map)) => map.iter().map(|(key, _)| &**key).collect::<Vec<_>>().join(", "),
        Template::Array(items) => format!("{} items", items.len()),
        Template::Literal(value) => bare(value),
    }
}

fn source(program: &Program, index: ExprIx) -> &str {
    program.expressions.get(index.0 as usize).map_or("", |expression| &*expression.source)
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn length(program: &Program, of: &Duration) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let mut rest = match of {
        Duration::Millis(ms) => *ms,
        Duration::Template(time) => return template(program, time),
    };
    let mut words = Vec::new();
    for (unit, word) in UNITS {
        if rest >= unit {
            words.push(format!("{} {word}", rest / unit));
            rest %= unit;
        }
    }
    if rest > 0 || words.is_empty() {
        words.push(format!("{rest} ms"));
    }
    words.join(" ")
}

fn rule_word(rule: DecideRule) -> &'static str {
    match rule {
        DecideRule::Majority => "majority",
        DecideRule::WeightedMajority => "weighted majority",
        DecideRule::Unanimous => "unanimous",
        DecideRule::Quorum => "quorum",
        DecideRule::FirstValid => "first valid",
        DecideRule::HighestConfidence => "highest confidence",
        DecideRule::Judge => "judge",
    }
}

fn hit_word(hit: HitPolicy) -> &'static str {
    match hit {
        HitPolicy::Unique => "(unique)",
        HitPolicy::First => "(first)",
        HitPolicy::Collect => "(collect)",
    }
}
