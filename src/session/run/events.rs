//! Events of a training job into the run's state.

use super::{LogLine, RunPhase, RunResult, RunStart, RunState, Sample};
use crate::protocol::Event;
use crate::session::problems::Way;
use crate::session::{Command, Effect, Room, State, TrainCommand, chats, queue, words};

/// Takes in an event of the training worker; events of another job are ignored.
pub fn on_event(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    // Id 0 greets before any job.
    if id != state.run.job && id != 0 {
        return Vec::new();
    }
    let ended = matches!(event, Event::TrainEnd { .. });
    let failure = match &event {
        Event::Failed { message } => Some(message.clone()),
        _ => None,
    };
    take(&mut state.run, event);
    match (ended, failure) {
        (true, _) => finished(state),
        (_, Some(message)) => {
            broken(state, message);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The training worker ended by itself.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    if state.run.is_active() {
        broken(state, message);
    }
    queue::turn(state)
}

fn broken(state: &mut State, message: String) {
    let run = &mut state.run;
    let (text, mut ways) = match &run.checkpoint {
        Some((step, _)) => (
            format!(
                "Training {} stopped: {message} The checkpoint of step {step} is safe.",
                run.name
            ),
            vec![Way::new(
                format!("Resume from step {step}"),
                Command::Train(TrainCommand::ResumeFrom),
            )],
        ),
        None => (
            format!("Training {} stopped before its first checkpoint: {message}", run.name),
            vec![Way::new("Start again", Command::Train(TrainCommand::Start))],
        ),
    };
    ways.push(Way::new("Show", Command::Go(Room::Train)));
    run.phase = RunPhase::Broken(message);
    state.recipe.journey = false;
    state.problems.report(text, ways);
    if state.nav.room == Room::Train {
        // The room says it, with the same way out.
        state.problems.see_newest();
    }
}

fn finished(state: &mut State) -> Vec<Effect> {
    let Some(result) = state.run.result.clone() else {
        return Vec::new();
    };
    if !state.run.curves.steps.is_empty() {
        state.settings.pace = Some(state.run.curves.tokens_per_second());
    }
    let verb = if result.stopped { "Stopped and kept" } else { "Finished" };
    state
        .problems
        .toast(format!("{verb} {} at step {}.", state.run.name, result.step));
    if std::mem::take(&mut state.recipe.journey) {
        let mut effects = chats::open_adapter(state, result.path, state.run.base());
        effects.push(Effect::Save);
        return effects;
    }
    vec![Effect::Save]
}

pub(super) fn take(run: &mut RunState, event: Event) {
    match event {
        Event::Stage { stage, done, total } => {
            if run.stage.as_ref().is_none_or(|(name, ..)| *name != stage) {
                log(run, None, stage.clone(), false);
            }
            run.stage = Some((stage, done, total));
        }
        start @ Event::TrainStart { .. } => take_start(run, start),
        step @ Event::Step { .. } => {
            if run.phase == RunPhase::Preparing {
                run.phase = RunPhase::Training;
            }
            run.curves.take(&step);
        }
        ref eval @ Event::Eval { step, loss, rows, .. } => {
            run.curves.take(eval);
            log(
                run,
                Some(step),
                format!("Held-out loss {loss:.4} over {rows} rows"),
                false,
            );
        }
        Event::Sample { step, prompt, text } => {
            add_sample(run, Sample { step, prompt, text });
        }
        Event::Checkpoint { step, path } => {
            log(run, Some(step), "Checkpoint written".into(), false);
            run.checkpoint = Some((step, path));
        }
        Event::Best { step, loss, .. } => {
            log(
                run,
                Some(step),
                format!("The best held-out loss so far: {loss:.4}"),
                false,
            );
        }
        ref skipped @ Event::Skipped {
            step,
            ref reason,
            ref rows,
        } => {
            run.curves.take(skipped);
            let files = run.recipe.as_ref().map_or(&[][..], |r| &r.data.files);
            let rows = words::row_names(files, rows);
            log(run, Some(step), format!("Step skipped. {reason} Rows: {rows}"), true);
        }
        Event::Warning { message } => log(run, Some(run.step()), message, true),
        Event::Paused { step } => {
            run.phase = RunPhase::Paused;
            log(run, Some(step), "Paused".into(), false);
        }
        Event::Suspended { step } => {
            run.phase = RunPhase::Suspended;
            log(run, Some(step), "Paused, and its memory freed".into(), false);
        }
        Event::Resumed { step } => {
            run.phase = RunPhase::Training;
            log(run, Some(step), "Going on".into(), false);
        }
        end @ Event::TrainEnd { .. } => take_end(run, end),
        Event::Failed { message } => log(run, Some(run.step()), message, true),
        _ => {}
    }
}

/// A run that went on from a checkpoint answers again: what followed the checkpoint goes.
fn add_sample(run: &mut RunState, sample: Sample) {
    let samples = &mut run.samples;
    if samples.last().is_some_and(|last| last.step > sample.step) {
        samples.retain(|s| s.step < sample.step);
    }
    let newest = samples.iter_mut().rev().take_while(|s| s.step == sample.step);
    match newest.into_iter().find(|s| s.prompt == sample.prompt) {
        Some(again) => *again = sample,
        None => samples.push(sample),
    }
}

fn take_start(run: &mut RunState, event: Event) {
    let Event::TrainStart {
        run: name,
        device,
        steps,
        epochs,
        train_rows,
        eval_rows,
        skipped_rows,
        trainable,
        total_params,
        template,
        start_step,
    } = event
    else {
        return;
    };
    if run.name.is_empty() {
        run.name = chats::run_name(std::path::Path::new(&name));
    }
    run.phase = RunPhase::Training;
    run.stage = None;
    // A run that goes on from a checkpoint does the steps after it again.
    run.curves.cut_after(start_step);
    run.samples.retain(|sample| sample.step <= start_step && start_step > 0);
    let what = if start_step > 0 {
        format!("Going on from step {start_step}")
    } else {
        "Training began".into()
    };
    log(run, Some(start_step), format!("{what} on {device}"), false);
    run.start = Some(RunStart {
        device,
        steps,
        epochs,
        train_rows,
        eval_rows,
        skipped_rows,
        trainable,
        total_params,
        template,
    });
}

fn take_end(run: &mut RunState, event: Event) {
    let Event::TrainEnd {
        step,
        path,
        stopped,
        seconds,
        peak_memory,
    } = event
    else {
        return;
    };
    run.phase = RunPhase::Finished;
    let what = if stopped { "Stopped by you" } else { "Finished" };
    log(
        run,
        Some(step),
        format!("{what}; the result is in {}", path.display()),
        false,
    );
    run.result = Some(RunResult {
        path,
        step,
        stopped,
        seconds,
        peak_memory,
    });
}

fn log(run: &mut RunState, step: Option<usize>, text: String, warning: bool) {
    run.log.push(LogLine { step, text, warning });
}
