//! One named conversation: a tree of turns, each answered by the base and, where there is one, the tuned model.
//! Knows neither files nor workers.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::{ChatMessage, Ending, Reading, Sampling, StopReason, TopToken};

/// Which model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// The base model.
    Base,
    /// The base model with the adapter.
    Tuned,
}

impl Column {
    /// Both, in the order in which they are asked.
    pub const ALL: [Column; 2] = [Column::Base, Column::Tuned];

    /// The word above the column.
    pub fn name(self) -> &'static str {
        match self {
            Column::Base => "Base",
            Column::Tuned => "Tuned",
        }
    }

    /// The other one.
    pub fn other(self) -> Column {
        match self {
            Column::Base => Column::Tuned,
            Column::Tuned => Column::Base,
        }
    }
}

/// Where an answer stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyStatus {
    /// In the queue, or the worker still loads.
    Waiting,
    /// Tokens arrive.
    Streaming,
    /// Over, and why.
    Ended(StopReason),
    /// The worker could not answer; the message says why.
    Failed(String),
    /// The window was closed while the answer was being written.
    Interrupted,
}

/// A token of an answer with what else the model held likely at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub id: u32,
    /// Bytes of the answer's text that came with it; none where it is a part of a character, or a stop text may have begun.
    pub range: Range<usize>,
    pub probability: Option<f32>,
    /// The likeliest tokens, best first, this one among them.
    pub alternatives: Vec<TopToken>,
}

impl Piece {
    /// The token's own text, where the worker told it.
    pub fn text(&self) -> Option<&str> {
        let own = self.alternatives.iter().find(|a| a.id == self.id);
        own.map(|a| a.text.as_str())
    }
}

/// What one model answered to one user message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text so far.
    pub text: String,
    pub status: ReplyStatus,
    /// Name of the model that answered.
    pub by: String,
    /// The seed that was used.
    pub seed: u64,
    /// Number of new tokens.
    #[serde(default)]
    pub tokens: usize,
    /// Speed after the first token; 0 while unknown.
    #[serde(default)]
    pub tokens_per_second: f64,
    /// From the beginning of reading to the first token, in seconds; 0 while unknown.
    #[serde(default)]
    pub first_token_seconds: f64,
    /// What ended it, more closely than the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// What the model read before, and what was left out.
    #[serde(default)]
    pub reading: Reading,
    /// The tokens one by one. Not written to disk: they are many times larger than the text.
    #[serde(skip)]
    pub pieces: Arc<Vec<Piece>>,
}

impl Reply {
    /// An answer that was asked for and has not begun.
    pub fn waiting(by: impl Into<String>, seed: u64) -> Self {
        Self {
            text: String::new(),
            status: ReplyStatus::Waiting,
            by: by.into(),
            seed,
            tokens: 0,
            tokens_per_second: 0.0,
            first_token_seconds: 0.0,
            ended: None,
            reading: Reading::default(),
            pieces: Arc::default(),
        }
    }

    /// Takes in a new token with the text that came with it.
    pub(super) fn push(&mut self, text: &str, id: u32, probability: Option<f32>, alternatives: Vec<TopToken>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.tokens += 1;
        Arc::make_mut(&mut self.pieces).push(Piece {
            id,
            range: start..self.text.len(),
            probability,
            alternatives,
        });
    }

    /// Sets the whole text; what had been held back belongs to the last token.
    pub(super) fn complete(&mut self, text: String) {
        let streamed = text.starts_with(&self.text);
        let pieces = Arc::make_mut(&mut self.pieces);
        match pieces.last_mut() {
            Some(last) if streamed => last.range.end = text.len(),
            // Another text than the one that came token by token: places in it would be wrong.
            _ => pieces.clear(),
        }
        self.text = text;
    }

    /// The token whose text holds this byte.
    pub fn piece_at(&self, byte: usize) -> Option<usize> {
        self.pieces.iter().position(|p| p.range.contains(&byte))
    }

    /// Is nothing more to come?
    pub fn is_over(&self) -> bool {
        !matches!(self.status, ReplyStatus::Waiting | ReplyStatus::Streaming)
    }
}

/// A user message and its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Index of the turn before this one; `None` opens the conversation.
    pub parent: Option<usize>,
    /// What the user said.
    pub user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Reply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Reply>,
}

impl Turn {
    /// The answer in a column.
    pub fn reply(&self, column: Column) -> Option<&Reply> {
        match column {
            Column::Base => self.base.as_ref(),
            Column::Tuned => self.tuned.as_ref(),
        }
    }

    /// The answer in a column, to be set or changed.
    pub fn reply_mut(&mut self, column: Column) -> &mut Option<Reply> {
        match column {
            Column::Base => &mut self.base,
            Column::Tuned => &mut self.tuned,
        }
    }
}

/// A named conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// Unique in the project.
    pub id: u64,
    pub name: String,
    /// Did the user choose the name? Otherwise it follows the first message.
    #[serde(default)]
    pub renamed: bool,
    /// The system prompt; empty = none.
    #[serde(default)]
    pub system: String,
    /// What stands in the composer.
    #[serde(default)]
    pub draft: String,
    /// How tokens are picked.
    pub sampling: Sampling,
    /// All turns ever sent; branches share their beginnings.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// The last turn of the branch that is shown.
    #[serde(default)]
    pub tip: Option<usize>,
}

/// Name of a chat until its first message.
pub const UNNAMED: &str = "New chat";

impl Chat {
    /// An empty chat.
    pub fn new(id: u64, system: String) -> Self {
        Self {
            id,
            name: UNNAMED.into(),
            renamed: false,
            system,
            draft: String::new(),
            sampling: Sampling::default(),
            turns: Vec::new(),
            tip: None,
        }
    }

    /// Indices of the turns of the branch that is shown, first to last.
    pub fn path(&self) -> Vec<usize> {
        self.path_to(self.tip)
    }

    fn path_to(&self, last: Option<usize>) -> Vec<usize> {
        let mut path = Vec::new();
        let mut at = last;
        while let Some(index) = at.filter(|i| *i < self.turns.len()) {
            path.push(index);
            // A parent always stands before its child; a file that says otherwise would loop for ever.
            at = self.turns[index].parent.filter(|p| *p < index);
        }
        path.reverse();
        path
    }

    /// Adds a turn after `parent` and shows it. Returns its index.
    pub fn add(&mut self, parent: Option<usize>, user: impl Into<String>) -> usize {
        let user = user.into();
        if self.turns.is_empty() && !self.renamed {
            self.name = title(&user);
        }
        let index = self.turns.len();
        self.turns.push(Turn {
            parent,
            user,
            base: None,
            tuned: None,
        });
        self.tip = Some(index);
        index
    }

    /// The versions of a turn (itself included), oldest first: what the user sent at this point of the conversation.
    pub fn versions(&self, turn: usize) -> Vec<usize> {
        let Some(parent) = self.turns.get(turn).map(|t| t.parent) else {
            return Vec::new();
        };
        (0..self.turns.len())
            .filter(|i| self.turns[*i].parent == parent)
            .collect()
    }

    /// Shows another version of a turn with what followed on it; the newest branch where there are several.
    pub fn show(&mut self, turn: usize) {
        let mut tip = turn;
        while let Some(next) = (0..self.turns.len())
            .rev()
            .find(|i| *i > tip && self.turns[*i].parent == Some(tip))
        {
            tip = next;
        }
        self.tip = Some(tip);
    }

    /// The messages that a column's model sees for `turn`: the system prompt, the turns before with this column's
    /// answers, the user's message. Where the column has no answer (the adapter came later) the other column's
    /// stands in, so that both models talk about what the user has read.
    pub fn messages(&self, turn: usize, column: Column) -> Vec<ChatMessage> {
        let mut messages = Vec::new();
        if !self.system.trim().is_empty() {
            messages.push(message("system", &self.system));
        }
        for index in self.path_to(Some(turn)) {
            let this = &self.turns[index];
            messages.push(message("user", &this.user));
            if index == turn {
                break;
            }
            let reply = this
                .reply(column)
                .or(this.reply(column.other()))
                .map_or("", |r| r.text.as_str());
            messages.push(message("assistant", reply));
        }
        messages
    }

    /// Marks answers that no worker writes any more, after reading a file.
    pub fn settle(&mut self) {
        for turn in &mut self.turns {
            for column in Column::ALL {
                if let Some(reply) = turn.reply_mut(column)
                    && !reply.is_over()
                {
                    reply.status = ReplyStatus::Interrupted;
                }
            }
        }
        if self.tip.is_some_and(|tip| tip >= self.turns.len()) {
            self.tip = self.turns.len().checked_sub(1);
        }
    }
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage {
        role: role.into(),
        content: content.into(),
    }
}

/// A short name from the first words of a message.
fn title(text: &str) -> String {
    const LONGEST: usize = 36;
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
    let line = line.trim();
    if line.is_empty() {
        return UNNAMED.into();
    }
    if line.chars().count() <= LONGEST {
        return line.into();
    }
    let mut short = String::new();
    for word in line.split_whitespace() {
        if short.chars().count() + word.chars().count() > LONGEST {
            break;
        }
        short.push_str(word);
        short.push(' ');
    }
    if short.is_empty() {
        short = line.chars().take(LONGEST).collect();
    }
    format!("{}\u{2026}", short.trim_end())
}
