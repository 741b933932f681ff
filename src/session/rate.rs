//! The search for a learning rate before a run: asked of a worker of its own, its losses as they come, what it found, and taking it over.
//! Knows numbers, not how they are judged or drawn.

use super::problems::Way;
use super::{Command, Effect, Room, Slot, State, TrainCommand, Zoom, apply as apply_any, missing};
use crate::protocol::{Control, Event, Job, RateFound, RateRange, RateTried};
use crate::recipe::Recipe;

/// The job that is under way.
#[derive(Clone, Debug)]
pub struct RateFlight {
    pub job: u64,
    /// What the worker does before the first step, done and total (0 = unknown).
    pub stage: Option<(String, u64, u64)>,
    /// Was it cancelled?
    pub stopping: bool,
}

/// The search that goes on or was the last.
#[derive(Clone, Debug, Default)]
pub struct RateState {
    /// Is it shown?
    pub open: bool,
    /// The rates that the next search tries.
    pub range: RateRange,
    pub flight: Option<RateFlight>,
    pub tried: Vec<RateTried>,
    pub found: Option<RateFound>,
    /// Why it could not be done.
    pub failure: Option<String>,
    /// The part of the chart that is shown; `None` = all.
    pub zoom: Option<Zoom>,
    /// What was trained by, and the rates.
    of: Option<(Box<Recipe>, RateRange)>,
}

impl RateState {
    /// The rates that the shown search tries.
    pub fn shown_range(&self) -> RateRange {
        self.of.as_ref().map_or(self.range, |(_, range)| *range)
    }

    /// How far the search is, 0 to 1; `None` before the first step.
    pub fn progress(&self) -> Option<f32> {
        (!self.tried.is_empty()).then(|| self.tried.len() as f32 / self.shown_range().steps.max(1) as f32)
    }

    /// Seconds to the highest rate at most, by the steps so far.
    pub fn seconds_left(&self) -> Option<f64> {
        // The first step is slower than the others.
        let later = self.tried.get(1..).filter(|later| later.len() > 1)?;
        let pace = later.iter().map(|tried| tried.seconds).sum::<f64>() / later.len() as f64;
        Some(pace * self.shown_range().steps.saturating_sub(self.tried.len()) as f64)
    }

    /// Is what was found about this recipe, its own rate aside?
    pub fn is_of(&self, recipe: &Recipe) -> bool {
        let Some((of, _)) = &self.of else { return false };
        let mut same_rate = recipe.clone();
        same_rate.optim.lr = of.optim.lr;
        same_rate == **of
    }
}

/// What can be done with a search.
#[derive(Clone, Debug)]
pub enum RateCommand {
    /// Search with the recipe as it is.
    Start,
    /// End the search; what was tried stays.
    Stop,
    /// Try these rates the next time.
    Range(RateRange),
    /// Put the rate that was found into the recipe.
    Use,
    /// Show this part of the chart; `None` shows everything.
    Zoom(Option<Zoom>),
    /// Show it no more; ends a search that goes on.
    Close,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: RateCommand) -> Vec<Effect> {
    match command {
        RateCommand::Start => start(state),
        RateCommand::Stop => stop(state),
        RateCommand::Range(range) => {
            state.rate.range = range;
            Vec::new()
        }
        RateCommand::Zoom(zoom) => {
            state.rate.zoom = zoom;
            Vec::new()
        }
        RateCommand::Use => match state.rate.found.and_then(|found| found.suggested) {
            Some(rate) => apply_any(
                state,
                Command::Train(TrainCommand::Set(vec![format!("optim.lr={rate:e}")])),
            ),
            None => Vec::new(),
        },
        RateCommand::Close => {
            state.rate.open = false;
            stop(state)
        }
    }
}

/// Why there can be no search now; `None` when there can.
pub fn blocked(state: &State) -> Option<String> {
    if state.rate.flight.is_some() {
        Some("A learning rate is being searched already.".into())
    } else if state.run.is_active() {
        Some("Wait until the run is over: it has the device.".into())
    } else {
        missing(state).map(|(why, _)| why)
    }
}

fn start(state: &mut State) -> Vec<Effect> {
    let recipe = &state.recipe.recipe;
    let wrong = blocked(state)
        .or_else(|| recipe.check().err().map(|error| error.to_string()))
        .or_else(|| state.rate.range.refused());
    if let Some(message) = wrong {
        let way = Way::new("Show the recipe", Command::Go(Room::Train));
        state.problems.report(message, vec![way]);
        return Vec::new();
    }
    let (recipe, range) = (Box::new(recipe.clone()), state.rate.range);
    let id = state.next_job();
    state.rate = RateState {
        open: true,
        range,
        flight: Some(RateFlight {
            job: id,
            stage: None,
            stopping: false,
        }),
        of: Some((recipe.clone(), range)),
        ..RateState::default()
    };
    let mut effects = super::nav::go(state, Room::Train);
    effects.push(Effect::Job {
        slot: Slot::Rate,
        id,
        job: Job::FindRate {
            recipe,
            init_adapter: None,
            range,
        },
    });
    effects
}

/// Ends the search that goes on: by the user's wish, or because training needs the device.
pub fn stop(state: &mut State) -> Vec<Effect> {
    let Some(flight) = &mut state.rate.flight else {
        return Vec::new();
    };
    flight.stopping = true;
    vec![Effect::Control {
        slot: Slot::Rate,
        control: Control::Stop,
    }]
}

/// An event of the worker.
pub fn on_event(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    let rate = &mut state.rate;
    let Some(flight) = rate.flight.as_mut().filter(|flight| flight.job == id) else {
        return Vec::new();
    };
    match event {
        Event::Stage { stage, done, total } => flight.stage = Some((stage, done, total)),
        Event::RateTried(tried) => rate.tried.push(tried),
        Event::RateFound(found) => rate.found = Some(found),
        Event::Failed { message } => return on_gone(state, message),
        Event::Done => rate.flight = None,
        _ => {}
    }
    Vec::new()
}

/// The worker ended, or could not do the job.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    if let Some(flight) = state.rate.flight.take()
        && !flight.stopping
    {
        state.rate.failure = Some(message);
    }
    Vec::new()
}
