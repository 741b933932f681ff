//! Sharing short work over all cores. Knows tasks by number; knows nothing of what they do.
//!
//! A product with one vector takes some 30 microseconds, hundreds of times for a token, and as long as a sleeping thread takes to wake up.
//! The members of the crew therefore wait for the next work awake for a short while before they sleep. Longer work is Rayon's.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

/// Rounds of waiting before a member sleeps: about a tenth of a millisecond.
const PATIENCE: u32 = 4000;
/// In [`Board::state`]: members may join. The rest of the number counts those that have.
const OPEN: usize = 1 << (usize::BITS - 1);

type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// What the caller and the members see of the present work.
struct Board {
    state: AtomicUsize,
    /// The next task that nobody has begun.
    next: AtomicUsize,
    tasks: AtomicUsize,
    /// Points to the caller's `&Work`.
    work: AtomicPtr<&'static Work<'static>>,
    panicked: AtomicBool,
    asleep: AtomicUsize,
}

static BOARD: Board = Board {
    state: AtomicUsize::new(0),
    next: AtomicUsize::new(0),
    tasks: AtomicUsize::new(0),
    work: AtomicPtr::new(std::ptr::null_mut()),
    panicked: AtomicBool::new(false),
    asleep: AtomicUsize::new(0),
};
static MEMBERS: OnceLock<Vec<Thread>> = OnceLock::new();
/// Held by the thread whose work is on the board.
static TURN: Mutex<()> = Mutex::new(());

/// Does tasks `0..tasks`, each once, on several threads; returns when all are done.
///
/// While another thread's work is being shared, all tasks are done by the caller.
///
/// # Panics
/// If a task does.
pub(super) fn share(tasks: usize, work: &Work<'_>) {
    let turn = match TURN.try_lock() {
        Ok(turn) => Some(turn),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    };
    let members = MEMBERS.get_or_init(recruit);
    match turn {
        Some(turn) if tasks > 1 && !members.is_empty() => share_now(&turn, members, tasks, work),
        _ => (0..tasks).for_each(work),
    }
}

/// Gives each `chunk` of `out` to `work` with its number, on several threads.
pub(super) fn share_chunks<T: Send>(out: &mut [T], chunk: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let chunk = chunk.max(1);
    if out.len() <= chunk {
        if !out.is_empty() {
            work(0, out);
        }
        return;
    }
    let parts: Vec<_> = out.chunks_mut(chunk).map(Mutex::new).collect();
    share(parts.len(), &|i| {
        // Each task is done once: nobody else ever holds its part.
        let mut part = parts[i].lock().unwrap_or_else(PoisonError::into_inner);
        work(i, &mut part);
    });
}

/// Starts one thread for every core but the caller's. Rayon's setting counts here too.
fn recruit() -> Vec<Thread> {
    let start = |number: usize| {
        let name = format!("crew-{number}");
        std::thread::Builder::new().name(name).spawn(serve).ok()
    };
    let threads = (1..rayon::current_num_threads()).filter_map(start);
    threads.map(|handle| handle.thread().clone()).collect()
}

fn share_now(_turn: &MutexGuard<'_, ()>, members: &[Thread], tasks: usize, work: &Work<'_>) {
    BOARD.panicked.store(false, SeqCst);
    BOARD.next.store(0, SeqCst);
    BOARD.tasks.store(tasks, SeqCst);
    BOARD.work.store((&raw const work).cast_mut().cast(), SeqCst);
    {
        // Closes the board even if a task of the caller panics: `work` must outlive its use.
        let _closing = Closing;
        BOARD.state.store(OPEN, SeqCst);
        if BOARD.asleep.load(SeqCst) > 0 {
            members.iter().for_each(Thread::unpark);
        }
        do_tasks(work);
    }
    assert!(!BOARD.panicked.load(SeqCst), "a task of the crew panicked");
}

/// Waits, when dropped, until no member works any more.
struct Closing;

impl Drop for Closing {
    fn drop(&mut self) {
        BOARD.next.store(usize::MAX / 2, SeqCst);
        BOARD.state.fetch_and(!OPEN, SeqCst);
        let mut rounds = 0u32;
        while BOARD.state.load(SeqCst) != 0 {
            rounds += 1;
            if rounds.is_multiple_of(PATIENCE) {
                // The member may be waiting for this very core.
                std::thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }
}

fn do_tasks(work: &Work<'_>) {
    let tasks = BOARD.tasks.load(SeqCst);
    loop {
        let task = BOARD.next.fetch_add(1, SeqCst);
        if task >= tasks {
            return;
        }
        work(task);
    }
}

/// A member's life.
fn serve() {
    let mut rounds = 0;
    loop {
        if join() {
            rounds = 0;
            continue;
        }
        rounds += 1;
        if rounds < PATIENCE {
            std::hint::spin_loop();
            continue;
        }
        BOARD.asleep.fetch_add(1, SeqCst);
        // The caller opens first and looks for sleepers second: one of both sees the other.
        if BOARD.state.load(SeqCst) & OPEN == 0 {
            std::thread::park();
        }
        BOARD.asleep.fetch_sub(1, SeqCst);
        rounds = 0;
    }
}

/// Takes part in the present work, if there is any left.
fn join() -> bool {
    let state = BOARD.state.load(SeqCst);
    if state & OPEN == 0 || BOARD.next.load(SeqCst) >= BOARD.tasks.load(SeqCst) {
        return false;
    }
    if BOARD.state.compare_exchange(state, state + 1, SeqCst, SeqCst).is_err() {
        return true;
    }
    // SAFETY: the board was open when this member joined. The caller put its work there before it opened the board, and keeps it alive
    // until the board is closed and every member that joined has left.
    let work = unsafe { *BOARD.work.load(SeqCst) };
    if catch_unwind(AssertUnwindSafe(|| do_tasks(work))).is_err() {
        BOARD.panicked.store(true, SeqCst);
        BOARD.next.store(usize::MAX / 2, SeqCst);
    }
    BOARD.state.fetch_sub(1, SeqCst);
    true
}
