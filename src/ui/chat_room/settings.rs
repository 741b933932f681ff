//! System prompt and sampling of a chat. Knows ranges and usual values.

use egui::{DragValue, ScrollArea, TextEdit, Ui};

use super::super::{Ctx, kit};
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
                let words = "At temperature 0 the likeliest token is picked: seed, top-k and top-p change nothing.";
                ui.label(kit::muted(theme, words));
            }
        });
    });
    if sampling != chat.sampling {
        ctx.send(Command::Chat(ChatCommand::Sampling(sampling)));
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
