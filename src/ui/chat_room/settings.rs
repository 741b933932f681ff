//! System prompt and sampling of a chat. Knows ranges and usual values.

use egui::{DragValue, ScrollArea, TextEdit, Ui};

use super::super::{Ctx, icons, kit};
use crate::protocol::{escape, unescape};
use crate::session::Command;
use crate::session::chats::{ChatCommand, data_system};

/// Draws the panel.
pub fn settings_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(chat) = ctx.state.chats.current() else {
        ui.label(kit::muted(ctx.theme, "Settings belong to a chat: start one."));
        return;
    };
    let (before, mut sampling) = (chat.system.clone(), chat.sampling.clone());
    ScrollArea::vertical().show(ui, |ui| {
        kit::group(ui, ctx.theme, "System prompt", |ui| system_prompt(ctx, ui, &before));
        kit::group(ui, ctx.theme, "How tokens are picked", |ui| {
            let theme = ctx.theme;
            kit::number(
                ui,
                theme,
                "Temperature",
                "0 always picks the likeliest token; 0.7 is usual for variety.",
                DragValue::new(&mut sampling.temperature)
                    .range(0.0..=5.0)
                    .speed(0.01)
                    .max_decimals(2),
            );
            kit::number(
                ui,
                theme,
                "Top-k",
                "Pick among the k likeliest tokens only; 0 = all. Usual: 0 or 40.",
                DragValue::new(&mut sampling.top_k).range(0..=1000).speed(0.5),
            );
            kit::number(
                ui,
                theme,
                "Top-p",
                "Pick among the likeliest tokens that make up this share; 1 = all. Usual: 0.9 to 1.",
                DragValue::new(&mut sampling.top_p)
                    .range(0.01..=1.0)
                    .speed(0.005)
                    .max_decimals(2),
            );
            kit::number(
                ui,
                theme,
                "Min-p",
                "Leave out tokens that are less likely than this share of the likeliest one; 0 = none. Usual: 0 to 0.1.",
                DragValue::new(&mut sampling.min_p)
                    .range(0.0..=1.0)
                    .speed(0.002)
                    .max_decimals(3),
            );
            kit::number(
                ui,
                theme,
                "Repetition penalty",
                "Above 1 makes tokens of the question and the answer less likely to come again; 1 = off. Usual: 1 to 1.2.",
                DragValue::new(&mut sampling.repetition_penalty)
                    .range(0.1..=5.0)
                    .speed(0.005)
                    .max_decimals(2),
            );
            kit::number(
                ui,
                theme,
                "Seed",
                "The same seed gives the same answer. Regenerate uses the next one.",
                DragValue::new(&mut sampling.seed).speed(0.2),
            );
            kit::number(
                ui,
                theme,
                "Maximum tokens",
                "An answer that does not end by itself is cut here. Usual: 256.",
                DragValue::new(&mut sampling.max_tokens).range(1..=8192).speed(2.0),
            );
            if sampling.temperature == 0.0 {
                let words = "At temperature 0 the likeliest token is picked: seed, top-k, top-p and min-p change nothing.";
                ui.label(kit::muted(theme, words));
            }
        });
        kit::group(ui, ctx.theme, "Stop texts", |ui| stop_texts(ctx, ui, &mut sampling.stop));
    });
    if sampling != chat.sampling {
        ctx.send(Command::Chat(ChatCommand::Sampling(sampling)));
    }
}

/// Texts that end an answer, one a line; `\n` stands for a line break.
fn stop_texts(ctx: &Ctx<'_>, ui: &mut Ui, stops: &mut Vec<String>) {
    let mut gone = None;
    for (index, stop) in stops.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let mut text = escape(stop);
            let width = (ui.available_width() - 40.0).max(60.0);
            let field = TextEdit::singleline(&mut text)
                .hint_text("\\n is a line break")
                .font(egui::TextStyle::Monospace)
                .desired_width(width);
            ui.add(field).accessible_name(format!("Stop text {}", index + 1));
            if text != escape(stop) {
                *stop = unescape(&text);
            }
            if kit::icon_button(ui, icons::X, &format!("Remove stop text {}", index + 1)).clicked() {
                gone = Some(index);
            }
        });
    }
    if let Some(index) = gone {
        stops.remove(index);
    }
    if kit::button(ui, icons::PLUS, "Add stop text").clicked() {
        stops.push(String::new());
    }
    if stops.is_empty() {
        ui.label(kit::muted(
            ctx.theme,
            "The model's own end of turn always ends an answer.",
        ));
    }
}

fn system_prompt(ctx: &mut Ctx<'_>, ui: &mut Ui, before: &str) {
    let mut text = before.to_owned();
    let field = TextEdit::multiline(&mut text)
        .hint_text("None")
        .desired_rows(3)
        .desired_width(f32::INFINITY);
    ui.add(field).accessible_name("System prompt text");
    if text != before {
        ctx.send(Command::Chat(ChatCommand::System(text)));
    }
    let of_data = data_system(ctx.state);
    if !of_data.is_empty() && of_data != before && kit::link(ui, ctx.theme, "Use the data's").clicked() {
        ctx.send(Command::Chat(ChatCommand::System(of_data)));
    }
}
