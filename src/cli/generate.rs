//! `burnish generate`: continues prompts.

use std::path::Path;

use serde_json::Value;

use super::{args::GenerateArgs, console::Console, failure::Failure, jobs::Worker};
use crate::protocol::{ChatMessage, Event, Job, Prompt, Reading, TopToken};

/// Continues each prompt and prints it.
///
/// # Errors
/// A file cannot be read, or the job failed.
pub fn run(args: &GenerateArgs, console: &Console) -> Result<(), Failure> {
    let mut worker = Worker::start(console)?;
    for prompt in prompts(args)? {
        let job = Job::Generate {
            model: args.model.model_ref(),
            prompt,
            sampling: args.sampling.sampling(),
            logits_top: args.logits_top,
            alternatives: args.alternatives,
        };
        let mut printer = Printer::new(console);
        worker.run(job, &mut |event| printer.take(event))?;
    }
    Ok(())
}

/// Streams the text of one generation for people, or prints the whole result for scripts.
pub struct Printer<'a> {
    console: &'a Console,
    /// Bytes of the text that are on the screen.
    shown: usize,
    /// The tokens with their alternatives, where these were asked for.
    tokens: Vec<Value>,
}

impl<'a> Printer<'a> {
    /// Nothing printed yet.
    pub fn new(console: &'a Console) -> Self {
        Self {
            console,
            shown: 0,
            tokens: Vec::new(),
        }
    }

    /// Takes an event of the generation.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Prompted { reading } => self.dropped(&reading),
            Event::Token {
                id,
                text,
                probability,
                alternatives,
            } => {
                if self.shown == 0 {
                    // A bar of reading a long prompt.
                    self.console.clear();
                }
                self.shown += text.len();
                self.console.piece(&text);
                if !alternatives.is_empty() {
                    self.tokens.push(serde_json::json!({
                        "id": id, "text": text, "probability": probability, "alternatives": alternatives,
                    }));
                }
            }
            Event::Generated { top, text, ids, .. } if !self.console.json() => {
                // The end may have been held back: half a character, or the beginning of a stop string.
                self.console.piece(text.get(self.shown..).unwrap_or_default());
                if text.is_empty() && !ids.is_empty() {
                    // Without a tokenizer there are only ids.
                    self.console.piece(&format!("{ids:?}"));
                }
                self.console.piece("\n");
                top.iter().for_each(|token| self.console.piece(&line(token)));
            }
            Event::Generated { .. } => {
                if let Ok(Value::Object(mut object)) = serde_json::to_value(&event) {
                    object.shift_remove("event");
                    if !self.tokens.is_empty() {
                        object.insert("tokens".into(), Value::Array(std::mem::take(&mut self.tokens)));
                    }
                    self.console.result(&object, "");
                }
            }
            _ => {}
        }
    }

    /// Says what of the conversation the model does not see.
    fn dropped(&self, reading: &Reading) {
        if let Some(words) = reading.dropped_in_words() {
            self.console.warn(&words);
        }
    }
}

fn line(token: &TopToken) -> String {
    format!(
        "{:>8} {:<20} {:>8.3} {:>6.1} %\n",
        token.id,
        format!("{:?}", token.text),
        token.logit,
        token.probability * 100.0
    )
}

fn prompts(args: &GenerateArgs) -> Result<Vec<Prompt>, Failure> {
    if let Some(path) = &args.ids {
        return Ok(read_ids(path)?.into_iter().map(Prompt::Ids).collect());
    }
    if let Some(path) = &args.messages {
        return Ok(vec![Prompt::Messages(read_messages(path)?)]);
    }
    let text = args.prompt.clone().unwrap_or_default();
    Ok(vec![if args.raw {
        Prompt::Raw(text)
    } else {
        Prompt::Messages(vec![ChatMessage {
            role: "user".into(),
            content: text,
        }])
    }])
}

/// Reads a JSON array of token ids, or of such arrays.
///
/// # Errors
/// The file cannot be read or holds something else.
pub fn read_ids(path: &Path) -> Result<Vec<Vec<u32>>, Failure> {
    let value = read_json(path)?;
    let wrong = || {
        Failure::Failed(format!(
            "{}: a JSON array of token ids is needed, such as [1, 2, 3], or an array of such arrays.",
            path.display()
        ))
    };
    let list = |value: Value| serde_json::from_value::<Vec<u32>>(value).map_err(|_| wrong());
    match &value {
        Value::Array(items) if items.iter().any(Value::is_array) => items.iter().cloned().map(list).collect(),
        Value::Array(_) => Ok(vec![list(value)?]),
        _ => Err(wrong()),
    }
}

fn read_messages(path: &Path) -> Result<Vec<ChatMessage>, Failure> {
    let mut value = read_json(path)?;
    if let Some(inner) = value.get_mut("messages") {
        value = inner.take();
    }
    let messages: Result<Vec<ChatMessage>, _> = serde_json::from_value(value);
    messages.map_err(|e| {
        Failure::Failed(format!(
            "{}: an array of {{\"role\", \"content\"}} is needed ({e}).",
            path.display()
        ))
    })
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::Failed(format!(
            "Could not read {}: {e}. Check that the file exists.",
            path.display()
        ))
    })?;
    serde_json::from_str(&text).map_err(|e| Failure::Failed(format!("{} is not valid JSON: {e}.", path.display())))
}
