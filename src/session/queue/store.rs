//! What is done with the file of the queue, on a thread. Knows no state.

use std::path::PathBuf;

use crate::worker::WorkerError;
use crate::worker::queue::{self, Queue, Queued};

/// Something to be done with the queue of a folder of runs; answered by a [`QueueOutcome`].
#[derive(Clone, Debug)]
pub struct QueueEffect {
    /// The folder.
    pub runs: PathBuf,
    /// What.
    pub change: QueueChange,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum QueueChange {
    /// Read it.
    Look,
    /// Put runs at the end.
    Add(Vec<Queued>),
    /// Take the run with this id out.
    Remove(u64),
    /// Put the run with this id before its neighbour.
    Earlier(u64),
    /// Should the runs that wait leave the device to other programs now and then?
    Smooth(bool),
    /// The next run waits for the user's word.
    Hold,
    /// The first run starts, unless one is at work or the queue is held.
    Turn,
    /// As `Turn`; the queue is held no more.
    Start,
}

/// The queue afterwards.
#[derive(Clone, Debug)]
pub struct QueueOutcome {
    /// As it is now, or what went wrong.
    pub queue: Result<Queue, String>,
    /// Was it the next run's turn?
    pub turned: bool,
    /// The run that goes on now, where it was.
    pub goes_on: Option<PathBuf>,
}

/// An id that no other run of the queue has.
pub fn fresh_id() -> u64 {
    // TOML has no larger whole numbers.
    rand::random::<u64>() >> 1
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: QueueEffect) -> QueueOutcome {
    let QueueEffect { runs, change } = effect;
    let mut goes_on = None;
    let turned = matches!(change, QueueChange::Turn | QueueChange::Start);
    let mut turn = || -> Result<Queue, WorkerError> {
        goes_on = queue::start_next(&runs)?;
        queue::read(&runs)
    };
    let queue = match change {
        QueueChange::Look => queue::read(&runs),
        QueueChange::Turn => turn(),
        QueueChange::Start => queue::hold(&runs, false).and_then(|()| turn()),
        QueueChange::Hold => queue::hold(&runs, true).and_then(|()| queue::read(&runs)),
        edit => queue::change(&runs, |queue| apply(&mut queue.runs, edit)),
    };
    QueueOutcome {
        queue: queue.map_err(|e| e.to_string()),
        turned,
        goes_on,
    }
}

fn apply(runs: &mut Vec<Queued>, change: QueueChange) {
    let place = |runs: &[Queued], id: u64| runs.iter().position(|run| run.id == id);
    match change {
        QueueChange::Add(more) => runs.extend(more),
        QueueChange::Remove(id) => runs.retain(|run| run.id != id),
        QueueChange::Earlier(id) => {
            // One that has been started meanwhile has no place any more.
            if let Some(at) = place(runs, id).filter(|at| *at > 0) {
                runs.swap(at - 1, at);
            }
        }
        QueueChange::Smooth(on) => runs.iter_mut().for_each(|run| run.smooth = on),
        QueueChange::Look | QueueChange::Hold | QueueChange::Turn | QueueChange::Start => {}
    }
}
