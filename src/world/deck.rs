//! A seeded random source and decks that deal every card once before any card twice. Knows nothing of what is dealt.

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine and with every library version.
pub struct Dice(u64);

impl Dice {
    /// A source that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number below `n` (0 when `n` is 0).
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True in `percent` of 100 throws.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items; the slice must not be empty.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// Puts the items in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Deals the numbers it was made of in random order, all of them before any of them again.
pub struct Deck {
    cards: Vec<usize>,
    dealt: usize,
}

impl Deck {
    /// A deck of these cards, shuffled at the first deal.
    pub fn new(cards: Vec<usize>) -> Self {
        let dealt = cards.len();
        Self { cards, dealt }
    }

    /// The next card.
    pub fn deal(&mut self, dice: &mut Dice) -> usize {
        if self.dealt == self.cards.len() {
            dice.shuffle(&mut self.cards);
            self.dealt = 0;
        }
        self.dealt += 1;
        self.cards[self.dealt - 1]
    }
}
