//! What a run asks of the desktop, on a message bus of the test's own with services that write down what they are asked.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use zbus::zvariant::{OwnedFd, OwnedValue};

use super::kit::{World, answer};

/// What was asked, and the other end of the descriptor that holds sleep back.
#[derive(Default)]
struct Asked {
    inhibited: Vec<[String; 4]>,
    open: Vec<PipeReader>,
    notices: Vec<(String, String)>,
}

type Shared = Arc<Mutex<Asked>>;

struct Login(Shared);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Login {
    fn inhibit(&self, what: String, who: String, why: String, mode: String) -> OwnedFd {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut asked = self.0.lock().unwrap();
        asked.inhibited.push([what, who, why, mode]);
        asked.open.push(reader);
        std::os::fd::OwnedFd::from(writer).into()
    }
}

struct Notifications(Shared);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the interface has them")]
    fn notify(
        &self,
        _app: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        self.0.lock().unwrap().notices.push((title, text));
        1
    }
}

/// A message bus that ends with the test.
struct Bus(Child, String);

impl Bus {
    fn start() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon; tests/run.sh installs it");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self(daemon, address.trim().into())
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn sleep_is_held_back_during_a_run_and_its_end_is_told() {
    let bus = Bus::start();
    let asked = Shared::default();
    let services = zbus::blocking::connection::Builder::address(bus.1.as_str())
        .and_then(|b| b.name("org.freedesktop.login1"))
        .and_then(|b| b.name("org.freedesktop.Notifications"))
        .and_then(|b| b.serve_at("/org/freedesktop/login1", Login(asked.clone())))
        .and_then(|b| b.serve_at("/org/freedesktop/Notifications", Notifications(asked.clone())))
        .and_then(|b| b.build())
        .unwrap();
    let world = World::new();
    world.rows("rows.jsonl", 24);
    let recipe = world.recipe("r.toml", "[optim]\nmax_steps = 2\n");
    let mut train = world.command(&["train", &recipe, "--run", "pirate"]);
    train
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.1)
        .env("DBUS_SYSTEM_BUS_ADDRESS", &bus.1);
    answer(train.output().unwrap()).ok();
    while burnish::worker::is_alive(&world.path("pirate")) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut asked = asked.lock().unwrap();
    assert_eq!(asked.inhibited.len(), 1);
    let [what, who, _, mode] = &asked.inhibited[0];
    assert_eq!(
        (what.as_str(), who.as_str(), mode.as_str()),
        ("sleep", "Burnish", "block")
    );
    let notice = ("Training pirate".to_owned(), "Finished after 2 steps.".to_owned());
    assert_eq!(asked.notices, [notice]);
    // The end of the pipe comes only when nobody holds its other side any more.
    drop(services);
    let mut rest = vec![];
    asked.open[0].read_to_end(&mut rest).unwrap();
}
