//! A series of numbers that is drawn with a few points a pixel however long it is: smallest and largest values of ever larger
//! buckets, kept up as numbers come. Knows numbers by their place, not what they mean.

use std::ops::Range;

/// Buckets of one level that make one of the next.
const FAN: usize = 4;

/// Where a bucket's extremes lie.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    low: u32,
    high: u32,
}

/// Numbers and the extremes of their buckets. Level `k` holds the whole buckets of `4^(k + 1)` numbers.
#[derive(Clone, Debug, Default)]
pub struct Pyramid {
    values: Vec<f64>,
    levels: Vec<Vec<Bucket>>,
}

impl Pyramid {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number at a place.
    pub fn get(&self, at: usize) -> Option<f64> {
        self.values.get(at).copied()
    }

    /// Adds a number; what is not finite is counted, but never drawn. Costs a constant time on average.
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
        let mut level = 0;
        while self.values.len().is_multiple_of(FAN.pow(level as u32 + 1)) {
            let bucket = self.newest_bucket(level);
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(bucket);
            level += 1;
        }
    }

    /// Adds what cannot be drawn until there are so many numbers.
    pub fn pad(&mut self, len: usize) {
        while self.values.len() < len {
            self.push(f64::NAN);
        }
    }

    /// Keeps the first numbers only.
    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        for (level, buckets) in self.levels.iter_mut().enumerate() {
            buckets.truncate(self.values.len() / FAN.pow(level as u32 + 1));
        }
    }

    /// Places and values to draw of a range, in order: every finite number where they are few, else the smallest and the largest
    /// of each of at most about `most` buckets. Costs `most`, not the length of the series.
    pub fn reduced(&self, range: Range<usize>, most: usize) -> Vec<(usize, f64)> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        let mut points = Vec::new();
        if range.is_empty() {
            return points;
        }
        let mut level = 0;
        while range.len() / FAN.pow(level as u32) > most.max(1) && level < self.levels.len() {
            level += 1;
        }
        self.gather(level, range.clone(), &mut points);
        // A line ends where the series ends.
        let last = range.end - 1;
        if self.values[last].is_finite() && points.last().is_none_or(|(at, _)| *at < last) {
            points.push((last, self.values[last]));
        }
        points
    }

    /// Points of a range by the buckets of one level; what no whole bucket covers comes from the levels below.
    fn gather(&self, level: usize, range: Range<usize>, points: &mut Vec<(usize, f64)>) {
        if level == 0 {
            let values = self.values[range.clone()].iter();
            let finite = range.zip(values).filter(|(_, value)| value.is_finite());
            points.extend(finite.map(|(at, value)| (at, *value)));
            return;
        }
        let (size, buckets) = (FAN.pow(level as u32), &self.levels[level - 1]);
        let first = (range.start / size).min(buckets.len());
        let end = range.end.div_ceil(size).min(buckets.len());
        for bucket in &buckets[first..end.max(first)] {
            let (a, b) = (bucket.low.min(bucket.high), bucket.low.max(bucket.high));
            for at in if a == b { vec![a] } else { vec![a, b] } {
                // A bucket without a finite number points behind the series.
                let value = self.values.get(at as usize).copied().filter(|value| value.is_finite());
                points.extend(value.map(|value| (at as usize, value)));
            }
        }
        let rest = (end.max(first) * size).max(range.start)..range.end;
        if !rest.is_empty() {
            self.gather(level - 1, rest, points);
        }
    }

    /// The bucket that the last numbers fill, made of the level below.
    fn newest_bucket(&self, level: usize) -> Bucket {
        let places: Vec<u32> = if level == 0 {
            (self.values.len() - FAN..self.values.len())
                .map(|at| at as u32)
                .collect()
        } else {
            let below = &self.levels[level - 1];
            below[below.len() - FAN..]
                .iter()
                .flat_map(|b| [b.low, b.high])
                .collect()
        };
        let value = |at: u32| self.values.get(at as usize).copied().unwrap_or(f64::NAN);
        let finite = || places.iter().copied().filter(|at| value(*at).is_finite());
        let none = u32::MAX;
        Bucket {
            low: finite().min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(none),
            high: finite().max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(none),
        }
    }
}
