//! What a run asks of the desktop: stay awake while it goes on, and tell the user when it is over. Knows no jobs. Where there is no such
//! desktop, nothing happens: a run is worth more than either.

/// As long as it lives, the machine does not fall asleep by itself.
pub struct Awake {
    #[cfg(target_os = "linux")]
    _inhibitor: Option<zbus::zvariant::OwnedFd>,
    #[cfg(target_os = "macos")]
    helper: Option<std::process::Child>,
}

impl Awake {
    /// Asks systemd's login manager, which holds back sleep until the descriptor that it gives is closed, however this process ends.
    #[cfg(target_os = "linux")]
    pub fn keep() -> Self {
        let inhibitor = inhibit().map_err(|error| eprintln!("The machine may fall asleep during the run: {error}"));
        Self {
            _inhibitor: inhibitor.ok(),
        }
    }

    /// Starts the system's own helper, which ends with this process.
    #[cfg(target_os = "macos")]
    pub fn keep() -> Self {
        let mut command = std::process::Command::new("caffeinate");
        command.args(["-i", "-w", &std::process::id().to_string()]);
        let helper = command.spawn();
        Self {
            helper: helper
                .map_err(|error| eprintln!("The machine may fall asleep during the run: {error}"))
                .ok(),
        }
    }

    /// Elsewhere only unsafe code could ask.
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    pub fn keep() -> Self {
        Self {}
    }
}

#[cfg(target_os = "macos")]
impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(helper) = &mut self.helper {
            // It ends with this process in any case.
            let _ = helper.kill();
        }
    }
}

#[cfg(target_os = "linux")]
fn inhibit() -> zbus::Result<zbus::zvariant::OwnedFd> {
    let bus = zbus::blocking::Connection::system()?;
    let reply = bus.call_method(
        Some("org.freedesktop.login1"),
        "/org/freedesktop/login1",
        Some("org.freedesktop.login1.Manager"),
        "Inhibit",
        &("sleep", "Burnish", "A model is being trained", "block"),
    )?;
    reply.body().deserialize()
}

/// Shows a notification of the desktop. Blocks for a moment.
#[cfg(target_os = "linux")]
pub fn notify(title: &str, text: &str) {
    let show = || -> zbus::Result<()> {
        let bus = zbus::blocking::Connection::session()?;
        let hints: std::collections::HashMap<&str, zbus::zvariant::Value<'_>> = Default::default();
        let actions: [&str; 0] = [];
        let body = ("Burnish", 0_u32, "", title, text, &actions[..], hints, -1_i32);
        bus.call_method(
            Some("org.freedesktop.Notifications"),
            "/org/freedesktop/Notifications",
            Some("org.freedesktop.Notifications"),
            "Notify",
            &body,
        )?;
        Ok(())
    };
    if let Err(error) = show() {
        eprintln!("No notification could be shown: {error}");
    }
}

/// The system's own script language shows notifications.
#[cfg(target_os = "macos")]
pub fn notify(title: &str, text: &str) {
    let quoted = |text: &str| format!("\"{}\"", text.replace(['"', '\\'], "'"));
    let script = format!("display notification {} with title {}", quoted(text), quoted(title));
    if let Err(error) = std::process::Command::new("osascript").args(["-e", &script]).status() {
        eprintln!("No notification could be shown: {error}");
    }
}

/// Elsewhere only unsafe code could ask.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn notify(_title: &str, _text: &str) {}
