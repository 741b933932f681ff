//! The command that starts a worker: which program, which streams, which priority. Knows nothing of jobs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::{SUPERVISOR_ARGUMENT, WORKER_ARGUMENT, WorkerError};

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program to start as a worker, for callers that are not the `burnish` binary themselves (tests). The first call counts.
pub fn use_program(path: PathBuf) {
    // A second call changes nothing, as documented.
    let _ = PROGRAM.set(path);
}

fn program() -> PathBuf {
    match PROGRAM.get() {
        Some(path) => path.clone(),
        None => itself(),
    }
}

/// Starts a worker that speaks over pipes; its log goes to a pipe too.
pub fn spawn_piped() -> Result<Child, WorkerError> {
    let mut command = command(&program(), WORKER_ARGUMENT, Stdio::piped(), Stdio::piped());
    apart(&mut command);
    start(command)
}

/// Starts the supervisor of a training worker; both outlive this process. Events go to the run folder, their log to `log`.
pub fn spawn_detached(log: File) -> Result<Child, WorkerError> {
    let mut command = command(&program(), SUPERVISOR_ARGUMENT, Stdio::null(), log.into());
    apart(&mut command);
    start(command)
}

/// Starts the worker of a supervisor, in its group and with its log.
pub fn spawn_supervised() -> Result<Child, WorkerError> {
    start(command(&program(), WORKER_ARGUMENT, Stdio::null(), Stdio::inherit()))
}

/// The program of this very process, also when its file was replaced by a newer one meanwhile.
#[cfg(target_os = "linux")]
fn itself() -> PathBuf {
    "/proc/self/exe".into()
}

/// Elsewhere the file is all there is; without a path of its own the program is looked up by name.
#[cfg(not(target_os = "linux"))]
fn itself() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| "burnish".into())
}

fn command(program: &Path, argument: &str, stdout: Stdio, stderr: Stdio) -> Command {
    let mut command = Command::new(program);
    command
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(stderr);
    keep_memory(&mut command);
    command
}

fn start(mut command: Command) -> Result<Child, WorkerError> {
    command.spawn().map_err(|source| WorkerError::Spawn {
        program: command.get_program().into(),
        source,
    })
}

/// A process group of its own, so that Ctrl+C in a terminal reaches the parent alone, which asks the worker to stop and keep.
#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// As on Unix; the lower priority is set here because a Windows process cannot lower its own without unsafe code.
#[cfg(windows)]
fn apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    const BELOW_NORMAL_PRIORITY_CLASS: u32 = 0x4000;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | BELOW_NORMAL_PRIORITY_CLASS | CREATE_NO_WINDOW);
}

/// Lets glibc keep freed memory: by default it gives large buffers back and faults them in anew for every tensor, which halves the speed
/// of matrix products on the CPU. It reads these once, at the start of a process. What the user has set stays.
#[cfg(target_os = "linux")]
fn keep_memory(command: &mut Command) {
    const SETTINGS: [(&str, &str); 2] = [
        ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
        ("MALLOC_TRIM_THRESHOLD_", "8589934592"),
    ];
    for (name, value) in SETTINGS {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
}

/// Only glibc has these settings.
#[cfg(not(target_os = "linux"))]
fn keep_memory(_command: &mut Command) {}
