//! The dynamic maps of eight bits (Dettmers 2016, "8-bit approximations for parallelism in deep learning"; bitsandbytes'
//! `create_dynamic_map`): what each of 256 codes stands for, and the code nearest to a number. Knows nothing of blocks or tensors.
//!
//! Seven decades, of which each is cut into twice as many equal parts as the one below, each part standing for its middle; and 0 and 1.
//! The signed map has both signs and half the parts.
use std::sync::LazyLock;

/// What the codes of -1 to 1 stand for, ascending; 127 is 0, 255 is 1.
pub(super) static SIGNED: LazyLock<[f32; 256]> = LazyLock::new(|| {
    let mut map = [0f32; 256];
    each_middle(1, |place, middle| {
        map[127 + place] = middle;
        map[127 - place] = -middle;
    });
    map[255] = 1.0;
    map
});

/// What the codes of 0 to 1 stand for, ascending.
pub(super) static UNSIGNED: LazyLock<[f32; 256]> = LazyLock::new(|| {
    let mut map = [0f32; 256];
    each_middle(2, |place, middle| map[place] = middle);
    map[255] = 1.0;
    map
});

/// Gives the middles of all parts with their places from 1 on; the lowest decade has `lowest` parts.
fn each_middle(lowest: usize, mut give: impl FnMut(usize, f32)) {
    for decade in 0..7i32 {
        let parts = lowest << decade;
        let factor = 10f64.powi(decade - 6) as f32;
        for part in 0..parts {
            // Rounded where PyTorch's `linspace` and the mean of two neighbours round.
            let middle = (boundary(part, parts) + boundary(part + 1, parts)) / 2.0;
            give(parts - lowest + part + 1, factor * middle);
        }
    }
}

/// Boundary `i` of `parts` equal parts between 0.1 and 1.
fn boundary(i: usize, parts: usize) -> f32 {
    let (start, end) = (0.1f32, 1f32);
    let step = (end - start) / parts as f32;
    if i < parts.div_ceil(2) {
        step.mul_add(i as f32, start)
    } else {
        (-step).mul_add((parts - i) as f32, end)
    }
}

/// The code nearest to a number of -1 to 1 in [`SIGNED`], the lower of two that are equally near.
pub(super) fn nearest_signed(x: f32) -> u8 {
    let upper = SIGNED.partition_point(|entry| *entry < x).min(255);
    let lower = upper.saturating_sub(1);
    let closer = if x - SIGNED[lower] <= SIGNED[upper] - x {
        lower
    } else {
        upper
    };
    closer as u8
}

/// Finds the nearest of ascending numbers from 0 to 1 by the upper bits of a number, for millions of them.
pub(super) struct Finder {
    /// For each pattern of upper bits the place of its smallest number.
    places: Vec<u8>,
    /// The middle between each entry and the next; infinity after the last.
    middles: Vec<f32>,
}

/// Bits of a number that a place is not looked up by. With eight bits of the fraction left, no two middles share a pattern.
const LOWER_BITS: u32 = 15;
/// Numbers below this are nearest to 0 in either map: two to the power of -23.
const SMALLEST: u32 = 104 << 23 >> LOWER_BITS;

/// Finds the magnitudes of [`SIGNED`], counted from its 0.
pub(super) static MAGNITUDES: LazyLock<Finder> = LazyLock::new(|| Finder::new(&SIGNED[127..]));
/// Finds the codes of [`UNSIGNED`].
pub(super) static CODES: LazyLock<Finder> = LazyLock::new(|| Finder::new(&*UNSIGNED));

impl Finder {
    fn new(entries: &[f32]) -> Self {
        let mut middles: Vec<f32> = entries.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
        let patterns = SMALLEST..=1f32.to_bits() >> LOWER_BITS;
        let lowest = patterns.map(|pattern| f32::from_bits(pattern << LOWER_BITS));
        let places = lowest.map(|x| middles.partition_point(|middle| *middle < x) as u8);
        let places = places.collect();
        middles.push(f32::INFINITY);
        Self { places, middles }
    }

    /// The place of the entry nearest to a number of 0 to 1, the lower of two that are equally near.
    #[inline]
    pub fn place(&self, x: f32) -> u8 {
        let pattern = (x.to_bits() >> LOWER_BITS).saturating_sub(SMALLEST) as usize;
        let place = self.places[pattern.min(self.places.len() - 1)];
        place + u8::from(x > self.middles[usize::from(place)])
    }
}
