//! `burnish inspect`: rows as the model will see them. Needs no device, so it runs in this process.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{args::InspectArgs, console::Console, failure::Failure};
use crate::data::{self, Conversation, DataSet, ReadOptions};
use crate::formats::places;
use crate::template::{Mode, RenderOptions, Rendered, Template, Vars};
use crate::tokens::{self, Encoded, Tokenizer};

/// One row of the output.
#[derive(Serialize)]
struct Shown {
    row: usize,
    text: String,
    ids: Vec<u32>,
    tokens: Vec<String>,
    mask: Vec<u8>,
    spans: Vec<ShownSpan>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct ShownSpan {
    start: usize,
    end: usize,
    role: Option<&'static str>,
    supervised: bool,
}

/// Prints each row, or the one asked for; rows that cannot be used are shown with their problems.
///
/// # Errors
/// The data, model or template cannot be read, there is no such row, or no row could be rendered.
pub fn run(args: &InspectArgs, console: &Console) -> Result<(), Failure> {
    let options = RenderOptions {
        mode: mode(&args.mode)?,
        vars: vars(&args.vars)?,
        add_generation_prompt: args.add_generation_prompt,
        ..RenderOptions::default()
    };
    let keep_empty = ReadOptions { keep_empty: true };
    let set = data::read_file_with(&args.data, keep_empty).map_err(Failure::failed)?;
    if let Some(row) = args.row.filter(|row| *row >= set.rows_read) {
        return Err(Failure::Usage(format!(
            "--row {row}: {} has {} rows, counted from 0.",
            args.data.display(),
            set.rows_read
        )));
    }
    let tokenizer =
        Tokenizer::load(&places::find_model(&args.model).map_err(Failure::failed)?).map_err(Failure::failed)?;
    let chosen = tokens::choose(args.template.as_deref(), None, &tokenizer).map_err(Failure::failed)?;
    if let Some(note) = chosen.note {
        console.say(&note);
    }
    let wanted = |row: usize| args.row.is_none_or(|r| r == row);
    let mut rendered = 0;
    let rows = rows(&set);
    for (row, (conversation, problems)) in rows.into_iter().filter(|(row, _)| wanted(*row)) {
        let shown = show(row, conversation, problems, &chosen.template, &tokenizer, &options);
        rendered += usize::from(!shown.text.is_empty());
        console.result(&shown, &in_words(&shown));
    }
    if rendered == 0 {
        return Err(Failure::Failed("No row could be rendered.".into()));
    }
    Ok(())
}

/// What the file says about each row: the conversation where there is one, and the problems.
fn rows(set: &DataSet) -> BTreeMap<usize, (Option<&Conversation>, Vec<String>)> {
    let mut rows: BTreeMap<usize, (Option<&Conversation>, Vec<String>)> = BTreeMap::new();
    for conversation in &set.conversations {
        rows.entry(conversation.source.row).or_default().0 = Some(conversation);
    }
    for problem in &set.problems {
        rows.entry(problem.row).or_default().1.push(problem.message.clone());
    }
    rows
}

fn show(
    row: usize,
    conversation: Option<&Conversation>,
    mut problems: Vec<String>,
    template: &Template,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
) -> Shown {
    let prepared = conversation.map(|c| tokens::prepare(template, c, tokenizer, options));
    let (rendered, encoded) = match prepared {
        Some(Ok((rendered, encoded))) => (rendered, encoded),
        other => {
            if let Some(Err(error)) = other {
                problems.push(error.to_string());
            }
            return Shown {
                row,
                text: String::new(),
                ids: vec![],
                tokens: vec![],
                mask: vec![],
                spans: vec![],
                problems,
            };
        }
    };
    problems.extend(rendered.problems.iter().cloned());
    whole(row, rendered, encoded, problems, tokenizer)
}

fn whole(row: usize, rendered: Rendered, encoded: Encoded, problems: Vec<String>, tokenizer: &Tokenizer) -> Shown {
    Shown {
        row,
        tokens: encoded.ids.iter().map(|id| tokenizer.token_text(*id)).collect(),
        mask: encoded.mask.iter().map(|m| u8::from(*m)).collect(),
        spans: rendered
            .spans
            .iter()
            .map(|s| ShownSpan {
                start: s.start,
                end: s.end,
                role: s.role.map(|r| r.as_str()),
                supervised: s.supervised,
            })
            .collect(),
        ids: encoded.ids,
        text: rendered.text,
        problems,
    }
}

/// Learned tokens in square brackets.
fn in_words(shown: &Shown) -> String {
    let learned = shown.mask.iter().filter(|m| **m == 1).count();
    let mut text = format!("Row {}: {learned} of {} tokens learned\n", shown.row, shown.ids.len());
    let mut inside = false;
    for (token, mask) in shown.tokens.iter().zip(&shown.mask) {
        match (inside, *mask == 1) {
            (false, true) => text.push('['),
            (true, false) => text.push(']'),
            _ => {}
        }
        inside = *mask == 1;
        text.push_str(token);
    }
    if inside {
        text.push(']');
    }
    for problem in &shown.problems {
        text += &format!("\nProblem: {problem}");
    }
    text
}

fn mode(name: &str) -> Result<Mode, Failure> {
    let known = serde_json::from_value(serde_json::Value::String(name.into()));
    known.map_err(|_| {
        Failure::Usage(format!(
            "--mode {name}: unknown mode. Modes: assistant, last, flags, completion, all, template."
        ))
    })
}

fn vars(list: &[String]) -> Result<Vars, Failure> {
    let split = |var: &String| {
        let pair = var.split_once('=').filter(|(name, _)| !name.is_empty());
        pair.map(|(name, value)| (name.to_string(), value.to_string()))
            .ok_or_else(|| Failure::Usage(format!("--var {var}: NAME=VALUE is needed, such as bos_token=<s>.")))
    };
    list.iter().map(split).collect()
}
