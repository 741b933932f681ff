//! The list of what went wrong, each with its ways out, and toasts for what just succeeded. Knows no rooms.

use super::Command;

/// A way out of a problem: the word on a button and what it does.
#[derive(Clone, Debug)]
pub struct Way {
    pub label: String,
    pub command: Command,
}

impl Way {
    /// A way out.
    pub fn new(label: impl Into<String>, command: Command) -> Self {
        Self {
            label: label.into(),
            command,
        }
    }
}

/// Something that went wrong and stays listed until it is dismissed.
#[derive(Clone, Debug)]
pub struct Problem {
    pub id: u64,
    /// What happened, where, what to do next.
    pub message: String,
    pub ways: Vec<Way>,
    /// Was the list open since?
    pub seen: bool,
}

/// Something that just succeeded; shown for a few seconds.
#[derive(Clone, Debug)]
pub struct Toast {
    pub id: u64,
    pub message: String,
}

/// Problems and toasts, newest last.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    pub list: Vec<Problem>,
    pub toasts: Vec<Toast>,
    last_id: u64,
}

impl Problems {
    /// Adds a problem; the same message again replaces the older one.
    pub fn report(&mut self, message: impl Into<String>, ways: Vec<Way>) {
        let message = message.into();
        self.list.retain(|p| p.message != message);
        self.last_id += 1;
        self.list.push(Problem {
            id: self.last_id,
            message,
            ways,
            seen: false,
        });
    }

    /// Says that something succeeded.
    pub fn toast(&mut self, message: impl Into<String>) {
        self.last_id += 1;
        self.toasts.push(Toast {
            id: self.last_id,
            message: message.into(),
        });
        // Three at most: older ones were readable long enough.
        let extra = self.toasts.len().saturating_sub(3);
        self.toasts.drain(..extra);
    }

    /// Takes a problem or toast away.
    pub fn dismiss(&mut self, id: u64) {
        self.list.retain(|p| p.id != id);
        self.toasts.retain(|t| t.id != id);
    }

    /// A problem was noticed.
    pub fn see(&mut self, id: u64) {
        self.list.iter_mut().filter(|p| p.id == id).for_each(|p| p.seen = true);
    }

    /// The newest problem is shown elsewhere already.
    pub fn see_newest(&mut self) {
        self.list.iter_mut().last().into_iter().for_each(|p| p.seen = true);
    }

    /// All problems were noticed.
    pub fn see_all(&mut self) {
        self.list.iter_mut().for_each(|p| p.seen = true);
    }

    /// Takes all problems away.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}
