//! Markdown to a small tree whose texts know where they come from. Knows no drawing.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};

/// Quotes and lists inside each other; what is deeper is drawn at this depth.
const DEEPEST: usize = 12;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    pub bold: bool,
    pub italic: bool,
    pub code: bool,
    pub strike: bool,
}

/// A piece of text in one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub text: String,
    /// Where it stands in the source. As long as the text, except where an entity stands for a character.
    pub range: Range<usize>,
    pub style: Style,
    /// Where it leads.
    pub link: Option<Arc<str>>,
}

impl Span {
    /// The source byte of a byte of the text.
    pub fn source(&self, byte: usize) -> usize {
        let last = self.range.end.saturating_sub(1).max(self.range.start);
        (self.range.start + byte).min(last)
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Paragraph(Vec<Span>),
    /// Level 1 to 6.
    Heading(u8, Vec<Span>),
    Code {
        /// As written after the fence; may be empty.
        language: String,
        spans: Vec<Span>,
    },
    List {
        /// The first number; `None` for bullets.
        first: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    /// Rows of cells; the first row is the head.
    Table(Vec<Vec<Vec<Span>>>),
    Rule,
}

/// Reads a text. Anything is some Markdown: there are no errors.
pub fn parse(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut builder = Builder {
        events: Parser::new_ext(text, options).into_offset_iter().peekable(),
        source: text,
        outer: Vec::new(),
        style: Style::default(),
        link: None,
        depth: 0,
    };
    let mut blocks = Vec::new();
    while builder.events.peek().is_some() {
        blocks.extend(builder.blocks());
    }
    blocks
}

/// A text that still comes without a last line of marks alone: whether `---` is a rule, a heading's underline or a table, and `**` an
/// emphasis, is known only when more has come. Nothing must jump meanwhile.
pub fn settled(text: &str) -> &str {
    let start = text.rfind('\n').map_or(0, |at| at + 1);
    let last = &text[start..];
    let marks = |c: char| "-=*_#`~>+|: \t".contains(c);
    if last.chars().all(marks) {
        text[..start].trim_end_matches('\n')
    } else {
        text
    }
}

struct Builder<'a> {
    events: Peekable<OffsetIter<'a>>,
    source: &'a str,
    /// Styles and links around the current one.
    outer: Vec<(Style, Option<Arc<str>>)>,
    style: Style,
    link: Option<Arc<str>>,
    depth: usize,
}

impl Builder<'_> {
    /// Blocks up to the end of the one that they stand in.
    fn blocks(&mut self) -> Vec<Block> {
        let (mut blocks, mut line) = (Vec::new(), Vec::new());
        // Containers that are too deep are left out with their ends; what they hold stays.
        let mut flattened = 0;
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(tag) if is_inline(&tag) => self.enter(&tag),
                Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) if self.depth >= DEEPEST => flattened += 1,
                Event::Start(tag) => {
                    finish(&mut line, &mut blocks);
                    self.depth += 1;
                    blocks.extend(self.block(tag));
                    self.depth -= 1;
                }
                Event::End(end) if is_inline_end(&end) => self.leave(),
                Event::End(_) if flattened > 0 => {
                    flattened -= 1;
                    finish(&mut line, &mut blocks);
                }
                Event::End(_) => break,
                Event::Rule => {
                    finish(&mut line, &mut blocks);
                    blocks.push(Block::Rule);
                }
                other => line.extend(self.span(&other, range)),
            }
        }
        finish(&mut line, &mut blocks);
        blocks
    }

    /// The block that was just begun, to its end.
    fn block(&mut self, tag: Tag<'_>) -> Vec<Block> {
        let block = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Block::Paragraph(self.spans()),
            Tag::Heading { level, .. } => Block::Heading(level as u8, self.spans()),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                let mut spans = self.spans();
                trim_end(&mut spans);
                Block::Code { language, spans }
            }
            Tag::List(first) => Block::List {
                first,
                items: self.inside(Self::blocks),
            },
            Tag::BlockQuote(_) => Block::Quote(self.blocks()),
            Tag::Table(_) => Block::Table(self.inside(|b| b.inside(Self::spans))),
            _ => return self.blocks(),
        };
        vec![block]
    }

    /// What stands in the elements of a list, a table or a row.
    fn inside<T>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut found = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(_) => found.push(element(self)),
                _ => break,
            }
        }
        found
    }

    /// Text up to the end of the block that it stands in.
    fn spans(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(tag) => self.enter(&tag),
                Event::End(end) if is_inline_end(&end) => self.leave(),
                Event::End(_) => break,
                other => spans.extend(self.span(&other, range)),
            }
        }
        spans
    }

    fn enter(&mut self, tag: &Tag<'_>) {
        self.outer.push((self.style, self.link.clone()));
        match tag {
            Tag::Emphasis => self.style.italic = true,
            Tag::Strong => self.style.bold = true,
            Tag::Strikethrough => self.style.strike = true,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.link = web(dest_url),
            _ => {}
        }
    }

    fn leave(&mut self) {
        if let Some((style, link)) = self.outer.pop() {
            (self.style, self.link) = (style, link);
        }
    }

    fn span(&self, event: &Event<'_>, range: Range<usize>) -> Option<Span> {
        let mut style = self.style;
        let text = match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => text.to_string(),
            Event::Code(text) => {
                style.code = true;
                text.to_string()
            }
            // Models break lines where they mean it.
            Event::SoftBreak | Event::HardBreak => "\n".into(),
            _ => return None,
        };
        Some(Span {
            range: self.exact(&text, range),
            text,
            style,
            link: self.link.clone(),
        })
    }

    /// The part of a range that is the text itself: inline code stands between its marks.
    fn exact(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let at = self.source.get(range.clone()).and_then(|whole| whole.find(text));
        match at {
            Some(at) => range.start + at..range.start + at + text.len(),
            None => range,
        }
    }
}

/// Only what a browser may open; anything else stays text.
fn web(url: &str) -> Option<Arc<str>> {
    let known = ["https://", "http://", "mailto:"].iter().any(|s| url.starts_with(s));
    known.then(|| url.into())
}

fn finish(line: &mut Vec<Span>, blocks: &mut Vec<Block>) {
    if !line.is_empty() {
        blocks.push(Block::Paragraph(std::mem::take(line)));
    }
}

/// A code block's last line break is the fence's.
fn trim_end(spans: &mut [Span]) {
    if let Some(last) = spans.last_mut()
        && last.text.ends_with('\n')
    {
        last.text.pop();
        last.range.end = last.range.end.saturating_sub(1).max(last.range.start);
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    is_inline_end(&tag.to_end())
}

fn is_inline_end(end: &TagEnd) -> bool {
    matches!(
        end,
        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image
    )
}
