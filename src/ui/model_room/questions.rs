//! What a download has to ask: a token for a gated or private model, one of several GGUF files.

use egui::{Align, Id, Layout, Modal, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::super::{Ctx, kit};
use crate::session::words::bytes;
use crate::session::{Command, FileQuestion, HubCommand, Keep, Question, TokenQuestion};

/// Draws the question; nothing when there is none.
pub fn questions_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(question) = ctx.state.hub.question.clone() else {
        return;
    };
    let shown = Modal::new(Id::unique("hub question"))
        .frame(egui::Frame::window(ui.style()).inner_margin(20))
        .show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            match &question {
                Question::Token(question) => token(ctx, ui, question),
                Question::File(question) => file(ctx, ui, question),
            }
        });
    if shown.should_close() {
        ctx.send(Command::Hub(HubCommand::Dismiss));
    }
}

fn token(ctx: &mut Ctx<'_>, ui: &mut Ui, question: &TokenQuestion) {
    ui.heading(format!("{} needs a token", question.model));
    ui.add_space(4.0);
    ui.label(&question.message);
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.label(kit::muted(ctx.theme, "Licence and model page"));
        if kit::link(ui, ctx.theme, &question.page)
            .on_hover_text("Open in the browser")
            .clicked()
        {
            ui.ctx().open_url(egui::OpenUrl::new_tab(&question.page));
        }
    });
    ui.add_space(8.0);
    let entered = token_field(ctx, ui, question);
    if let Some(wrong) = &question.wrong {
        ui.add_space(8.0);
        ui.colored_label(ctx.theme.error(), wrong);
    }
    if let Some(reason) = &question.no_keyring {
        ui.add_space(8.0);
        ui.colored_label(ctx.theme.warn(), reason);
        ui.label("Keep the token in a file that only you may read, or until this window is closed?");
    }
    ui.add_space(12.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let blocked = if question.keeping {
            Some("The keyring is being asked.")
        } else {
            question.text.trim().is_empty().then_some("Paste your token first.")
        };
        let keep = |ctx: &mut Ctx<'_>, place| ctx.send(Command::Hub(HubCommand::KeepToken(place)));
        if question.no_keyring.is_some() {
            if kit::primary(ui, ctx.theme, "Keep in a file", blocked).clicked() {
                keep(ctx, Keep::File);
            }
            if ui
                .add_enabled_ui(blocked.is_none(), |ui| kit::button(ui, "", "This session only"))
                .inner
                .clicked()
            {
                keep(ctx, Keep::Session);
            }
        } else if kit::primary(ui, ctx.theme, "Save and download", blocked).clicked() || entered && blocked.is_none() {
            keep(ctx, Keep::Keyring);
        }
        if kit::quiet(ui, "", "Not now").clicked() {
            ctx.send(Command::Hub(HubCommand::Dismiss));
        }
    });
}

/// The field; true when Enter was pressed in it.
fn token_field(ctx: &mut Ctx<'_>, ui: &mut Ui, question: &TokenQuestion) -> bool {
    const NAME: &str = "Token";
    let mut edited = question.text.clone();
    let field = TextEdit::singleline(&mut edited)
        .id_salt(NAME)
        .password(true)
        .hint_text("hf_...")
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    // Its content is not read out.
    response.widget_info(|| WidgetInfo {
        label: Some(NAME.into()),
        ..WidgetInfo::text_edit(true, "", "", "")
    });
    if edited != question.text {
        ctx.send(Command::Hub(HubCommand::TokenText(edited)));
    }
    ui.label(
        kit::muted(
            ctx.theme,
            "A token with the right to read, from Settings > Access tokens of your account. It goes into the system's keyring.",
        )
        .small(),
    );
    response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter))
}

fn file(ctx: &mut Ctx<'_>, ui: &mut Ui, question: &FileQuestion) {
    ui.heading("Which file?");
    ui.add_space(4.0);
    ui.label(format!(
        "{} holds the model in several sizes. Fewer bits are smaller and faster, and a little less exact; Q4_K_M is a good start.",
        question.model
    ));
    ui.add_space(8.0);
    ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        for file in &question.files {
            ui.horizontal(|ui| {
                let room = ui.available_width() - 110.0;
                let size = egui::vec2(room, 24.0);
                ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_width(room);
                    ui.add(egui::Label::new(&file.name).truncate());
                });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let button = ui.add(egui::Button::new(bytes(file.bytes)).min_size(egui::vec2(84.0, 0.0)));
                    let name = format!("Download {}", file.name);
                    button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
                    if button.on_hover_text(&name).clicked() {
                        let model = format!("{}/{}", question.model, file.name);
                        ctx.send(Command::Hub(HubCommand::Fetch(model)));
                    }
                });
            });
        }
    });
    ui.add_space(12.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if kit::quiet(ui, "", "Not now").clicked() {
            ctx.send(Command::Hub(HubCommand::Dismiss));
        }
    });
}
