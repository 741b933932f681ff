//! Stop, pause and resume for a run that is already going: `control.json` in the run folder names a local socket and a secret that
//! only readers of the folder know. Both sides are here; what a control does is the caller's matter.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use interprocess::local_socket::{GenericNamespaced, ListenerOptions, Stream, prelude::*};
use serde::{Deserialize, Serialize};

use crate::protocol::Control;

/// `control.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlFile {
    /// The worker.
    pub pid: u32,
    /// Name of the local socket (abstract on Linux, a named pipe on Windows).
    pub socket: String,
    /// Must accompany each message: other users of the machine can see the socket.
    pub secret: String,
}

/// One message, on a line.
#[derive(Serialize, Deserialize)]
struct Message {
    secret: String,
    #[serde(flatten)]
    control: Control,
}

const ACCEPTED: &str = "accepted";

/// Where the file is.
pub fn path_in(run_dir: &Path) -> PathBuf {
    run_dir.join("control.json")
}

/// Reads `control.json`; `None` where there is none (the worker has not come that far, or the run is old).
pub fn read(run_dir: &Path) -> Option<ControlFile> {
    serde_json::from_slice(&std::fs::read(path_in(run_dir)).ok()?).ok()
}

/// Opens the socket, writes `control.json` and answers on a thread of its own until the process ends.
///
/// # Errors
/// The socket or the file could not be made.
pub fn listen(run_dir: &Path, act: impl Fn(Control) + Send + 'static) -> std::io::Result<()> {
    let pid = std::process::id();
    let file = ControlFile {
        pid,
        socket: format!("burnish-{pid}-{:08x}.sock", rand::random::<u32>()),
        secret: format!("{:032x}", rand::random::<u128>()),
    };
    let name = file.socket.as_str().to_ns_name::<GenericNamespaced>()?;
    let listener = ListenerOptions::new().name(name).create_sync()?;
    let text = serde_json::to_vec_pretty(&file)?;
    let temp = run_dir.join(".control.json.new");
    std::fs::write(&temp, text)?;
    std::fs::rename(&temp, path_in(run_dir))?;
    std::thread::Builder::new()
        .name("burnish-control".into())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                // A caller that goes away in the middle is no concern of the run.
                let _ = answer(stream, &file.secret, &act);
            }
        })?;
    Ok(())
}

fn answer(stream: Stream, secret: &str, act: &dyn Fn(Control)) -> std::io::Result<()> {
    // A caller that connects and says nothing must not shut others out for good. Where the system has no such limit, it may.
    let _ = stream.set_recv_timeout(Some(Duration::from_secs(2)));
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    match serde_json::from_str::<Message>(&line) {
        Ok(message) if message.secret == secret => {
            act(message.control);
            writeln!(reader.get_mut(), "{ACCEPTED}")
        }
        _ => writeln!(reader.get_mut(), "refused"),
    }
}

/// Sends a control to the run in `run_dir`; waits a while for a worker that has just been started. Blocks: call it from a thread.
///
/// # Errors
/// A sentence that says why the worker could not be reached.
pub fn send(run_dir: &Path, control: Control) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match try_send(run_dir, control) {
            Err(_) if start.elapsed() < Duration::from_secs(5) => std::thread::sleep(Duration::from_millis(50)),
            Err(message) => return Err(format!("Could not reach the run in {}: {message}", run_dir.display())),
            Ok(()) => return Ok(()),
        }
    }
}

fn try_send(run_dir: &Path, control: Control) -> Result<(), String> {
    let file = read(run_dir).ok_or("it has no control.json yet.")?;
    let talk = || -> std::io::Result<String> {
        let name = file.socket.as_str().to_ns_name::<GenericNamespaced>()?;
        let mut reader = BufReader::new(Stream::connect(name)?);
        let message = Message {
            secret: file.secret.clone(),
            control,
        };
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        reader.get_mut().write_all(&line)?;
        let mut reply = String::new();
        reader.read_line(&mut reply)?;
        Ok(reply)
    };
    match talk() {
        Ok(reply) if reply.trim() == ACCEPTED => Ok(()),
        Ok(_) => Err("it refused the message; control.json belongs to another worker.".into()),
        Err(error) => Err(format!("{error}.")),
    }
}
