//! The real window, on a display or under Xvfb: it opens, shows the Model room, and closes by itself.

use std::process::Command;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
#[test]
fn the_real_window_opens_draws_and_closes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = env!("CARGO_BIN_EXE_burnish");
    let has_display = std::env::var_os("DISPLAY").is_some_and(|d| !d.is_empty());
    let mut command = if has_display {
        Command::new(program)
    } else {
        let mut xvfb = Command::new("xvfb-run");
        xvfb.args(["-a", "-s", "-screen 0 1280x800x24", program]);
        xvfb
    };
    command.env("BURNISH_HOME", folder.path().join("home"));
    command
        .env("BURNISH_SCREENSHOTS", folder.path())
        .env("BURNISH_LAST_STOP", "model-light");
    command.env("RUST_LOG", "burnish=info").env_remove("WAYLAND_DISPLAY");
    let mut child = command
        .spawn()
        .expect("the window starts (without a display xvfb-run is needed)");
    let end = Instant::now() + Duration::from_secs(90);
    let status = loop {
        match child.try_wait().expect("a child process") {
            Some(status) => break status,
            None if Instant::now() > end => {
                child.kill().expect("kill");
                panic!("the window did not close within 90 seconds");
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    assert!(status.success(), "{status}");
    for name in ["model-dark.png", "model-light.png"] {
        let picture = image::open(folder.path().join(name)).expect("a picture").into_rgb8();
        assert!(
            picture.width() >= 1000 && picture.height() >= 640,
            "{:?}",
            picture.dimensions()
        );
        let colours: std::collections::BTreeSet<[u8; 3]> = picture.pixels().map(|p| p.0).collect();
        assert!(colours.len() > 50, "{name} is nearly empty: {} colours", colours.len());
    }
    assert!(folder.path().join("home/settings.toml").is_file(), "settings are kept");
}
