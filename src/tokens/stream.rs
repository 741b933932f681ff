//! Decoding ids as they are generated: whole characters only, and all pieces together are exactly what decoding all ids at
//! once gives. One exception: in a run of byte tokens, characters that came whole stay even where a bad byte follows, which
//! the tokenizer itself would let spoil the whole run. Knows nothing of models or sampling.
use super::Tokenizer;

/// Turns ids into text one at a time.
pub struct Stream<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<u32>,
    /// `ids[start..read]` is the last chunk that was given out: context for the next one (a leading space, for example,
    /// is written only after something).
    start: usize,
    read: usize,
    /// Decoding of `ids[start..read]`.
    context: String,
    /// All text given out so far.
    text: String,
    /// Byte tokens since `read`.
    run: Run,
}

/// A run of byte-fallback tokens (`<0xE4>`), of which whole characters are given out before it ends: some scripts consist of them.
#[derive(Clone, Debug, Default)]
struct Run {
    bytes: Vec<u8>,
    /// Bytes that were given out as characters.
    given: usize,
    /// Nothing more is given out before the run's end: a byte was bad, or something else came between.
    closed: bool,
}

impl Run {
    /// Takes a byte; gives the characters that are whole now.
    fn push(&mut self, byte: u8) -> String {
        self.bytes.push(byte);
        if self.closed {
            return String::new();
        }
        let new = &self.bytes[self.given..];
        let whole = match std::str::from_utf8(new) {
            Ok(whole) => whole,
            Err(error) => {
                self.closed = error.error_len().is_some();
                std::str::from_utf8(&new[..error.valid_up_to()]).unwrap_or_default()
            }
        };
        let whole = whole.to_owned();
        self.given += whole.len();
        whole
    }

    /// What is left of a text that begins with the whole run.
    fn rest(&self, text: &str) -> String {
        let given = std::str::from_utf8(&self.bytes[..self.given]).unwrap_or_default();
        match text.strip_prefix(given) {
            Some(rest) => rest.to_owned(),
            // A bad byte: the tokenizer writes a mark for every byte of the run.
            None => text.chars().skip(self.given).collect(),
        }
    }
}

impl<'a> Stream<'a> {
    /// Starts with nothing decoded.
    pub fn new(tokenizer: &'a Tokenizer) -> Self {
        Self {
            tokenizer,
            ids: Vec::new(),
            start: 0,
            read: 0,
            context: String::new(),
            text: String::new(),
            run: Run::default(),
        }
    }

    /// Takes one id; gives the text that is certain now, which is empty while a character is incomplete.
    pub fn push(&mut self, id: u32) -> String {
        self.ids.push(id);
        let new = match self.byte_of(id) {
            Some(byte) => self.run.push(byte),
            None => self.settled(),
        };
        self.text.push_str(&new);
        new
    }

    /// What is certain after a token that is not a byte.
    fn settled(&mut self) -> String {
        // Should nothing be certain, a byte that follows does not continue the run.
        self.run.closed = true;
        let window = self.tokenizer.decode(&self.ids[self.start..]);
        if window.ends_with(char::REPLACEMENT_CHARACTER) {
            return String::new();
        }
        let Some(new) = window.strip_prefix(self.context.as_str()).filter(|new| !new.is_empty()) else {
            return String::new();
        };
        let new = self.run.rest(new);
        self.run = Run::default();
        self.start = self.read;
        self.read = self.ids.len();
        self.context = self.tokenizer.decode(&self.ids[self.start..]);
        new
    }

    /// Takes several ids at once.
    pub fn push_all(&mut self, ids: &[u32]) -> String {
        ids.iter().map(|id| self.push(*id)).collect()
    }

    /// The text held back (an incomplete character comes out as U+FFFD); the stream may go on afterwards.
    pub fn finish(&mut self) -> String {
        let all = self.tokenizer.decode(&self.ids);
        let rest = match all.strip_prefix(self.text.as_str()) {
            Some(rest) => rest.to_owned(),
            None => {
                let window = self.tokenizer.decode(&self.ids[self.start..]);
                let new = window.strip_prefix(self.context.as_str()).unwrap_or_default();
                self.run.rest(new)
            }
        };
        self.run.given = self.run.bytes.len();
        self.run.closed = true;
        self.text.push_str(&rest);
        rest
    }

    /// Everything given out so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ids taken so far.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The byte that a byte-fallback token stands for.
    fn byte_of(&self, id: u32) -> Option<u8> {
        let raw = self.tokenizer.raw_token(id)?;
        let hex = raw
            .strip_prefix("<0x")?
            .strip_suffix('>')
            .filter(|hex| hex.len() == 2)?;
        let byte = u8::from_str_radix(hex, 16).ok()?;
        // A tokenizer without byte fallback may hold such a text as an ordinary token.
        (self.tokenizer.token_text(id) != raw).then_some(byte)
    }
}
