//! Markdown as models write it, drawn while it still comes: headings, lists, emphasis, code with a copy button, links, quotes, tables.
//! Every drawn character knows its place in the text, so that a click can be led back to the token that it came from. That is why no
//! ready-made viewer is used. Knows no chats and no tokens.

mod block;
mod inline;
mod parse;

pub use parse::{Block, Span, Style, parse, settled};

use std::ops::Range;
use std::sync::Arc;

use egui::Ui;
use egui::cache::{ComputerMut, FrameCache};

use super::Theme;

/// How to draw.
pub struct Look<'a> {
    pub theme: &'a Theme,
    /// Bytes of the text that are marked.
    pub marked: Option<Range<usize>>,
}

/// Draws a text; one that still comes has a caret at its end. Returns the byte of the text that was clicked.
pub fn markdown_ui(ui: &mut Ui, look: &Look<'_>, text: &str, coming: bool) -> Option<usize> {
    let blocks = ui.memory_mut(|m| m.caches.cache::<Parsed>().get((text, coming)).clone());
    block::blocks_ui(ui, look, &blocks)
}

/// Blocks of the texts that were drawn in the frame before.
type Parsed = FrameCache<Arc<Vec<Block>>, Parser>;

#[derive(Default)]
struct Parser;

impl ComputerMut<(&str, bool), Arc<Vec<Block>>> for Parser {
    fn compute(&mut self, (text, coming): (&str, bool)) -> Arc<Vec<Block>> {
        if !coming {
            return Arc::new(parse(text));
        }
        Arc::new(parse(&format!("{}\u{258D}", settled(text))))
    }
}
