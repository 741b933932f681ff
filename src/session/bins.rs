//! Histograms over the rows of a file, made once when it is read. Knows numbers, not rows.

/// Most bars of a histogram.
const BARS: usize = 24;

/// A histogram: bar `i` counts values from `from + i * width` up to, not including, `from + (i + 1) * width`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bins {
    /// Where the first bar begins.
    pub from: u64,
    /// Width of a bar, in units of the values.
    pub width: u64,
    /// Rows in each bar.
    pub counts: Vec<usize>,
    /// The value in the middle of all.
    pub median: u64,
    /// The largest value.
    pub largest: u64,
}

impl Bins {
    /// Counts the values into at most 24 bars of a round width.
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let Some(&largest) = values.last() else {
            return Self::default();
        };
        let width = round_up((largest - values[0]) / BARS as u64 + 1);
        let from = values[0] / width * width;
        let mut counts = vec![0; ((largest - from) / width + 1) as usize];
        for value in &values {
            counts[((value - from) / width) as usize] += 1;
        }
        Self {
            from,
            width,
            counts,
            median: values[values.len() / 2],
            largest,
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50 ...
fn round_up(value: u64) -> u64 {
    let mut unit = 1;
    loop {
        if let Some(round) = [1, 2, 5].map(|n| n * unit).into_iter().find(|round| *round >= value) {
            return round;
        }
        unit *= 10;
    }
}
