//! Shares of a whole: a line with a text, a bar and percent. Knows numbers, not what they are shares of.

use egui::{Align2, FontId, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::super::{Theme, icons};

/// Height of a line in points.
const SHARE_LINE: f32 = 20.0;

/// A text, a bar and its share from 0 to 1; the chosen one is ticked and filled. `name` is what a screen reader says.
pub fn share_line(ui: &mut Ui, theme: &Theme, name: &str, text: &str, (share, chosen): (f32, bool)) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), SHARE_LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let color = if chosen { theme.text() } else { theme.muted() };
    let mark = if chosen { icons::CHECK } else { "" };
    let middle = |x: f32| egui::pos2(x, rect.center().y);
    let write = |x: f32, align: Align2, text: &str, font: FontId, color| {
        painter.text(middle(x), align, text, font, color);
    };
    let font = FontId::proportional(12.0);
    write(rect.left() + 4.0, Align2::LEFT_CENTER, mark, font, theme.accent());
    let mono = || FontId::monospace(12.0);
    write(rect.right() - 4.0, Align2::RIGHT_CENTER, &percent(share), mono(), color);
    let bar = Rect::from_x_y_ranges(
        rect.center().x..=rect.right() - 60.0,
        rect.center().y - 3.0..=rect.center().y + 3.0,
    );
    let names = painter.with_clip_rect(rect.with_max_x(bar.left() - 8.0).intersect(painter.clip_rect()));
    names.text(middle(rect.left() + 22.0), Align2::LEFT_CENTER, text, mono(), color);
    if bar.width() > 8.0 {
        let filled = bar.with_max_x(bar.left() + bar.width() * share.clamp(0.0, 1.0));
        painter.rect_filled(bar, 3.0, theme.hover());
        painter.rect_filled(filled, 3.0, if chosen { theme.accent() } else { theme.muted() });
    }
    response
}

/// With quotation marks, so that spaces and line breaks are seen.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "\\n").replace('\t', "\\t"))
}

/// One digit; what is not quite nothing does not read as nothing.
pub fn percent(share: f32) -> String {
    if share > 0.0 && share < 0.0005 {
        "<0.1 %".into()
    } else {
        format!("{:.1} %", share * 100.0)
    }
}
