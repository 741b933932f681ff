//! Pictures of every room from the real window: `BURNISH_SCREENSHOTS=FOLDER burnish` makes the journey with the starter and a
//! sample, saves a picture at each stop, and ends. `BURNISH_LAST_STOP=model-light` ends after that picture.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Shell;
use crate::session::audit::AuditCommand;
use crate::session::chats::ChatCommand;
use crate::session::lesson::LessonCommand;
use crate::session::runs::RunsCommand;
use crate::session::{
    Command, DataCommand, ModelCommand, Room, RunPhase, ShellCommand, State, ThemeChoice, TrainCommand,
};

/// Longest wait for a stop before the tour gives up.
const PATIENCE: Duration = Duration::from_secs(300);
/// Time between frames: a software rasteriser must leave the machine to the training.
const PACE: Duration = Duration::from_millis(120);
/// Frames between a stop's condition and its picture: layouts and fonts have settled by then.
const SETTLE: usize = 8;

/// A place to be photographed.
struct Stop {
    /// Done on arrival.
    commands: Vec<Command>,
    /// The picture is taken once this holds.
    until: fn(&State) -> bool,
    /// File name without its ending; empty = no picture.
    name: &'static str,
}

/// The tour under way.
pub struct Tour {
    folder: PathBuf,
    stops: std::vec::IntoIter<Stop>,
    now: Option<Stop>,
    since: Instant,
    settled: usize,
    saved: Arc<AtomicBool>,
}

impl Tour {
    /// The tour that the environment asks for.
    pub fn from_env() -> Option<Self> {
        let folder = std::env::var_os("BURNISH_SCREENSHOTS").filter(|f| !f.is_empty())?;
        Some(Self {
            folder: folder.into(),
            stops: wanted_stops().into_iter(),
            now: None,
            since: Instant::now(),
            settled: 0,
            saved: Arc::new(AtomicBool::new(true)),
        })
    }

    /// Goes on with the tour; called once a frame.
    pub fn frame(&mut self, ctx: &egui::Context, shell: &mut Shell) {
        ctx.request_repaint_after(PACE);
        if !self.saved.load(Ordering::Acquire) {
            return;
        }
        let Some(stop) = &self.now else {
            self.arrive(ctx, shell);
            return;
        };
        if !(stop.until)(&shell.state) {
            if self.since.elapsed() > PATIENCE {
                log::error!("The tour waited too long for \"{}\".", stop.name);
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            return;
        }
        self.settled += 1;
        if self.settled > SETTLE {
            self.photograph(ctx);
        }
    }

    fn arrive(&mut self, ctx: &egui::Context, shell: &mut Shell) {
        self.now = self.stops.next();
        (self.since, self.settled) = (Instant::now(), 0);
        match &self.now {
            Some(stop) => stop
                .commands
                .iter()
                .cloned()
                .for_each(|command| shell.apply(ctx, command)),
            None => shell.apply(ctx, Command::Shell(ShellCommand::CloseAnswer { keep: true })),
        }
    }

    fn photograph(&mut self, ctx: &egui::Context) {
        let Some(stop) = self.now.take().filter(|stop| !stop.name.is_empty()) else {
            return;
        };
        let path = self.folder.join(format!("{}.png", stop.name));
        let saved = self.saved.clone();
        saved.store(false, Ordering::Release);
        let wake = ctx.clone();
        ctx.request_screenshot(move |image| {
            let bytes: Vec<u8> = image.pixels.iter().flat_map(|p| p.to_array()).collect();
            let [width, height] = image.size.map(|n| n as u32);
            if let Err(error) = image::save_buffer(&path, &bytes, width, height, image::ColorType::Rgba8) {
                log::error!("Could not write {}: {error}", path.display());
            }
            saved.store(true, Ordering::Release);
            wake.request_repaint();
        });
    }
}

fn stop(name: &'static str, commands: Vec<Command>, until: fn(&State) -> bool) -> Stop {
    Stop { commands, until, name }
}

fn theme(choice: ThemeChoice) -> Command {
    Command::Shell(ShellCommand::Theme(choice))
}

/// A room in both themes: `NAME-dark`, then `NAME-light`; dark again where the tour goes on.
fn pair(stops: &mut Vec<Stop>, names: [&'static str; 2], commands: Vec<Command>, until: fn(&State) -> bool) {
    let always: fn(&State) -> bool = |_| true;
    stops.push(stop(names[0], commands, until));
    stops.push(stop(names[1], vec![theme(ThemeChoice::Light)], always));
    stops.push(stop("", vec![theme(ThemeChoice::Dark)], always));
}

/// All stops, up to the one that `BURNISH_LAST_STOP` names.
fn wanted_stops() -> Vec<Stop> {
    let last = std::env::var("BURNISH_LAST_STOP").unwrap_or_default();
    let mut stops = stops();
    if let Some(at) = stops.iter().position(|stop| !last.is_empty() && stop.name == last) {
        stops.truncate(at + 1);
    }
    stops
}

fn stops() -> Vec<Stop> {
    let sample = Command::Data(DataCommand::OpenSample("manners.jsonl".into()));
    let question = "What is the capital of Spain?".to_string();
    let mut stops = vec![stop("", vec![theme(ThemeChoice::Dark)], |s| {
        !s.model.cards.is_empty() && !s.devices.is_empty()
    })];
    let starter = vec![Command::Model(ModelCommand::Open("starter".into()))];
    pair(&mut stops, ["model-dark", "model-light"], starter, |s| {
        s.model.card().is_some()
    });
    let data = vec![Command::Go(Room::Data), sample];
    pair(&mut stops, ["data-dark", "data-light"], data, |s| {
        !s.data.is_empty() && s.data.reading.is_none()
    });
    let template = vec![Command::Data(DataCommand::Select(3)), Command::Go(Room::Template)];
    pair(&mut stops, ["template-dark", "template-light"], template, |s| {
        !s.preview.is_loading()
    });
    let audit = |command| vec![Command::Audit(command)];
    pair(
        &mut stops,
        ["audit-dark", "audit-light"],
        audit(AuditCommand::Run),
        |s| s.audit.report.is_some() && s.audit.flight.is_none(),
    );
    stops.push(stop("", audit(AuditCommand::Toggle), |_| true));
    let lesson = |command| Command::Lesson(command);
    let read: fn(&State) -> bool = |s| s.lesson.read.is_some() && s.lesson.flight.is_none();
    stops.push(stop("", vec![lesson(LessonCommand::Show(true))], read));
    let steps = vec![lesson(LessonCommand::Step), lesson(LessonCommand::Select(Some(28)))];
    pair(&mut stops, ["lesson-dark", "lesson-light"], steps, |s| {
        s.lesson.read.as_ref().is_some_and(|r| r.lesson.step.is_some()) && s.lesson.flight.is_none()
    });
    stops.push(stop("", vec![lesson(LessonCommand::Show(false))], |_| true));
    pair(
        &mut stops,
        ["recipe-dark", "recipe-light"],
        vec![Command::Go(Room::Train)],
        |_| true,
    );
    let train = vec![Command::Train(TrainCommand::Start)];
    pair(&mut stops, ["train-dark", "train-light"], train, |s| {
        let over = !s.run.is_active() && s.audit.flight.is_none();
        s.run.progress().is_some_and(|p| p > 0.55) && !s.run.samples.is_empty() || over
    });
    stops.push(stop("", Vec::new(), |s| s.run.phase == RunPhase::Finished));
    stops.push(stop("", vec![Command::Go(Room::Runs)], |s| !s.runs.list.is_empty()));
    let all = vec![Command::Runs(RunsCommand::PickAll)];
    pair(&mut stops, ["runs-dark", "runs-light"], all, |s| {
        !s.runs.opened.is_empty()
    });
    let chat = vec![Command::Train(TrainCommand::ChatWithResult)];
    stops.push(stop("", chat, |s| s.nav.room == Room::Chat));
    let ask = vec![Command::Chat(ChatCommand::Ask(question))];
    pair(&mut stops, ["chat-dark", "chat-light"], ask, answered);
    let palette = vec![Command::Shell(ShellCommand::TogglePalette)];
    stops.push(stop("palette-dark", palette, |_| true));
    stops
}

/// Has the open chat its answers?
fn answered(state: &State) -> bool {
    state
        .chats
        .current()
        .is_some_and(|chat| !chat.path().is_empty() && !state.chats.is_busy(chat.id))
}
