//! Carries out `Effect`s on threads and in worker processes and hands back `Outcome`s. All I/O of the session is here.
mod files;
mod home;
mod line;
mod models;
mod runs;
mod store;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

pub use home::Home;
use line::Line;
pub use store::Restored;
use store::Store;
use workers::Workers;

use super::{Effect, Outcome, State, chats, hub, preview, runs as history};

/// Wakes the window when an outcome is waiting.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The sending side of outcomes, for threads.
#[derive(Clone)]
pub struct Post {
    sender: Sender<Outcome>,
    wake: Wake,
}

impl Post {
    /// Sends an outcome and wakes the window. A window that is gone needs nothing any more.
    pub fn send(&self, outcome: Outcome) {
        if self.sender.send(outcome).is_ok() {
            (self.wake)();
        }
    }
}

/// Carries out effects.
pub struct Effects {
    home: Home,
    post: Post,
    outcomes: Receiver<Outcome>,
    store: Store,
    line: Line,
    workers: Workers,
}

impl Effects {
    /// Effects that keep files under `home` and call `wake` when something came back.
    pub fn new(home: Home, wake: Wake) -> Self {
        let (sender, outcomes) = channel();
        let post = Post { sender, wake };
        let store = Store::new(post.clone());
        let line = Line::new(post.clone());
        let workers = Workers::new(post.clone());
        Self {
            home,
            post,
            outcomes,
            store,
            line,
            workers,
        }
    }

    /// Settings and project of the last time; fresh ones where there are none or they cannot be read.
    pub fn restore(&self, project: Option<&std::path::Path>) -> Restored {
        store::restore(&self.home, project)
    }

    /// Width and height that the window had the last time, in points.
    pub fn last_window_size(home: &Home) -> Option<[f32; 2]> {
        store::settings(home)?.window
    }

    /// What came back since the last call, in order.
    pub fn drain(&mut self) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = self.outcomes.try_iter().collect();
        outcomes.extend(self.workers.drain());
        outcomes
    }

    /// Starts an effect. `Dialog`, `Copy`, `SavePicture` and `CloseWindow` belong to the window and are ignored here.
    pub fn start(&mut self, state: &State, effect: Effect) {
        match effect {
            Effect::Dialog(_) | Effect::Copy(_) | Effect::SavePicture { .. } | Effect::CloseWindow => {}
            Effect::Save => self.store.save(&self.home, state),
            Effect::Job { slot, id, job } => self.workers.job(slot, id, job),
            Effect::Control { slot, control } => self.workers.control(slot, control),
            Effect::StartRun { id, name, recipe } => {
                let runs = state.project_dir().join("runs");
                self.workers.start_run(id, &runs, &name, recipe, state.settings.smooth);
            }
            Effect::FindRun { id } => self.workers.find_run(id, &state.project_dir().join("runs")),
            Effect::FollowRun { id, dir } => self.workers.follow_run(id, &dir),
            Effect::Queue(effect) => self.line.change(effect),
            other => self.on_thread(other),
        }
    }

    /// Waits until settings, project and queue are written; chat workers end, training goes on.
    pub fn finish(self) {
        drop(self.workers);
        self.store.finish();
        self.line.finish();
    }

    fn on_thread(&self, effect: Effect) {
        let post = self.post.clone();
        let home = self.home.clone();
        let work = move || {
            if let Some(outcome) = perform(effect, &home) {
                post.send(outcome);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("burnish-effect".into()).spawn(work) {
            let message = format!("The system gave no thread ({error}). Close other programs and try again.");
            self.post.send(Outcome::Problem(message));
        }
    }
}

/// Carries one effect out on this thread.
fn perform(effect: Effect, home: &Home) -> Option<Outcome> {
    Some(match effect {
        Effect::Classify(paths) => {
            let kind = |path: PathBuf| (path.clone(), files::classify(&path));
            Outcome::Classified(paths.into_iter().map(kind).collect())
        }
        Effect::ReadModel(path) => {
            let result = models::read(&path);
            Outcome::Model { path, result }
        }
        Effect::ListModel(path) => Outcome::ModelListed(models::read(&path).ok()?),
        Effect::ReadData {
            path,
            more,
            percent,
            seed,
        } => {
            let result = files::read_rows(&path, &more, percent, seed);
            Outcome::Data { path, result }
        }
        Effect::ListSamples => Outcome::Samples(files::samples()),
        Effect::Hub(effect) => Outcome::Hub(hub::perform(effect, home)),
        Effect::Preview(effect) => Outcome::Preview(preview::perform(effect)),
        Effect::Chats(effect) => Outcome::Chats(chats::perform(effect)),
        Effect::Runs(effect) => Outcome::Runs(history::perform(effect)),
        _ => return None,
    })
}
