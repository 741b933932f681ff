//! Changes of the runs that wait, on one thread, in order. Knows when, not what.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use super::Post;
use crate::session::{Outcome, QueueEffect, change_queue};

/// The thread of the queue.
pub struct Line {
    sender: Sender<QueueEffect>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// Starts the thread; what it did is posted.
    pub fn new(post: Post) -> Self {
        let (sender, receiver) = channel();
        let work = move || {
            for effect in receiver {
                post.send(Outcome::Queue(change_queue(effect)));
            }
        };
        let thread = std::thread::Builder::new().name("burnish-queue".into()).spawn(work);
        Self {
            sender,
            thread: thread.ok(),
        }
    }

    /// Hands over what is to be done.
    pub fn change(&self, effect: QueueEffect) {
        // The receiver only ends with the window.
        let _ = self.sender.send(effect);
    }

    /// Waits until everything is done.
    pub fn finish(self) {
        drop(self.sender);
        if let Some(thread) = self.thread {
            // A thread that failed has nothing left to be done.
            let _ = thread.join();
        }
    }
}
