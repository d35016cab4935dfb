//! Facts: what happened, past tense, never changed.
//!
//! A fact carries its results; folding copies and never evaluates. Absent members mean "as already known" where the comment says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ambient::Behind;
use super::arrived::Wanted;
use super::child::ChildFate;
use super::command::{Attempted, Start};
use super::effect::{EffectKind, EffectState};
use super::look::Look;
use super::plan::PlannedTask;
use super::secret::SecretSpan;
use crate::digest::Digest;
use crate::id::{DecisionId, EffectId, EventId, OrchestrationId, ReviewId};
use crate::labels::{Label, Labels};
use crate::position::Position;
use crate::problem::Problem;
use crate::program::{EffectClass, Flow, ReviewSpec, TaskIx};
use crate::value::Value;
use crate::verdict::{Answer, Rule, Would};
use crate::who::Who;

/// Something that happened to an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// It began. `start` stands in the row's command and is not written again.
    Started {
        /// The command behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Box<Start>>,
        /// Labels of the input as it came.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// The workflow's input after `input.from`, where that changed it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        input: Option<Value>,
        /// Labels of `input`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        input_labels: Labels,
    },
    /// A task began and stays open.
    Entered {
        /// Where.
        at: Position,
        /// Which task of the program.
        task: TaskIx,
        /// Its input after `input.from`, where that changed it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        input: Option<Value>,
        /// Labels of `input`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// What it is, beyond a list or a task that waits.
        #[serde(default, skip_serializing_if = "Shape::is_plain")]
        shape: Shape,
    },
    /// An iteration of the open `for` at `at` began.
    Iterated {
        /// The `for`.
        at: Position,
        /// Which item.
        index: u64,
    },
    /// A task ended well. Where it was not open, it began and ended at once.
    Completed {
        /// Where.
        at: Position,
        /// Which task of the program.
        task: TaskIx,
        /// Its output after `output.as`; absent: the result of `effect`, or else its raw input.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        output: Option<Value>,
        /// Labels of `output`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// The effect whose result the output is, unchanged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectId>,
        /// The changed top-level keys of `$context` (`null` in `dropped` are gone), where it exported.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exported: Option<Exported>,
        /// Where control goes, where that is not the next task.
        #[serde(default, skip_serializing_if = "is_continue")]
        then: Flow,
    },
    /// A task was skipped by its `if`.
    Skipped {
        /// Where.
        at: Position,
        /// Which task of the program.
        task: TaskIx,
    },
    /// A task raised an error that nobody inside it took.
    Raised {
        /// Where.
        at: Position,
        /// Which task of the program.
        task: TaskIx,
        /// The error.
        problem: Problem,
    },
    /// The `try` at `at` took the error; everything inside it is closed. Its handlers run next, unless a retry was scheduled.
    Caught {
        /// The `try`.
        at: Position,
        /// The error.
        problem: Problem,
    },
    /// The `try` at `at` will run its list again; everything inside it is closed.
    RetryScheduled {
        /// The `try`.
        at: Position,
        /// The error.
        problem: Problem,
        /// Which attempt comes next; the first was 1.
        attempt: u32,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// The list of the `try` at `at` began again.
    Retried {
        /// The `try`.
        at: Position,
    },
    /// A losing branch of a competing `fork`, or work inside a closed scope, was given up.
    Abandoned {
        /// Where.
        at: Position,
    },
    /// A timer was set.
    TimerSet {
        /// Its id: purpose, colon, position or effect.
        id: Arc<str>,
        /// The place it belongs to; it dies with it.
        at: Position,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// A timer was due.
    TimerFired {
        /// Its id.
        id: Arc<str>,
    },
    /// Policy answered a question of this orchestration.
    Judged {
        /// The task that asked.
        at: Position,
        /// The action's own name.
        action: Arc<str>,
        /// What it was on.
        resource: Arc<str>,
        /// The answer.
        answer: Answer,
        /// The rules that decided.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<Rule>,
        /// What policies on trial would have changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        would: Option<Would>,
        /// Who may see what was asked.
        #[serde(default, skip_serializing_if = "Label::is_none")]
        label: Label,
    },
    /// An effect was decided on: it has a key and may leave once this is on disk.
    Intended {
        /// Its id.
        effect: EffectId,
        /// The task behind it.
        at: Position,
        /// What kind of effect.
        kind: EffectKind,
        /// `name@major` of the agent or action.
        name: Arc<str>,
        /// Its class.
        class: EffectClass,
        /// Its key towards the target: from the position, or the business key.
        key: Arc<str>,
        /// The authored key, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        business_key: Option<Arc<str>>,
        /// Digest of the arguments declared as meaningful.
        fingerprint: Digest,
        /// What is sent; absent: the task's input.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        arguments: Option<Value>,
        /// Labels of what is sent, as far as they say who may see it.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// Who may see the authored key.
        #[serde(default, skip_serializing_if = "Label::is_none")]
        key_label: Label,
        /// Where secrets belong in what is sent.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<SecretSpan>,
        /// The scripted example that answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<u32>,
        /// The last moment, in microseconds UTC; 0 means none.
        #[serde(default, skip_serializing_if = "is_zero")]
        deadline_us: i64,
        /// For an undo: the effect it undoes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<EffectId>,
        /// `name@major` of the action that undoes it, where the task names another one than the action's file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Arc<str>>,
    },
    /// An effect of class E4 is about to be sent: from here on its outcome may be unknown.
    Sent {
        /// Which.
        effect: EffectId,
        /// Which attempt.
        attempt: u32,
    },
    /// An attempt ended. `result` stands in the row's command and is not written again.
    Attempted {
        /// Which.
        effect: EffectId,
        /// Which attempt.
        attempt: u32,
        /// What came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Box<Attempted>>,
        /// Labels of the result's value.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// Another attempt will be made under the same key.
    AttemptScheduled {
        /// Which.
        effect: EffectId,
        /// Which attempt comes next.
        attempt: u32,
        /// When, in microseconds UTC.
        due_us: i64,
        /// The shared state that delays it, as in [`super::Admission::what`]; none: a retry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        behind: Option<Arc<str>>,
    },
    /// The business key of an effect is its own, over all orchestrations of the tenant.
    KeyClaimed {
        /// Which.
        effect: EffectId,
    },
    /// Another effect holds the business key and is not through; the key is asked for again.
    KeyHeld {
        /// Which.
        effect: EffectId,
        /// The orchestration that holds it.
        by: OrchestrationId,
        /// When it is asked for again, in microseconds UTC.
        due_us: i64,
    },
    /// The effect was done before under its business key; this is the stored result.
    KeyAnswered {
        /// Which.
        effect: EffectId,
        /// The orchestration that did it.
        by: OrchestrationId,
        /// The stored result.
        result: Value,
        /// Labels of `result`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// The target's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
    },
    /// The orchestration waits behind an earlier one with the same ordering key.
    Queued {
        /// The ordering key.
        order: Arc<str>,
        /// Its number in the line.
        number: u64,
    },
    /// The orchestration waits for a place under its concurrency key.
    HeldBack {
        /// The key's value.
        key: Arc<str>,
        /// Its number among those that wait.
        number: u64,
        /// Whom it waits for.
        behind: Box<Behind>,
    },
    /// Its turn came.
    Admitted,
    /// A look-up at the target was scheduled.
    LookUpScheduled {
        /// Which.
        effect: EffectId,
        /// Which look-up comes next; the first is 1.
        attempt: u32,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// Where the effect ended, or stands.
    Settled {
        /// Which.
        effect: EffectId,
        /// How.
        state: EffectState,
    },
    /// A person settled an effect in doubt by evidence. Who and why stand in the row's command.
    Resolved {
        /// Which.
        effect: EffectId,
        /// Whether it was done.
        done: bool,
    },
    /// The undo of a finished action was registered.
    Undoable {
        /// The finished effect.
        effect: EffectId,
        /// `name@major` of the action that undoes it.
        by: Arc<str>,
    },
    /// Undoing a scope began: these effects, in this order.
    Unwinding {
        /// The task, or the root when cancelling.
        at: Position,
        /// What will be undone, latest first.
        effects: Vec<EffectId>,
    },
    /// A person is asked.
    ReviewOpened {
        /// Its id.
        review: ReviewId,
        /// The task that waits.
        at: Position,
        /// Queue, title, options.
        spec: ReviewSpec,
        /// What the person sees.
        show: Value,
        /// Labels of `show`, as far as they say who may see it.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// Digest of the exact call it releases: action, meaningful arguments and pin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Digest>,
        /// The name of the action it releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<Arc<str>>,
    },
    /// A person answered. Who and why stand in the row's command too; the name is kept here for the fold.
    ReviewAnswered {
        /// Which.
        review: ReviewId,
        /// The option chosen.
        option: Arc<str>,
        /// Whether that releases the call.
        approved: bool,
        /// Who.
        by: Who,
        /// What was filled in.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        form: Value,
        /// Labels of `form`, as far as they say who may see it.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// Why, for a round that reads the answer again. Stands in the row's command and is not written again.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A review lost its place: timeout, cancel, closed scope.
    ReviewClosed {
        /// Which.
        review: ReviewId,
    },
    /// An approval was used for its one call.
    ApprovalSpent {
        /// The review behind it.
        review: ReviewId,
        /// The effect it released.
        effect: EffectId,
    },
    /// Policy has said which passages of a retrieval may be read, before anybody did. The verdicts stand beside it.
    Retrieved {
        /// The retrieval.
        effect: EffectId,
        /// Where the passages come from that are handed on, in order.
        sources: Vec<Arc<str>>,
        /// How many were withheld; their texts are nowhere in the record.
        withheld: u64,
        /// Digest of what is handed on.
        digest: Digest,
    },
    /// An agent's plan was checked, shown to policy, and is carried out from here on. The verdict stands beside it.
    Planned {
        /// The `plan`.
        at: Position,
        /// The run that proposed it; absent: the answer that the agent's file gives for a run that failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectId>,
        /// Which plan of this place it is; the first is 1. The same plan again keeps its number.
        revision: u32,
        /// Digest of `tasks`.
        digest: Digest,
        /// The agent's own reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Arc<str>>,
        /// The tasks, in order.
        tasks: Vec<PlannedTask>,
        /// Who may see what the agent wrote.
        #[serde(default, skip_serializing_if = "Label::is_none")]
        label: Label,
    },
    /// Opinions became a decision.
    Decided {
        /// Its id.
        decision: DecisionId,
        /// The task.
        at: Position,
        /// The opinions, as they came.
        opinions: Value,
        /// The decision: choice, confidence, quorum, votes, veto.
        outcome: Value,
        /// Who may see places of an object of `opinions` and `outcome`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// An event was sent into our own inbox.
    Emitted {
        /// The task.
        at: Position,
        /// The effect id, which is the event's id.
        effect: EffectId,
        /// The event; its output is the task's.
        event: Box<crate::event::Event>,
    },
    /// Another workflow was begun.
    ChildStarted {
        /// The task.
        at: Position,
        /// The child.
        child: OrchestrationId,
        /// The name of its workflow.
        workflow: Arc<str>,
        /// Its version.
        version: Arc<str>,
        /// What it is given.
        input: Value,
        /// Whether its end is waited for.
        awaits: bool,
        /// The value of its workflow's ordering key: the child lives where that does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<Arc<str>>,
        /// The value of its workflow's concurrency key: the child lives where that does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<Arc<str>>,
        /// Labels of `input`; absent: nobody followed them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<Labels>,
    },
    /// A child ended, or cannot go on. `how` stands in the row's command and is not written again.
    ChildTold {
        /// Which.
        child: OrchestrationId,
        /// Where the child's journal stood.
        sequence: u64,
        /// What happened to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        how: Option<Box<ChildFate>>,
        /// Labels of its output; absent: nobody followed them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<Labels>,
    },
    /// A child that lost its place is being stopped.
    ChildStopped {
        /// Which.
        child: OrchestrationId,
        /// Whether it may be tried again: it is parked, not cancelled.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Its parent stopped waiting and may try it again: its own time is up.
    Interrupted,
    /// A child that could not go on, or was interrupted, is tried again.
    ChildRedriven {
        /// Which.
        child: OrchestrationId,
    },
    /// The open task at `at` began to listen.
    ListeningBegan {
        /// The `listen`.
        at: Position,
        /// The types of events it takes, sorted; absent: every type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kinds: Option<Vec<Arc<str>>>,
        /// What its filters wait for, those of `to` before those of `until`; absent where nothing was computed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        wanted: Vec<Wanted>,
    },
    /// A listener took an event.
    EventTaken {
        /// The `listen`.
        at: Position,
        /// Which event.
        event: EventId,
        /// The filter of `to` that it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<u32>,
        /// The filter of `until` that it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<u32>,
        /// What was read of it; absent where nothing of it is needed.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        item: Option<Value>,
        /// Whether `item` is the data of the event in the row's command, and not written again. Only on disk.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        as_sent: bool,
        /// Labels of `item`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// Correlations that it settled for those behind it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        correlated: Vec<(Arc<str>, Value)>,
        /// Who may see what was correlated, and an event of which nothing is kept.
        #[serde(default, skip_serializing_if = "Label::is_none")]
        correlated_label: Label,
        /// How many events of ours caused it.
        #[serde(default, skip_serializing_if = "no_hops")]
        hops: u32,
        /// Whether the listener takes no further event.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        last: bool,
        /// Whether more events that came before are still to be looked at.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// `foreach` is through with an event.
    EventHandled {
        /// The `listen`.
        at: Position,
        /// Which of the events it took; the first is 0.
        index: u64,
        /// What becomes of it in the task's output; absent where that is never read.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        output: Option<Value>,
        /// Labels of `output`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// The changed top-level keys of `$context`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exported: Option<Exported>,
        /// Whether the listener takes no further event: what it waits for until holds now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        last: bool,
    },
    /// Somebody wants it stopped. Who and why stand in the row's command.
    CancelRequested {
        /// The latest moment to wait for what is out, in microseconds UTC.
        grace_us: i64,
        /// Who takes its place under its concurrency key, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaced_by: Option<OrchestrationId>,
    },
    /// It cannot go on by itself: a dead letter, or an effect in conflict.
    Parked {
        /// Where.
        at: Position,
        /// Why.
        problem: Problem,
    },
    /// Parked work is tried again. Who and why stand in the row's command.
    Redriven {
        /// Where.
        at: Position,
    },
    /// The schedule of `metadata.provost.reconcile` looked at what waits for a person. When stands in the row's command.
    Reconciled {
        /// The effect in doubt; absent: the parked work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectId>,
        /// Which look at it; the first is 1.
        look: u32,
        /// What came of it.
        outcome: Look,
    },
    /// It reached the limit of one transition and goes on in the next.
    Yielded,
    /// It ended.
    Ended {
        /// How.
        ending: Ending,
        /// The output of a completed one.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        output: Option<Value>,
        /// The error of a faulted one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<Problem>,
        /// Labels of `output`, where a parent waits for it or not everybody may see it; absent: nobody followed them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<Labels>,
    },
}

/// A member that is there holds a value, and that value may be null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn no_hops(n: &u32) -> bool {
    *n == 0
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

fn is_continue(flow: &Flow) -> bool {
    *flow == Flow::Continue
}

/// What an open task is, as far as the fold must know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A list, or a task that waits.
    #[default]
    Plain,
    /// A `for` over these items.
    For {
        /// What is iterated.
        items: Value,
        /// Labels of `items`.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// A `fork`.
    Fork,
    /// A `try`.
    Try,
}

impl Shape {
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// What `export.as` changed in `$context`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Members that are new or changed.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub set: Value,
    /// Keys that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Arc<str>>,
    /// The whole context, where it or the new one is no object.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub whole: Option<Value>,
    /// Labels of `set` or `whole`.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// How an orchestration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It ran to its end.
    Completed,
    /// An error that nobody took.
    Faulted,
    /// Somebody stopped it.
    Cancelled,
}
