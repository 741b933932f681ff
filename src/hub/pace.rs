//! How fast a transfer is and how long it will take, from the last seconds. Knows numbers and clocks only.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What counts as "lately".
const WINDOW: Duration = Duration::from_secs(8);
/// Below this a rate is a guess.
const LEAST: Duration = Duration::from_millis(700);

/// Bytes over time.
#[derive(Debug, Default)]
pub struct Pace {
    marks: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// `done` bytes had come at `now`.
    pub fn mark(&mut self, now: Instant, done: u64) {
        // A file that begins anew makes the count smaller: what was before says nothing.
        if self.marks.back().is_some_and(|(_, before)| *before > done) {
            self.marks.clear();
        }
        self.marks.push_back((now, done));
        while self.marks.len() > 2 && self.marks[1].0 + WINDOW < now {
            self.marks.pop_front();
        }
    }

    /// Bytes per second lately; `None` until that can be said.
    pub fn per_second(&self) -> Option<f64> {
        let ((start, from), (end, to)) = (self.marks.front()?, self.marks.back()?);
        let took = end.duration_since(*start);
        (took >= LEAST && to > from).then(|| (to - from) as f64 / took.as_secs_f64())
    }

    /// Seconds until so many bytes more are there.
    pub fn seconds_for(&self, bytes: u64) -> Option<f64> {
        Some(bytes as f64 / self.per_second()?)
    }
}
