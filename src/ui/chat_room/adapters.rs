//! Where an adapter to chat with is chosen: the project's runs with name, date and final loss, or a folder. Knows runs, not their files.

use egui::{Button, Popup, PopupCloseBehavior, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::Command;
use crate::session::chats::{ChatCommand, RunChoice};

/// Width of the list.
const WIDTH: f32 = 280.0;

/// A button that opens the list.
pub fn adapter_menu(ctx: &mut Ctx<'_>, ui: &mut Ui, words: &str) {
    let button = kit::quiet(ui, icons::CARET_DOWN, words);
    if button.clicked() {
        // Runs may have ended since.
        ctx.send(Command::Chat(ChatCommand::LookForRuns));
    }
    let menu = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClick);
    menu.show(|ui| list(ctx, ui));
}

fn list(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.set_width(WIDTH);
    let runs = &ctx.state.chats.runs;
    if runs.is_empty() {
        ui.label(kit::muted(ctx.theme, "This project has no finished run yet."));
    } else {
        kit::caption(ui, ctx.theme, "Runs of this project");
    }
    let mut chosen = None;
    ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        for run in runs {
            let open = ctx.state.chats.adapter.as_ref() == Some(&run.path);
            if row(ctx, ui, run, open) {
                chosen = Some(run.clone());
            }
        }
    });
    if let Some(RunChoice { path, base, .. }) = chosen {
        ctx.send(Command::Chat(ChatCommand::UseAdapter { path, base }));
    }
    ui.separator();
    if kit::quiet(ui, icons::FOLDER, "Open adapter folder...").clicked() {
        ctx.send(Command::Chat(ChatCommand::AdapterDialog));
    }
}

/// A run: its name over date and losses; true when clicked.
fn row(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunChoice, open: bool) -> bool {
    let mut about: Vec<String> = Vec::new();
    if !run.when.is_empty() {
        about.push(run.when.clone());
    }
    about.extend(run.loss.map(|loss| format!("loss {loss:.3}")));
    about.extend(run.eval_loss.map(|loss| format!("held-out {loss:.3}")));
    let about = about.join(", ");
    let mut text = egui::text::LayoutJob::default();
    let style = ui.style().clone();
    let format = egui::FontSelection::Default;
    kit::strong(&run.name).append_to(&mut text, &style, format.clone(), egui::Align::Min);
    let small = RichText::new(format!("\n{about}")).small().color(ctx.theme.muted());
    small.append_to(&mut text, &style, format, egui::Align::Min);
    let button = Button::new(text)
        .selected(open)
        .wrap()
        .frame_when_inactive(open)
        .min_size(vec2(WIDTH - 12.0, 40.0));
    let response = ui.add(button);
    let name = format!("Run {}: {about}", run.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, &name));
    response.clicked()
}
