//! What each kind is called in the names of its files, and how many kinds there are.

use provost_model::record::{Command, Fact, Intent};

/// The name of each kind; a new one does not compile until it is named, and does not pass until it has a file.
pub fn name_of_fact(fact: &Fact) -> &'static str {
    match fact {
        Fact::Started { .. } => "started",
        Fact::Entered { .. } => "entered",
        Fact::Iterated { .. } => "iterated",
        Fact::Completed { .. } => "completed",
        Fact::Skipped { .. } => "skipped",
        Fact::Raised { .. } => "raised",
        Fact::Caught { .. } => "caught",
        Fact::RetryScheduled { .. } => "retry-scheduled",
        Fact::Retried { .. } => "retried",
        Fact::Abandoned { .. } => "abandoned",
        Fact::TimerSet { .. } => "timer-set",
        Fact::TimerFired { .. } => "timer-fired",
        Fact::Judged { .. } => "judged",
        Fact::Intended { .. } => "intended",
        Fact::Sent { .. } => "sent",
        Fact::Attempted { .. } => "attempted",
        Fact::AttemptScheduled { .. } => "attempt-scheduled",
        Fact::KeyClaimed { .. } => "key-claimed",
        Fact::KeyHeld { .. } => "key-held",
        Fact::KeyAnswered { .. } => "key-answered",
        Fact::Queued { .. } => "queued",
        Fact::HeldBack { .. } => "held-back",
        Fact::Admitted => "admitted",
        Fact::LookUpScheduled { .. } => "look-up-scheduled",
        Fact::Settled { .. } => "settled",
        Fact::Resolved { .. } => "resolved",
        Fact::Undoable { .. } => "undoable",
        Fact::Unwinding { .. } => "unwinding",
        Fact::ReviewOpened { .. } => "review-opened",
        Fact::ReviewAnswered { .. } => "review-answered",
        Fact::ReviewClosed { .. } => "review-closed",
        Fact::ApprovalSpent { .. } => "approval-spent",
        Fact::Retrieved { .. } => "retrieved",
        Fact::Planned { .. } => "planned",
        Fact::Decided { .. } => "decided",
        Fact::Emitted { .. } => "emitted",
        Fact::ChildStarted { .. } => "child-started",
        Fact::ChildTold { .. } => "child-told",
        Fact::ChildStopped { .. } => "child-stopped",
        Fact::Interrupted => "interrupted",
        Fact::ChildRedriven { .. } => "child-redriven",
        Fact::ListeningBegan { .. } => "listening-began",
        Fact::EventTaken { .. } => "event-taken",
        Fact::EventHandled { .. } => "event-handled",
        Fact::CancelRequested { .. } => "cancel-requested",
        Fact::Parked { .. } => "parked",
        Fact::Redriven { .. } => "redriven",
        Fact::Reconciled { .. } => "reconciled",
        Fact::Yielded => "yielded",
        Fact::Ended { .. } => "ended",
    }
}

pub const FACTS: usize = 50;

pub fn name_of_command(command: &Command) -> &'static str {
    match command {
        Command::Start(_) => "start",
        Command::Sending { .. } => "sending",
        Command::Outcome(_) => "outcome",
        Command::Claimed(_) => "claimed",
        Command::Admitted => "admitted",
        Command::Entangled { .. } => "entangled",
        Command::Timer { .. } => "timer",
        Command::Review(_) => "review",
        Command::Child(_) => "child",
        Command::Interrupt { .. } => "interrupt",
        Command::Cancel(_) => "cancel",
        Command::Redrive(_) => "redrive",
        Command::Arrived(_) => "arrived",
        Command::Resolve(_) => "resolve",
        Command::Continue => "continue",
    }
}

pub const COMMANDS: usize = 15;

pub fn name_of_intent(intent: &Intent) -> &'static str {
    match intent {
        Intent::Attempt { .. } => "attempt",
        Intent::LookUp { .. } => "look-up",
        Intent::Claim { .. } => "claim",
        Intent::Withdraw { .. } => "withdraw",
        Intent::Timer { .. } => "timer",
        Intent::Ask { .. } => "ask",
        Intent::Emit { .. } => "emit",
        Intent::StartChild { .. } => "start-child",
        Intent::StopChild { .. } => "stop-child",
        Intent::RedriveChild { .. } => "redrive-child",
        Intent::Listen => "listen",
        Intent::Continue => "continue",
        Intent::Announce => "announce",
    }
}

pub const INTENTS: usize = 13;
