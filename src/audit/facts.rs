//! What is remembered of one row after it was rendered and encoded: small enough to keep for every row. Does not know how facts are
//! found or counted.

use serde::{Deserialize, Serialize};

/// What may be true of a row. The numbers are kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Fact {
    /// Learns the words of the system, the user or a tool.
    OthersLearned = 1,
    /// Learns an answer but not its end.
    EndNotLearned = 1 << 1,
    /// A message holds the text of a special token.
    SpecialText = 1 << 2,
    /// The system prompt is not in the text.
    SystemDropped = 1 << 3,
    /// A marker of the template is no token.
    SplitMarker = 1 << 4,
    /// A token covers learned and other text.
    Straddling = 1 << 5,
    /// The rendering reported doubts.
    Unsure = 1 << 6,
    /// A message's weight is neither 0 nor 1.
    FractionalWeight = 1 << 7,
}

/// Whether a row is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Learned from.
    #[default]
    Kept,
    /// Nothing of it is learned.
    NothingLearned,
    /// Too long, even when cut to its last turn.
    TooLong,
    /// Cannot be read or rendered.
    Broken,
}

/// Ends of turns of one role in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndCount(pub u16, pub u16);

impl EndCount {
    /// End-of-turn texts.
    pub fn seen(self) -> usize {
        self.0.into()
    }

    /// Of these, learned.
    pub fn learned(self) -> usize {
        self.1.into()
    }
}

/// What is known of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowFacts {
    /// Whether it is used.
    pub fate: Fate,
    /// Bits of [`Fact`].
    pub bits: u16,
    /// Tokens before oldest turns were left out (of raw text: of all its windows); 0 where it could not be rendered.
    pub whole: u32,
    /// Messages left out.
    pub dropped: u16,
    /// Ends of turns: system, user, assistant, tool.
    pub ends: [EndCount; 4],
    /// The first marker or special-token text that a bit is about; empty otherwise.
    pub word: String,
}

impl RowFacts {
    /// A row that is not used.
    pub fn unused(fate: Fate, whole: usize) -> Self {
        Self {
            fate,
            whole: whole.try_into().unwrap_or(u32::MAX),
            ..Self::default()
        }
    }

    /// Is this true of the row?
    pub fn has(&self, fact: Fact) -> bool {
        self.bits & fact as u16 != 0
    }

    /// Notes a fact where it is true.
    pub(super) fn set(&mut self, fact: Fact, is: bool) {
        if is {
            self.bits |= fact as u16;
        }
    }
}
