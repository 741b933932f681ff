//! Worker processes by slot: starts them when there is a job, hands their events back as outcomes.

use std::path::{Path, PathBuf};

use super::{Post, Wake, runs};
use crate::protocol::{Control, Event, Job};
use crate::recipe::Recipe;
use crate::session::{Outcome, Slot};
use crate::worker::queue::at_work;
use crate::worker::{News, RunHandle, WorkerHandle, make_run_dir};

/// The workers of the window. They end with it, but training goes on.
pub struct Workers {
    post: Post,
    train: Option<RunHandle>,
    chat: Option<WorkerHandle>,
    audit: Option<WorkerHandle>,
    rate: Option<WorkerHandle>,
    devices: Option<WorkerHandle>,
    hub: Option<WorkerHandle>,
}

impl Workers {
    /// No worker yet.
    pub fn new(post: Post) -> Self {
        Self {
            post,
            train: None,
            chat: None,
            audit: None,
            rate: None,
            devices: None,
            hub: None,
        }
    }

    fn wake(&self) -> Wake {
        self.post.wake.clone()
    }

    /// Gives a job to the slot's worker, starting one when there is none.
    pub fn job(&mut self, slot: Slot, id: u64, job: Job) {
        let wake = self.wake();
        let given = match slot {
            Slot::Train => RunHandle::start(id, job, wake).map(|handle| self.train = Some(handle)),
            Slot::Chat => hire(&mut self.chat, wake).map(|worker| worker.job(id, job)),
            Slot::Audit => hire(&mut self.audit, wake).map(|worker| worker.job(id, job)),
            Slot::Rate => hire(&mut self.rate, wake).map(|worker| worker.job(id, job)),
            Slot::Devices => hire(&mut self.devices, wake).map(|worker| worker.job(id, job)),
            Slot::Hub => hire(&mut self.hub, wake).map(|worker| worker.job(id, job)),
        };
        if let Err(error) = given {
            let message = error.to_string();
            self.post.send(Outcome::WorkerGone { slot, message });
        }
    }

    /// Makes a run folder and starts training in it.
    pub fn start_run(&mut self, id: u64, runs: &Path, name: &str, recipe: Box<Recipe>, smooth: bool) {
        match make_run_dir(runs, name) {
            Ok(run_dir) => {
                self.post.send(Outcome::RunDir {
                    id,
                    dir: run_dir.clone(),
                });
                let job = Job::Train {
                    recipe,
                    run_dir,
                    resume: false,
                    init_adapter: None,
                    unpacked: false,
                    smooth,
                    audited: None,
                };
                self.job(Slot::Train, id, job);
            }
            Err(error) => self.post.send(Outcome::WorkerGone {
                slot: Slot::Train,
                message: error.to_string(),
            }),
        }
    }

    /// Watches a run that still goes on, if there is one; its events follow from the first on.
    pub fn find_run(&mut self, id: u64, runs: &Path) {
        match at_work(runs) {
            Some(dir) => self.follow_run(id, &dir),
            None => self.post.send(Outcome::NoRun),
        }
    }

    /// Watches a run that another process started; its events follow from the first on.
    pub fn follow_run(&mut self, id: u64, dir: &Path) {
        let Some(recipe) = runs::recipe(dir) else {
            return;
        };
        if let Ok(handle) = RunHandle::attach(id, dir, self.wake()) {
            self.train = Some(handle);
            let dir = dir.to_owned();
            self.post.send(Outcome::RunFound { id, dir, recipe });
        }
    }

    /// Interrupts the slot's worker.
    pub fn control(&mut self, slot: Slot, control: Control) {
        match slot {
            Slot::Train => self.train.iter().for_each(|run| run.control(control)),
            Slot::Chat => self.chat.iter().for_each(|worker| worker.control(control)),
            Slot::Audit => self.audit.iter().for_each(|worker| worker.control(control)),
            Slot::Rate => self.rate.iter().for_each(|worker| worker.control(control)),
            Slot::Devices => self.devices.iter().for_each(|worker| worker.control(control)),
            Slot::Hub => self.hub.iter().for_each(|worker| worker.control(control)),
        }
    }

    /// What the workers said since the last call.
    pub fn drain(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        if let Some(run) = &self.train
            && take(Slot::Train, run.drain(), &mut outcomes)
        {
            self.train = None;
        }
        let places = [
            (Slot::Chat, &mut self.chat),
            (Slot::Audit, &mut self.audit),
            (Slot::Rate, &mut self.rate),
            (Slot::Devices, &mut self.devices),
            (Slot::Hub, &mut self.hub),
        ];
        for (slot, place) in places {
            if let Some(worker) = place
                && take(slot, worker.drain(), &mut outcomes)
            {
                *place = None;
            }
        }
        self.dismiss(&outcomes);
        outcomes
    }

    /// Workers that have one job end with it.
    fn dismiss(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match outcome {
                Outcome::Worker {
                    slot: Slot::Devices,
                    event: Event::Done | Event::Failed { .. },
                    ..
                } => self.devices = None,
                Outcome::Worker {
                    slot: Slot::Rate,
                    event: Event::Done | Event::Failed { .. },
                    ..
                } => self.rate = None,
                _ => {}
            }
        }
    }
}

/// The worker of a place, started when there is none.
fn hire(place: &mut Option<WorkerHandle>, wake: Wake) -> Result<&WorkerHandle, crate::worker::WorkerError> {
    let worker = match place.take() {
        Some(worker) => worker,
        None => WorkerHandle::spawn(wake)?,
    };
    Ok(place.insert(worker))
}

/// News to outcomes; true when the worker is over.
fn take(slot: Slot, news: Vec<News>, outcomes: &mut Vec<Outcome>) -> bool {
    let mut over = false;
    for news in news {
        outcomes.push(match news {
            News::Frame(frame) => Outcome::Worker {
                slot,
                id: frame.id,
                event: frame.event,
            },
            News::Problem(message) => Outcome::Problem(message),
            News::Exit(mut exit) => {
                over = true;
                // The window names the checkpoint itself.
                exit.last_checkpoint = None::<PathBuf>;
                Outcome::WorkerGone {
                    slot,
                    message: exit.in_words(),
                }
            }
        });
    }
    over
}
