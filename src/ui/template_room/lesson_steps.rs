//! The five steps of learning on one token of a real row: forward, compare, loss, gradient, update. Knows one token's numbers.

use egui::Ui;

use super::super::{Ctx, icons, kit};
use super::lesson::send;
use crate::protocol::{Lesson, TokenLesson};
use crate::session::lesson::LessonCommand;
use crate::session::preview::Shown;

/// Draws the steps.
pub fn steps_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown, (lesson, index): (&Lesson, usize)) {
    title(ctx, ui, shown, index);
    let Some(token) = lesson.tokens.get(index).and_then(|t| t.as_ref()) else {
        ui.label("Nothing stands before the first token, so the model is not asked for it.");
        return;
    };
    let piece = &shown.pieces[index];
    let learned = piece.supervised;
    forward(ctx, ui, token, piece.id);
    step(ctx, ui, "2. Compare", &compare(token, piece.id, &piece.text));
    step(
        ctx,
        ui,
        "3. Loss",
        &format!(
            "-log p = -log {:.4} = {:.3} nats{}.",
            token.probability(),
            token.nll,
            if learned {
                ""
            } else {
                ", which does not count: the token is context"
            }
        ),
    );
    step(ctx, ui, "4. Gradient", &gradient(token, piece.id, learned));
    let after = lesson.step.as_ref().and_then(|s| *s.nll.get(index)?);
    let update = match after {
        Some(after) => format!(
            "After one step the model gives it {} instead of {}: the loss goes from {:.3} to {after:.3}.",
            kit::percent((-after).exp()),
            kit::percent(token.probability()),
            token.nll
        ),
        None => {
            "The trained weights move a little against the gradient. \"Take one step\" shows what that changes.".into()
        }
    };
    step(ctx, ui, "5. Update", &update);
}

fn title(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown, index: usize) {
    ui.horizontal(|ui| {
        let piece = &shown.pieces[index];
        ui.label(kit::strong(format!(
            "Token {}: {}",
            index + 1,
            kit::quoted(&piece.text)
        )));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if kit::icon_button(ui, icons::X, "Close token").clicked() {
                send(ctx, LessonCommand::Select(None));
            }
            if index > 0 {
                let tip = "The model reads what stands before this token and goes on by itself.";
                let button = kit::quiet(ui, icons::PLAY, "Leave it on its own here");
                if button.on_hover_text(tip).clicked() {
                    send(ctx, LessonCommand::OwnFrom(index));
                }
            }
        });
    });
}

fn forward(ctx: &mut Ctx<'_>, ui: &mut Ui, token: &TokenLesson, id: u32) {
    step(
        ctx,
        ui,
        "1. Forward",
        "From the tokens before it, the model holds likely:",
    );
    for (rank, likely) in token.likely.iter().enumerate() {
        let text = kit::quoted(&likely.text);
        let right = if likely.id == id { ", the right one" } else { "" };
        let name = format!(
            "Likely {}: {text} {}{right}",
            rank + 1,
            kit::percent(likely.probability)
        );
        kit::share_line(ui, ctx.theme, &name, &text, (likely.probability, likely.id == id));
    }
}

fn compare(token: &TokenLesson, id: u32, text: &str) -> String {
    let text = kit::quoted(text);
    let share = kit::percent(token.probability());
    match token.likely.first() {
        Some(best) if best.id == id => format!("The row says {text}, which the model held likeliest, at {share}."),
        Some(best) => format!(
            "The row says {text}, at {share}; the model would rather have said {}.",
            kit::quoted(&best.text)
        ),
        None => format!("The row says {text}, at {share}."),
    }
}

/// The gradient of the loss by the scores is p - y (softmax with cross-entropy): p for every token, p - 1 for the right one.
fn gradient(token: &TokenLesson, id: u32, learned: bool) -> String {
    if !learned {
        return "None: the token is masked, nothing is learned from it.".into();
    }
    let right = token.probability() - 1.0;
    let wrong = token.likely.iter().find(|l| l.id != id);
    let wrong = wrong.map_or_else(String::new, |l| {
        format!(", {:+.3} for {} and so on", l.probability, kit::quoted(&l.text))
    });
    format!(
        "By the scores it is p - y: {right:+.3} for the right token{wrong}. A step against it pushes the right one's score up and the others' down."
    )
}

fn step(ctx: &Ctx<'_>, ui: &mut Ui, name: &str, words: &str) {
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(kit::strong(name).color(ctx.theme.accent()));
        ui.label(words);
    });
}
