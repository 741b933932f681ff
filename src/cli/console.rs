//! What is printed and where: results on stdout, progress and, with `--json`, all text for people on stderr.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// The terminal.
pub struct Console {
    json: bool,
    bar: ProgressBar,
}

impl Console {
    /// A terminal without a bar yet.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
        }
    }

    /// Is the output for a script?
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints a result: the object with `--json`, else the text.
    pub fn result(&self, value: &impl Serialize, text: &str) {
        if !self.json {
            self.bar.suspend(|| out(&format!("{text}\n")));
        } else if let Ok(line) = serde_json::to_string(value) {
            self.bar.suspend(|| out(&format!("{line}\n")));
        }
    }

    /// Prints a piece of streamed text; nothing with `--json`.
    pub fn piece(&self, text: &str) {
        if !self.json {
            out(text);
        }
    }

    /// Tells the user something that is no result.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    /// Tells something that is only worth a line where a person reads along.
    pub fn note(&self, text: &str) {
        if !self.json {
            self.say(text);
        }
    }

    /// Tells the user about a doubt.
    pub fn warn(&self, text: &str) {
        self.say(&format!("Warning: {text}"));
    }

    /// Shows how far something is.
    pub fn progress(&self, what: &str, done: u64, total: u64) {
        const TEMPLATE: &str = "{msg} {bar:30} {percent}%, {eta} left";
        // The template is fixed; a bar in indicatif's own style would do as well.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Another total is another thing; its time left must not be guessed from the one before.
        if self.bar.length() != Some(total) {
            self.bar.reset();
            self.bar.set_style(style);
            self.bar.set_length(total);
        }
        self.bar.set_message(what.to_string());
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Writes to stdout at once. When the reader is gone (`| head`) there is nobody left to work for.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(1);
    }
}
