//! The numbers of an audit: how much is learned, how long rows are, what padding wastes. Knows numbers, not rows.

use egui::Ui;

use super::super::{Ctx, kit};
use crate::audit::{AuditSummary, Bucket};
use crate::session::words::{count, thousands};

const HEIGHT: f32 = 50.0;

/// Draws all numbers.
pub fn numbers_ui(ctx: &Ctx<'_>, ui: &mut Ui, summary: &AuditSummary) {
    let theme = ctx.theme;
    ui.spacing_mut().item_spacing.y = 3.0;
    let tokens = summary.tokens;
    let share = percent(tokens.supervised, tokens.all);
    let learned = format!("{} of {} ({share})", short(tokens.supervised), short(tokens.all));
    kit::figure(ui, theme, "Tokens learned", learned);
    let rows = summary.rows;
    let kept = format!("{} of {}", thousands(rows.kept as u64), thousands(rows.read as u64));
    kit::figure(ui, theme, "Rows kept", kept);
    for ends in &summary.ends {
        let name = format!("Ends of {} turns learned", ends.role.as_str());
        let value = format!("{} of {}", thousands(ends.learned as u64), thousands(ends.seen as u64));
        kit::figure(ui, theme, &name, value);
    }
    let padding = summary.padding;
    let both = format!(
        "{:.0} %, packed {:.0} %",
        padding.unpacked * 100.0,
        padding.packed * 100.0
    );
    kit::figure(ui, theme, "Padding", both);
    histogram(ctx, ui, "Tokens in a row", &summary.lengths, "tokens");
    histogram(ctx, ui, "Share learned, in percent", &summary.shares, "percent");
    let pace = summary.pace;
    let words = format!(
        "{} rows/s, {} tokens/s{}",
        short(pace.rows_per_second as usize),
        short(pace.tokens_per_second as usize),
        if pace.cached { ", from an earlier pass" } else { "" }
    );
    ui.label(kit::muted(theme, words).small());
}

fn short(number: usize) -> String {
    crate::session::words::parameters(number as u64)
}

fn percent(part: usize, all: usize) -> String {
    format!("{:.0} %", part as f64 * 100.0 / all.max(1) as f64)
}

fn histogram(ctx: &Ctx<'_>, ui: &mut Ui, name: &str, buckets: &[Bucket], unit: &str) {
    let Some(last) = buckets.last() else {
        return;
    };
    ui.add_space(4.0);
    kit::caption(ui, ctx.theme, name);
    let counts: Vec<usize> = buckets.iter().map(|b| b.rows).collect();
    let ends = ("0".to_owned(), thousands(last.up_to as u64));
    kit::bars(ui, ctx.theme, HEIGHT, &counts, (&ends.0, &ends.1), |i| {
        let from = if i == 0 { 0 } else { buckets[i - 1].up_to + 1 };
        let to = buckets[i].up_to;
        let rows = count(buckets[i].rows, "row");
        format!("{} to {} {unit}: {rows}", thousands(from as u64), thousands(to as u64))
    });
}
