//! Files dropped anywhere on the window, and what is shown while one hovers.

use egui::{Align2, FontId, Id, LayerId, Order, Stroke, StrokeKind, Ui, vec2};

use super::super::{Ctx, fonts};
use crate::session::Command;

/// Takes dropped files; draws a frame while files hover.
pub fn dropping_ui(ctx: &mut Ctx<'_>, ui: &Ui) {
    let (dropped, hovers) = ui.input(|i| (i.raw.dropped_files.clone(), !i.raw.hovered_files.is_empty()));
    if !dropped.is_empty() {
        let paths = dropped.iter().map(|file| file.path().to_path_buf());
        ctx.send(Command::Open(paths.collect()));
    }
    if !hovers {
        return;
    }
    let painter = ui
        .ctx()
        .layer_painter(LayerId::new(Order::Foreground, Id::unique("dropping")));
    let rect = ui.ctx().content_rect().shrink(8.0);
    painter.rect_filled(rect, 8, ctx.theme.background().gamma_multiply(0.9));
    painter.rect_stroke(rect, 8, Stroke::new(2.0, ctx.theme.accent()), StrokeKind::Inside);
    let text = "Drop data files, a model or an adapter folder";
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        text,
        FontId::new(20.0, fonts::strong()),
        ctx.theme.text(),
    );
    let small = ".jsonl, .json, .txt open in Data; a .gguf file or a folder with config.json in Model; with adapter_config.json in Chat; trainer_state.json in Runs";
    painter.text(
        rect.center() + vec2(0.0, 30.0),
        Align2::CENTER_CENTER,
        small,
        FontId::proportional(13.0),
        ctx.theme.muted(),
    );
}

/// Why dropping does not work here; `None` where it does.
pub fn no_drop_reason() -> Option<&'static str> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    (set("WAYLAND_DISPLAY") && !cfg!(target_os = "macos"))
        .then_some("Wayland gives this window no dropped files; use the button or the path field.")
}
