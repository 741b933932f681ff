//! The system's file dialogs, each on a thread of its own so that no frame waits for them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::session::preview::TemplateCommand;
use crate::session::runs::RunsCommand;
use crate::session::{Command, Dialog, PictureCommand, ShellCommand, TrainCommand};

/// Opens dialogs and hands their answers back as commands.
pub struct Dialogs {
    ctx: egui::Context,
    sender: Sender<Command>,
    answers: Receiver<Command>,
}

impl Dialogs {
    /// No dialog is open; answers wake `ctx`.
    pub fn new(ctx: egui::Context) -> Self {
        let (sender, answers) = channel();
        Self { ctx, sender, answers }
    }

    /// Opens a dialog.
    pub fn open(&self, dialog: Dialog) {
        self.later(move || {
            if can_show() {
                ask(dialog).and_then(|paths| picked(dialog, paths))
            } else {
                Some(Command::Shell(ShellCommand::NoDialog(dialog)))
            }
        });
    }

    /// Does something on a thread of its own; what it gives is answered as dialogs are.
    pub fn later(&self, work: impl FnOnce() -> Option<Command> + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            if let Some(command) = work() {
                // The receiver only ends with the window.
                let _ = sender.send(command);
                ctx.request_repaint();
            }
        });
    }

    /// What was picked since the last call.
    pub fn drain(&self) -> Vec<Command> {
        self.answers.try_iter().collect()
    }
}

/// What is wanted with the files that were picked; `None` where there are none.
fn picked(dialog: Dialog, paths: Vec<PathBuf>) -> Option<Command> {
    if dialog == Dialog::ReplayFiles {
        return Some(Command::Train(TrainCommand::AddReplay(paths)));
    }
    if dialog == Dialog::DataFile {
        return Some(Command::Open(paths));
    }
    let path = paths.into_iter().next()?;
    Some(match dialog {
        Dialog::TemplateFile => Command::Template(TemplateCommand::OpenFile(path)),
        Dialog::SaveTemplate => Command::Template(TemplateCommand::SaveAs(path)),
        Dialog::SavePicture(of) => Command::Picture(PictureCommand::SaveAs(of, path)),
        Dialog::TrainerState => Command::Runs(RunsCommand::Import(path)),
        _ => Command::Open(vec![path]),
    })
}

/// Has the system something that shows dialogs? Without it rfd answers as if the user had cancelled.
#[cfg(target_os = "linux")]
fn can_show() -> bool {
    has_portal().unwrap_or(false) || has_zenity()
}

/// Other systems have dialogs of their own.
#[cfg(not(target_os = "linux"))]
fn can_show() -> bool {
    true
}

/// Does a desktop portal run, or would it be started?
#[cfg(target_os = "linux")]
fn has_portal() -> zbus::Result<bool> {
    const PORTAL: &str = "org.freedesktop.portal.Desktop";
    let bus = zbus::blocking::Connection::session()?;
    let names = zbus::blocking::fdo::DBusProxy::new(&bus)?;
    let running = names.list_names()?.into_iter().chain(names.list_activatable_names()?);
    Ok(running.into_iter().any(|name| name.as_str() == PORTAL))
}

/// rfd's second choice.
#[cfg(target_os = "linux")]
fn has_zenity() -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join("zenity").is_file())
}

fn data_files(files: rfd::FileDialog, title: &str) -> Option<Vec<PathBuf>> {
    files
        .set_title(title)
        .add_filter("Data (jsonl, json, txt)", &["jsonl", "json", "txt"])
        .pick_files()
}

fn ask(dialog: Dialog) -> Option<Vec<PathBuf>> {
    let files = rfd::FileDialog::new();
    let one = match dialog {
        Dialog::DataFile => return data_files(files, "Open data files"),
        Dialog::ReplayFiles => return data_files(files, "Choose general examples"),
        Dialog::TemplateFile => files
            .set_title("Open template")
            .add_filter("Jinja template", &["jinja", "j2", "txt"])
            .pick_file(),
        Dialog::SaveTemplate => files
            .set_title("Save template")
            .add_filter("Jinja template", &["jinja"])
            .set_file_name("template.jinja")
            .save_file(),
        Dialog::ModelFolder => files.set_title("Open model folder").pick_folder(),
        Dialog::ModelFile => files
            .set_title("Open GGUF model")
            .add_filter("GGUF model", &["gguf"])
            .pick_file(),
        Dialog::TrainerState => files
            .set_title("Import trainer_state.json")
            .add_filter("Log of a Trainer", &["json"])
            .pick_file(),
        Dialog::SavePicture(of) => files
            .set_title("Save picture")
            .add_filter("Picture", &["png"])
            .set_file_name(of.file_name())
            .save_file(),
        Dialog::AdapterFolder => files.set_title("Open adapter folder").pick_folder(),
    };
    one.map(|path| vec![path])
}
