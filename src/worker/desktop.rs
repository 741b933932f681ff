//! What a run asks of the desktop: stay awake while it goes on, and tell the user when it is over. Knows no jobs. Where there is no such
//! desktop, nothing happens: a run is worth more than either.

/// As long as it lives, the machine does not fall asleep by itself.
pub struct Awake {
    #[cfg(target_os = "linux")]
    _inhibitor: Option<zbus::zvariant::OwnedFd>,
    #[cfg(any(target_os = "macos", windows))]
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

    /// Starts the system's own script language, which asks as long as this process is there. Only unsafe code could ask from here.
    #[cfg(windows)]
    pub fn keep() -> Self {
        let helper = powershell(AWAKE)
            .env("BURNISH_PID", std::process::id().to_string())
            .spawn();
        Self {
            helper: helper
                .map_err(|error| eprintln!("The machine may fall asleep during the run: {error}"))
                .ok(),
        }
    }

    /// Elsewhere nobody is known who could be asked.
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    pub fn keep() -> Self {
        Self {}
    }
}

#[cfg(any(target_os = "macos", windows))]
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

/// The system's own script language shows notifications. Title and text go through its environment, where nothing has to be quoted.
#[cfg(windows)]
pub fn notify(title: &str, text: &str) {
    let mut command = powershell(TOAST);
    command.env("BURNISH_TITLE", title).env("BURNISH_TEXT", text);
    if let Err(error) = command.status() {
        eprintln!("No notification could be shown: {error}");
    }
}

/// ES_CONTINUOUS with ES_SYSTEM_REQUIRED, which holds as long as the thread that asked
/// (https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate).
#[cfg(windows)]
const AWAKE: &str = "$power = Add-Type -PassThru -Namespace Burnish -Name Power -MemberDefinition \
    '[DllImport(\"kernel32.dll\")] public static extern uint SetThreadExecutionState(uint flags);'; \
    [void]$power::SetThreadExecutionState([uint32]2147483649); \
    Wait-Process -Id $env:BURNISH_PID -ErrorAction SilentlyContinue";

/// A title over a text, shown in the name of the script language, since only installed programs have one of their own.
#[cfg(windows)]
const TOAST: &str = "$manager = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, \
    ContentType = WindowsRuntime]; \
    $content = $manager::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02); \
    $lines = $content.GetElementsByTagName('text'); \
    [void]$lines.Item(0).AppendChild($content.CreateTextNode($env:BURNISH_TITLE)); \
    [void]$lines.Item(1).AppendChild($content.CreateTextNode($env:BURNISH_TEXT)); \
    $name = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'; \
    $manager::CreateToastNotifier($name).Show([Windows.UI.Notifications.ToastNotification]::new($content))";

/// Windows PowerShell, which every Windows has, with a script and without a window.
#[cfg(windows)]
fn powershell(script: &str) -> std::process::Command {
    use std::os::windows::process::CommandExt;
    use std::process::Stdio;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    let mut command = std::process::Command::new("powershell.exe");
    command.args(["-NoProfile", "-NonInteractive", "-Command", script]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.creation_flags(CREATE_NO_WINDOW);
    command
}

/// Elsewhere nobody is known who could be asked.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub fn notify(_title: &str, _text: &str) {}
