//! What can be done in the Train room. Knows which effects a run needs, not how a worker is run.

use std::path::PathBuf;

use super::{RunPhase, RunState};
use crate::protocol::{Control, Job};
use crate::recipe::Recipe;
use crate::session::problems::Way;
use crate::session::{
    Command, Dialog, Effect, Method, QueueChange, Room, Slot, State, audit, chats, data, queue, rate,
};

/// What can be done in the Train room.
#[derive(Clone, Debug)]
pub enum TrainCommand {
    /// The form changed the recipe.
    Recipe(Box<Recipe>),
    /// The name of the next run.
    Name(String),
    /// Fold or unfold the advanced settings.
    ToggleAdvanced,
    /// Show or hide the cards of all methods.
    ToggleMethods,
    /// Make the recipe one of this method.
    Method(Method),
    /// Change settings, each as `table.key=value`.
    Set(Vec<String>),
    /// The user says how many bytes of memory the device has; 0 = unknown again.
    DeviceMemory(u64),
    /// Pick files of general examples with the system's dialog.
    ReplayDialog,
    /// Mix these general examples in, too.
    AddReplay(Vec<PathBuf>),
    /// Set the recipe back to what it is by default.
    Defaults,
    /// Start a run by the recipe.
    Start,
    /// Go on from the newest checkpoint of the run that broke.
    ResumeFrom,
    /// Hold before the next step.
    Pause,
    /// Write a checkpoint and end the worker, to go on another time.
    Suspend,
    /// Write a checkpoint and go on.
    SaveNow,
    /// Leave the device to other programs now and then, or not.
    Smooth(bool),
    /// Go on after a pause.
    Resume,
    /// Stop after this step and keep the result.
    Stop,
    /// Put the finished run aside and show the recipe again.
    NewRun,
    /// Chat with what came out of the run.
    ChatWithResult,
    /// Put the run's numbers on the clipboard as comma-separated values.
    CopyCsv,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: TrainCommand) -> Vec<Effect> {
    match command {
        TrainCommand::Recipe(recipe) => edit(state, *recipe),
        TrainCommand::Name(name) => {
            state.recipe.name = name;
            Vec::new()
        }
        TrainCommand::ToggleAdvanced => {
            state.recipe.advanced = !state.recipe.advanced;
            Vec::new()
        }
        TrainCommand::ToggleMethods => {
            state.recipe.choosing = !state.recipe.choosing;
            Vec::new()
        }
        TrainCommand::Method(method) => {
            let mut recipe = state.recipe.recipe.clone();
            method.put_into(&mut recipe);
            state.recipe.choosing = false;
            edit(state, recipe)
        }
        TrainCommand::Set(settings) => set(state, &settings),
        TrainCommand::DeviceMemory(bytes) => {
            let device = state.chosen_device().map(|device| device.label.clone());
            if let Some(label) = device {
                match bytes {
                    0 => state.settings.device_memory.remove(&label),
                    bytes => state.settings.device_memory.insert(label, bytes),
                };
            }
            vec![Effect::Save]
        }
        TrainCommand::ReplayDialog => vec![Effect::Dialog(Dialog::ReplayFiles)],
        TrainCommand::AddReplay(files) => {
            let mut recipe = state.recipe.recipe.clone();
            for file in files {
                if !recipe.data.replay.contains(&file) {
                    recipe.data.replay.push(file);
                }
            }
            edit(state, recipe)
        }
        TrainCommand::Defaults => {
            let fresh = state.recipe.with_defaults(state.model.card());
            edit(state, fresh)
        }
        TrainCommand::Start => start(state),
        TrainCommand::ResumeFrom => resume(state),
        TrainCommand::Pause => control(state, Control::Pause),
        TrainCommand::Suspend => control(state, Control::Suspend),
        TrainCommand::SaveNow => control(state, Control::Save),
        TrainCommand::Smooth(on) => {
            state.settings.smooth = on;
            let mut effects = control(state, Control::Smooth { on });
            effects.push(queue::effect(state, QueueChange::Smooth(on)));
            effects.push(Effect::Save);
            effects
        }
        TrainCommand::Resume => control(state, Control::Resume),
        TrainCommand::Stop => {
            let effects = control(state, Control::Stop);
            if state.run.is_active() {
                state.run.phase = RunPhase::Stopping;
            }
            effects
        }
        TrainCommand::NewRun if !state.run.is_active() => {
            state.run = RunState::default();
            Vec::new()
        }
        TrainCommand::NewRun => Vec::new(),
        TrainCommand::ChatWithResult => match state.run.result.clone() {
            Some(result) => chats::open_adapter(state, result.path, state.run.base()),
            None => Vec::new(),
        },
        TrainCommand::CopyCsv => vec![Effect::Copy(state.run.curves.to_csv())],
    }
}

fn set(state: &mut State, settings: &[String]) -> Vec<Effect> {
    let changed = settings
        .iter()
        .try_fold(state.recipe.recipe.clone(), |recipe, setting| recipe.with(setting));
    match changed {
        Ok(recipe) => edit(state, recipe),
        Err(error) => {
            state.problems.report(error.to_string(), Vec::new());
            Vec::new()
        }
    }
}

fn edit(state: &mut State, recipe: Recipe) -> Vec<Effect> {
    let reread =
        recipe.data.split != state.recipe.recipe.data.split || recipe.data.seed != state.recipe.recipe.data.seed;
    state.recipe.recipe = recipe;
    let mut effects = vec![Effect::Save];
    if reread {
        effects.extend(data::reread(state));
    }
    effects
}

/// Why a run cannot start, with the way to mend it; `None` when it can.
pub fn missing(state: &State) -> Option<(String, Command)> {
    if state.model.selected.is_none() {
        Some(("Pick a model first.".into(), Command::Go(Room::Model)))
    } else if state.data.is_empty() {
        Some(("Open a data file first.".into(), Command::Go(Room::Data)))
    } else {
        None
    }
}

fn start(state: &mut State) -> Vec<Effect> {
    if state.run.is_active() {
        return Vec::new();
    }
    if let Some((message, command)) = missing(state) {
        state.problems.report(message, vec![Way::new("Go there", command)]);
        return Vec::new();
    }
    if let Err(error) = state.recipe.recipe.check() {
        state.problems.report(
            error.to_string(),
            vec![Way::new("Show the recipe", Command::Go(Room::Train))],
        );
        return Vec::new();
    }
    audit::before(state, audit::Intent::Train)
}

/// Starts a run by the recipe, whatever an audit says.
pub fn start_now(state: &mut State) -> Vec<Effect> {
    if state.run.is_active() || missing(state).is_some() {
        return Vec::new();
    }
    state.nav.room = Room::Train;
    // Training needs the device that a search for a rate holds.
    let mut effects = rate::stop(state);
    let (name, recipe) = (state.recipe.run_name(), Box::new(state.recipe.recipe.clone()));
    let id = state.next_job();
    state.run = RunState {
        phase: RunPhase::Preparing,
        name: name.clone(),
        job: id,
        recipe: Some(recipe.clone()),
        ..RunState::default()
    };
    effects.push(Effect::StartRun { id, name, recipe });
    effects
}

fn resume(state: &mut State) -> Vec<Effect> {
    if state.run.is_active() {
        return Vec::new();
    }
    let (Some(dir), Some(recipe)) = (state.run.dir.clone(), state.run.recipe.clone()) else {
        return Vec::new();
    };
    let mut effects = rate::stop(state);
    let id = state.next_job();
    state.run.job = id;
    state.run.phase = RunPhase::Preparing;
    state.nav.room = Room::Train;
    let job = Job::Train {
        recipe,
        run_dir: dir,
        resume: true,
        init_adapter: None,
        unpacked: false,
        smooth: state.settings.smooth,
        audited: None,
    };
    effects.push(Effect::Job {
        slot: Slot::Train,
        id,
        job,
    });
    effects
}

/// Goes on with a run of the past from its newest checkpoint.
pub fn go_on(state: &mut State, run: RunState) -> Vec<Effect> {
    if state.run.is_active() {
        return Vec::new();
    }
    state.run = run;
    state.run.result = None;
    resume(state)
}

fn control(state: &State, control: Control) -> Vec<Effect> {
    if state.run.is_active() {
        vec![Effect::Control {
            slot: Slot::Train,
            control,
        }]
    } else {
        Vec::new()
    }
}

/// The run folder was made.
pub fn dir_made(state: &mut State, id: u64, dir: PathBuf) -> Vec<Effect> {
    if id == state.run.job {
        state.run.dir = Some(dir);
    }
    Vec::new()
}

/// A run of an earlier window goes on: its events follow, and the Train room shows it.
pub fn found(state: &mut State, id: u64, dir: PathBuf, recipe: Box<Recipe>) -> Vec<Effect> {
    let name = chats::run_name(&dir);
    let text = match std::mem::take(&mut state.queue.came) {
        true => format!("{name} starts, which waited in the queue."),
        false => format!("{name} went on while the window was closed."),
    };
    state.problems.toast(text);
    state.run = RunState {
        phase: RunPhase::Preparing,
        name,
        dir: Some(dir),
        job: id,
        recipe: Some(recipe),
        ..RunState::default()
    };
    vec![queue::effect(state, QueueChange::Look)]
}
