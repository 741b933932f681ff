//! A window for tests: its own home folder, its own assets, no worker.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use burnish::protocol::{DeviceInfo, Event};
use burnish::session::effects::{Effects, Home};
use burnish::session::{Command, Outcome, Slot, ThemeChoice};
use burnish::ui::Shell;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

#[cfg(unix)]
use crate::hub_server::HubServer;

/// The memory that the window believes to have.
pub const HUB_MEMORY: u64 = 8_000_000_000;

/// The hub that all workers of these tests talk to, and the HF_HOME that they keep files in.
#[cfg(unix)]
pub struct TestHub {
    pub server: HubServer,
    pub folder: tempfile::TempDir,
}

/// Makes real workers start from the program, with a hub of their own and no keyring.
#[cfg(unix)]
pub fn hub() -> &'static TestHub {
    use std::os::unix::fs::PermissionsExt;
    static HUB: OnceLock<TestHub> = OnceLock::new();
    HUB.get_or_init(|| {
        let (server, folder) = (HubServer::start(), tempfile::tempdir().expect("temporary folder"));
        let script = folder.path().join("burnish");
        let text = format!(
            "#!/bin/sh\nunset HF_TOKEN HF_TOKEN_PATH HUGGING_FACE_HUB_TOKEN HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE\n\
             export HF_ENDPOINT='{}' HF_HOME='{}' BURNISH_HOME='{}' BURNISH_NO_KEYRING=1\nexec '{}' \"$@\"\n",
            server.url,
            folder.path().display(),
            folder.path().join("home").display(),
            env!("CARGO_BIN_EXE_burnish")
        );
        std::fs::write(&script, text).expect("the script");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("may be run");
        burnish::worker::use_program(script);
        TestHub { server, folder }
    })
}

/// Makes real workers start from the program.
#[cfg(not(unix))]
pub fn hub() {
    burnish::worker::use_program(env!("CARGO_BIN_EXE_burnish").into());
}

/// The shell as eframe runs it.
pub struct TestApp {
    pub shell: Shell,
}

impl eframe::App for TestApp {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.shell.logic(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.shell.ui(ui);
    }
}

/// A window and the folder that it keeps its files in.
pub struct Window {
    pub harness: Harness<'static, TestApp>,
    pub home: tempfile::TempDir,
}

impl Window {
    /// A dark window of the usual size with an empty home.
    pub fn new() -> Self {
        Self::in_home(tempfile::tempdir().expect("temporary folder"), [1280.0, 800.0])
    }

    /// A window on a home that may hold settings.
    pub fn in_home(home: tempfile::TempDir, size: [f32; 2]) -> Self {
        let place = Home::under(home.path());
        burnish::hub::token::without_keyring();
        hub();
        let builder = Harness::builder()
            .with_size(size)
            .with_pixels_per_point(1.0)
            .with_max_steps(60);
        let harness = builder.wgpu().build_eframe(|cc| {
            let ctx = cc.egui_ctx.clone();
            let effects = Effects::new(place, Arc::new(move || ctx.request_repaint()));
            let mut shell = Shell::new(&cc.egui_ctx, effects, None);
            if shell.state.settings.theme == ThemeChoice::System {
                shell.state.settings.theme = ThemeChoice::Dark;
            }
            TestApp { shell }
        });
        let mut window = Self { harness, home };
        let cpu = DeviceInfo {
            name: "cpu".into(),
            label: "CPU".into(),
            backend: "cpu".into(),
            kind: "cpu".into(),
            max_binding: 0,
            default: true,
            half: vec!["bf16".into(), "f16".into()],
            memory: None,
            check: None,
        };
        let event = Event::Devices { devices: vec![cpu] };
        window.take(Outcome::Worker {
            slot: Slot::Devices,
            id: 0,
            event,
        });
        window.look_at_the_machine();
        window.settle();
        window
    }

    /// Waits for the real machine's memory and puts a fixed one in its place.
    fn look_at_the_machine(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.shell().state.hub.memory.is_none() {
            assert!(
                Instant::now() < end,
                "the machine's memory was not told within 20 seconds"
            );
            std::thread::sleep(Duration::from_millis(5));
            self.harness.step();
        }
        self.shell().state.hub.memory = Some(HUB_MEMORY);
    }

    /// Runs frames until nothing moves.
    pub fn settle(&mut self) {
        self.harness.run_ok();
    }

    /// Clicks what has this name.
    pub fn click(&mut self, name: &str) {
        let button = self.harness.query_all_by_role_and_label(Role::Button, name).next();
        button.unwrap_or_else(|| self.harness.get_by_label(name)).click();
        self.settle();
    }

    /// Is there something whose name holds this text?
    pub fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// Is there a button with this name?
    pub fn has_button(&self, name: &str) -> bool {
        self.harness
            .query_all_by_role_and_label(Role::Button, name)
            .next()
            .is_some()
    }

    /// Waits for a background thread until the text shows.
    pub fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.shows(text) {
            assert!(Instant::now() < end, "\"{text}\" did not show within 20 seconds");
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
        self.settle();
    }

    pub fn shell(&mut self) -> &mut Shell {
        &mut self.harness.state_mut().shell
    }

    /// Sends a command as a button would.
    pub fn send(&mut self, command: Command) {
        let ctx = self.harness.ctx.clone();
        self.shell().apply(&ctx, command);
        self.settle();
    }

    /// Takes in an outcome as if an effect had sent it.
    pub fn take(&mut self, outcome: Outcome) {
        burnish::session::absorb(&mut self.shell().state, outcome);
    }

    /// Drops a file on the window.
    pub fn drop_file(&mut self, path: &Path) {
        self.drop_files(&[path]);
    }

    /// Drops files on the window at once.
    pub fn drop_files(&mut self, paths: &[&Path]) {
        let dropped = paths.iter().map(|path| Arc::new(Dropped(path.into())) as _);
        self.harness.input_mut().dropped_files = dropped.collect();
        self.harness.step();
    }

    /// Compares with the picture `name`.
    pub fn snapshot(&mut self, name: &str) {
        self.harness.remove_cursor();
        self.settle();
        self.harness.snapshot(name);
    }
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

/// A file of conversations in the messages schema, with a broken line where asked.
pub fn write_rows(folder: &Path, rows: usize, broken: Option<usize>) -> PathBuf {
    let path = folder.join("rows.jsonl");
    let line = |i: usize| match broken {
        Some(at) if at == i => "{\"messages\": [".to_string(),
        _ => format!(
            r#"{{"messages":[{{"role":"system","content":"Answer briefly."}},{{"role":"user","content":"What is {i} plus one?"}},{{"role":"assistant","content":"It is {}."}}]}}"#,
            i + 1
        ),
    };
    let text: Vec<String> = (0..rows).map(line).collect();
    std::fs::write(&path, text.join("\n")).expect("write rows");
    path
}
