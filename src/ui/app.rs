//! The real window: eframe around `Shell`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::shell::Shell;
use super::tour::Tour;
use crate::session::effects::{Effects, Home};
use crate::session::{Command, ModelCommand};

/// Why the window could not open.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// Neither X11 nor Wayland answers.
    #[error("There is no display to open a window on ({0}).")]
    NoDisplay(String),
    /// The display is there, but nothing can be drawn.
    #[error("The window could not be opened: {0}.")]
    Window(String),
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// There is no display, or the graphics system gives no surface.
pub fn run(project: Option<PathBuf>) -> Result<(), UiError> {
    let started = Instant::now();
    // A second window in the same process keeps the first one's logger.
    let _ = env_logger::try_init();
    check_display()?;
    let size = Effects::last_window_size(&Home::of_user()).unwrap_or([1280.0, 800.0]);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Burnish")
        .with_app_id("burnish")
        .with_inner_size(size)
        .with_min_inner_size([1000.0, 640.0])
        .with_icon(icon());
    let options = eframe::NativeOptions {
        renderer: eframe::Renderer::Wgpu,
        viewport,
        ..Default::default()
    };
    let create = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(App::new(&cc.egui_ctx, project.as_deref(), started)))
    };
    eframe::run_native("Burnish", options, Box::new(create)).map_err(|error| match error {
        eframe::Error::Winit(e) => UiError::NoDisplay(e.to_string()),
        eframe::Error::WinitEventLoop(e) => UiError::NoDisplay(e.to_string()),
        other => UiError::Window(other.to_string()),
    })
}

/// winit would say it in a paragraph: look before.
fn check_display() -> Result<(), UiError> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let unix_desktop = cfg!(all(unix, not(target_os = "macos")));
    if unix_desktop && !set("DISPLAY") && !set("WAYLAND_DISPLAY") && !set("WAYLAND_SOCKET") {
        return Err(UiError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".into()));
    }
    Ok(())
}

fn icon() -> egui::IconData {
    let image = image::load_from_memory(include_bytes!("../../assets/icon.png"));
    let image = image.map(image::DynamicImage::into_rgba8).unwrap_or_default();
    egui::IconData {
        width: image.width(),
        height: image.height(),
        rgba: image.into_raw(),
    }
}

struct App {
    /// `None` only while the window ends.
    shell: Option<Shell>,
    /// Takes pictures of the rooms where the environment asks for it.
    tour: Option<Tour>,
    /// When `run` was called; taken by the first frame.
    started: Option<Instant>,
}

impl App {
    fn new(ctx: &egui::Context, project: Option<&Path>, started: Instant) -> Self {
        let wake = ctx.clone();
        let effects = Effects::new(Home::of_user(), Arc::new(move || wake.request_repaint()));
        let mut shell = Shell::new(ctx, effects, project);
        shell.apply(ctx, Command::Model(ModelCommand::FindDevices));
        Self {
            shell: Some(shell),
            tour: Tour::from_env(),
            started: Some(started),
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        let Some(shell) = &mut self.shell else { return };
        shell.logic(ctx);
        if let Some(tour) = &mut self.tour {
            tour.frame(ctx, shell);
        }
        if let Some(rect) = ctx.input(|i| i.viewport().inner_rect) {
            shell.state.settings.window = Some(rect.size().into());
        }
        if ctx.input(|i| i.viewport().close_requested()) && !shell.close_asked(ctx) {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if let Some(shell) = &mut self.shell {
            shell.ui(ui);
        }
        if let Some(started) = self.started.take() {
            log::info!("The first frame was drawn after {} ms.", started.elapsed().as_millis());
        }
    }

    fn on_exit(&mut self) {
        if let Some(shell) = self.shell.take() {
            shell.finish();
        }
    }
}
