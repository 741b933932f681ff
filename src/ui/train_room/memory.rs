//! The memory promise: what a run needs, part by part, against what the device has, and what would fit.

use egui::text::{LayoutJob, TextFormat};
use egui::{DragValue, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::super::{Ctx, kit};
use crate::session::words::{bytes, parameters};
use crate::session::{Command, Plan, TrainCommand};

/// Height of the bar.
const HEIGHT: f32 = 14.0;
/// Bytes of a gigabyte, as devices are sold.
const GIGA: f64 = 1e9;

/// Draws the bar with its legend, the sentence under it, and what fits.
pub fn memory_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    kit::caption(ui, ctx.theme, "Memory");
    bar(ctx, ui, plan);
    legend(ctx, ui, plan);
    ui.add_space(4.0);
    sentence(ctx, ui, plan);
    if plan.budget.is_none() {
        enter(ctx, ui);
    }
    ways(ctx, ui, plan);
}

fn parts(ctx: &Ctx<'_>, plan: &Plan) -> [(&'static str, u64, egui::Color32); 6] {
    let series = ctx.theme.series();
    let m = &plan.memory;
    [
        ("Base", m.base, series.train.0),
        ("Adapter", m.adapter, series.norm.0),
        ("Gradients", m.gradients, series.eval.0),
        ("Optimizer", m.moments, series.rate.0),
        ("Activations", m.activations, series.speed.0),
        ("Workspace", m.workspace, ctx.theme.muted()),
    ]
}

/// The parts in the share that they take of the device; a line where the device ends, if they go beyond it.
fn bar(ctx: &Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    let total = plan.memory.total().max(1);
    let whole = plan.budget.unwrap_or(total).max(total) as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, 3, ctx.theme.line().gamma_multiply(0.5));
    let mut left = rect.left();
    for (_, size, colour) in parts(ctx, plan) {
        let width = rect.width() * size as f32 / whole;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2((width - 1.0).max(0.0), HEIGHT));
        ui.painter().rect_filled(part, 2, colour);
        left += width;
    }
    if let Some(budget) = plan.budget.filter(|budget| *budget < total) {
        let x = rect.left() + rect.width() * budget as f32 / whole;
        let line = [pos2(x, rect.top() - 3.0), pos2(x, rect.bottom() + 3.0)];
        ui.painter().line_segment(line, Stroke::new(2.0, ctx.theme.error()));
    }
    let words = match plan.budget {
        Some(budget) => format!("{} of {}", bytes(total), bytes(budget)),
        None => bytes(total),
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, format!("Memory: {words}")));
    response.on_hover_text(words);
}

fn legend(ctx: &Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    ui.horizontal_wrapped(|ui| {
        for (name, size, colour) in parts(ctx, plan).into_iter().filter(|(_, size, _)| *size > 0) {
            let mut entry = LayoutJob::default();
            let small = egui::TextStyle::Small.resolve(ui.style());
            entry.append("■", 0.0, TextFormat::simple(small.clone(), colour));
            let text = format!("{name} {}", bytes(size));
            entry.append(&text, 5.0, TextFormat::simple(small, ctx.theme.muted()));
            // An entry that does not fit goes to the next line as a whole.
            ui.add(egui::Label::new(entry).extend());
            ui.add_space(4.0);
        }
    });
}

fn sentence(ctx: &Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    let total = plan.memory.total();
    let device = ctx
        .state
        .chosen_device()
        .map_or("The device", |device| device.label.as_str());
    let fits = match plan.budget {
        Some(budget) if total > budget => {
            let more = format!("{device} has {}: {} too little.", bytes(budget), bytes(total - budget));
            ui.colored_label(ctx.theme.error(), more);
            None
        }
        Some(budget) => Some(format!("{} of the {} that {device} has.", bytes(total), bytes(budget))),
        None => Some(format!("{device} does not tell how much memory it has.")),
    };
    let count = ctx.state.model.card().map_or(0, |card| card.parameters);
    let classic = format!(
        "Full fine-tuning by the rule of thumb: 16 bytes x {} = {}.",
        parameters(count),
        bytes(plan.classic)
    );
    let words = fits.into_iter().chain([classic]).collect::<Vec<_>>().join(" ");
    ui.label(kit::muted(ctx.theme, words).small());
}

/// The user knows what the driver does not tell.
fn enter(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if ctx.state.chosen_device().is_none() {
        return;
    }
    let mut gigabytes = 0.0;
    let tip = "Memory of the card in gigabytes, as its box says. It is kept for this device.";
    let drag = DragValue::new(&mut gigabytes)
        .range(0.0..=4096.0)
        .speed(0.1)
        .suffix(" GB");
    if kit::number(ui, ctx.theme, "Memory of the device", tip, drag) {
        let bytes = (gigabytes * GIGA) as u64;
        ctx.send(Command::Train(TrainCommand::DeviceMemory(bytes)));
    }
}

fn ways(ctx: &mut Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    if plan.ways.is_empty() {
        return;
    }
    ui.add_space(8.0);
    kit::caption(ui, ctx.theme, "What fits");
    for way in &plan.ways {
        ui.horizontal_wrapped(|ui| {
            let label = format!("{} ({})", way.label, bytes(way.memory.total()));
            if kit::button(ui, "", &label).clicked() {
                ctx.send(Command::Train(TrainCommand::Set(way.settings.clone())));
            }
        });
    }
}
