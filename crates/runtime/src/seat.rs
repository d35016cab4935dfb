//! A partition's seat: its shell, and who drives it.
//!
//! Mostly the partition's own thread. A request that finds the partition idle drives it for one batch itself: that saves two changes of
//! thread, which on a quiet machine cost more than deciding. What must stay true: one driver at a time; whatever is left over after such a
//! batch is the thread's. Two messages are in order only where the second was sent after the first was answered.

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
    /// As [`Sender::try_send`].
    #[expect(clippy::result_large_err, reason = "what does not fit comes back to be sent again; boxing it would cost each an allocation")]
    pub fn post(&self, message: Message) -> Result<(), TrySendError<Message>> {
        match self.drive_here(message) {
            Some(message) => self.mailbox.try_send(message),
            None => Ok(()),
        }
    }

    /// Gives the message back where the partition is at work, or this thread must not wait for a disk.
    fn drive_here(&self, message: Message) -> Option<Message> {
        if self.at_work.load(Ordering::Acquire) > 0 || !self.idle.load(Ordering::Acquire) || !self.mailbox.is_empty() || !may_wait() {
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
        loop {
            let wait = match self.locked().as_mut() {
                Some(shell) => shell.round(first.take()),
                None => return,
            };
            let Some(wait) = wait else { return };
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
