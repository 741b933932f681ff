//! Words that were split into tokens before, for each thread its own, so that nobody waits. Bounded. Knows no tokenizer.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words that are kept on each thread.
const MOST: usize = 1 << 16;
/// Longer words hardly come twice.
const LONGEST: usize = 48;

/// A token of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub id: u32,
    /// Bytes of the word that it covers.
    pub bytes: u32,
    /// Spaces at its beginning and its end.
    pub lead: u16,
    pub trail: u16,
}

/// Words of one tokenizer.
#[derive(Default)]
pub(super) struct Memo {
    known: HashMap<Box<str>, Range<u32>, BuildHasherDefault<Fold>>,
    parts: Vec<Part>,
    /// A word that is not kept.
    last: Vec<Part>,
}

impl Memo {
    /// The tokens of a word that was seen before.
    pub fn get(&self, word: &str) -> Option<&[Part]> {
        let range = self.known.get(word)?;
        self.parts.get(range.start as usize..range.end as usize)
    }

    /// Keeps the tokens of a word where there is room, and gives them back.
    pub fn put(&mut self, word: &str, parts: Vec<Part>) -> &[Part] {
        if self.known.len() >= MOST || word.len() > LONGEST {
            self.last = parts;
            return &self.last;
        }
        let start = self.parts.len();
        self.parts.extend(parts);
        // At most MOST * LONGEST parts: far below the range of u32.
        self.known.insert(word.into(), start as u32..self.parts.len() as u32);
        &self.parts[start..]
    }
}

/// A number that no other tokenizer of this process has.
pub(super) fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Lends this thread's memo of a tokenizer; another tokenizer's is given up for it.
pub(super) fn with<T>(id: u64, work: impl FnOnce(&mut Memo) -> T) -> T {
    thread_local! {
        static MEMO: RefCell<(u64, Memo)> = RefCell::default();
    }
    MEMO.with(|cell| {
        // Nothing in `work` comes back here; should it, it gets a memo of its own.
        let Ok(mut kept) = cell.try_borrow_mut() else {
            return work(&mut Memo::default());
        };
        if kept.0 != id {
            *kept = (id, Memo::default());
        }
        work(&mut kept.1)
    })
}

/// A quick hash of short texts. The table is bounded, so that nobody gains by collisions.
#[derive(Default)]
struct Fold(u64);

impl Fold {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.mix(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(byte.into());
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
