//! A conversation to text with spans: renders, finds who says what, and applies the mode. Knows nothing of tokens.
use std::cell::Cell;

use super::ending::shape;
use super::jinja::{Compiled, compiled};
use super::locate::Ground;
use super::marks::{Found, Level, Marks};
use super::values::Scene;
use super::{Mode, RenderOptions, Rendered, Span, Template, TemplateError, Why, limits, paint};
use crate::data::{Conversation, Kind, Role};

/// Beginnings of a conversation that are rendered to find its turns, which few templates need. A row with more doubtful turns
/// says so.
const PREFIXES: u32 = 64;

/// Renders one conversation.
pub fn render(
    template: &Template,
    conversation: &Conversation,
    options: &RenderOptions,
) -> Result<Rendered, TemplateError> {
    if conversation.kind == Kind::Text {
        return Ok(raw_text(conversation, options));
    }
    let rendered = render_chat(template, conversation, options);
    if options.hurried && limits::was_late() {
        // What was found in too little time may lack spans that are there.
        return Err(TemplateError::Late {
            name: template.name.clone(),
        });
    }
    rendered
}

fn render_chat(
    template: &Template,
    conversation: &Conversation,
    options: &RenderOptions,
) -> Result<Rendered, TemplateError> {
    limits::start_clock(options.hurried);
    let compiled = compiled(template)?;
    let mut scene = Scene {
        messages: &conversation.messages,
        tools: conversation.tools.as_ref(),
        documents: conversation.documents.as_ref(),
        options,
        marks: None,
        prompt: options.add_generation_prompt,
    };
    let text = compiled
        .run(scene.context(), scene.bytes())
        .map_err(|fault| fault.named(&template.name))?;
    let found = find_marks(template, &compiled, &mut scene, &text);
    let shape = shape(&compiled, options);
    let prefixes = Cell::new(0);
    let prefix = |count: usize, prompt: bool| {
        prefixes.set(prefixes.get() + 1);
        if prefixes.get() > PREFIXES {
            return None;
        }
        let scene = Scene {
            messages: &conversation.messages[..count],
            tools: conversation.tools.as_ref(),
            documents: conversation.documents.as_ref(),
            options,
            marks: None,
            prompt,
        };
        compiled.run(scene.context(), scene.bytes()).ok()
    };
    let mut ground = Ground::new(&text, &conversation.messages, &shape, found.as_ref(), &prefix);
    let blocks = found.as_ref().filter(|_| compiled.marked).map(|f| f.blocks.as_slice());
    let turns = match blocks {
        Some(blocks) => ground.turns_of_blocks(blocks),
        None => ground.turns_by_shape(),
    };
    if options.mode == Mode::Template && blocks.is_none() {
        ground.problems.push(format!(
            "Template {} marks no {{% generation %}} blocks, so the assistant turns were looked for instead.",
            template.name
        ));
    }
    let spans = paint::spans(&ground, &turns, options.mode);
    let mut problems = ground.problems;
    if !options.add_generation_prompt && !spans.iter().any(|s| s.supervised) {
        problems.push(nothing_learned(conversation, options.mode));
    }
    Ok(Rendered { text, spans, problems })
}

/// Renders with marks, as many as leave the text as it is. None when not even marks around generation blocks do.
fn find_marks(template: &Template, compiled: &Compiled, scene: &mut Scene, text: &str) -> Option<Found> {
    let texts = scene
        .messages
        .iter()
        .flat_map(|m| [Some(m.content.as_str()), m.reasoning.as_deref()])
        .flatten();
    let vars = scene.options.vars.values().map(String::as_str);
    let marks = Marks::absent_from(texts.chain(vars).chain([template.source.as_str(), text]))?;
    [Level::All, Level::Filled, Level::Assistant, Level::None]
        .into_iter()
        .find_map(|level| {
            let marks = marks.at(level);
            scene.marks = Some(marks);
            let marked = compiled.run(scene.context(), scene.bytes()).ok()?;
            let found = marks.strip(&marked);
            (found.text == text).then_some(found)
        })
}

/// Raw text bypasses the template: the text and eos_token, all learned.
fn raw_text(conversation: &Conversation, options: &RenderOptions) -> Rendered {
    let mut text = String::new();
    let mut spans = Vec::new();
    let mut add = |piece: &str, message: Option<usize>, why: Why| {
        let start = text.len();
        text.push_str(piece);
        if !piece.is_empty() {
            let role = message.map(|i| conversation.messages[i].role);
            spans.push(Span {
                start,
                end: text.len(),
                role,
                message,
                supervised: true,
                why,
            });
        }
    };
    for (i, message) in conversation.messages.iter().enumerate() {
        add(&message.content, Some(i), Why::Everything);
    }
    // A prompt is to be gone on with, so it is not ended.
    if !options.add_generation_prompt
        && let (Some(eos), Some(last)) = (
            options.vars.get("eos_token"),
            conversation.messages.len().checked_sub(1),
        )
    {
        add(eos, Some(last), Why::EndOfTurn);
    }
    Rendered {
        text,
        spans,
        problems: Vec::new(),
    }
}

/// Why no token of a row is learned, in the user's terms.
fn nothing_learned(conversation: &Conversation, mode: Mode) -> String {
    let has = |role: Role| conversation.messages.iter().any(|m| m.role == role);
    let reason = match mode {
        _ if !has(Role::Assistant) => "it has no assistant message",
        Mode::Flags => "every assistant message is flagged off",
        Mode::Completion => "no assistant message follows the last user message",
        Mode::Template => "the template's {% generation %} blocks are empty",
        _ => "the assistant's text was not found in the rendered text",
    };
    format!("Nothing of this row is learned: {reason}.")
}
