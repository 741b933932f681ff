//! The recipe as a form in groups. Every field says what it does and what is usual.

use egui::{DragValue, TextEdit, Ui};

use super::super::{Ctx, Theme, icons, kit};
use super::{advanced, rate};
use crate::recipe::{MethodKind, Precision, Recipe, target_names};
use crate::session::words::{parameters, small};
use crate::session::{Command, Method, State, TrainCommand};

/// Draws the form; a change sends the whole recipe.
pub fn form_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    let mut recipe = ctx.state.recipe.recipe.clone();
    let locked = ctx.state.run.is_active();
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.label(kit::strong("Recipe").size(15.0));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !locked && kit::icon_button(ui, icons::ARROW_CLOCKWISE, "Reset to defaults").clicked() {
                ctx.send(Command::Train(TrainCommand::Defaults));
            }
        });
    });
    if locked {
        ui.label(kit::muted(theme, "Changes count for the next run.").small());
    }
    ui.add_space(6.0);
    name(ctx, ui);
    kit::group(ui, theme, "Method", |ui| changed |= method(ctx, ui, &mut recipe));
    kit::group(ui, theme, "Learning", |ui| changed |= learning(ctx, ui, &mut recipe));
    kit::group(ui, theme, "Batch", |ui| changed |= batch(theme, ui, &mut recipe));
    kit::group(ui, theme, "Held-out rows", |ui| {
        changed |= held_out(theme, ui, &mut recipe, ctx.state)
    });
    let (icon, label) = if ctx.state.recipe.advanced {
        (icons::CARET_DOWN, "Fewer settings")
    } else {
        (icons::CARET_RIGHT, "More settings")
    };
    if kit::quiet(ui, icon, label).clicked() {
        ctx.send(Command::Train(TrainCommand::ToggleAdvanced));
    }
    if ctx.state.recipe.advanced {
        ui.add_space(8.0);
        changed |= advanced::advanced_ui(ctx, ui, &mut recipe, &layers(ctx.state));
        kit::group(ui, theme, "Precision", |ui| {
            changed |= precision(theme, ui, &mut recipe, ctx.state)
        });
    }
    if changed {
        ctx.send(Command::Train(TrainCommand::Recipe(Box::new(recipe))));
    }
}

fn name(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let mut name = ctx.state.recipe.name.clone();
    let hint = ctx.state.recipe.default_name();
    kit::row(ui, ctx.theme, "Name", "What the run and its result are called", |ui| {
        let field = TextEdit::singleline(&mut name)
            .id_salt("run name")
            .hint_text(hint)
            .desired_width(150.0);
        let response = ui.add(field);
        response.widget_info(|| egui::WidgetInfo::text_edit(true, &name, &name, "Run name"));
        if response.changed() {
            ctx.send(Command::Train(TrainCommand::Name(name.clone())));
        }
    });
    ui.add_space(12.0);
}

fn method(ctx: &mut Ctx<'_>, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let theme = ctx.theme;
    let current = Method::of(recipe);
    let names: Vec<(Method, &str)> = Method::ALL.iter().map(|m| (*m, m.card().name)).collect();
    let tip = "What training changes. \"Compare methods\" tells what each one costs.";
    let mut changed = false;
    if let Some(chosen) = kit::choice(ui, theme, "Method", tip, current, &names) {
        chosen.put_into(recipe);
        changed = true;
    }
    let card = Method::of(recipe).card();
    ui.label(kit::muted(theme, format!("{} {}", card.changes, card.costs)).small());
    let label = if ctx.state.recipe.choosing {
        "Hide the methods"
    } else {
        "Compare methods"
    };
    if kit::link(ui, theme, label).clicked() {
        ctx.send(Command::Train(TrainCommand::ToggleMethods));
    }
    changed |= sizes(theme, ui, recipe);
    if let Some(trained) = trainable(ctx.state) {
        ui.add_space(2.0);
        ui.label(kit::muted(theme, trained).small());
    }
    changed
}

/// How large the trained part is.
fn sizes(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let method = &mut recipe.method;
    let mut changed = false;
    match method.kind {
        MethodKind::Lora => {
            let tip = "How much the addition can hold. Usual: 8 to 64. More learns more and costs memory.";
            let drag = DragValue::new(&mut method.r).range(1..=512).speed(0.2);
            changed |= kit::number(ui, theme, "Rank (r)", tip, drag);
            let tip = "Strength of the addition: it is scaled by alpha / r. Usual: once or twice the rank.";
            let drag = DragValue::new(&mut method.alpha)
                .range(0.5..=1024.0)
                .speed(0.5)
                .custom_formatter(|v, _| small(v));
            changed |= kit::number(ui, theme, "Alpha", tip, drag);
        }
        MethodKind::Bottleneck => {
            let tip = "Inner width of the added layers. Usual: 16 to 128.";
            let drag = DragValue::new(&mut method.width).range(1..=4096).speed(0.5);
            changed |= kit::number(ui, theme, "Width", tip, drag);
        }
        MethodKind::Prefix | MethodKind::Prompt => {
            let tip = "Learned tokens in front of the text; they take as much of the context. Usual: 10 to 100.";
            let drag = DragValue::new(&mut method.virtual_tokens).range(1..=1024).speed(0.2);
            changed |= kit::number(ui, theme, "Learned tokens", tip, drag);
        }
        MethodKind::Full => {}
    }
    changed
}

/// How many parameters learn, in words.
fn trainable(state: &State) -> Option<String> {
    let card = state.model.card()?;
    let plan = state.plan.as_ref()?;
    let share = 100.0 * plan.trainable as f64 / card.parameters.max(1) as f64;
    Some(format!(
        "{} of {} parameters learn ({share:.1} %)",
        parameters(plan.trainable),
        parameters(card.parameters)
    ))
}

/// Names of the linear layers of the chosen model, or of all models while none is chosen.
fn layers(state: &State) -> Vec<&'static str> {
    let config = state.model.card().and_then(|card| card.config.as_ref());
    config.map_or_else(target_names, |config| config.family.linear_names())
}

fn learning(ctx: &mut Ctx<'_>, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let theme = ctx.theme;
    let optim = &mut recipe.optim;
    let tip = "How far each step goes. Usual for LoRA: 1e-4 to 5e-4; for all weights: 1e-5 to 5e-5; for learned tokens: 1e-2. \
               Small models take more. Too high a rate is the fastest way to forget.";
    let speed = (optim.lr * 0.01).max(1e-7);
    let drag = DragValue::new(&mut optim.lr)
        .range(1e-7..=1.0)
        .speed(speed)
        .max_decimals(8)
        .custom_formatter(|value, _| small(value));
    let mut changed = kit::number(ui, theme, "Learning rate", tip, drag);
    rate::button_ui(ctx, ui);
    let tip = "How often every conversation is seen. Usual: 1 to 3. One round learns the manners; more rounds mostly sharpen what \
               is known already, learn rows by heart and forget the rest.";
    let drag = DragValue::new(&mut optim.epochs)
        .range(0.1..=100.0)
        .speed(0.05)
        .max_decimals(2)
        .custom_formatter(|v, _| small(v));
    changed |= kit::number(ui, theme, "Epochs", tip, drag);
    changed
}

fn batch(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe) -> bool {
    let tip = "Conversations that are worked on at once. More is faster and takes memory. Usual: 1 to 16.";
    let mut changed = kit::number(
        ui,
        theme,
        "Batch size",
        tip,
        DragValue::new(&mut recipe.batch.size).range(1..=512).speed(0.1),
    );
    let tip = "Batches that are summed up before a step: a larger batch without its memory. Usual: 1 to 16.";
    let drag = DragValue::new(&mut recipe.batch.accumulation)
        .range(1..=1024)
        .speed(0.1);
    changed |= kit::number(ui, theme, "Accumulation", tip, drag);
    let tip = "Longest row in tokens. Of longer conversations whole oldest turns go first. Usual: 512 to 4096.";
    let drag = DragValue::new(&mut recipe.data.max_length)
        .range(8..=1_000_000)
        .speed(8.0);
    changed |= kit::number(ui, theme, "Maximum length", tip, drag);
    let tip = "Puts several short conversations into one row, without their seeing each other: faster, same result.";
    changed |= kit::switch(ui, theme, "Packing", tip, &mut recipe.data.packing);
    let tip = "Computes activations again in the backward pass instead of keeping them: much less memory, about a third slower, \
               same result.";
    changed |= kit::switch(
        ui,
        theme,
        "Activation checkpointing",
        tip,
        &mut recipe.batch.checkpointing,
    );
    changed
}

/// The types of numbers. Those that the chosen device computes in are offered, and what the recipe has.
fn precision(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe, state: &State) -> bool {
    let half = state.chosen_device().map_or(&[][..], |device| device.half.as_slice());
    let all = [Precision::F32, Precision::Bf16, Precision::F16];
    let offered = all.into_iter().filter(|precision| {
        let known = half.iter().any(|name| name == precision.name());
        known || *precision == Precision::F32 || *precision == recipe.model.compute
    });
    let offered: Vec<(Precision, &str)> = offered.map(|precision| (precision, precision.name())).collect();
    let tip = "The type that products of linear layers are computed in. f16 takes half the memory and time of such products on most GPUs, \
               and scales the loss so that small gradients stay; bf16 has the range of f32. The CPU gets no faster by either. Usual: f32.";
    let mut changed = false;
    if let Some(precision) = kit::choice(ui, theme, "Compute in", tip, recipe.model.compute, &offered) {
        recipe.model.compute = precision;
        changed = true;
    }
    if recipe.method.kind != MethodKind::Full {
        let types = [(Precision::F32, "f32"), (Precision::Bf16, "bf16")];
        let tip = "The type that the adapter is used and stored in; the optimizer keeps f32. bf16 halves the file. Usual: f32.";
        let now = recipe.method.adapter_dtype;
        if let Some(precision) = kit::choice(ui, theme, "Adapter in", tip, now, &types) {
            recipe.method.adapter_dtype = precision;
            changed = true;
        }
    }
    changed
}

fn held_out(theme: &Theme, ui: &mut Ui, recipe: &mut Recipe, state: &State) -> bool {
    let mut on = recipe.data.split > 0.0;
    let tip = "Keeps some conversations aside; their loss tells whether the model understands or only memorises.";
    let mut changed = kit::switch(ui, theme, "Hold rows out", tip, &mut on);
    if changed {
        recipe.data.split = if on { 5.0 } else { 0.0 };
    }
    if on {
        let tip = "Share of the conversations, at least 1 and at most 500; same prompts stay together. Usual: 5 %.";
        let drag = DragValue::new(&mut recipe.data.split)
            .range(0.5..=50.0)
            .speed(0.1)
            .max_decimals(1)
            .custom_formatter(|v, _| small(v))
            .suffix(" %");
        changed |= kit::number(ui, theme, "Share", tip, drag);
        let counts = state.data.counts;
        if counts.eval > 0 {
            let words = format!("{} of {} conversations", counts.eval, counts.eval + counts.train);
            ui.label(kit::muted(theme, words).small());
        }
    }
    changed
}
