//! A partition's seat: its shell, and who drives it.
//!
//! Mostly the partition's own thread. A request that finds no partition at work drives its own for one batch: that saves two changes of
//! thread, which on a quiet machine cost more than deciding. Under load nobody does, because a thread that wakes late gathers more into
//! one commit. What must stay true: one driver at a time; what is left over after such a batch is the thread's. Two messages are in order
//! only where the second was sent after the first was answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::shell::{Message, Shell};

/// Most messages waiting for one partition; beyond that the edge says 429.
pub const MAILBOX_MAX: usize = 8192;

/// A seat; without a shell before the partition starts and after it stopped.
pub(crate) struct Seat {
    mailbox: Sender<Message>,
    shell: Mutex<Option<Shell>>,
    /// Its thread has nothing to do and sleeps.
    idle: AtomicBool,
    /// Partitions at work, of all.
    at_work: Arc<AtomicUsize>,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unposted {
    /// The mailbox is full.
    Full,
    /// The partition stopped.
    Stopped,
}

impl Seat {
    /// An empty seat, and where its mail arrives.
    pub fn new(at_work: Arc<AtomicUsize>) -> (Self, Receiver<Message>) {
        let (mailbox, mail) = bounded(MAILBOX_MAX);
        (Self { mailbox, shell: Mutex::new(None), idle: AtomicBool::new(false), at_work }, mail)
    }

    /// Where messages go that nobody waits for here.
    pub fn mailbox(&self) -> &Sender<Message> {
        &self.mailbox
    }

    /// Brings a message: carried through at once where the partition is idle, otherwise into its mailbox.
    ///
    /// # Errors
    /// [`Unposted`].
    pub fn post(&self, message: Message) -> Result<(), Unposted> {
        let Some(message) = self.drive_here(message) else { return Ok(()) };
        self.mailbox.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Unposted::Full,
            TrySendError::Disconnected(_) => Unposted::Stopped,
        })
    }

    /// Gives the message back where a partition is at work, or this thread must not wait for a disk.
    fn drive_here(&self, message: Message) -> Option<Message> {
        let quiet = self.at_work.load(Ordering::Acquire) == 0 && self.idle.load(Ordering::Acquire) && self.mailbox.is_empty();
        if !quiet || !may_wait() {
            return Some(message);
        }
        let Ok(mut seat) = self.shell.try_lock() else { return Some(message) };
        let Some(shell) = seat.as_mut() else { return Some(message) };
        self.at_work.fetch_add(1, Ordering::AcqRel);
        let left_over = tokio::task::block_in_place(|| {
            shell.turn(Some(message));
            shell.needs_its_thread()
        });
        self.at_work.fetch_sub(1, Ordering::AcqRel);
        if left_over {
            // A full mailbox wakes the thread as well.
            let _full = self.mailbox.try_send(Message::Wake);
        }
        None
    }

    /// Drives `shell` until it is told to stop: the partition's thread.
    pub fn run(&self, shell: Shell, mail: &Receiver<Message>) {
        let _leaving = Leaving(self);
        self.at_work.fetch_add(1, Ordering::AcqRel);
        self.locked().insert(shell).begin();
        let mut first = None;
        // A lock that a panic left behind ends the partition: what memory says of it is not trusted any more.
        while let Ok(mut seat) = self.shell.lock() {
            let Some(wait) = seat.as_mut().and_then(|shell| shell.round(first.take())) else { return };
            drop(seat);
            if !wait.is_zero() {
                self.idle.store(true, Ordering::Release);
                self.at_work.fetch_sub(1, Ordering::AcqRel);
                first = match mail.recv_timeout(wait) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
                };
                self.idle.store(false, Ordering::Release);
                self.at_work.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Option<Shell>> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However the thread ends, the shell leaves the seat: whoever waits for an answer learns that none comes.
struct Leaving<'s>(&'s Seat);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        drop(self.0.locked().take());
    }
}

/// Whether this thread may wait for a disk: only where the runtime can give its other work to another thread.
fn may_wait() -> bool {
    tokio::runtime::Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread)
}
