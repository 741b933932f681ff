//! The child's side of the line: events out, one JSON object a line, over a descriptor that no library prints to.
//! Knows `protocol`, not how jobs are done.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::protocol::{Event, Frame};

/// Where frames go.
pub struct Frames {
    out: Mutex<File>,
}

impl Frames {
    /// Keeps the descriptor that was stdout for frames, and lets stdout mean stderr from now on, so that nothing that a library
    /// prints gets between frames. Must come before anything else is loaded.
    ///
    /// # Errors
    /// The process has no stdout.
    #[cfg(unix)]
    pub fn take_stdout() -> std::io::Result<Self> {
        use std::os::fd::AsFd;
        let kept = std::io::stdout().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self {
            out: Mutex::new(kept.into()),
        })
    }

    /// On Windows stdout cannot be redirected without unsafe code: frames go over a duplicate of its handle, each written whole on
    /// a line of its own, and the parent takes lines that are no frames for log text.
    ///
    /// # Errors
    /// The process has no stdout.
    #[cfg(windows)]
    pub fn take_stdout() -> std::io::Result<Self> {
        use std::os::windows::io::AsHandle;
        let kept = std::io::stdout().as_handle().try_clone_to_owned()?;
        Ok(Self {
            out: Mutex::new(kept.into()),
        })
    }

    /// Sends a frame; false when nobody listens any more.
    pub fn send(&self, id: u64, event: Event) -> bool {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut out, id, event)
    }

    /// Sends from a panic hook: gives up rather than wait for a lock that the panicking thread may hold.
    pub fn send_last(&self, id: u64, event: Event) -> bool {
        match self.out.try_lock() {
            Ok(mut out) => write(&mut out, id, event),
            Err(TryLockError::Poisoned(error)) => write(&mut error.into_inner(), id, event),
            Err(TryLockError::WouldBlock) => false,
        }
    }
}

fn write(out: &mut File, id: u64, event: Event) -> bool {
    let Ok(mut line) = serde_json::to_vec(&Frame { id, event }) else {
        return false;
    };
    line.push(b'\n');
    out.write_all(&line).is_ok()
}
