//! Before a run: what the audit found that is serious, and whether to train in spite of it. Knows findings, not how they are found.

use egui::{RichText, Ui};

use super::super::{Ctx, icons, kit};
use crate::audit::Severity;
use crate::session::Command;
use crate::session::audit::{self, AuditCommand, Intent};

/// Draws the question while it is asked.
pub fn asking_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(intent) = ctx.state.audit.asking else {
        return;
    };
    let Some(report) = audit::fresh(ctx.state).cloned() else {
        return;
    };
    let send = |ctx: &mut Ctx<'_>, command| ctx.send(Command::Audit(command));
    kit::card(ui, ctx.theme, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::WARNING_CIRCLE).size(18.0).color(ctx.theme.error()));
            ui.label(kit::strong("The data has something that would spoil the result"));
        });
        let serious = report.findings.iter().enumerate();
        for (index, finding) in serious.filter(|(_, f)| f.severity == Severity::Serious) {
            ui.label(&finding.message);
            ui.horizontal(|ui| {
                if let Some(fix) = &finding.fix
                    && kit::button(ui, "", &fix.label()).clicked()
                {
                    send(ctx, AuditCommand::Fix(index));
                }
                if kit::quiet(ui, "", "Show the rows").clicked() {
                    send(ctx, AuditCommand::ShowRows(index));
                }
            });
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if kit::button(ui, "", "Look at the findings").clicked() {
                send(ctx, AuditCommand::Look);
            }
            let anyway = match intent {
                Intent::Train => "Train anyway",
                Intent::Queue { .. } => "Add to the queue anyway",
            };
            if kit::quiet(ui, "", anyway).clicked() {
                send(ctx, AuditCommand::Anyway);
            }
        });
    });
    ui.add_space(16.0);
}
