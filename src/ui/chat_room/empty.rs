//! A chat before its first message: what to do, and questions to begin with. Knows no models.

use egui::{Button, Ui, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::Command;
use crate::session::chats::{ChatCommand, examples};

/// Draws the empty chat.
pub fn empty_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let tuned = ctx.state.chats.adapter.is_some();
    let sentence = if tuned {
        "Both models answer the same question: see what tuning changed."
    } else {
        "The base model goes on with what you write. Train on a data set, then ask both."
    };
    let state = kit::Empty {
        icon: icons::CHATS,
        title: "Ask something",
        sentence,
        button: "",
    };
    let questions = examples(ctx.state);
    let theme = ctx.theme;
    let mut asked = None;
    kit::empty(ui, theme, state, |ui| {
        ui.add_space(4.0);
        for question in &questions {
            let button = Button::new(question.as_str()).min_size(vec2(320.0, 30.0)).wrap();
            if ui.add(button).clicked() {
                asked = Some(question.clone());
            }
        }
    });
    if let Some(question) = asked {
        ctx.send(Command::Chat(ChatCommand::Ask(question)));
    }
}
