//! The Train room: the recipe on the left; on the right what will happen, or what happens.
mod advanced;
mod asking;
mod charts;
mod forecast;
mod form;
mod log;
mod memory;
mod methods;
mod portrait;
mod progress;
mod queue;
mod rate;
mod rate_chart;
mod readout;
mod step;
mod timeline;

use egui::{ScrollArea, Ui};
pub use portrait::{rates_portrait, run_portrait};

use super::{Ctx, icons, kit};
use crate::session::words::{count, duration};
use crate::session::{Command, RunPhase, TrainCommand, missing};

/// Draws the room.
pub fn train_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let place = (kit::Side::Left, 304.0, 260.0..=420.0);
    kit::side_panel(ctx, ui, "recipe", place, |ctx, ui| {
        let area = ScrollArea::vertical().id_salt("recipe").auto_shrink(false);
        area.show(ui, |ui| form::form_ui(ctx, ui));
    });
    // A search for a rate is about the next run, not about the one that is over.
    let run = &ctx.state.run;
    let coming = run.phase == RunPhase::None || (ctx.state.rate.open && !run.is_active());
    kit::room(ctx, ui, footer, |ctx, ui| match coming {
        true => before(ctx, ui),
        false => {
            asking::asking_ui(ctx, ui);
            queue::queue_ui(ctx, ui);
            progress::progress_ui(ctx, ui);
        }
    });
}

/// What is asked before a run, and what will happen.
fn before(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let area = ScrollArea::vertical().id_salt("before a run").auto_shrink(false);
    area.show(ui, |ui| {
        asking::asking_ui(ctx, ui);
        rate::rate_ui(ctx, ui);
        queue::queue_ui(ctx, ui);
        match ctx.state.recipe.choosing {
            true => methods::methods_ui(ctx, ui),
            false => forecast::forecast_ui(ctx, ui),
        }
    });
}

fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let run = &ctx.state.run;
    match &run.phase {
        RunPhase::None => start(ctx, ui),
        RunPhase::Preparing | RunPhase::Training | RunPhase::Paused | RunPhase::Stopping => running(ctx, ui),
        RunPhase::Suspended => suspended(ctx, ui),
        RunPhase::Finished => finished(ctx, ui),
        RunPhase::Broken(_) => broken(ctx, ui),
    }
}

fn start(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let missing = missing(ctx.state);
    let auditing = ctx
        .state
        .audit
        .flight
        .as_ref()
        .map(|_| "The data is looked through first.");
    let blocked = missing.as_ref().map(|(why, _)| why.as_str()).or(auditing);
    let rows = ctx.state.data.counts.train;
    let label = if rows > 0 {
        format!("Train on {}", count(rows, "conversation"))
    } else {
        "Train".into()
    };
    let response = kit::primary(ui, ctx.theme, &label, blocked);
    if response.on_hover_text("Ctrl+Enter").clicked() {
        ctx.send(Command::Train(TrainCommand::Start));
    }
    if let Some((why, command)) = missing
        && kit::link(ui, ctx.theme, &why).clicked()
    {
        ctx.send(command);
    }
}

fn running(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let run = &ctx.state.run;
    if run.phase == RunPhase::Stopping {
        ui.label(kit::muted(ctx.theme, "The step ends, then the result is written."));
        return;
    }
    if run.phase == RunPhase::Paused {
        if kit::primary(ui, ctx.theme, "Resume training", None).clicked() {
            ctx.send(Command::Train(TrainCommand::Resume));
        }
    } else if kit::button(ui, icons::PAUSE, "Pause training")
        .on_hover_text("Holds after this step and keeps everything in memory, to go on at once")
        .clicked()
    {
        ctx.send(Command::Train(TrainCommand::Pause));
    }
    let tip =
        "Writes a checkpoint and ends the worker, so that all memory is free; resuming goes on exactly from there";
    if kit::button(ui, icons::MOON, "Pause and free memory")
        .on_hover_text(tip)
        .clicked()
    {
        ctx.send(Command::Train(TrainCommand::Suspend));
    }
    if kit::button(ui, icons::FLOPPY, "Save a checkpoint now")
        .on_hover_text("Training goes on afterwards")
        .clicked()
    {
        ctx.send(Command::Train(TrainCommand::SaveNow));
    }
    if kit::button(ui, icons::STOP, "Stop training")
        .on_hover_text("Ends after this step; the result is kept")
        .clicked()
    {
        ctx.send(Command::Train(TrainCommand::Stop));
    }
    if let Some(left) = run.seconds_left() {
        ui.label(kit::muted(ctx.theme, format!("{} left", duration(left))));
    }
}

fn suspended(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if kit::primary(ui, ctx.theme, "Resume training", None).clicked() {
        ctx.send(Command::Train(TrainCommand::ResumeFrom));
    }
    if kit::button(ui, "", "Set up another run").clicked() {
        ctx.send(Command::Train(TrainCommand::NewRun));
    }
}

fn finished(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let label = format!("Chat with {}", ctx.state.run.name);
    if kit::primary(ui, ctx.theme, &label, None).clicked() {
        ctx.send(Command::Train(TrainCommand::ChatWithResult));
    }
    if kit::button(ui, "", "Set up another run").clicked() {
        ctx.send(Command::Train(TrainCommand::NewRun));
    }
}

fn broken(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let checkpoint = ctx.state.run.checkpoint.as_ref().map(|(step, _)| *step);
    let (label, command) = match checkpoint {
        Some(step) => (format!("Resume from step {step}"), TrainCommand::ResumeFrom),
        None => ("Start again".into(), TrainCommand::Start),
    };
    if kit::primary(ui, ctx.theme, &label, None).clicked() {
        ctx.send(Command::Train(command));
    }
    if kit::button(ui, "", "Set up another run").clicked() {
        ctx.send(Command::Train(TrainCommand::NewRun));
    }
}
