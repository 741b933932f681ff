//! The settings that most runs leave alone.

use std::path::PathBuf;

use egui::{DragValue, Ui};

use super::super::{Ctx, Theme, icons, kit};
use crate::recipe::{ALL_LINEAR, MethodKind, OptimizerKind, Recipe, RowOrder, Schedule};
use crate::session::words::{file_names, small};
use crate::session::{Command, TrainCommand};

/// Draws the folded settings; true when one changed. `layers` are the names of the model's linear layers.
pub fn advanced_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, recipe: &mut Recipe, layers: &[&str]) -> bool {
    let theme = ctx.theme;
    let mut changed = false;
    if recipe.method.kind == MethodKind::Lora {
        kit::group(ui, theme, "Adapter", |ui| changed |= adapter(theme, ui, recipe, layers));
    }
    kit::group(ui, theme, "Optimizer", |ui| changed |= optimizer(theme, ui, recipe));
    kit::group(ui, theme, "Against forgetting", |ui| {
        changed |= forgetting(ctx, ui, recipe)
    });
    kit::group(ui, theme, "Evaluation and checkpoints", |ui| {
        changed |= rhythm(theme, ui, recipe)
    });
    changed
}

fn adapter(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe, layers: &[&str]) -> bool {
    let method = &mut recipe.method;
    let tip = "Share of the adapter's inputs that is dropped at random in training. Usual: 0 to 0.1.";
    let drag = DragValue::new(&mut method.dropout)
        .range(0.0..=0.9)
        .speed(0.005)
        .max_decimals(3)
        .custom_formatter(|v, _| small(v));
    let mut changed = kit::number(ui, theme, "Dropout", tip, drag);
    let tip = "Scales by alpha / sqrt(r) instead of alpha / r, for high ranks. Usual: off.";
    changed |= kit::switch(ui, theme, "Rank-stabilised", tip, &mut method.rslora);
    ui.label(kit::muted(theme, "Layers"))
        .on_hover_text("Linear layers that get an adapter. Usual: all.");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for layer in layers {
            let on = method.targets.iter().any(|t| t == layer || t == ALL_LINEAR);
            if ui.selectable_label(on, *layer).clicked() {
                changed = true;
                switch_target(&mut method.targets, layer, layers);
            }
        }
    });
    changed
}

/// Adds a layer to the targets or takes it away; all of them are written as one word.
fn switch_target(targets: &mut Vec<String>, layer: &str, layers: &[&str]) {
    if targets.iter().any(|t| t == ALL_LINEAR) {
        *targets = layers.iter().map(|l| (*l).to_string()).collect();
    }
    match targets.iter().position(|t| t == layer) {
        Some(at) => {
            targets.remove(at);
        }
        None => targets.push(layer.into()),
    }
    if layers.iter().all(|l| targets.iter().any(|t| t == l)) {
        *targets = vec![ALL_LINEAR.into()];
    }
}

fn optimizer(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let optim = &mut recipe.optim;
    let mut changed = false;
    let kinds = [
        (OptimizerKind::AdamW, "AdamW"),
        (OptimizerKind::AdamW8bit, "AdamW, 8 bits"),
        (OptimizerKind::Adafactor, "Adafactor"),
        (OptimizerKind::Lion, "Lion"),
        (OptimizerKind::Sgd, "SGD"),
    ];
    let tip = "What turns gradients into steps. AdamW suits nearly everything; in 8 bits it needs a quarter of \
               the memory for what it remembers, Adafactor next to none; Lion wants a tenth of the learning rate, SGD far \
               more. Usual: AdamW.";
    if let Some(kind) = kit::choice(ui, theme, "Optimizer", tip, optim.name, &kinds) {
        optim.name = kind;
        // Each kind's own usual memory of squares, or for Lion of the mean.
        optim.beta2 = if kind == OptimizerKind::Lion { 0.99 } else { 0.999 };
        changed = true;
    }
    let schedules = [
        (Schedule::Cosine, "Cosine"),
        (Schedule::Linear, "Linear"),
        (Schedule::Constant, "Constant"),
        (Schedule::InverseSqrt, "Inverse root"),
        (Schedule::Wsd, "Warm-up, stable, decay"),
    ];
    let tip = "How the learning rate falls to the end. Usual: cosine.";
    if let Some(schedule) = kit::choice(ui, theme, "Schedule", tip, optim.schedule, &schedules) {
        optim.schedule = schedule;
        changed = true;
    }
    let tip = "The rate rises slowly at first: a share of all steps below 1, a number of steps from 1 on. Usual: 0.03.";
    let drag = DragValue::new(&mut optim.warmup)
        .range(0.0..=100_000.0)
        .speed(0.01)
        .max_decimals(3)
        .custom_formatter(|v, _| small(v));
    changed |= kit::number(ui, theme, "Warm-up", tip, drag);
    if optim.schedule == Schedule::Wsd {
        let tip = "How long the rate falls at the end: a share of all steps below 1, a number of steps from 1 on. Usual: 0.1 to 0.2.";
        let drag = DragValue::new(&mut optim.decay)
            .range(0.001..=100_000.0)
            .speed(0.01)
            .max_decimals(3)
            .custom_formatter(|v, _| small(v));
        changed |= kit::number(ui, theme, "Decay", tip, drag);
    }
    let tip = "Pulls weights towards zero. Usual: 0 to 0.1.";
    let drag = DragValue::new(&mut optim.weight_decay)
        .range(0.0..=1.0)
        .speed(0.001)
        .max_decimals(4)
        .custom_formatter(|v, _| small(v));
    changed |= kit::number(ui, theme, "Weight decay", tip, drag);
    let tip = "Longest gradient of a step; longer ones are scaled down. 0 turns it off. Usual: 1.";
    let drag = DragValue::new(&mut optim.clip)
        .range(0.0..=100.0)
        .speed(0.05)
        .max_decimals(2)
        .custom_formatter(|v, _| small(v));
    changed |= kit::number(ui, theme, "Gradient clipping", tip, drag);
    let tip = "Ends after so many steps whatever the epochs say; 0 goes by epochs.";
    changed |= kit::number(
        ui,
        theme,
        "Most steps",
        tip,
        DragValue::new(&mut optim.max_steps).speed(1.0),
    );
    let tip = "Decides order and random starts; the same seed repeats the run.";
    changed |= kit::number(ui, theme, "Seed", tip, DragValue::new(&mut recipe.data.seed).speed(0.2));
    changed
}

/// What keeps the model close to what it knew.
fn forgetting(ctx: &mut Ctx<'_>, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let theme = ctx.theme;
    let mut changed = false;
    if recipe.method.kind != MethodKind::Full {
        let tip = "Adds the distance from the base's predictions to the loss: the higher, the closer the model stays. Costs a second \
                   forward pass. Usual: 0, or 0.05 to 0.5.";
        let drag = DragValue::new(&mut recipe.optim.kl)
            .range(0.0..=100.0)
            .speed(0.01)
            .max_decimals(3)
            .custom_formatter(|v, _| small(v));
        changed |= kit::number(ui, theme, "KL penalty", tip, drag);
    }
    let tip = "Noise on the embeddings in training (NEFTune): answers get less parroted. Usual: 0, or 5.";
    let drag = DragValue::new(&mut recipe.optim.neftune)
        .range(0.0..=100.0)
        .speed(0.1)
        .max_decimals(1)
        .custom_formatter(|v, _| small(v));
    changed |= kit::number(ui, theme, "Embedding noise", tip, drag);
    changed |= replay(ctx, ui, &mut recipe.data.replay);
    if !recipe.data.replay.is_empty() {
        let tip = "Share of the training rows that come from the general examples. Usual: 5 to 20 %.";
        let drag = DragValue::new(&mut recipe.data.replay_share)
            .range(0.0..=90.0)
            .speed(0.2)
            .suffix(" %");
        changed |= kit::number(ui, theme, "Replay share", tip, drag);
    }
    let tip = "Stops after so many evaluations without a better held-out loss, and gives the best weights; 0 never stops early. \
               Usual: 0, or 3.";
    let drag = DragValue::new(&mut recipe.eval.patience).range(0..=1000).speed(0.1);
    changed |= kit::number(ui, theme, "Patience", tip, drag);
    let orders = [(RowOrder::Shuffled, "Shuffled"), (RowOrder::Length, "By length")];
    let tip = "Rows of like length in a batch waste less on padding; the batches stay shuffled. Usual: shuffled.";
    if let Some(order) = kit::choice(ui, theme, "Order of rows", tip, recipe.batch.order, &orders) {
        recipe.batch.order = order;
        changed = true;
    }
    changed
}

/// The files of general examples; true when one was taken out.
fn replay(ctx: &mut Ctx<'_>, ui: &mut Ui, files: &mut Vec<PathBuf>) -> bool {
    let tip = "Files of general examples that are mixed in, so that the model keeps its other manners. Usual: none, or a few hundred rows.";
    kit::row(ui, ctx.theme, "Replay", tip, |ui| {
        if kit::button(ui, icons::FOLDER, "Choose files...")
            .on_hover_text(tip)
            .clicked()
        {
            ctx.send(Command::Train(TrainCommand::ReplayDialog));
        }
    });
    let before = files.len();
    files.retain(|file| {
        let name = file_names(std::iter::once(file));
        let path = file.display().to_string();
        kit::row(ui, ctx.theme, &name, &path, |ui| {
            !kit::icon_button(ui, icons::X, &format!("Take {name} out")).clicked()
        })
    });
    files.len() != before
}

fn rhythm(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let tip = "Steps between evaluations with sample answers; 0 makes about ten in the run.";
    let mut changed = kit::number(
        ui,
        theme,
        "Evaluate every",
        tip,
        DragValue::new(&mut recipe.eval.every).speed(1.0),
    );
    let tip = "Steps between checkpoints; 0 makes about five in the run.";
    changed |= kit::number(
        ui,
        theme,
        "Save every",
        tip,
        DragValue::new(&mut recipe.save.every).speed(1.0),
    );
    let tip = "Newest checkpoints that are kept. Usual: 3.";
    changed |= kit::number(
        ui,
        theme,
        "Keep",
        tip,
        DragValue::new(&mut recipe.save.keep).range(1..=100).speed(0.1),
    );
    let tip = "Keeps the checkpoint with the lowest held-out loss beside the newest ones. Usual: on.";
    changed |= kit::switch(ui, theme, "Keep the best", tip, &mut recipe.save.best);
    changed
}
