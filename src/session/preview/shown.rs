//! One row as the Template room shows it: rendered text, token stream, counts and doubts. Knows no drawing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::data::{Conversation, Kind, Message, Role};
use crate::session::words;
use crate::template::{Mode, RenderOptions, Rendered, Template, TemplateError, Why, render};
use crate::tokens::{Piece, PrepareError, Tokenizer, pieces, prepare};

/// Bytes of a row that are too many to render and tokenise within a frame.
const LONG: usize = 100_000;

/// A row, rendered and tokenised.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The text and its spans.
    pub rendered: Rendered,
    /// The tokens; empty while there is no tokenizer.
    pub pieces: Vec<Piece>,
    /// Number of learned tokens.
    pub learned: usize,
    /// The text that ends the assistant's turn and into how many tokens it falls, where it is not one.
    pub split_marker: Option<(String, usize)>,
    /// Tells rows apart for whoever caches layouts.
    pub key: u64,
}

/// Why a row could not be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Line of the template, from 1, where it can be told.
    pub line: Option<usize>,
    pub message: String,
}

/// A sentence under the panes.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Should the user do something about it?
    pub warning: bool,
    pub text: String,
}

/// Everything that a shown row depends on.
pub struct Inputs<'a> {
    pub template: &'a Template,
    pub conversation: &'a Conversation,
    pub mode: Mode,
    pub tokenizer: Option<&'a Arc<Tokenizer>>,
}

impl Inputs<'_> {
    /// A marker such as `<|eot_id|>` that this tokenizer does not know falls into pieces.
    fn split_marker(&self) -> Option<(String, usize)> {
        let tokenizer = self.tokenizer?;
        let end = self.template.end_of_turn(&tokenizer.vars())?;
        let marker = end.trim();
        if !marker.starts_with('<') || tokenizer.id_of(marker).is_some() {
            return None;
        }
        let (ids, _) = tokenizer.encode(marker).ok()?;
        (ids.len() > 1).then(|| (marker.to_owned(), ids.len()))
    }

    /// A hash of the inputs: the same key means the same result.
    pub fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.template.name, &self.template.source, self.mode as u8).hash(&mut hasher);
        self.tokenizer.map(Arc::as_ptr).hash(&mut hasher);
        hash_conversation(self.conversation, &mut hasher);
        hasher.finish()
    }

    /// Renders and tokenises, as training does.
    pub fn build(&self) -> Result<Shown, Trouble> {
        self.made(false).map_err(Trouble::from)
    }

    /// The same within a frame; `None` where that does not suffice.
    pub fn build_at_once(&self) -> Option<Result<Shown, Trouble>> {
        let characters: usize = self.conversation.messages.iter().map(|m| m.content.len()).sum();
        if characters > LONG {
            return None;
        }
        match self.made(true) {
            Err(PrepareError::Template(TemplateError::Late { .. })) => None,
            made => Some(made.map_err(Trouble::from)),
        }
    }

    fn made(&self, hurried: bool) -> Result<Shown, PrepareError> {
        let options = RenderOptions {
            mode: self.mode,
            hurried,
            ..RenderOptions::default()
        };
        let (rendered, pieces) = match self.tokenizer {
            Some(tokenizer) => {
                let (rendered, encoded) = prepare(self.template, self.conversation, tokenizer, &options)?;
                (rendered, pieces(&encoded, tokenizer))
            }
            None => (render(self.template, self.conversation, &options)?, Vec::new()),
        };
        Ok(Shown {
            split_marker: self.split_marker(),
            learned: pieces.iter().filter(|p| p.supervised).count(),
            key: self.key(),
            rendered,
            pieces,
        })
    }
}

fn hash_conversation(conversation: &Conversation, hasher: &mut impl Hasher) {
    for message in &conversation.messages {
        (message.role, &message.content, &message.reasoning, &message.name).hash(hasher);
        message.weight.map(f32::to_bits).hash(hasher);
        message.tool_calls.as_ref().map(ToString::to_string).hash(hasher);
    }
    conversation.tools.as_ref().map(ToString::to_string).hash(hasher);
    conversation.documents.as_ref().map(ToString::to_string).hash(hasher);
    (conversation.kind as u8).hash(hasher);
}

impl From<TemplateError> for Trouble {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Jinja { line, message, .. } => Trouble {
                line: Some(line),
                message,
            },
            other => Trouble {
                line: None,
                message: other.to_string(),
            },
        }
    }
}

impl From<PrepareError> for Trouble {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Template(error) => error.into(),
            PrepareError::Token(error) => Trouble {
                line: None,
                message: error.to_string(),
            },
        }
    }
}

impl Shown {
    /// The token that covers a byte of the rendered text.
    pub fn piece_at(&self, byte: usize) -> Option<usize> {
        let at = self.pieces.partition_point(|p| p.end <= byte);
        (at < self.pieces.len() && self.pieces[at].start <= byte).then_some(at)
    }

    /// Which part of a character a token is: `(2, 3)` is the second of three. `None` for tokens of whole characters.
    pub fn part_of(&self, index: usize) -> Option<(usize, usize)> {
        let range = |p: &Piece| (p.start, p.end);
        let this = self.pieces.get(index).map(range)?;
        let before = self.pieces[..index]
            .iter()
            .rev()
            .take_while(|p| range(p) == this)
            .count();
        let after = self.pieces[index + 1..].iter().take_while(|p| range(p) == this).count();
        (before + after > 0 && this.0 < this.1).then_some((before + 1, before + 1 + after))
    }

    /// Character range of a byte range of the rendered text.
    pub fn characters(&self, start: usize, end: usize) -> (usize, usize) {
        let text = &self.rendered.text;
        let count = |to: usize| text.char_indices().take_while(|(at, _)| *at < to).count();
        (count(start), count(end))
    }

    /// What the user should know of this row, in sentences.
    pub fn notes(&self, conversation: &Conversation, max_length: usize) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = |warning: bool, text: String| notes.push(Note { warning, text });
        if conversation.kind == Kind::Text {
            note(
                false,
                "This row is raw text: no template applies and every token is learned.".into(),
            );
        }
        for problem in &self.rendered.problems {
            note(true, problem.clone());
        }
        if !self.pieces.is_empty() && self.learned == 0 {
            note(
                true,
                "Nothing of this row would be learned. Choose another mode, or a template that marks what the assistant says.".into(),
            );
        }
        if let Some((marker, tokens)) = &self.split_marker {
            note(
                true,
                format!(
                    "This model has no token for {marker}: it takes {tokens}. A template made for this model is easier to learn."
                ),
            );
        }
        let straddling = self.pieces.iter().filter(|p| p.straddles).count();
        if straddling > 0 {
            let tokens = if straddling == 1 {
                "token covers"
            } else {
                "tokens cover"
            };
            note(
                true,
                format!("{straddling} {tokens} both learned text and context; the first character decides."),
            );
        }
        if max_length > 0 && self.pieces.len() > max_length {
            note(
                true,
                format!(
                    "This row has {}, at most {max_length} are allowed: whole oldest turns go first. See the maximum length in Train.",
                    words::count(self.pieces.len(), "token")
                ),
            );
        }
        notes
    }
}

/// Why text is or is not learned, in a sentence.
pub fn why_words(why: Why) -> &'static str {
    match why {
        Why::AssistantContent => "Learned: the assistant says it.",
        Why::EndOfTurn => "Learned: it ends the assistant's turn.",
        Why::Everything => "Learned: this mode learns everything.",
        Why::GenerationBlock => "Learned: it stands in the template's generation block.",
        Why::TemplateText => "Context: the template adds it.",
        Why::OtherRole => "Context: somebody other than the assistant says it.",
        Why::NotLastTurn => "Context: only the last turn is learned.",
        Why::FlaggedOff => "Context: the row's flag takes this message out.",
        Why::Prompt => "Context: it belongs to the prompt.",
    }
}

/// A conversation to look at while no data is open.
pub fn example() -> Conversation {
    Conversation::unfiled(vec![
        Message::new(Role::System, "Answer in one short sentence."),
        Message::new(Role::User, "What is 2 + 2?"),
        Message::new(Role::Assistant, "2 + 2 is 4."),
    ])
}
