//! Template source as a coloured layout. Knows colours and lexemes.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Galley, Id, TextBuffer, TextStyle, Ui};

use super::super::Theme;
use crate::data::Role;
use crate::session::preview::{LexemeKind, lex};

/// Lays out a template's source, not wrapped. The coloured job is kept while the text stays the same.
pub fn layout(theme: &Theme, ui: &Ui, buffer: &dyn TextBuffer) -> Arc<Galley> {
    let source = buffer.as_str();
    let key = Id::unique(("template source", source, theme.dark));
    let kept: Option<(Id, Arc<LayoutJob>)> = ui.data(|d| d.get_temp(Id::unique("template source job")));
    let job = match kept {
        Some((id, job)) if id == key => job,
        _ => {
            let job = Arc::new(job(theme, TextStyle::Monospace.resolve(ui.style()), source));
            ui.data_mut(|d| d.insert_temp(Id::unique("template source job"), (key, job.clone())));
            job
        }
    };
    ui.fonts_mut(|f| f.layout_job((*job).clone()))
}

fn job(theme: &Theme, font: FontId, source: &str) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    for piece in lex(source) {
        let format = TextFormat::simple(font.clone(), colour(theme, piece.kind));
        job.append(&source[piece.start..piece.end], 0.0, format);
    }
    if source.is_empty() {
        job.append("", 0.0, TextFormat::simple(font, theme.text()));
    }
    job
}

fn colour(theme: &Theme, kind: LexemeKind) -> Color32 {
    match kind {
        LexemeKind::Literal => theme.text(),
        LexemeKind::Delimiter | LexemeKind::Comment | LexemeKind::Other => theme.muted(),
        LexemeKind::Keyword => theme.role(Role::System),
        LexemeKind::Name => theme.role(Role::User),
        LexemeKind::Text => theme.role(Role::Tool),
    }
}
