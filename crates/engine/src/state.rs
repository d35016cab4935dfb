//! The state of an orchestration: a fold of its facts.
//!
//! Cheap to clone (persistent maps), so that `decide` works on a copy. Serialisable for snapshots. It holds no program.

mod effects;
mod visits;

use std::ops::Bound;
use std::sync::Arc;

use provost_model::id::{EffectId, EventId, ReviewId};
use provost_model::position::{ROOT, around};
use provost_model::program::{EffectClass, Flow, ReviewSpec, TaskIx};
use provost_model::record::{Behind, EffectKind, EffectState, Ending, PlannedTask, SecretSpan, Start, Wanted};
use provost_model::{Digest, Event, Label, Labelled, Labels, OrchestrationId, Position, Problem, TenantId, Value, Who};
use rpds::{RedBlackTreeMapSync, VectorSync};
use serde::{Deserialize, Serialize};

pub use effects::Effects;
pub use visits::Visits;

/// A persistent sorted map.
pub type Tree<K, V> = RedBlackTreeMapSync<K, V>;

/// One execution of a pinned workflow, as far as its journal goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orchestration {
    /// Its id.
    pub id: OrchestrationId,
    /// Its owner.
    pub tenant: TenantId,
    /// Sequence of the last fact folded; 0 before the first.
    pub sequence: u64,
    /// The command that began it.
    pub start: Option<Arc<Start>>,
    /// When it began, in microseconds UTC.
    pub started_at_us: i64,
    /// Where it is in its life.
    pub phase: Phase,
    /// Why it cannot go on by itself.
    pub parked: Option<Arc<Parked>>,
    /// The workflow's input after `input.from`.
    pub input: Labelled,
    /// Open tasks and blocks by position.
    pub open: Tree<Position, Arc<Open>>,
    /// `$context` by line: the workflow's own and each fork branch's.
    pub lines: Tree<Position, Labelled>,
    /// The ledger of effects.
    pub effects: Effects,
    /// Events of ours that were sent, until the end.
    #[serde(default)]
    pub emitted: Tree<EffectId, Arc<Event>>,
    /// What was begun by `run`.
    #[serde(default)]
    pub children: Tree<OrchestrationId, Arc<Child>>,
    /// Those of them that live where a key does, by the task that began them: which round of it, and who.
    #[serde(default)]
    pub placed: Tree<Position, Arc<Vec<(u32, OrchestrationId)>>>,
    /// Open tasks that listen.
    #[serde(default)]
    pub listeners: Tree<Position, Arc<Listener>>,
    /// Events that were taken, and by which listener: none is taken twice.
    #[serde(default)]
    pub taken: Tree<EventId, Position>,
    /// Whether events that came before are still to be looked at.
    #[serde(default)]
    pub looks_back: bool,
    /// How many events of ours caused what was taken, at most.
    #[serde(default)]
    pub hops: u32,
    /// Questions to people.
    pub reviews: Tree<ReviewId, Arc<Review>>,
    /// Timers that are set.
    pub timers: Tree<Arc<str>, Timer>,
    /// Finished actions that can be undone, oldest first: effect and `name@major` of the undo.
    pub undoable: Arc<Vec<(EffectId, Arc<str>)>>,
    /// What is left to be undone, by the task that undoes (the root when cancelling), latest first.
    pub unwinding: Tree<Position, Arc<Vec<EffectId>>>,
    /// Digests of the plans that were carried out at a place, in the order in which they first were.
    #[serde(default)]
    pub plans: Tree<Position, Arc<Vec<Digest>>>,
    /// Tasks finished so far, against `limits.tasks`.
    pub tasks_run: u64,
    /// Bytes of values in its journal, roughly, against `limits.journalBytes`.
    #[serde(default)]
    pub journal_bytes: u64,
    /// Whether anything left the process or time passed: from then on an uncaught error parks.
    pub touched: bool,
    /// Whether the last transition reached its limit and must be continued.
    pub yielded: bool,
    /// Its number in the line of its ordering key, or among those that wait for its concurrency key, while it waits for its turn.
    #[serde(default)]
    pub queued: Option<u64>,
    /// Whom it waits for, where it waits for its concurrency key.
    #[serde(default)]
    pub behind: Option<Arc<Behind>>,
    /// Who takes its place under its concurrency key, where that is why it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<OrchestrationId>,
    /// How often the reconciliation schedule looked at parked work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// The output of a completed one.
    pub output: Value,
    /// Labels of `output`, where a parent waits for it or not everybody may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_labels: Option<Labels>,
    /// The error of a faulted one.
    pub problem: Option<Arc<Problem>>,
}

/// Where an orchestration is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No fact yet.
    New,
    /// Under way or waiting.
    Running,
    /// Stopping: nothing new leaves; what is out is waited for until `grace_us`.
    Cancelling {
        /// In microseconds UTC.
        grace_us: i64,
    },
    /// Over.
    Ended(Ending),
}

/// Why and where an orchestration is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The task.
    pub at: Position,
    /// Why.
    pub problem: Problem,
}

/// An open task or block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Which task of the program; [`TaskIx::ROOT`] for the workflow itself.
    pub task: TaskIx,
    /// Its raw input.
    pub raw: Labelled,
    /// Its input after `input.from`.
    pub input: Labelled,
    /// When it began, in microseconds UTC.
    pub entered_us: i64,
    /// The last child that finished.
    pub cursor: Option<TaskIx>,
    /// That child's output: the next child's raw input.
    pub last: Labelled,
    /// Where that child sent control.
    pub then: Flow,
    /// How often each child finished; a `fork` knows it by its outputs.
    pub visits: Visits,
    /// Whether its time is up while an effect inside is still out.
    pub expired: bool,
    /// What else is known.
    pub kind: OpenKind,
}

/// Kinds of open things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenKind {
    /// A list, or a task that waits for something outside.
    Plain,
    /// A `for`, at its `index`-th item.
    For {
        /// What is iterated.
        items: Labelled,
        /// The current item.
        index: u64,
    },
    /// One iteration.
    Iteration {
        /// Which.
        index: u64,
    },
    /// A `fork` with the outputs so far.
    Fork {
        /// Outputs, in the order in which branches finished.
        done: VectorSync<(TaskIx, Labelled)>,
        /// How many branches are open.
        open: usize,
    },
    /// A `try`.
    Try {
        /// The current attempt; the first is 1.
        attempt: u32,
        /// When the first attempt began, in microseconds UTC.
        first_us: i64,
        /// Whether it waits for its next attempt.
        waiting: bool,
        /// The error that was taken; its handlers are open at `~catch`.
        caught: Option<Box<Problem>>,
    },
    /// A plan that is carried out.
    Plan {
        /// Its tasks, in order.
        tasks: Arc<Vec<PlannedTask>>,
        /// Which plan of this place it is.
        revision: u32,
        /// What the tasks that are through gave; one that was skipped, what it was given.
        done: VectorSync<Labelled>,
    },
    /// The handlers of a `try`.
    Catch {
        /// The error they handle.
        problem: Box<Problem>,
    },
}

/// One effect of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The task behind it.
    pub at: Position,
    /// What kind.
    pub kind: EffectKind,
    /// `name@major`.
    pub name: Arc<str>,
    /// Its class.
    pub class: EffectClass,
    /// Its key towards the target.
    pub key: Arc<str>,
    /// The authored key.
    pub business_key: Option<Arc<str>>,
    /// Digest of the meaningful arguments.
    pub fingerprint: Digest,
    /// What is sent.
    pub arguments: Value,
    /// Who may see what is sent.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Who may see the authored key.
    #[serde(default, skip_serializing_if = "Label::is_none")]
    pub key_label: Label,
    /// Where secrets belong in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretSpan>,
    /// The scripted example that answers.
    pub example: Option<u32>,
    /// The last moment, in microseconds UTC; 0 means none.
    pub deadline_us: i64,
    /// For an undo: what it undoes.
    pub undoes: Option<EffectId>,
    /// What undoes it, where its task says so.
    pub undo: Option<Arc<str>>,
    /// The current attempt; the first is 1.
    pub attempt: u32,
    /// How many look-ups were scheduled.
    pub lookups: u32,
    /// How often the reconciliation schedule looked at it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// When the first attempt was intended, in microseconds UTC.
    pub first_us: i64,
    /// When the last attempt was intended, in microseconds UTC.
    pub last_us: i64,
    /// When the next attempt or look-up is due, in microseconds UTC; 0: at once.
    pub due_us: i64,
    /// Where it stands.
    pub state: EffectState,
    /// Whether an attempt may have been done although nobody knows.
    #[serde(default)]
    pub unknown: bool,
    /// Whether its business key is its own.
    #[serde(default)]
    pub claimed: bool,
    /// The shared state that delays its next attempt.
    #[serde(default)]
    pub behind: Option<Arc<str>>,
    /// Its result, once done.
    pub result: Labelled,
    /// The target's own reference.
    pub reference: Option<Arc<str>>,
    /// The last failure.
    pub problem: Option<Box<Problem>>,
}

/// Another orchestration that this one began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The task behind it.
    pub at: Position,
    /// The name of its workflow.
    pub workflow: Arc<str>,
    /// Digest of what it was given.
    pub fingerprint: Digest,
    /// Where it stands.
    pub state: ChildState,
    /// Where its journal stood when it was last heard of.
    pub sequence: u64,
    /// Its output, once completed.
    pub output: Value,
    /// Labels of `output`; none: nobody followed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

/// Where a child stands, as far as its parent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildState {
    /// Under way; its end is waited for.
    Running,
    /// Begun; nobody waits for its end.
    Detached,
    /// Being stopped; its end is waited for only by a cancellation.
    Stopping,
    /// Being interrupted: its place may ask for it again.
    Interrupted,
    /// Interrupted, and wanted again as soon as it stands still.
    Wanted,
    /// It cannot go on by itself.
    Parked,
    /// It ran to its end.
    Completed,
    /// It ended without an output.
    Failed,
}

/// An open task that listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The types of events it takes; none: every type.
    pub kinds: Option<Arc<Vec<Arc<str>>>>,
    /// What its filters wait for, as computed when it began.
    pub wanted: Arc<Vec<Wanted>>,
    /// Filters of `to` that an event met, in the order in which they were met.
    pub met: Vec<u32>,
    /// Filters of `until` that an event met.
    pub until_met: Vec<u32>,
    /// What was read of the events it took, by number, as far as it is still needed.
    pub items: Tree<u64, Labelled>,
    /// What `foreach` made of them.
    pub outputs: Tree<u64, Labelled>,
    /// How many events it took.
    pub count: u64,
    /// The event that `foreach` is at.
    pub next: u64,
    /// Size of all it took, in bytes of canonical JSON.
    pub bytes: u64,
    /// Whether it takes no further event.
    pub over: bool,
    /// Correlations that its events settled.
    pub correlated: Tree<Arc<str>, Value>,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The task that waits.
    pub at: Position,
    /// Queue, title, options.
    pub spec: ReviewSpec,
    /// What the person sees.
    pub show: Labelled,
    /// Digest of the exact call it releases.
    pub call: Option<Digest>,
    /// The name of the action it releases.
    pub action: Option<Arc<str>>,
    /// When it was opened, in microseconds UTC.
    pub opened_us: i64,
    /// The answer.
    pub answer: Option<ReviewAnswered>,
    /// Whether it lost its place.
    pub closed: bool,
    /// Whether its approval was used.
    pub spent: bool,
}

/// A person's answer, as folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAnswered {
    /// The option chosen.
    pub option: Arc<str>,
    /// Whether that releases the call.
    pub approved: bool,
    /// Who.
    pub by: Who,
    /// What was filled in.
    pub form: Labelled,
    /// Why.
    #[serde(default)]
    pub reason: Arc<str>,
    /// When, in microseconds UTC.
    pub at_us: i64,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// The place it belongs to.
    pub at: Position,
    /// When, in microseconds UTC.
    pub due_us: i64,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Orchestration {
    /// An orchestration without a fact.
    pub fn new(tenant: TenantId, id: OrchestrationId) -> Self {
        Self {
            id,
            tenant,
            sequence: 0,
            start: None,
            started_at_us: 0,
            phase: Phase::New,
            parked: None,
            input: Labelled::default(),
            open: Tree::new_sync(),
            lines: Tree::new_sync(),
            effects: Effects::default(),
            emitted: Tree::new_sync(),
            children: Tree::new_sync(),
            placed: Tree::new_sync(),
            listeners: Tree::new_sync(),
            taken: Tree::new_sync(),
            looks_back: false,
            hops: 0,
            reviews: Tree::new_sync(),
            timers: Tree::new_sync(),
            undoable: Arc::default(),
            unwinding: Tree::new_sync(),
            plans: Tree::new_sync(),
            tasks_run: 0,
            journal_bytes: 0,
            touched: false,
            yielded: false,
            queued: None,
            behind: None,
            replaced_by: None,
            looks: 0,
            output: Value::Null,
            output_labels: None,
            problem: None,
        }
    }

    /// The `n`-th orchestration that the task at `at` began.
    pub fn begun(&self, at: &Position, n: u32) -> Option<OrchestrationId> {
        let own = self.id.begun(at.as_str(), n);
        if self.children.contains_key(&own) {
            return Some(own);
        }
        let placed = self.placed.get(at)?.iter().find(|(round, _)| *round == n);
        placed.map(|(_, id)| *id)
    }

    /// Whether only time, a person or another orchestration can move it: nothing of it is on its way.
    pub fn waits(&self) -> bool {
        let working = |effect: &Arc<Effect>| matches!(effect.state, EffectState::Intended | EffectState::Sent | EffectState::Asked);
        let begun = self.children.values().any(|child| matches!(child.state, ChildState::Running | ChildState::Wanted));
        let waited_for = begun
            || !self.listeners.is_empty()
            || !self.timers.is_empty()
            || !self.reviews.is_empty()
            || !self.effects.is_empty()
            || self.queued.is_some();
        !self.is_ended() && !self.yielded && waited_for && !self.effects.live().any(|(_, effect)| working(effect))
    }

    /// The child that it waits for, where nothing else can move it but somebody outside: no time, no event, no person, no other work.
    pub fn only_waits_for(&self) -> Option<OrchestrationId> {
        let still = self.phase == Phase::Running
            && self.parked.is_none()
            && self.queued.is_none()
            && !self.yielded
            && !self.looks_back
            && self.timers.is_empty()
            && self.unwinding.is_empty()
            && self.listeners.values().all(|listener| listener.over)
            && self.reviews.values().all(|review| review.closed || review.answer.is_some())
            && self.effects.values().all(|effect| !effect.is_out() && effect.state != EffectState::InDoubt);
        let under_way = |child: &Child| match child.state {
            ChildState::Running | ChildState::Stopping | ChildState::Interrupted | ChildState::Wanted => true,
            ChildState::Detached | ChildState::Parked | ChildState::Completed | ChildState::Failed => false,
        };
        let mut children = self.children.iter().filter(|(_, child)| under_way(child));
        match (children.next(), children.next()) {
            (Some((id, child)), None) if still && child.state == ChildState::Running && self.open.contains_key(&child.at) => Some(*id),
            _ => None,
        }
    }

    /// The one that nothing of ours caused and that caused this one: often itself.
    pub fn origin(&self) -> OrchestrationId {
        self.start.as_ref().and_then(|start| start.origin).unwrap_or(self.id)
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// The line that `at` belongs to: the nearest fork branch around it, or the workflow.
    pub fn line_of(&self, at: &Position) -> Position {
        let mut place = at.clone();
        while let Some(parent) = place.parent() {
            if self.open.get(&parent).is_some_and(|open| matches!(open.kind, OpenKind::Fork { .. })) {
                return place;
            }
            place = parent;
        }
        place
    }

    /// `$context` as seen from `at`.
    pub fn context(&self, at: &Position) -> Labelled {
        if self.lines.size() <= 1 {
            return self.lines.get(ROOT).cloned().unwrap_or_else(|| Labelled::authored(Value::empty()));
        }
        let mut place = Some(at.as_str());
        while let Some(here) = place {
            if let Some(context) = self.lines.get(here) {
                return context.clone();
            }
            place = around(here);
        }
        Labelled::authored(Value::empty())
    }

    /// Whether a direct child of the block at `at` is open.
    pub fn has_open_child(&self, at: &Position) -> bool {
        // What is inside sorts behind it.
        self.open.last().is_some_and(|(last, _)| last > at) && self.open_within(at).any(|(place, _)| place != at)
    }

    /// Whether `at` or anything inside it is open.
    pub(crate) fn is_open_within(&self, at: &Position) -> bool {
        self.open.last().is_some_and(|(last, _)| last >= at) && self.open_within(at).next().is_some()
    }

    /// Open things at `at` and inside it, in order of position.
    pub fn open_within<'s>(&'s self, at: &'s Position) -> impl Iterator<Item = (&'s Position, &'s Arc<Open>)> {
        // Everything inside starts with the same text, so the range ends at the first place that does not.
        self.open
            .range::<str, (Bound<&str>, Bound<&str>)>((Bound::Included(at.as_str()), Bound::Unbounded))
            .take_while(|(place, _)| place.as_str().starts_with(at.as_str()))
            .filter(|(place, _)| place.is_within(at))
    }

    /// The attempt numbers of the `try`s around `at`: what makes a run of a new round another run.
    pub fn round(&self, at: &Position) -> String {
        let mut round = String::new();
        let mut place = at.parent();
        while let Some(here) = place {
            if let Some(OpenKind::Try { attempt, .. }) = self.open.get(&here).map(|open| &open.kind)
                && (*attempt > 1 || !round.is_empty())
            {
                round = format!("{attempt}.{round}");
            }
            place = here.parent();
        }
        round
    }
}

impl Effect {
    /// Whether its outcome is still to come and may be an effect in the world.
    pub fn is_out(&self) -> bool {
        !self.state.is_settled()
    }
}
