//! The bottom line on every room: device, the running job with progress and time left, Pause and Stop.

use egui::{Frame, Layout, Margin, Panel, RichText, Ui};

use super::super::{Ctx, icons, kit};
use crate::session::audit::{AuditCommand, AuditFlight};
use crate::session::rate::RateCommand;
use crate::session::words::{bytes, count, duration, thousands};
use crate::session::{Command, Download, MemoryInUse, ModelCommand, Room, RunPhase, TrainCommand};

/// Draws the status bar.
pub fn status_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let frame = Frame::new()
        .fill(ctx.theme.background())
        .inner_margin(Margin::symmetric(12, 3));
    Panel::bottom("status").frame(frame).exact_size(32.0).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            device(ctx, ui);
            memory(ctx, ui);
            ui.separator();
            job(ctx, ui);
        });
    });
}

fn device(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let chosen = state.settings.device.as_deref();
    let info = state
        .devices
        .iter()
        .find(|d| chosen.map_or(d.default, |name| d.name == name));
    let label = match (info, chosen) {
        (Some(info), _) if info.name == "cpu" => "CPU".into(),
        (Some(info), _) => info.label.clone(),
        (None, Some(name)) => name.to_string(),
        (None, None) => "Looking for devices".into(),
    };
    let on_cpu = info.is_none_or(|d| d.backend == "cpu");
    let icon = if on_cpu { icons::CPU } else { icons::CUBE };
    let response = ui.menu_button((icon, label.as_str()), |ui| {
        let mut pick = |ui: &mut Ui, name: Option<&str>, label: &str| {
            if ui.selectable_label(chosen == name, label).clicked() {
                ctx.send(Command::Model(ModelCommand::Device(name.map(String::from))));
                ui.close();
            }
        };
        pick(ui, None, "Automatic: the fastest real device");
        for device in &state.devices {
            let software = if device.kind == "software" {
                ", software, slow"
            } else {
                ""
            };
            pick(
                ui,
                Some(&device.name),
                &format!("{} ({}{software})", device.label, device.backend),
            );
        }
    });
    let name = format!("Device: {label}");
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    response
        .response
        .on_hover_text("The device that trains and chats. Click to choose another.");
}

/// The memory of the device: what the run uses of it, or what was in use when the devices were listed.
fn memory(ctx: &Ctx<'_>, ui: &mut Ui) {
    let Some(MemoryInUse {
        used,
        total,
        run,
        device,
    }) = MemoryInUse::of(ctx.state)
    else {
        return;
    };
    let tip = match run {
        Some(name) => format!(
            "{} of the {} that {device} has are in use by {name}",
            bytes(used),
            bytes(total)
        ),
        None => format!(
            "{} of the {} that {device} has were in use when Burnish listed the devices",
            bytes(used),
            bytes(total)
        ),
    };
    let text = format!("{} / {}", bytes(used), bytes(total));
    let response = ui.label(kit::muted(ctx.theme, &text)).on_hover_text(tip);
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("Memory of the device: {text}")));
}

/// A download, where nothing trains.
fn download(ctx: &mut Ctx<'_>, ui: &mut Ui, download: &Download) {
    let words = format!("Downloading {}", download.model);
    let label = egui::Button::new(&words).frame_when_inactive(false);
    if ui.add(label).on_hover_text("Open the Model room").clicked() {
        ctx.send(Command::Go(Room::Model));
    }
    let share = (download.total > 0).then(|| download.done as f32 / download.total as f32);
    kit::progress(ui, ctx.theme, "Progress", share, 140.0);
    if let Some(left) = download.seconds_left {
        ui.label(kit::muted(ctx.theme, format!("{} left", duration(left))));
    }
}

/// An audit of the data, where nothing trains.
fn audit(ctx: &mut Ctx<'_>, ui: &mut Ui, flight: &AuditFlight) {
    let stage = flight.stage.as_ref();
    let words = stage.map_or_else(
        || "Auditing the data".to_owned(),
        |(stage, ..)| format!("Auditing the data: {stage}"),
    );
    ui.label(words);
    let share = stage.and_then(|(_, done, total)| (*total > 0).then(|| *done as f32 / *total as f32));
    kit::progress(ui, ctx.theme, "Progress", share, 140.0);
    if !flight.stopping && kit::quiet(ui, icons::STOP, "Stop the audit").clicked() {
        ctx.send(Command::Audit(AuditCommand::Stop));
    }
}

/// A search for a learning rate, where nothing trains.
fn search(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let rate = &ctx.state.rate;
    let label = egui::Button::new("Finding a learning rate").frame_when_inactive(false);
    if ui.add(label).on_hover_text("Open the Train room").clicked() {
        ctx.send(Command::Go(Room::Train));
    }
    kit::progress(ui, ctx.theme, "Progress", rate.progress(), 140.0);
    if let Some(left) = rate.seconds_left() {
        ui.label(kit::muted(ctx.theme, format!("{} left", duration(left))));
    }
    // The Train room has a button of its own.
    let stopping = rate.flight.as_ref().is_some_and(|flight| flight.stopping);
    if ctx.state.nav.room != Room::Train && !stopping && kit::quiet(ui, icons::STOP, "Stop").clicked() {
        ctx.send(Command::Rate(RateCommand::Stop));
    }
}

fn job(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if let Some(flight) = ctx.state.audit.flight.clone().filter(|_| !ctx.state.run.is_active()) {
        return audit(ctx, ui, &flight);
    }
    if ctx.state.rate.flight.is_some() && !ctx.state.run.is_active() {
        return search(ctx, ui);
    }
    if let Some(going_on) = ctx.state.hub.download.clone().filter(|_| !ctx.state.run.is_active()) {
        return download(ctx, ui, &going_on);
    }
    let run = &ctx.state.run;
    let words = sentence(ctx);
    let colour = if matches!(run.phase, RunPhase::Broken(_)) {
        ctx.theme.error()
    } else {
        ctx.theme.text()
    };
    let label = egui::Button::new(RichText::new(&words).color(colour)).frame_when_inactive(false);
    if ui.add(label).on_hover_text("Open the run and its log").clicked() {
        ctx.send(Command::Go(Room::Train));
    }
    let waiting = ctx.state.queue.entries.len();
    if waiting > 0 {
        ui.label(kit::muted(ctx.theme, format!("{} waiting", count(waiting, "run"))));
    }
    if !run.is_active() {
        return;
    }
    kit::progress(ui, ctx.theme, "Progress", run.progress(), 140.0);
    if let Some(left) = run.seconds_left().filter(|_| run.phase == RunPhase::Training) {
        ui.label(kit::muted(ctx.theme, format!("{} left", duration(left))));
    }
    // The Train room has them in its footer.
    if ctx.state.nav.room != Room::Train {
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| controls(ctx, ui));
    }
}

fn controls(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let phase = &ctx.state.run.phase;
    if *phase == RunPhase::Stopping {
        return;
    }
    if kit::quiet(ui, icons::STOP, "Stop and keep")
        .on_hover_text("Ends after this step; the result is kept")
        .clicked()
    {
        ctx.send(Command::Train(TrainCommand::Stop));
    }
    if *phase == RunPhase::Paused {
        if kit::quiet(ui, icons::PLAY, "Resume").clicked() {
            ctx.send(Command::Train(TrainCommand::Resume));
        }
    } else if kit::quiet(ui, icons::PAUSE, "Pause").clicked() {
        ctx.send(Command::Train(TrainCommand::Pause));
    }
}

/// The job in a sentence.
fn sentence(ctx: &Ctx<'_>) -> String {
    let run = &ctx.state.run;
    let steps = format!(
        "step {} / {}",
        thousands(run.step() as u64),
        thousands(run.steps() as u64)
    );
    match &run.phase {
        RunPhase::None if ctx.state.data.reading.is_some() => "Reading the data file".into(),
        RunPhase::None => "No job running".into(),
        RunPhase::Preparing => match &run.stage {
            Some((stage, ..)) => format!("{}: {stage}", run.name),
            None => format!("{}: starting the worker", run.name),
        },
        RunPhase::Training => format!("Training {}  {steps}", run.name),
        RunPhase::Paused => format!("Paused {}  {steps}", run.name),
        RunPhase::Suspended => format!("Paused {}  {steps}, memory free", run.name),
        RunPhase::Stopping => format!("Stopping {} after this step", run.name),
        RunPhase::Finished => format!("Finished {}", run.name),
        RunPhase::Broken(_) => format!("{} stopped unexpectedly", run.name),
    }
}
