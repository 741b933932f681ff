//! Stop texts in streamed text: what could be the beginning of one is held back until it is certain. Knows characters, not tokens.

/// Watches text for any of several stop texts.
#[derive(Clone, Debug, Default)]
pub struct StopTexts {
    stops: Vec<String>,
    held: String,
}

impl StopTexts {
    /// Watches for all of these; empty ones are left out.
    pub fn new(stops: impl IntoIterator<Item = String>) -> Self {
        Self {
            stops: stops.into_iter().filter(|s| !s.is_empty()).collect(),
            held: String::new(),
        }
    }

    /// Takes new text; gives what is certain not to belong to a stop text, and the one that is complete. Where several are
    /// complete, the one that begins first counts, then the longest.
    pub fn push(&mut self, text: &str) -> (String, Option<String>) {
        self.held.push_str(text);
        if let Some((at, stop)) = self.complete() {
            let before = self.held[..at].to_string();
            self.held.clear();
            return (before, Some(stop));
        }
        let keep = self.possible_start();
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), None)
    }

    /// Gives what was held back, at the end of the text.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    fn complete(&self) -> Option<(usize, String)> {
        let found = self.stops.iter().filter_map(|s| Some((self.held.find(s)?, s)));
        let first = found.min_by_key(|(at, stop)| (*at, std::cmp::Reverse(stop.len())));
        first.map(|(at, stop)| (at, stop.clone()))
    }

    /// Length of the longest end of the held text that begins a stop text.
    fn possible_start(&self) -> usize {
        let longest = |stop: &String| {
            let ends = stop.char_indices().map(|(i, _)| i).skip(1);
            ends.filter(|n| self.held.ends_with(&stop[..*n])).max()
        };
        self.stops.iter().filter_map(longest).max().unwrap_or(0)
    }
}
