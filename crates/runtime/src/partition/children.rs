//! Sub-workflows: a parent begins, stops and redrives its children, and a child tells its parent how it ended.
//!
//! What must stay true: what a transition says to another orchestration is on disk with it, either done in the same commit or as open work
//! of this partition until it arrived; arriving twice does nothing more; a child is begun once, because its id is its parent's place.

use provost_engine::{Orchestration, Phase, Rejected};
use provost_model::planted::planted;
use provost_model::record::{Cancel, Cause, ChildFate, ChildNews, Command, Ending, Fact, Head, Intent, Parent, Redrive, Start, Transition};
use provost_model::{Labels, OrchestrationId, Slot, TenantId, Who};
use provost_store::{Needs, OpenChange, OpenWork, Upkeep};
use serde::{Deserialize, Serialize};

use super::accept::BEGUN_BY_OURS_MAX;
use super::stage::Stage;
use super::{Delivery, Partition, Release};
use crate::gate::Refused;
use crate::inbox::InboxFact;
use crate::registry::Launch;

/// A command from one orchestration to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Names the message; derived from both and from where the sender stood.
    pub id: OrchestrationId,
    /// The inbox that waits to hear that it arrived.
    pub from: Slot,
    /// To whom.
    pub to: OrchestrationId,
    /// What.
    pub command: Command,
}

/// Open work that is a message on its way.
#[derive(Serialize, Deserialize)]
struct OnItsWay {
    said: Box<Message>,
}

/// What a transition says to other orchestrations.
#[derive(Default)]
pub(super) struct Family {
    /// Children to begin.
    starts: Vec<(OrchestrationId, Start)>,
    /// Children to stop or redrive: these are said by messages only, so that one commit stays small.
    messages: Vec<(OrchestrationId, Command)>,
    /// What the parent is told.
    news: Option<(OrchestrationId, Command)>,
}

impl Family {
    pub(super) fn of(state: &Orchestration, transition: &Transition) -> Self {
        let mut family = Self::default();
        for intent in &transition.intents {
            match intent {
                Intent::StartChild { child } => family.starts.extend(start_of(state, transition, child).map(|start| (*child, start))),
                Intent::StopChild { child, again: true } => {
                    family.last(*child, Command::Interrupt { parent: state.id });
                }
                Intent::StopChild { child, .. } => {
                    let reason = format!("its parent `{}` does not wait for it any more", state.id);
                    family.last(*child, Command::Cancel(Cancel { by: Who::system(), reason, replaced_by: None }));
                }
                Intent::RedriveChild { child } => {
                    let reason = format!("its parent `{}` is tried again", state.id);
                    family.last(*child, Command::Redrive(Redrive { by: Who::system(), reason }));
                }
                Intent::Announce => family.news = news_of(state),
                Intent::Attempt { .. }
                | Intent::LookUp { .. }
                | Intent::Claim { .. }
                | Intent::Withdraw { .. }
                | Intent::Timer { .. }
                | Intent::Ask { .. }
                | Intent::Emit { .. }
                | Intent::Listen
                | Intent::Continue => {}
            }
        }
        family
    }

    /// One transition says one thing to a child: the last that it came to.
    fn last(&mut self, child: OrchestrationId, command: Command) {
        self.messages.retain(|(to, _)| *to != child);
        self.messages.push((child, command));
    }
}

/// The command that begins `child`: what its parent was given, but for its own input.
fn start_of(state: &Orchestration, transition: &Transition, child: &OrchestrationId) -> Option<Start> {
    let parent = state.start.as_ref()?;
    transition.facts.iter().find_map(|fact| match fact {
        Fact::ChildStarted { child: begun, workflow, version, input, awaits, order, concurrency, labels, .. } if begun == child => {
            let mut line = parent.parent.as_ref().map_or_else(Vec::new, |above| above.line.clone());
            line.push(parent.workflow.clone());
            let held = provost_engine::held_by(parent, *awaits);
            Some(Start {
                workflow: workflow.clone(),
                version: version.clone(),
                input: input.clone(),
                labels: Labels::new(),
                origin: Some(state.origin()),
                event: None,
                events: Vec::new(),
                order: order.clone(),
                concurrency: concurrency.clone(),
                batch: None,
                parent: Some(Box::new(Parent { orchestration: state.id, awaits: *awaits, line, labels: labels.clone(), held })),
                ..(**parent).clone()
            })
        }
        _ => None,
    })
}

/// What the parent that waits for `state` is told, once it ended or cannot go on.
fn news_of(state: &Orchestration) -> Option<(OrchestrationId, Command)> {
    let parent = state.start.as_ref()?.parent.as_ref().filter(|parent| parent.awaits)?;
    let how = match (state.phase, &state.parked) {
        (Phase::Ended(Ending::Completed), _) => ChildFate::Completed(state.output.clone()),
        (Phase::Ended(Ending::Faulted), _) => ChildFate::Faulted((**state.problem.as_ref()?).clone()),
        (Phase::Ended(Ending::Cancelled), _) if planted("cancelled-child-completed") => ChildFate::Completed(state.output.clone()),
        (Phase::Ended(Ending::Cancelled), _) => state.replaced_by.map_or(ChildFate::Cancelled, ChildFate::Replaced),
        (Phase::New | Phase::Running | Phase::Cancelling { .. }, Some(parked)) => ChildFate::Parked(parked.problem.clone()),
        (Phase::New | Phase::Running | Phase::Cancelling { .. }, None) => return None,
    };
    let labels = state.output_labels.clone();
    Some((parent.orchestration, Command::Child(ChildNews { child: state.id, sequence: state.sequence, how, labels })))
}

impl<S: Upkeep> Partition<S> {
    /// Carries out what the transition of `id`, which ends at `head`, says to others.
    pub(super) fn raise_children(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        id: OrchestrationId,
        head: Head,
        family: Family,
    ) -> Result<(), Refused> {
        for (child, start) in family.starts {
            let code = self.registry.program(tenant, &start.pin, &start.workflow).ok_or(Refused::UnknownBundle(start.pin))?;
            let launch = Launch { code, pin: start.pin, binding: start.binding };
            if stage.begun_by_ours < BEGUN_BY_OURS_MAX && self.owns(child.slot()) {
                stage.begun_by_ours += 1;
                self.begin(stage, tenant, &launch, child, start, None)?;
            } else {
                self.hand_on(stage, tenant, &launch, child, start, (id.slot(), None))?;
            }
        }
        for (to, command) in family.messages {
            self.say(stage, tenant, message(id, head, to, command))?;
        }
        match family.news {
            Some((parent, command)) => self.tell_parent(stage, tenant, message(id, head, parent, command)),
            None => Ok(()),
        }
    }

    /// Tells the parent in the same commit where it lives here, else by a message.
    fn tell_parent(&mut self, stage: &mut Stage, tenant: &TenantId, message: Message) -> Result<(), Refused> {
        if !self.owns(message.to.slot()) {
            return self.say(stage, tenant, message);
        }
        let mark = stage.mark();
        match self.command(stage, tenant, message.to, &message.command, Cause::default()) {
            Err(refused @ Refused::Store(_)) => Err(refused),
            Ok(_) => Ok(()),
            Err(refused) if is_settled(&refused) => Ok(()),
            Err(_) => {
                self.rewind(stage, mark);
                self.say(stage, tenant, message)
            }
        }
    }

    /// Puts a message on its way, durably.
    fn say(&mut self, stage: &mut Stage, tenant: &TenantId, message: Message) -> Result<(), Refused> {
        let fact = InboxFact::Said { message: Box::new(message.clone()) };
        self.append_inbox(stage, tenant, message.from, Cause::default(), &fact)?;
        let forgotten = matches!(message.command, Command::Child(_)) && planted("news-not-kept");
        if let Some(entry) = stage.entries.last_mut().filter(|_| !forgotten) {
            entry.open = OpenChange::Forward(open_work_of(tenant, &message, entry.row.head())?);
        }
        stage.releases.push(on_its_way(tenant, message));
        Ok(())
    }

    /// A message arrives. What does not fit any more has arrived all the same; to whom has not begun yet, it comes again.
    pub(super) fn said(&mut self, stage: &mut Stage, tenant: &TenantId, message: &Message) -> Result<(), Refused> {
        match self.command(stage, tenant, message.to, &message.command, Cause::default()) {
            Ok(_) => {}
            Err(Refused::UnknownOrchestration(_)) if !matches!(message.command, Command::Child(_)) => return Ok(()),
            Err(refused) if is_settled(&refused) => {}
            Err(refused) => return Err(refused),
        }
        let delivered = Delivery::Delivered { tenant: tenant.clone(), from: message.from, orchestration: message.id };
        stage.releases.push(Release::Forward(message.from, Box::new(delivered)));
        Ok(())
    }

    /// What a message on its way means after a restart: it is said again. `None` for all other open work.
    pub(super) fn say_again(&self, row: &OpenWork) -> Option<Release> {
        let OnItsWay { said } = serde_json::from_slice(&row.work).ok()?;
        Some(on_its_way(&row.tenant, *said))
    }
}

/// Whether a command that was refused so will never be taken.
fn is_settled(refused: &Refused) -> bool {
    match refused {
        // A start that comes later is no reason to try again: these are answers of the core.
        Refused::Rejected(rejected) => !matches!(rejected, Rejected::NotStarted),
        Refused::UnknownOrchestration(_) | Refused::Retired(_) => true,
        _ => false,
    }
}

fn message(sender: OrchestrationId, head: Head, to: OrchestrationId, command: Command) -> Message {
    let unique: [&[u8]; 4] = [b"said", &sender.bits().to_bytes(), &to.bits().to_bytes(), &head.sequence.to_be_bytes()];
    Message { id: OrchestrationId::mint(sender.bits().at_us(), sender.slot(), &unique), from: sender.slot(), to, command }
}

/// Kept in memory until it is answered, even where it stays in this partition: its receiver may not have begun.
fn on_its_way(tenant: &TenantId, message: Message) -> Release {
    Release::Forward(message.to.slot(), Box::new(Delivery::Tell { tenant: tenant.clone(), message: Box::new(message) }))
}

/// The open work that a message is until it arrived; `head` is its inbox's behind it.
pub(crate) fn open_work_of(tenant: &TenantId, message: &Message, head: Head) -> Result<OpenWork, Refused> {
    let said = OnItsWay { said: Box::new(message.clone()) };
    let work = serde_json::to_vec(&said).map_err(|e| Refused::Internal(e.to_string()))?;
    Ok(OpenWork { tenant: tenant.clone(), orchestration: message.id, head, pin: head.chain, due_us: None, needs: Needs::NONE, work })
}
