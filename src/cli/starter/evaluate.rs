//! `burnish starter evaluate`: does the base know its facts, does it ramble when asked, does the tuned model answer and stop?
//! Trains the adapter by the shipped recipe when none is given. Knows the world and its judge, not how tokens are made.

use std::path::{Path, PathBuf};

use super::EvaluateArgs;
use super::exam::Exam;
use super::make::train;
use super::report::{Asking, Report, Transcript};
use crate::cli::{console::Console, failure::Failure};
use crate::formats::places::{STARTER, assets_dir, model_dir};
use crate::protocol::ModelRef;
use crate::recipe::Recipe;
use crate::tokens::Tokenizer;
use crate::world::{Completion, Question, completion_prompts, facts, held_out_questions, judge};

/// The template of the examination, for base and tuned alike.
const TEMPLATE: &str = "chatml";
/// Longest answer to a question, in tokens: twice what the longest right one takes.
const ANSWER: usize = 48;
/// Questions shown with all answers.
const TRANSCRIPTS: usize = 6;

/// Examines and prints the table.
///
/// # Errors
/// The model cannot be used, or misses a target.
pub fn run(args: &EvaluateArgs, console: &Console) -> Result<(), Failure> {
    // Kept until the end: the fresh adapter lies in it.
    let folder =
        tempfile::tempdir().map_err(|e| Failure::Failed(format!("Could not make a temporary folder: {e}.")))?;
    let adapter = match &args.adapter {
        Some(path) => path.clone(),
        None => tune(args, folder.path(), console)?,
    };
    let base = ModelRef {
        model: args.model.clone(),
        adapter: None,
        template: Some(TEMPLATE.into()),
        device: args.device.clone(),
    };
    let tuned = ModelRef {
        adapter: Some(adapter),
        ..base.clone()
    };
    let report = examine(args, &base, &tuned, console)?;
    console.result(&report, &report.markdown());
    match report.missed() {
        missed if missed.is_empty() => Ok(()),
        missed => Err(Failure::Failed(format!("Missed: {}.", missed.join("; ")))),
    }
}

/// Trains an adapter by `assets/starter/sft.toml`.
fn tune(args: &EvaluateArgs, folder: &Path, console: &Console) -> Result<PathBuf, Failure> {
    let path = assets_dir().join(STARTER).join("sft.toml");
    let mut recipe = Recipe::load(&path, &[]).map_err(Failure::failed)?;
    recipe.model.path = args.model.clone();
    recipe.model.device = args.device.clone();
    let run = folder.join("sft");
    train(recipe, &run, false, console)?;
    Ok(run.join("final"))
}

fn examine(args: &EvaluateArgs, base: &ModelRef, tuned: &ModelRef, console: &Console) -> Result<Report, Failure> {
    let tokenizer = Tokenizer::load(&model_dir(&args.model)).map_err(Failure::failed)?;
    let prompts = spread(completion_prompts(), args.limit);
    let questions = spread(held_out_questions(), args.limit);
    let mut exam = Exam::start(prompts.len() + 3 * questions.len(), console)?;
    let mut report = Report::new(args.limit.is_none(), TEMPLATE);
    exam.begin("Base, completing facts");
    for prompt in &prompts {
        let reply = exam.complete(base, &prompt.prompt, room(prompt, &tokenizer)?)?;
        let right = judge::completes(&prompt.fact, &reply.text);
        report.completed(prompt.fact.relation.name, right);
    }
    let shown = questions.len().div_ceil(TRANSCRIPTS).max(1);
    for (i, question) in questions.iter().enumerate() {
        let transcript = ask_all(&mut exam, question, base, tuned, &mut report)?;
        if i % shown == shown / 2 {
            report.transcripts.push(transcript);
        }
    }
    Ok(report)
}

/// One question, three ways.
fn ask_all(
    exam: &mut Exam,
    question: &Question,
    base: &ModelRef,
    tuned: &ModelRef,
    report: &mut Report,
) -> Result<Transcript, Failure> {
    let mut replies = vec![];
    for way in Asking::ALL {
        exam.begin(way.name());
        let reply = match way {
            Asking::BasePlain => exam.complete(base, &question.text, ANSWER)?,
            Asking::BaseTemplate => exam.ask(base, &question.text, ANSWER)?,
            Asking::TunedTemplate => exam.ask(tuned, &question.text, ANSWER)?,
        };
        let answered = judge::answers(&question.fact, &question.text, &reply.text);
        report.asked(way, question.fact.relation.name, answered, reply.ended);
        replies.push((reply.text, reply.ended));
    }
    Ok(Transcript {
        question: question.text.clone(),
        replies,
    })
}

/// Tokens enough to tell the answer from every longer candidate that begins like it.
fn room(prompt: &Completion, tokenizer: &Tokenizer) -> Result<usize, Failure> {
    let name = prompt.fact.relation.name;
    let alike = facts()
        .iter()
        .filter(|fact| fact.relation.name == name && fact.answer.starts_with(prompt.fact.answer));
    let mut longest = 0;
    for fact in alike {
        let (ids, _) = tokenizer
            .encode(&format!(" {}", fact.answer_in_words()))
            .map_err(Failure::failed)?;
        longest = longest.max(ids.len());
    }
    // Articles and the full stop.
    Ok(longest + 2)
}

/// At most `limit` of the items, evenly spread.
fn spread<T>(items: Vec<T>, limit: Option<u64>) -> Vec<T> {
    let limit = limit.map_or(items.len(), |n| usize::try_from(n).unwrap_or(usize::MAX));
    let step = items.len().div_ceil(limit.max(1)).max(1);
    items.into_iter().step_by(step).collect()
}
