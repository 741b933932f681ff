//! What a loaded model makes of the row that the Template room shows: asked of the chat worker, asked anew when the row changes.
//! Knows no drawing and no weights.

use std::path::PathBuf;
use std::sync::Arc;

use super::preview::Shown;
use super::{Effect, Slot, State};
use crate::protocol::{Control, Event, Job, Lesson, LessonRow, ModelRef, OwnWay};

/// Likeliest tokens at each place.
const ALTERNATIVES: usize = 5;
/// Tokens that the model writes on its own at most.
const OWN_TOKENS: usize = 48;

/// A row as a model read it.
#[derive(Clone, Debug)]
pub struct ReadRow {
    /// The row's key ([`Shown::key`]), and what was asked of it.
    pub of: Asked,
    pub lesson: Lesson,
}

/// What a lesson depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The row's key.
    pub key: u64,
    /// The adapter that reads it; `None` = the base.
    pub adapter: Option<PathBuf>,
    /// Index of the first token that the model writes on its own.
    pub from: usize,
    /// Is one step of learning taken?
    pub step: bool,
}

/// The job that is under way.
#[derive(Clone, Debug)]
pub struct LessonFlight {
    pub job: u64,
    of: Asked,
    /// What the worker does, and how far it is (0 to 1).
    pub stage: Option<(String, Option<f32>)>,
}

/// The lesson of the Template room.
#[derive(Clone, Debug, Default)]
pub struct LessonState {
    /// Is it shown?
    pub on: bool,
    /// Does the tuned model read the row, rather than the base?
    pub tuned: bool,
    /// The token that the five steps are about.
    pub token: Option<usize>,
    /// Where the user lets the model go its own way; `None` = at the first learned token.
    pub from: Option<usize>,
    /// Was a step of learning asked for?
    pub step: bool,
    pub flight: Option<LessonFlight>,
    /// The last row that was read.
    pub read: Option<Arc<ReadRow>>,
    /// Why the row could not be read, and which one it was.
    pub failure: Option<(Asked, String)>,
}

impl LessonState {
    /// What the model made of a row, where it read that very row.
    pub fn of(&self, shown: &Shown) -> Option<&ReadRow> {
        let read = self.read.as_deref().filter(|_| self.on)?;
        let same = read.of.key == shown.key && read.of.adapter.is_some() == self.tuned;
        (same && read.lesson.tokens.len() == shown.pieces.len()).then_some(read)
    }
}

/// What can be done with a lesson.
#[derive(Clone, Debug)]
pub enum LessonCommand {
    /// Show or hide it.
    Show(bool),
    /// Let the tuned model read, or the base.
    Tuned(bool),
    /// Look at a token.
    Select(Option<usize>),
    /// Leave the model on its own from this token on.
    OwnFrom(usize),
    /// Take one step of learning from the row, on a copy.
    Step,
    /// Ask again after a failure.
    Again,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: LessonCommand) -> Vec<Effect> {
    let lesson = &mut state.lesson;
    match command {
        LessonCommand::Show(true) => lesson.on = true,
        LessonCommand::Show(false) => {
            lesson.on = false;
            return stop(state);
        }
        LessonCommand::Tuned(tuned) => lesson.tuned = tuned,
        LessonCommand::Select(token) => lesson.token = token,
        LessonCommand::OwnFrom(token) => lesson.from = Some(token),
        LessonCommand::Step => lesson.step = true,
        LessonCommand::Again => lesson.failure = None,
    }
    follow(state)
}

/// Asks for the shown row where that is wanted and not known: after every change of the row, one job at a time.
pub fn follow(state: &mut State) -> Vec<Effect> {
    let Some(shown) = state.preview.shown.clone().filter(|_| state.lesson.on) else {
        return Vec::new();
    };
    // Another row begins at its own first answer, without a step.
    if state.lesson.read.as_ref().is_some_and(|r| r.of.key != shown.key) && state.lesson.flight.is_none() {
        (state.lesson.from, state.lesson.step, state.lesson.token) = (None, false, None);
        state.lesson.read = None;
    }
    let Some(asked) = wanted(state, &shown) else {
        return Vec::new();
    };
    let lesson = &state.lesson;
    let known = lesson.read.as_ref().is_some_and(|r| r.of == asked);
    let failed = lesson.failure.as_ref().is_some_and(|(of, _)| *of == asked);
    if known || failed || lesson.flight.is_some() {
        return Vec::new();
    }
    let Some(job) = job(state, &shown, &asked) else {
        return Vec::new();
    };
    let id = state.next_job();
    state.lesson.flight = Some(LessonFlight {
        job: id,
        of: asked,
        stage: None,
    });
    vec![Effect::Job {
        slot: Slot::Chat,
        id,
        job,
    }]
}

/// What should be known of a row; `None` where it has no tokens.
fn wanted(state: &State, shown: &Shown) -> Option<Asked> {
    let first = shown.pieces.iter().position(|p| p.supervised);
    let from = state.lesson.from.or(first).unwrap_or(shown.pieces.len());
    (!shown.pieces.is_empty()).then_some(Asked {
        key: shown.key,
        adapter: state.chats.adapter.clone().filter(|_| state.lesson.tuned),
        from: from.min(shown.pieces.len()),
        step: state.lesson.step,
    })
}

fn job(state: &State, shown: &Shown, asked: &Asked) -> Option<Job> {
    Some(Job::Lesson {
        model: ModelRef {
            model: state.model.selected.clone()?,
            adapter: asked.adapter.clone(),
            template: None,
            device: state.device(),
        },
        row: LessonRow {
            ids: shown.pieces.iter().map(|p| p.id).collect(),
            mask: shown.pieces.iter().map(|p| p.supervised).collect(),
        },
        own: OwnWay {
            from: asked.from,
            tokens: OWN_TOKENS,
            stop_ids: stop_ids(state),
        },
        alternatives: ALTERNATIVES,
        step: asked.step.then(|| Box::new(state.recipe.recipe.clone())),
    })
}

/// The ids that end an answer under the template.
fn stop_ids(state: &State) -> Vec<u32> {
    let Some(tokenizer) = &state.preview.tokenizer else {
        return Vec::new();
    };
    let mut ids = tokenizer.eos_ids().to_vec();
    let end = state
        .preview
        .editor
        .template()
        .and_then(|t| t.end_of_turn(&tokenizer.vars()));
    ids.extend(
        end.and_then(|text| tokenizer.id_of(&text))
            .filter(|id| !ids.contains(id)),
    );
    ids
}

/// Is this the lesson's job?
pub fn is_mine(state: &State, id: u64) -> bool {
    state.lesson.flight.as_ref().is_some_and(|f| f.job == id)
}

/// An event of the lesson's job.
pub fn on_event(state: &mut State, event: Event) -> Vec<Effect> {
    let Some(flight) = &mut state.lesson.flight else {
        return Vec::new();
    };
    match event {
        Event::Stage { stage, done, total } => {
            let part = (total > 0).then(|| done as f32 / total as f32);
            flight.stage = Some((stage, part));
            Vec::new()
        }
        Event::Lesson { lesson } => {
            let of = flight.of.clone();
            state.lesson.read = Some(Arc::new(ReadRow { of, lesson }));
            Vec::new()
        }
        Event::Failed { message } => on_gone(state, message),
        Event::Done => {
            state.lesson.flight = None;
            follow(state)
        }
        _ => Vec::new(),
    }
}

/// The worker ended, or could not do the job.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    if let Some(flight) = state.lesson.flight.take() {
        state.lesson.failure = Some((flight.of, message));
    }
    follow(state)
}

/// Stops the job that is under way, unless the worker may be at an answer of the chat.
fn stop(state: &State) -> Vec<Effect> {
    let busy = state.lesson.flight.is_some() && state.chats.flight.is_none();
    let stop = Effect::Control {
        slot: Slot::Chat,
        control: Control::Stop,
    };
    busy.then_some(stop).into_iter().collect()
}
