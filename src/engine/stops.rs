//! A stop string in streamed text: text that could be its beginning is held back until it is certain. Knows characters, not tokens.

/// Watches text for a stop string.
pub struct StopString {
    stop: String,
    held: String,
}

impl StopString {
    /// Watches for `stop`; an empty one never comes.
    pub fn new(stop: &str) -> Self {
        Self {
            stop: stop.into(),
            held: String::new(),
        }
    }

    /// Takes new text; gives what is certain not to belong to the stop string, and whether that string is complete.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        if self.stop.is_empty() {
            return (text.into(), false);
        }
        self.held.push_str(text);
        if let Some(at) = self.held.find(&self.stop) {
            let before = self.held[..at].to_string();
            self.held.clear();
            return (before, true);
        }
        let keep = self.possible_start();
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Gives what was held back, at the end of the text.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Length of the longest end of the held text that begins the stop string.
    fn possible_start(&self) -> usize {
        let ends = self.stop.char_indices().map(|(i, _)| i).skip(1);
        ends.filter(|n| self.held.ends_with(&self.stop[..*n]))
            .max()
            .unwrap_or(0)
    }
}
