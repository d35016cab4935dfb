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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use provost_language::Compiled;
    use provost_model::record::Attempted;

    use super::*;
    use crate::{Binding, Done, Hands, Node, NodeConfig, Observer, Offer, RetentionConfig};

    /// How long anything may take here.
    const SOON: Duration = Duration::from_secs(20);

    struct Idle;

    impl Hands for Idle {
        fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
            None
        }

        fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _: Done) {}
    }

    /// A running node of one partition.
    fn node(folder: &tempfile::TempDir) -> Node {
        let (hands, observer, retention) = (Arc::new(Idle), Observer::quiet(), RetentionConfig::default());
        Node::open(NodeConfig { data: folder.path().to_owned(), partitions: 1, hands, observer, retention }).unwrap()
    }

    fn this_thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    /// Who answered a question that was put from this thread.
    fn answered_by(seat: &Seat) -> String {
        let (tell, told) = mpsc::channel();
        seat.post(Message::Read(Box::new(move |_| tell.send(this_thread()).unwrap()))).unwrap();
        told.recv_timeout(SOON).unwrap()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("request").build().unwrap()
    }

    #[test]
    fn a_request_that_finds_no_partition_at_work_drives_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (node, runtime) = (node(&folder), runtime());
        let seat = node.plane.seats()[0].clone();
        let own = runtime.spawn(async move {
            let began = Instant::now();
            // The thread wakes now and then by itself; a request that comes just then is its own.
            while answered_by(&seat) != "request" {
                assert!(began.elapsed() < SOON, "the thread took every message");
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(seat.at_work.load(Ordering::Acquire), 0, "who drove has left");
            seat.at_work.fetch_add(1, Ordering::AcqRel);
            let busy: Vec<String> = (0..50).map(|_| answered_by(&seat)).collect();
            seat.at_work.fetch_sub(1, Ordering::AcqRel);
            busy
        });
        let busy = runtime.block_on(own).unwrap();
        assert!(busy.iter().all(|by| by == "partition-0"), "under load nobody drives but the thread: {busy:?}");
        node.plane.stop();
    }

    #[test]
    fn who_must_not_wait_for_a_disk_leaves_it_to_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(&folder);
        let seat = node.plane.seats()[0].clone();
        assert!((0..50).all(|_| answered_by(&seat) == "partition-0"), "outside of a runtime");
        let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let by = single.block_on(async { (0..50).map(|_| answered_by(&seat)).collect::<Vec<_>>() });
        assert!(by.iter().all(|by| by == "partition-0"), "inside of one that has no other thread: {by:?}");
        node.plane.stop();
        assert_eq!(seat.post(Message::Wake), Err(Unposted::Stopped));
    }

    #[test]
    fn two_threads_at_once_have_one_driver_and_every_message_is_taken_once() {
        const EACH: usize = 400;
        let folder = tempfile::tempdir().unwrap();
        let (node, runtime) = (node(&folder), runtime());
        let seat = node.plane.seats()[0].clone();
        let inside = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let senders = [0, 1].map(|sender| {
            let (seat, inside, tell) = (seat.clone(), inside.clone(), tell.clone());
            runtime.spawn(async move {
                for number in 0..EACH {
                    let (inside, tell) = (inside.clone(), tell.clone());
                    let question = move |_: &mut _| {
                        let alone = !inside.swap(true, Ordering::AcqRel);
                        std::thread::yield_now();
                        inside.store(false, Ordering::Release);
                        tell.send((sender * EACH + number, alone, this_thread())).unwrap();
                    };
                    seat.post(Message::Read(Box::new(question))).unwrap();
                    if number % 16 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            })
        });
        drop(tell);
        senders.into_iter().for_each(|sender| runtime.block_on(sender).unwrap());
        let mut answers: Vec<(usize, bool, String)> = std::iter::from_fn(|| told.recv_timeout(SOON).ok()).collect();
        answers.sort();
        assert!(answers.iter().all(|(_, alone, _)| *alone), "two drove at once");
        assert!(answers.iter().map(|(number, ..)| *number).eq(0..2 * EACH), "each once");
        node.plane.stop();
    }
}
