//! The planted bugs, and how many seeds it takes to find each. Only a build with `--cfg provost_bugs` holds them.

/// Every planted bug, and where it is.
pub const BUGS: [(&str, &str); 50] = [
    ("e4-sent-again", "engine: an effect of class E4 is sent again when nobody knows its outcome"),
    ("absent-at-once", "engine: a look-up's absent is final before the target has settled"),
    ("resolved-and-left", "engine: an effect resolved as not done is not sent again"),
    ("retry-without-timer", "engine: a retry is scheduled and no timer set"),
    ("retry-at-once", "engine: a retry that was scheduled for later begins at once"),
    ("asked-not", "engine: an effect of class E3 is sent again and nobody asks the target first"),
    ("sent-not-recorded", "engine: an effect of class E4 leaves before `sent` is on disk"),
    ("jitter-from-outside", "engine: jitter comes from something that no record holds"),
    ("yielded-for-ever", "engine: a transition that reached its limit asks for no continuation"),
    ("reconciled-by-guess", "engine: the schedule sends an effect again that nobody can be asked about"),
    ("reconciled-without-end", "engine: the schedule tries parked work again more often than its limit"),
    ("event-taken-twice", "runtime: the first answer to an event is not looked for"),
    ("event-taken-again", "engine: a listener takes an event that was taken before"),
    ("heard-not-offered", "runtime: who listens is not offered what is heard"),
    ("heard-before-not-offered", "runtime: who begins to listen is not offered what was heard before"),
    ("time-goes-back", "runtime: a partition follows its clock backwards"),
    ("memory-kept-after-failure", "runtime: memory is kept after a failed commit"),
    ("acknowledged-before-commit", "runtime: answers and releases leave although the commit failed"),
    ("durable-failure-forgotten", "runtime: a batch whose commit failed is taken for not on disk without looking"),
    ("resume-without-timers", "runtime: a restart forgets timers"),
    ("resume-without-effects", "runtime: a restart forgets effects"),
    ("resume-sends-again", "runtime: a restart offers again what may have been sent"),
    ("lists-not-derived", "runtime: list rows that a crash lost are not derived again"),
    ("event-not-emitted", "runtime: an event of ours is recorded and not delivered"),
    ("key-claimed-twice", "runtime: the home of a business key does not look who holds it"),
    ("line-not-read-back", "runtime: a restart forgets the lines of ordering keys"),
    ("child-not-kept", "runtime: a child that begins in another partition is forgotten by a restart"),
    ("news-not-kept", "runtime: what a child tells its parent is forgotten by a restart"),
    ("cancelled-child-completed", "runtime: a parent is told that a child completed which was cancelled"),
    ("tick-not-remembered", "runtime: how far a schedule came is not remembered"),
    ("end-of-run-untold", "runtime: the end of a run of `schedule.after` says nothing of the next one"),
    ("after-at-once", "runtime: `schedule.after` does not wait"),
    ("stopped-run-followed", "runtime: a run of `schedule.after` that somebody stopped is followed by another one"),
    ("set-forgotten", "runtime: what waits for others of `schedule.on.all` is not remembered"),
    ("used-waits-on", "runtime: an event that started a set waits for the next one"),
    ("newest-combined", "runtime: a set takes the newest event of each filter"),
    ("place-not-counted", "runtime: a concurrency key admits whoever asks"),
    ("replaced-not-stopped", "runtime: whoever is replaced under a concurrency key is not cancelled"),
    ("ring-not-looked-for", "runtime: a child that waits for its turn does not ask whether it can come"),
    ("every-child-of-a-ring", "runtime: every child that waits in a ring is told of it"),
    ("gathered-twice", "runtime: an event that comes to its batch again is gathered again"),
    ("batch-not-read-back", "runtime: a restart forgets what was gathered"),
    ("epoch-ignored", "runtime: a report under an older epoch ends a lease of this one"),
    ("any-tenant-claims", "runtime: a worker is given another tenant's work"),
    ("any-principal-reports", "runtime: a worker's name is enough to report for it"),
    ("lease-for-ever", "runtime: a lease never ends"),
    ("answer-not-kept", "store: the answer to an event is not kept"),
    ("lists-loss-untold", "store: a commit that failed and is on disk all the same does not say that its list rows are lost"),
    ("fence-at-most", "store: the writer's epoch is compared with `<=`"),
    ("closed-work-stays", "store: the open work of an ended orchestration stays"),
];

/// The bugs that the comparison with the reference must find by itself: nothing is promised but that both say the same.
pub const BESIDE: [(&str, &str); 30] = [
    ("retry-without-timer", "engine: a retry is scheduled and no timer set"),
    ("retry-at-once", "engine: a retry that was scheduled for later begins at once"),
    ("yielded-for-ever", "engine: a transition that reached its limit asks for no continuation"),
    ("exit-as-continue", "engine: `then: exit` goes on with the next task"),
    ("end-as-exit", "engine: `then: end` leaves its list only"),
    ("last-case-wins", "engine: a `switch` takes the last case that holds"),
    ("skipped-gives-null", "engine: a skipped task hands on null"),
    ("while-not-asked", "engine: `while` is asked before the first item only"),
    ("items-from-the-input", "engine: each item of a `for` begins with the loop's input"),
    ("join-as-completed", "engine: the outputs of a fork stand in the order of completion"),
    ("last-branch-first", "engine: of branches that begin together, the last declared is ahead"),
    ("last-branch-exports", "engine: of branches that export one key, the last declared wins"),
    ("catch-any", "engine: a `catch` takes errors of every status"),
    ("handlers-see-last", "engine: handlers are given the last output of the list that failed"),
    ("handlers-caught-again", "engine: an error in handlers is taken by their own `try`"),
    ("used-up-is-caught", "engine: a retry that is used up and has no handlers swallows the error"),
    ("retry-goes-on", "engine: a new attempt begins behind the task that was done last"),
    ("backoff-constant", "engine: a linear backoff does not grow"),
    ("timeout-while-out", "engine: a timeout is raised while an effect is out"),
    ("late-though-through", "engine: what is through when its time is up raises `timeout` all the same"),
    ("finished-action-again", "engine: a finished action is sent again in a new attempt"),
    ("arguments-not-compared", "engine: other arguments for a finished action are no conflict"),
    ("retried-in-both", "engine: an action is tried again although a `catch.retry` around it tries again"),
    ("emitted-once-whatever", "engine: other content of an event that was emitted before is no conflict"),
    ("child-input-not-compared", "engine: other input for a workflow that was run before is no conflict"),
    ("attempts-not-counted", "engine: attempts after the first do not count as tasks"),
    ("flow-lost-behind", "engine: a list behind an extended task forgets where the task sent control"),
    ("heard-not-offered", "runtime: who listens is not offered what is heard"),
    ("heard-before-not-offered", "runtime: who begins to listen is not offered what was heard before"),
    ("taken-for-good", "engine: what a retry runs again may not take what it took before"),
];

/// Switches a bug on for this thread; an empty name switches all off.
pub fn plant(name: &'static str) {
    #[cfg(provost_bugs)]
    provost_model::planted::plant(name);
    #[cfg(not(provost_bugs))]
    let _absent_from_this_build = name;
}

/// Whether this build holds them.
pub const IN_THIS_BUILD: bool = cfg!(provost_bugs);
