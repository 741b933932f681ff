//! The download that goes on, with progress, time left and Cancel, and those that wait.

use egui::{Align, Layout, Ui};

use super::super::{Ctx, kit};
use crate::session::words::{bytes, duration};
use crate::session::{Command, Download, HubCommand};

/// Draws the downloads; nothing when there are none.
pub fn downloads_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(download) = ctx.state.hub.download.clone() else {
        return;
    };
    let theme = ctx.theme;
    kit::card(ui, theme, |ui| {
        line(
            ctx,
            ui,
            &format!("Downloading {}", download.model),
            &download.model,
            download.cancelling,
        );
        ui.add_space(2.0);
        let share = (download.total > 0).then(|| download.done as f32 / download.total as f32);
        kit::progress(ui, theme, "Download", share, 0.0);
        ui.add_space(2.0);
        ui.label(kit::muted(theme, sentence(&download)));
        for waiting in &ctx.state.hub.waiting.clone() {
            line(ctx, ui, &format!("Then {waiting}"), waiting, false);
        }
    });
    ui.add_space(12.0);
}

fn line(ctx: &mut Ctx<'_>, ui: &mut Ui, text: &str, model: &str, cancelling: bool) {
    ui.horizontal(|ui| {
        ui.add(egui::Label::new(kit::strong(text)).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let label = format!("Cancel {model}");
            let button = ui.add_enabled(!cancelling, egui::Button::new("Cancel"));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !cancelling, &label));
            if button
                .on_hover_text("What came is kept; a later download goes on from there")
                .clicked()
            {
                ctx.send(Command::Hub(HubCommand::Cancel(model.into())));
            }
        });
    });
}

/// How far it is, in words.
pub fn sentence(download: &Download) -> String {
    if download.cancelling {
        return "Cancelling".into();
    }
    if download.total == 0 {
        return "Asking the hub".into();
    }
    let mut text = format!("{} of {}", bytes(download.done), bytes(download.total));
    if let Some(rate) = download.per_second {
        text += &format!(", {}/s", bytes(rate as u64));
    }
    if let Some(seconds) = download.seconds_left {
        text += &format!(", {} left", duration(seconds));
    }
    format!("{text}  ·  {}", download.file)
}
