//! The audit of the whole set under the panes: findings in sentences, each with its rows and its fix. Knows findings, not how they
//! are found.

use egui::{Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Ui, WidgetInfo};

use super::super::{Ctx, icons, kit};
use super::audit_numbers::numbers_ui;
use crate::audit::{Finding, Severity};
use crate::session::audit::{self, AuditCommand, AuditFlight, AuditReport};
use crate::session::{Command, words};

fn send(ctx: &mut Ctx<'_>, command: AuditCommand) {
    ctx.send(Command::Audit(command));
}

/// Draws the panel: a line, and the findings where it is unfolded.
pub fn audit_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if ctx.state.data.is_empty() || ctx.state.model.selected.is_none() {
        return;
    }
    let frame = Frame::new().inner_margin(Margin {
        top: 6,
        bottom: 2,
        ..Margin::ZERO
    });
    let open = ctx.state.audit.open && ctx.state.audit.report.is_some();
    if !open {
        let panel = Panel::bottom("audit line").frame(frame).exact_size(36.0);
        panel.show(ui, |ui| line(ctx, ui));
        return;
    }
    let most = (ui.available_height() * 0.6).max(120.0);
    Panel::bottom("audit")
        .frame(frame)
        .default_size(most.min(230.0))
        .size_range(100.0..=most)
        .show(ui, |ui| {
            line(ctx, ui);
            if let Some(report) = ctx.state.audit.report.clone() {
                unfolded(ctx, ui, &report);
            }
        });
}

/// What is known in a line, and what to do next.
fn line(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let open = ctx.state.audit.open;
        if ctx.state.audit.report.is_some() {
            let (icon, name) = match open {
                true => (icons::CARET_DOWN, "Fold the findings"),
                false => (icons::CARET_RIGHT, "Unfold the findings"),
            };
            if kit::icon_button(ui, icon, name).clicked() {
                send(ctx, AuditCommand::Toggle);
            }
        }
        kit::caption(ui, ctx.theme, "Audit");
        status(ctx, ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            match ctx.state.audit.flight.clone() {
                Some(flight) => under_way(ctx, ui, &flight),
                None => start(ctx, ui),
            }
        });
    });
}

fn start(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let label = match audit::fresh(ctx.state) {
        Some(_) => "Audit again".to_owned(),
        None => format!("Audit {}", words::count(ctx.state.data.len(), "row")),
    };
    let tip = "Looks through the whole set for what would be learned wrongly, without the model's weights.";
    if kit::button(ui, icons::SHIELD, &label).on_hover_text(tip).clicked() {
        send(ctx, AuditCommand::Run);
    }
}

fn under_way(ctx: &mut Ctx<'_>, ui: &mut Ui, flight: &AuditFlight) {
    if !flight.stopping && kit::quiet(ui, icons::STOP, "Stop").clicked() {
        send(ctx, AuditCommand::Stop);
    }
    let (stage, done, total) = flight.stage.clone().unwrap_or(("Starting".into(), 0, 0));
    let share = (total > 0).then(|| done as f32 / total as f32);
    kit::progress(ui, ctx.theme, "Audit progress", share, 140.0);
    ui.label(kit::muted(ctx.theme, stage));
}

fn status(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(report) = &ctx.state.audit.report else {
        ui.label(kit::muted(
            ctx.theme,
            "Not looked through yet. Training does it before it starts.",
        ));
        return;
    };
    if audit::fresh(ctx.state).is_none() {
        ui.label(kit::muted(ctx.theme, "Data or settings have changed since."));
        return;
    }
    for (severity, one) in [
        (Severity::Serious, "serious finding"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ] {
        let count = report.count(severity);
        if count > 0 {
            let (icon, colour) = sign(ctx, severity);
            ui.label(RichText::new(icon).color(colour));
            ui.label(words::count(count, one));
        }
    }
    if report.findings.is_empty() {
        ui.label(RichText::new(icons::CHECK_CIRCLE).color(ctx.theme.ok()));
        ui.label("Nothing found.");
    }
}

fn sign(ctx: &Ctx<'_>, severity: Severity) -> (&'static str, egui::Color32) {
    match severity {
        Severity::Serious => (icons::WARNING_CIRCLE, ctx.theme.error()),
        Severity::Warning => (icons::WARNING, ctx.theme.warn()),
        Severity::Note => (icons::INFO, ctx.theme.muted()),
    }
}

/// Findings on the left, numbers on the right.
fn unfolded(ctx: &mut Ctx<'_>, ui: &mut Ui, report: &AuditReport) {
    let current = audit::fresh(ctx.state).is_some();
    Panel::right("audit numbers")
        .frame(Frame::new().inner_margin(Margin {
            left: 12,
            ..Margin::ZERO
        }))
        .default_size(300.0)
        .size_range(220.0..=420.0)
        .show(ui, |ui| {
            let area = ScrollArea::vertical().id_salt("audit numbers").auto_shrink(false);
            area.show(ui, |ui| numbers_ui(ctx, ui, &report.summary));
        });
    let area = ScrollArea::vertical().id_salt("audit findings").auto_shrink(false);
    area.show(ui, |ui| {
        if !current {
            ui.set_opacity(0.55);
        }
        for (index, finding) in report.findings.iter().enumerate() {
            finding_ui(ctx, ui, index, finding, current);
        }
        if report.findings.is_empty() {
            ui.label("Every row is learned from as the mode says, ends its turns, and fits.");
        }
    });
}

fn finding_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, index: usize, finding: &Finding, current: bool) {
    let (icon, colour) = sign(ctx, finding.severity);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(icon).color(colour));
        ui.label(&finding.message);
        if !current {
            // Rows and settings are others now.
            return;
        }
        if !finding.rows.is_empty() {
            let name = format!("Show {}", words::count(finding.count, "row"));
            let link = kit::link(ui, ctx.theme, &name);
            let full = format!("{name}: {}", finding.kind.name().replace('-', " "));
            link.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &full));
            if link.clicked() {
                send(ctx, AuditCommand::ShowRows(index));
            }
        }
        if let Some(fix) = &finding.fix
            && kit::link(ui, ctx.theme, &fix.label()).clicked()
        {
            send(ctx, AuditCommand::Fix(index));
        }
    });
}
