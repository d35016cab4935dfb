//! Every kind of fact, command and intent as it stands in journals for ever: one file each under `corpus/record/`.
//!
//! A file is written only with `UPDATE_GOLDEN=1`; then the difference is read. What an old file says must be readable for ever.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests read the folders that the crate must not")]

#[path = "golden/names.rs"]
mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use names::{COMMANDS, FACTS, INTENTS, name_of_command, name_of_fact, name_of_intent};
use provost_model::program::{EffectClass, Flow, PlannedCall, ReviewSpec, TaskIx};
use provost_model::record::{
    Arrived, Attempted, Batched, Behind, Cancel, ChildFate, ChildNews, ClaimAnswer, Claimed, Closed, Command, EffectKind, EffectState,
    Ending, Exported, Fact, Held, Intent, Look, Outcome, Parent, PlannedTask, Redrive, Resolve, ReviewAnswer, SecretSpan, Shape, Start,
    Stored, Usage, Wanted,
};
use provost_model::verdict::{Answer, Layer, Rule, Verdict, Would};
use provost_model::who::Known;
use provost_model::{Digest, EffectId, Event, EventId, Label, Labels, OrchestrationId, Position, Problem, Slot, Value, Who};

fn id() -> OrchestrationId {
    OrchestrationId::mint(1_795_228_258_114_000, Slot(7), &[b"golden"])
}

fn effect() -> EffectId {
    id().effect("settle/refund", "act")
}

fn place() -> Position {
    Position::root().task("settle", 1).task("refund", 2)
}

fn problem() -> Problem {
    Problem::standard("communication", 503, "the target is away").detail("it is tried again").at("/do/0/settle")
}

fn value() -> Value {
    Value::object([("amount", Value::Int(4200)), ("lines", Value::array([Value::Null, Value::Bool(true), Value::from("é\n")]))])
}

fn who() -> Who {
    Who { name: "maria".into(), known: Known::Token, roles: vec!["refunds-l2".into()] }
}

fn start() -> Start {
    Start {
        labels: provost_model::Labels::new(),
        workflow: "refund-triage".into(),
        version: "2.1.0".into(),
        pin: Digest::of(b"pin"),
        binding: 3,
        input: Value::array([value()]),
        event: Some(EventId::mint(1_795_228_258_114_000, Slot(7), &[b"event"])),
        events: Vec::new(),
        subject: Some("R-1".into()),
        hops: 1,
        origin: None,
        traceparent: None,
        order: None,
        concurrency: None,
        batch: None,
        parent: None,
        by: who(),
    }
}

fn spec() -> ReviewSpec {
    ReviewSpec {
        queue: "refunds-l2".into(),
        title: "Pay this refund?".into(),
        options: vec!["approve".into(), "reject".into()],
        four_eyes: true,
        form: None,
        expires_ms: 86_400_000,
    }
}

fn event() -> Event {
    Event {
        effect: None,
        id: effect().to_string().into(),
        source: "https://acme.example/support".into(),
        kind: "com.acme.refund.decided.v1".into(),
        subject: Some("R-1".into()),
        time: Some("2026-11-21T02:30:58.114Z".into()),
        hops: 2,
        data: value(),
        ..Event::default()
    }
}

fn labelled() -> Labels {
    Labels::of([("/note".to_owned(), Label::UNTRUSTED), (String::new(), Label::INTERNAL)])
}

fn facts_with_labels() -> Vec<Fact> {
    let (at, task, labels) = (place(), TaskIx(4), labelled());
    let exported = Exported { set: value(), dropped: Vec::new(), whole: None, labels: labels.clone() };
    let shape = Shape::For { items: Value::array([Value::Int(1)]), labels: Labels::whole(Label::SECRET) };
    vec![
        Fact::Started { start: None, labels: labels.clone(), input: Some(value()), input_labels: Labels::whole(Label::PERSONAL) },
        Fact::Entered { at: at.clone(), task, input: Some(value()), labels: labels.clone(), shape },
        Fact::Completed {
            at,
            task,
            output: Some(value()),
            labels: labels.clone(),
            effect: None,
            exported: Some(exported),
            then: Flow::Continue,
        },
        Fact::Attempted { effect: effect(), attempt: 1, result: None, labels: labels.clone() },
        Fact::KeyAnswered { effect: effect(), by: id(), result: value(), labels, reference: None },
        with_secrets(),
    ]
}

/// One of each kind of fact that tells who may see it, where not everybody may.
fn facts_not_shown() -> Vec<Fact> {
    let mut kinds = BTreeSet::new();
    let all = facts_of_flow().into_iter().chain(facts_of_effects()).chain(facts_of_listeners());
    all.filter_map(hidden).filter(|fact| kinds.insert(name_of_fact(fact))).collect()
}

fn hidden(mut fact: Fact) -> Option<Fact> {
    let personal = Labels::of([("/lines".to_owned(), Label::PERSONAL)]);
    match &mut fact {
        Fact::Intended { labels, key_label, .. } => (*labels, *key_label) = (personal, Label::SECRET),
        Fact::ReviewOpened { labels, .. } | Fact::ReviewAnswered { labels, .. } | Fact::Decided { labels, .. } => *labels = personal,
        Fact::Judged { label, .. } | Fact::Planned { label, .. } => *label = Label::PERSONAL,
        Fact::EventTaken { correlated_label, .. } => *correlated_label = Label::PERSONAL,
        Fact::ListeningBegan { wanted, .. } => wanted.first_mut()?.label = Label::PERSONAL,
        Fact::Emitted { event, .. } => event.labels = Labels::of([("/data".to_owned(), Label::INTERNAL)]),
        Fact::Raised { problem, .. } => problem.label = Label::SECRET,
        _ => return None,
    }
    Some(fact)
}

fn with_secrets() -> Fact {
    let span = SecretSpan { pointer: "/token".to_owned(), start: 7, end: 18, name: "token".to_owned() };
    Fact::Intended {
        labels: provost_model::Labels::new(),
        key_label: provost_model::Label::NONE,
        effect: effect(),
        at: place(),
        kind: EffectKind::Action,
        name: "pay@1".into(),
        class: EffectClass::E1,
        key: "efk1_0123456789012345678901234567890123456789".into(),
        business_key: None,
        fingerprint: Digest::of(b"arguments"),
        arguments: Some(Value::object([("token", Value::from("Bearer \u{FDD0}token\u{FDD1}"))])),
        secrets: vec![span],
        example: None,
        deadline_us: 0,
        undoes: None,
        undo: None,
    }
}

fn facts_of_flow() -> Vec<Fact> {
    let (at, task) = (place(), TaskIx(4));
    let exported = Exported { set: value(), dropped: vec!["old".into()], whole: None, labels: Labels::new() };
    let whole = Exported { set: Value::Null, dropped: Vec::new(), whole: Some(Value::Null), labels: Labels::new() };
    let entered = |input, shape| Fact::Entered { at: place(), task: TaskIx(4), input, labels: Labels::new(), shape };
    let completed = |output, effect, exported, then| Fact::Completed {
        at: place(),
        task: TaskIx(4),
        output,
        labels: Labels::new(),
        effect,
        exported,
        then,
    };
    vec![
        Fact::Started { start: None, labels: Labels::new(), input: None, input_labels: Labels::new() },
        Fact::Started { start: Some(Box::new(start())), labels: Labels::new(), input: Some(Value::Null), input_labels: Labels::new() },
        entered(None, Shape::Plain),
        entered(Some(Value::Null), Shape::For { items: Value::array([Value::Int(1)]), labels: Labels::new() }),
        entered(Some(value()), Shape::Fork),
        entered(None, Shape::Try),
        Fact::Iterated { at: at.clone(), index: 3 },
        completed(None, None, None, Flow::Continue),
        completed(Some(Value::Null), None, Some(exported), Flow::Task(TaskIx(2))),
        completed(None, Some(effect()), Some(whole), Flow::End),
        completed(Some(value()), None, None, Flow::Exit),
        Fact::Skipped { at: at.clone(), task },
        Fact::Raised { at: at.clone(), task, problem: problem() },
        Fact::Caught { at: at.clone(), problem: problem() },
        Fact::RetryScheduled { at: at.clone(), problem: problem(), attempt: 2, due_us: 5 },
        Fact::Retried { at: at.clone() },
        Fact::Abandoned { at: at.clone() },
        Fact::TimerSet { id: "wait:settle".into(), at: at.clone(), due_us: 5 },
        Fact::TimerFired { id: "wait:settle".into() },
        Fact::CancelRequested { grace_us: 30, replaced_by: None },
        Fact::CancelRequested { grace_us: 30, replaced_by: Some(id()) },
        Fact::Parked { at: at.clone(), problem: problem() },
        Fact::Redriven { at },
        Fact::Reconciled { effect: Some(effect()), look: 1, outcome: Look::Asked },
        Fact::Reconciled { effect: Some(effect()), look: 2, outcome: Look::Unanswerable },
        Fact::Reconciled { effect: None, look: 1, outcome: Look::Redriven },
        Fact::Reconciled { effect: None, look: 2, outcome: Look::Denied },
        Fact::Yielded,
        Fact::Ended { ending: Ending::Completed, output: Some(Value::Null), problem: None, labels: None },
        Fact::Ended { ending: Ending::Faulted, output: None, problem: Some(problem()), labels: None },
        Fact::Ended { ending: Ending::Cancelled, output: None, problem: None, labels: None },
    ]
}

fn would() -> Would {
    Would {
        answer: Answer::Deny,
        rules: vec![Rule { id: "no-refunds-at-night".into(), at: "own.cedar:3".into() }],
        errors: vec!["`odd` at own.cedar:9: `x` is not there".to_owned()],
    }
}

fn verdicts() -> Vec<Verdict> {
    let plain = Verdict {
        request: Digest::of(b"question"),
        answer: Answer::Allow,
        rules: vec![Rule { id: "small-refunds".into(), at: "refund.cedar:14".into() }],
        layer: Layer::Bundle,
        errors: Vec::new(),
        bundle: Digest::of(b"bundle"),
        tenant: Digest::of(b"tenant"),
        guard: 2,
        binding: 0,
        would: None,
    };
    vec![plain.clone(), Verdict { binding: 3, would: Some(would()), ..plain }]
}

fn facts_of_effects() -> Vec<Fact> {
    let rules = vec![Rule { id: "small-refunds".into(), at: "refund.cedar:14".into() }];
    let (effect, at, review) = (effect(), place(), id().review("settle/refund", "0"));
    let intended = |kind, class, business_key, arguments, example, undoes| Fact::Intended {
        labels: provost_model::Labels::new(),
        key_label: provost_model::Label::NONE,
        effect,
        at: place(),
        kind,
        name: "payments.refund@1".into(),
        class,
        key: "efk1_0123456789012345678901234567890123456789".into(),
        business_key,
        fingerprint: Digest::of(b"arguments"),
        arguments,
        secrets: Vec::new(),
        example,
        deadline_us: if example.is_some() { 9 } else { 0 },
        undoes,
        undo: None,
    };
    let on_trial = |answer, rules, would| Fact::Judged {
        label: provost_model::Label::NONE,
        at: place(),
        action: "payments.refund".into(),
        resource: "payments.refund".into(),
        answer,
        rules,
        would,
    };
    let judged = |answer, rules| on_trial(answer, rules, None);
    let attempted = |result: Attempted| Fact::Attempted { effect, attempt: 2, result: Some(Box::new(result)), labels: Labels::new() };
    vec![
        judged(Answer::Allow, rules),
        judged(Answer::Review, Vec::new()),
        judged(Answer::Deny, Vec::new()),
        on_trial(Answer::Allow, Vec::new(), Some(would())),
        on_trial(Answer::Deny, Vec::new(), Some(Would { answer: Answer::Review, rules: Vec::new(), errors: Vec::new() })),
        intended(EffectKind::Action, EffectClass::E1, Some("refund/R-1".into()), Some(value()), None, None),
        intended(EffectKind::Agent, EffectClass::E0, None, None, Some(2), None),
        intended(EffectKind::Undo, EffectClass::E4, None, Some(Value::Null), None, Some(effect)),
        Fact::Sent { effect, attempt: 1 },
        Fact::Attempted { effect, attempt: 1, result: None, labels: Labels::new() },
        attempted(Attempted::Done {
            value: value(),
            reference: Some("re_551".into()),
            usage: Some(Usage { tokens_in: 1, tokens_out: 2, cost_micros: 3 }),
            dropped_bytes: Some(300_000),
        }),
        attempted(Attempted::Failed { problem: problem(), retry: true, retry_after_ms: Some(500) }),
        attempted(Attempted::Unknown { problem: problem() }),
        attempted(Attempted::Absent),
        attempted(Attempted::Unreadable { problem: problem(), reference: Some("re_551".into()) }),
        Fact::AttemptScheduled { effect, attempt: 2, due_us: 5, behind: None },
        Fact::AttemptScheduled { effect, attempt: 2, due_us: 5, behind: Some("breaker:payments".into()) },
        Fact::KeyClaimed { effect },
        Fact::KeyHeld { effect, by: id(), due_us: 5 },
        Fact::KeyAnswered { effect, by: id(), result: value(), labels: Labels::new(), reference: Some("re_551".into()) },
        Fact::KeyAnswered { effect, by: id(), result: Value::Null, labels: Labels::new(), reference: None },
        Fact::Queued { order: "customer-7".into(), number: 2 },
        Fact::HeldBack {
            key: "customer-7".into(),
            number: 2,
            behind: Box::new(Behind { limit: 1, ahead: 1, holders: vec![id()], replaces: Vec::new() }),
        },
        Fact::HeldBack {
            key: "customer-7".into(),
            number: 1,
            behind: Box::new(Behind { limit: 1, ahead: 0, holders: vec![id()], replaces: vec![id()] }),
        },
        Fact::Admitted,
        Fact::LookUpScheduled { effect, attempt: 1, due_us: 5 },
        Fact::Settled { effect, state: EffectState::InDoubt },
        Fact::Settled { effect, state: EffectState::Abandoned },
        Fact::Resolved { effect, done: true },
        Fact::Undoable { effect, by: "payments.reverse-refund@1".into() },
        Fact::Unwinding { at: at.clone(), effects: vec![effect] },
        Fact::ReviewOpened {
            labels: provost_model::Labels::new(),
            review,
            at: at.clone(),
            spec: spec(),
            show: value(),
            call: Some(Digest::of(b"call")),
            action: Some("payments.refund@1".into()),
        },
        Fact::ReviewOpened {
            labels: provost_model::Labels::new(),
            review,
            at: at.clone(),
            spec: spec(),
            show: Value::Null,
            call: None,
            action: None,
        },
        Fact::ReviewAnswered {
            labels: provost_model::Labels::new(),
            review,
            option: "approve".into(),
            approved: true,
            by: who(),
            form: value(),
            reason: String::new(),
        },
        Fact::ReviewAnswered {
            labels: provost_model::Labels::new(),
            review,
            option: "reject".into(),
            approved: false,
            by: who(),
            form: Value::Null,
            reason: "too large".into(),
        },
        Fact::ReviewClosed { review },
        Fact::ApprovalSpent { review, effect },
        Fact::Retrieved {
            effect,
            sources: vec!["handbook/a.md".into(), "handbook/b.md".into()],
            withheld: 1,
            digest: Digest::of(b"answer"),
        },
        Fact::Retrieved { effect, sources: Vec::new(), withheld: 0, digest: Digest::of(b"answer") },
        Fact::Planned {
            label: provost_model::Label::NONE,
            at: at.clone(),
            effect: Some(effect),
            revision: 2,
            digest: Digest::of(b"plan"),
            because: Some("it was charged twice".into()),
            tasks: vec![
                PlannedTask {
                    name: "pay".into(),
                    call: PlannedCall::Act,
                    called: "payments.refund@1".into(),
                    when: Some(".amount > 0".into()),
                    given: value(),
                },
                PlannedTask { name: "say".into(), call: PlannedCall::Set, called: "".into(), when: None, given: Value::Null },
            ],
        },
        Fact::Planned {
            label: provost_model::Label::NONE,
            at: at.clone(),
            effect: None,
            revision: 1,
            digest: Digest::of(b"plan"),
            because: None,
            tasks: Vec::new(),
        },
        Fact::Decided {
            labels: provost_model::Labels::new(),
            decision: id().decision("record", ""),
            at: at.clone(),
            opinions: value(),
            outcome: value(),
        },
        Fact::Emitted { at, effect, event: Box::new(event()) },
    ]
}

fn news(how: ChildFate) -> Command {
    Command::Child(ChildNews { child: id(), sequence: 7, how, labels: None })
}

fn facts_of_children() -> Vec<Fact> {
    let (at, child) = (place(), id());
    let (workflow, version) = ("notify".into(), "1.0.0".into());
    vec![
        Fact::ChildStarted { at, child, workflow, version, input: value(), awaits: true, order: None, concurrency: None, labels: None },
        Fact::ChildStarted {
            at: place(),
            child,
            workflow: "notify".into(),
            version: "1.0.0".into(),
            input: value(),
            awaits: true,
            order: Some("customer-7".into()),
            concurrency: None,
            labels: None,
        },
        Fact::ChildTold { child, sequence: 7, how: None, labels: None },
        Fact::ChildTold { child, sequence: 7, how: Some(Box::new(ChildFate::Completed(Value::Null))), labels: None },
        Fact::ChildStopped { child, again: false },
        Fact::ChildStopped { child, again: true },
        Fact::Interrupted,
        Fact::ChildRedriven { child },
    ]
}

fn arrived(more: bool) -> Arrived {
    Arrived { id: EventId::mint(1_795_228_258_114_000, Slot(7), &[b"event"]), event: event(), by: who(), more }
}

fn facts_of_listeners() -> Vec<Fact> {
    let (at, id) = (place(), arrived(false).id);
    let wanted = Wanted {
        label: provost_model::Label::NONE,
        attributes: vec![("subject".into(), "R-1".into())],
        expected: vec![("order".into(), Value::Int(7))],
    };
    let exported = Exported { set: value(), dropped: Vec::new(), whole: None, labels: Labels::new() };
    let taken = |item: Option<Value>, last| Fact::EventTaken {
        correlated_label: provost_model::Label::NONE,
        at: place(),
        event: id,
        filter: Some(0),
        until: None,
        item,
        as_sent: false,
        labels: Labels::new(),
        correlated: Vec::new(),
        hops: 0,
        last,
        more: false,
    };
    vec![
        Fact::ListeningBegan { at: at.clone(), kinds: Some(vec!["a.v1".into(), "b.v1".into()]), wanted: vec![wanted, Wanted::default()] },
        Fact::ListeningBegan { at: at.clone(), kinds: None, wanted: Vec::new() },
        taken(Some(value()), true),
        taken(Some(Value::Null), false),
        taken(None, false),
        Fact::EventTaken {
            correlated_label: provost_model::Label::NONE,
            at: at.clone(),
            event: id,
            filter: None,
            until: Some(1),
            item: Some(value()),
            as_sent: false,
            labels: labelled(),
            correlated: vec![("order".into(), Value::Int(7))],
            hops: 2,
            last: true,
            more: true,
        },
        Fact::EventHandled { at: at.clone(), index: 3, output: Some(value()), labels: labelled(), exported: Some(exported), last: false },
        Fact::EventHandled { at: at.clone(), index: 0, output: None, labels: Labels::new(), exported: None, last: false },
        Fact::EventHandled { at, index: 1, output: None, labels: Labels::new(), exported: None, last: true },
    ]
}

#[test]
fn the_data_of_an_event_is_not_written_twice() {
    use provost_model::record::{Ambient, Transition};
    let mut facts = facts_of_listeners();
    facts.retain(|fact| matches!(fact, Fact::EventTaken { .. }));
    let transition =
        Transition { command: Command::Arrived(Box::new(arrived(false))), ambient: Ambient::default(), facts, intents: Vec::new() };
    let bytes = transition.encode().unwrap();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap().matches("4200").count(), 1);
    assert_eq!(Transition::decode(&bytes).unwrap(), transition);
}

fn commands() -> Vec<Command> {
    let (effect, by, reason) = (effect(), who(), "looked at it".to_owned());
    let reported = |result| Outcome { effect, attempt: 1, result, worker: "builtin".into(), took_ms: 12, stored: None };
    let outcome = |result| Command::Outcome(reported(result));
    let kept = |broken| {
        let value = Value::object([("digest", Value::from(Digest::of(b"content").to_string())), ("size", Value::Int(7))]);
        let result = Attempted::Done { value, reference: None, usage: None, dropped_bytes: None };
        Command::Outcome(Outcome { stored: Some(Stored { broken }), ..reported(result) })
    };
    let claimed = |answer| Command::Claimed(Claimed { effect, answer });
    let review =
        ReviewAnswer { review: id().review("a", "0"), option: "approve".into(), by: by.clone(), reason: reason.clone(), form: value() };
    let resolve = |done, result| Resolve { effect, done, result, evidence: "https://crm/1".into(), by: who(), reason: "looked".into() };
    vec![
        Command::Start(start()),
        Command::Start(Start { event: None, subject: None, hops: 0, input: Value::Null, ..start() }),
        Command::Start(Start {
            order: Some("customer-7".into()),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            ..start()
        }),
        Command::Start(Start {
            parent: Some(Box::new(Parent {
                orchestration: id(),
                awaits: true,
                line: vec!["first".into(), "second".into()],
                labels: None,
                held: Vec::new(),
            })),
            ..start()
        }),
        Command::Start(Start { concurrency: Some("customer-7".into()), ..start() }),
        Command::Start(Start {
            parent: Some(Box::new(Parent {
                orchestration: id(),
                awaits: true,
                line: vec!["first".into()],
                labels: None,
                held: vec![Held { workflow: "first".into(), key: "customer-7".into() }],
            })),
            ..start()
        }),
        Command::Start(Start {
            batch: Some(Box::new(Batched { key: "eu".into(), events: start().event.into_iter().collect(), closed: Some(Closed::Size) })),
            ..start()
        }),
        news(ChildFate::Completed(value())),
        news(ChildFate::Faulted(problem())),
        news(ChildFate::Cancelled),
        news(ChildFate::Parked(problem())),
        news(ChildFate::Replaced(id())),
        Command::Interrupt { parent: id() },
        Command::Entangled { ring: vec![id(), id().begun("a", 0)] },
        Command::Sending { effect, attempt: 1 },
        outcome(Attempted::Done { value: Value::Null, reference: None, usage: None, dropped_bytes: None }),
        outcome(Attempted::Failed { problem: problem(), retry: false, retry_after_ms: None }),
        outcome(Attempted::Absent),
        outcome(Attempted::Unreadable { problem: problem(), reference: None }),
        kept(None),
        kept(Some("`/n` is not an integer".into())),
        claimed(ClaimAnswer::Granted),
        claimed(ClaimAnswer::Held { by: id() }),
        claimed(ClaimAnswer::Done { by: id(), result: value(), reference: Some("re_551".into()) }),
        claimed(ClaimAnswer::Done { by: id(), result: Value::Null, reference: None }),
        claimed(ClaimAnswer::Unsettled { by: id() }),
        claimed(ClaimAnswer::Conflict { by: id() }),
        Command::Admitted,
        Command::Timer { id: "timeout:".into() },
        Command::Review(review),
        Command::Cancel(Cancel { by: by.clone(), reason: reason.clone(), replaced_by: None }),
        Command::Cancel(Cancel { by: by.clone(), reason: reason.clone(), replaced_by: Some(id()) }),
        Command::Arrived(Box::new(arrived(false))),
        Command::Arrived(Box::new(arrived(true))),
        Command::Redrive(Redrive { by, reason }),
        Command::Resolve(resolve(true, value())),
        Command::Resolve(resolve(false, Value::Null)),
        Command::Continue,
    ]
}

fn intents() -> Vec<Intent> {
    let effect = effect();
    vec![
        Intent::Attempt { effect, attempt: 1 },
        Intent::LookUp { effect, attempt: 2 },
        Intent::Claim { effect },
        Intent::Withdraw { effect },
        Intent::Timer { id: "wait:a".into(), due_us: 5 },
        Intent::Ask { review: id().review("a", "0") },
        Intent::Emit { effect },
        Intent::StartChild { child: id() },
        Intent::StopChild { child: id(), again: false },
        Intent::StopChild { child: id(), again: true },
        Intent::RedriveChild { child: id() },
        Intent::Listen,
        Intent::Continue,
        Intent::Announce,
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/record")
}

/// Compares each kind's samples with its file, or writes the file when asked to.
fn check<T>(prefix: &str, samples: Vec<T>, name_of: fn(&T) -> &'static str, kinds: usize)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let names: BTreeSet<&str> = samples.iter().map(name_of).collect();
    assert_eq!(names.len(), kinds, "every kind has a sample");
    for name in names {
        let of_kind: Vec<&T> = samples.iter().filter(|sample| name_of(sample) == name).collect();
        let text = serde_json::to_string_pretty(&of_kind).unwrap() + "\n";
        let file = folder().join(format!("{prefix}-{name}.json"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(golden, text, "{prefix} {name}: set UPDATE_GOLDEN=1 to change the record's format on purpose");
        let read: Vec<T> = serde_json::from_str(&golden).unwrap();
        assert!(read.iter().eq(of_kind), "{prefix} {name} is read back");
    }
    let files = std::fs::read_dir(folder()).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert_eq!(files.filter(|file| file.starts_with(&format!("{prefix}-"))).count(), kinds, "no file without a kind");
}

#[test]
fn facts_stay_as_they_are() {
    check(
        "fact",
        facts_of_flow()
            .into_iter()
            .chain(facts_of_effects())
            .chain(facts_not_shown())
            .chain(facts_of_children())
            .chain(facts_with_labels())
            .chain(facts_of_listeners())
            .collect(),
        name_of_fact,
        FACTS,
    );
}

#[test]
fn commands_stay_as_they_are() {
    check("command", commands(), name_of_command, COMMANDS);
}

#[test]
fn intents_stay_as_they_are() {
    check("intent", intents(), name_of_intent, INTENTS);
}

#[test]
fn verdicts_stay_as_they_are() {
    check("verdict", verdicts(), |verdict| if verdict.would.is_some() { "on-trial" } else { "given" }, 2);
}

#[test]
fn what_the_command_says_is_not_written_twice() {
    use provost_model::record::{Ambient, Transition};
    let asked =
        ReviewAnswer { review: id().review("a", "0"), option: "reject".into(), by: who(), reason: "too large".into(), form: value() };
    let pairs = [
        (
            Command::Start(start()),
            Fact::Started { start: Some(Box::new(start())), labels: Labels::new(), input: None, input_labels: Labels::new() },
        ),
        (
            Command::Review(asked.clone()),
            Fact::ReviewAnswered {
                labels: provost_model::Labels::new(),
                review: asked.review,
                option: asked.option,
                approved: false,
                by: who(),
                form: value(),
                reason: asked.reason,
            },
        ),
        (
            Command::Outcome(Outcome {
                effect: effect(),
                attempt: 1,
                result: Attempted::Absent,
                worker: "w".into(),
                took_ms: 0,
                stored: None,
            }),
            Fact::Attempted { effect: effect(), attempt: 1, result: Some(Box::new(Attempted::Absent)), labels: Labels::new() },
        ),
    ];
    for (command, fact) in pairs {
        let transition = Transition { command, ambient: Ambient::default(), facts: vec![fact], intents: Vec::new() };
        let bytes = transition.encode().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        for once in ["refund-triage", "too large", "absent"] {
            assert!(text.matches(once).count() <= 1, "{once} in {text}");
        }
        let read = Transition::decode(&bytes).unwrap();
        assert_eq!(read, transition);
        assert_eq!(read.encode().unwrap(), bytes);
    }
}
