//! The runs that wait, in their order, and the form that puts several in at once.

use egui::{CollapsingHeader, TextEdit, Ui};

use super::super::{Ctx, icons, kit};
use crate::recipe::{MethodKind, Recipe};
use crate::session::words::{count, small};
use crate::session::{Command, QueueCommand, RunPhase, TrainCommand};

/// Draws what waits, and the folded form.
pub fn queue_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.queue.entries.is_empty() {
        kit::card(ui, ctx.theme, |ui| waiting(ctx, ui));
        ui.add_space(8.0);
    }
    CollapsingHeader::new("Queue and sweep")
        .id_salt("queue form")
        .show(ui, |ui| form(ctx, ui));
    ui.add_space(8.0);
}

fn waiting(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let entries = &ctx.state.queue.entries;
    ui.horizontal(|ui| {
        ui.label(kit::strong(format!("{} waiting", count(entries.len(), "run"))));
        if !ctx.state.run.is_active() && kit::quiet(ui, icons::PLAY, "Start the next run").clicked() {
            ctx.send(Command::Queue(QueueCommand::Start));
        }
    });
    let why = match (&ctx.state.run.phase, ctx.state.queue.held) {
        (RunPhase::Suspended, _) => {
            Some("The paused run was to free its memory, so the next one does not start by itself.")
        }
        (_, true) => {
            Some("Training was stopped or paused with runs waiting, so the next one does not start by itself.")
        }
        _ => None,
    };
    if let Some(why) = why {
        ui.label(kit::muted(ctx.theme, why).small());
    }
    for (index, entry) in entries.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.label(format!("{}  {}", index + 1, entry.name));
            ui.label(kit::muted(ctx.theme, in_short(&entry.recipe)).small());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let remove = format!("Remove {} from the queue", entry.name);
                if kit::icon_button(ui, icons::X, &remove).clicked() {
                    ctx.send(Command::Queue(QueueCommand::Remove(index)));
                }
                let earlier = format!("Run {} earlier", entry.name);
                if index > 0 && kit::icon_button(ui, icons::CARET_UP, &earlier).clicked() {
                    ctx.send(Command::Queue(QueueCommand::Earlier(index)));
                }
            });
        });
    }
}

/// What tells one recipe from another at a glance.
fn in_short(recipe: &Recipe) -> String {
    let rank = match recipe.method.kind {
        MethodKind::Lora => format!(", r {}", recipe.method.r),
        _ => String::new(),
    };
    format!(
        "learning rate {}{rank}, epochs {}",
        small(recipe.optim.lr),
        small(recipe.optim.epochs)
    )
}

/// Wider than this, labels and their fields lose each other.
const WIDTH: f32 = 420.0;

fn form(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.set_max_width(WIDTH);
    smooth(ctx, ui);
    let text = "Runs in the queue are trained one after the other by the recipe as it is now, also while the window is closed. Their data \
                is looked through when they are added; a run whose data or template changed since does not begin.";
    ui.label(kit::muted(ctx.theme, text).small());
    if kit::button(ui, icons::PLUS, "Add this recipe to the queue").clicked() {
        ctx.send(Command::Queue(QueueCommand::Add));
    }
    ui.add_space(6.0);
    let text = "A sweep adds a run for every combination of these values; an empty field stays as in the recipe. One look at the data \
                serves all of them, since they share files, template and length.";
    ui.label(kit::muted(ctx.theme, text).small());
    let mut sweep = ctx.state.queue.sweep.clone();
    let mut changed = false;
    let fields = [
        ("Learning rates", "1e-4, 2e-4", &mut sweep.rates),
        ("Ranks", "8, 16", &mut sweep.ranks),
        ("Epochs", "1, 2", &mut sweep.epochs),
    ];
    for (name, hint, value) in fields {
        kit::row(ui, ctx.theme, name, "Values to try, with commas between them", |ui| {
            let field = TextEdit::singleline(value)
                .id_salt(name)
                .hint_text(hint)
                .desired_width(150.0);
            let response = ui.add(field);
            response.widget_info(|| egui::WidgetInfo::text_edit(true, &*value, &*value, name));
            changed |= response.changed();
        });
    }
    if changed {
        ctx.send(Command::Queue(QueueCommand::Sweep(sweep.clone())));
    }
    match sweep.recipes(&ctx.state.recipe.recipe) {
        Ok(runs) if runs.len() > 1 => {
            if kit::button(ui, icons::PLUS, &format!("Add {}", count(runs.len(), "run"))).clicked() {
                ctx.send(Command::Queue(QueueCommand::AddSweep));
            }
        }
        Ok(_) => {}
        Err(message) => {
            ui.colored_label(ctx.theme.error(), message);
        }
    }
}

fn smooth(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let mut smooth = ctx.state.settings.smooth;
    let tip = "Training then runs with less priority and rests for a moment after every micro-batch: slower, but other programs stay quick.";
    if kit::switch(ui, ctx.theme, "Keep my desktop smooth", tip, &mut smooth) {
        ctx.send(Command::Train(TrainCommand::Smooth(smooth)));
    }
}
