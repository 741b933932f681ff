//! Worker processes by slot: starts them when there is a job, hands their events back.

use std::path::{Path, PathBuf};

use super::{Post, runs};
use crate::protocol::{Control, Job};
use crate::recipe::Recipe;
use crate::session::{Outcome, Slot};

/// The workers of the window.
pub struct Workers {
    post: Post,
}

impl Workers {
    /// No worker yet.
    pub fn new(post: Post) -> Self {
        Self { post }
    }

    /// Gives a job to the slot's worker.
    pub fn job(&mut self, slot: Slot, _id: u64, _job: Job) {
        self.post.send(Outcome::WorkerGone {
            slot,
            message: "This build has no worker process yet.".into(),
        });
    }

    /// Makes a run folder and starts training in it.
    pub fn start_run(&mut self, id: u64, runs: &Path, name: &str, recipe: Box<Recipe>) {
        match runs::make(runs, name) {
            Ok(run_dir) => {
                self.post.send(Outcome::RunDir {
                    id,
                    dir: run_dir.clone(),
                });
                self.job(
                    Slot::Train,
                    id,
                    Job::Train {
                        recipe,
                        run_dir,
                        resume: false,
                        init_adapter: None,
                    },
                );
            }
            Err(message) => self.post.send(Outcome::WorkerGone {
                slot: Slot::Train,
                message,
            }),
        }
    }

    /// Looks for a run that still goes on.
    pub fn find_run(&mut self, _runs: PathBuf) {}

    /// Interrupts the slot's worker.
    pub fn control(&mut self, _slot: Slot, _control: Control) {}

    /// The window ends.
    pub fn finish(self) {}
}
