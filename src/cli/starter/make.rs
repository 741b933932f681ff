//! Makes the starter: writes its text, tokenizer and samples, and pretrains it by the ordinary recipe in the ordinary Train job.

use std::path::{Path, PathBuf};

use super::{MakeArgs, TextArgs, curve};
use crate::cli::{console::Console, failure::Failure, jobs};
use crate::formats::places::{STARTER, assets_dir};
use crate::protocol::{Event, Job};
use crate::recipe::Recipe;
use crate::worker::newest_checkpoint;
use crate::world::make::{self, MakeError};

/// Writes the pretraining text.
pub fn corpus(out: &Path, text: &TextArgs, console: &Console) -> Result<(), Failure> {
    told(out, console, "Writing the text", text_writer(out, text))
}

fn text_writer(out: &Path, text: &TextArgs) -> impl FnOnce(make::Progress) -> Result<(), MakeError> {
    move |progress| make::write_corpus(out, text.seed, text.tokens, progress).map(|_| ())
}

/// Learns and writes the tokenizer.
pub fn tokenizer(out: &Path, console: &Console) -> Result<(), Failure> {
    told(out, console, "Learning the tokenizer", |progress| {
        make::write_tokenizer(out, progress)
    })
}

/// Writes the sample files.
pub fn samples(out: &Path, console: &Console) -> Result<(), Failure> {
    told(out, console, "Writing the samples", |progress| {
        make::write_samples(out, progress)
    })
}

fn told(
    out: &Path,
    console: &Console,
    what: &str,
    work: impl FnOnce(make::Progress) -> Result<(), MakeError>,
) -> Result<(), Failure> {
    with_bar(console, what, work)?;
    console.say(&format!("Wrote {}.", out.display()));
    Ok(())
}

fn with_bar(
    console: &Console,
    what: &str,
    work: impl FnOnce(make::Progress) -> Result<(), MakeError>,
) -> Result<(), Failure> {
    let result = work(&mut |done, all| console.progress(what, done as u64, all as u64));
    console.clear();
    result.map_err(Failure::failed)
}

/// Text, tokenizer and pretraining into one folder: `corpus.jsonl`, `blank/` (configuration and tokenizer without weights) and
/// `run/`, whose `final/` is the model. What is there already is kept, and a run that was cut short goes on.
pub fn model(args: &MakeArgs, console: &Console) -> Result<(), Failure> {
    let shipped = assets_dir().join(STARTER);
    // First of all, so that a wrong setting is told before anything is written.
    let mut recipe = Recipe::load(&shipped.join("pretrain.toml"), &args.set).map_err(Failure::failed)?;
    let (blank, run) = (args.out.join("blank"), args.out.join("run"));
    std::fs::create_dir_all(&blank).map_err(|e| refused("make", &blank, &e))?;
    let text = args.out.join("corpus.jsonl");
    if !text.is_file() {
        // Under another name until it is whole, so that half a corpus is never taken for the whole.
        let part = args.out.join("corpus.part");
        with_bar(console, "Writing the text", text_writer(&part, &args.text))?;
        std::fs::rename(&part, &text).map_err(|e| refused("write", &text, &e))?;
        console.say(&format!("Wrote {}.", text.display()));
    }
    if !blank.join("tokenizer.json").is_file() {
        tokenizer(&blank, console)?;
    }
    let config = shipped.join("config.json");
    std::fs::copy(&config, blank.join("config.json")).map_err(|e| refused("copy", &config, &e))?;
    recipe.model.path = absolute(&blank).display().to_string();
    recipe.data.files = vec![absolute(&text)];
    train(recipe, &run, newest_checkpoint(&run).is_some(), console)?;
    curve::write(&run.join("events.jsonl"), &args.out).map_err(Failure::failed)?;
    console.say(&format!("The model is in {}.", run.join("final").display()));
    Ok(())
}

/// Runs a Train job with a progress bar.
pub(super) fn train(recipe: Recipe, run: &Path, resume: bool, console: &Console) -> Result<(), Failure> {
    let job = Job::Train {
        recipe: Box::new(recipe),
        run_dir: absolute(run),
        resume,
        init_adapter: None,
        unpacked: false,
        smooth: false,
        audited: None,
    };
    let mut all = 0;
    jobs::train(job, console, &mut |event| match event {
        Event::TrainStart { steps, .. } => all = steps as u64,
        Event::Step { step, loss, .. } => console.progress(&format!("Training, loss {loss:.4}"), step as u64, all),
        Event::TrainEnd { seconds, stopped, .. } => {
            let how = if stopped { "Stopped" } else { "Trained" };
            console.say(&format!("{how} after {seconds:.0} s."));
        }
        _ => {}
    })?;
    console.clear();
    Ok(())
}

/// The path from the root, which a worker in another folder needs.
fn absolute(path: &Path) -> PathBuf {
    // Without a current folder the path is used as it is.
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

fn refused(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!(
        "Could not {what} {}: {error}. Check that it is there and that its folder may be written to.",
        path.display()
    ))
}
