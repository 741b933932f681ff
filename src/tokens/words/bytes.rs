//! Bytes as GPT-2's vocabularies spell them: printable ones as themselves, the others as characters from U+0100 on.

/// How a space is spelt.
pub(super) const SPACE: char = '\u{120}';

/// A character for each byte.
pub(super) struct Spelling([char; 256]);

impl Spelling {
    pub fn new() -> Self {
        let mut next = 0x100;
        let mut all = ['\0'; 256];
        for (char, byte) in all.iter_mut().zip(0u8..=255) {
            let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
            *char = match printable {
                true => char::from(byte),
                false => {
                    let spelt = char::from_u32(next).unwrap_or_default();
                    next += 1;
                    spelt
                }
            };
        }
        Self(all)
    }

    /// The characters of all bytes.
    pub fn all(&self) -> impl Iterator<Item = char> {
        self.0.iter().copied()
    }

    /// A text's bytes.
    pub fn spell(&self, text: &str) -> String {
        text.bytes().map(|byte| self.0[usize::from(byte)]).collect()
    }
}

/// Bytes that a spelt text stands for, and the spaces at its beginning and its end.
pub(super) fn spelt_in(spelt: &str) -> (usize, usize, usize) {
    let space = |c: &char| *c == SPACE || c.is_whitespace();
    let lead = spelt.chars().take_while(space).count();
    let trail = spelt.chars().rev().take_while(space).count();
    (spelt.chars().count(), lead, trail)
}
