//! `burnish train`: a recipe into a run folder, with a progress bar.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::{
    args::{RecipeArgs, TrainArgs},
    audit,
    console::Console,
    failure::Failure,
    jobs, sweep,
};
use crate::protocol::{Event, Job};
use crate::recipe::{Place, Recipe, RecipeError};
use crate::session::words::row_names;

/// Trains, once or for every combination of a sweep; Ctrl+C stops and keeps.
///
/// # Errors
/// The recipe cannot be used, or training failed.
pub fn run(args: &TrainArgs, console: &Console) -> Result<(), Failure> {
    if !args.sweep.is_empty() {
        return sweep::run(args, console);
    }
    let recipe = load(&args.from, &[])?;
    let run_dir = run_dir(args)?;
    if args.resume && !run_dir.join("events.jsonl").is_file() {
        return Err(Failure::Failed(format!(
            "{} holds no run, and so no checkpoint to resume from. Start the run without --resume.",
            run_dir.display()
        )));
    }
    // A run that goes on was looked at when it began.
    let audited = match args.accept_findings || args.resume {
        true => None,
        false => Some(refuse_serious(&recipe, console)?),
    };
    one(args, (recipe, audited), run_dir, console, &mut |_| {})
}

/// The recipe with what the arguments change, and more of the like.
///
/// # Errors
/// The recipe cannot be used.
pub fn load(from: &RecipeArgs, more: &[String]) -> Result<Recipe, Failure> {
    let sets = [&from.set[..], more].concat();
    let mut recipe = Recipe::load(&from.recipe, &sets).map_err(refuse)?;
    if let Some(device) = &from.device {
        recipe.model.device = device.clone();
    }
    Ok(recipe)
}

/// One run to its end, by a recipe and what an audit called its data; `see` sees its events.
///
/// # Errors
/// Training failed.
pub fn one(
    args: &TrainArgs,
    (recipe, audited): (Recipe, Option<String>),
    run_dir: PathBuf,
    console: &Console,
    see: &mut dyn FnMut(&Event),
) -> Result<(), Failure> {
    console.say(&format!("Run folder: {}", run_dir.display()));
    let mut report = Report {
        console,
        files: recipe.data.files.clone(),
        steps: 0,
        people: std::io::stderr().is_terminal(),
    };
    // An adapter to start from may bring another template than the one that the audit took.
    let audited = audited.filter(|_| args.from.init_adapter.is_none());
    let job = Job::Train {
        recipe: Box::new(recipe),
        run_dir,
        resume: args.resume,
        init_adapter: args.from.init_adapter.as_deref().map(absolute),
        unpacked: false,
        smooth: args.smooth,
        audited,
    };
    jobs::train(job, console, &mut |event| {
        see(&event);
        report.take(&event);
    })
}

/// Looks at the data first: a run that would not give what is wanted does not begin unless the user says so. Gives what the audit calls
/// the data that it saw.
///
/// # Errors
/// Something serious was found, or the audit failed.
pub fn refuse_serious(recipe: &Recipe, console: &Console) -> Result<String, Failure> {
    let (findings, seen) = audit::serious(recipe, console)?;
    console.clear();
    for finding in &findings {
        match audit::as_event(finding).filter(|_| console.json()) {
            Some(event) => console.result(&event, ""),
            None => console.say(&audit::in_words(finding)),
        }
    }
    match findings.len() {
        0 => Ok(seen),
        count => Err(Failure::Failed(format!(
            "Training was not started: {count} serious {} in the data. Mend the data or the recipe, or train all the same with \
             --accept-findings.",
            if count == 1 { "finding" } else { "findings" }
        ))),
    }
}

/// A wrong `--set` is wrong usage; a wrong file is a failure.
pub fn refuse(error: RecipeError) -> Failure {
    let by_argument = match &error {
        RecipeError::Set(_) => true,
        RecipeError::Io { .. } => false,
        RecipeError::Syntax { place, .. }
        | RecipeError::Unknown { place, .. }
        | RecipeError::Value { place, .. }
        | RecipeError::Conflict { place, .. }
        | RecipeError::Missing { place, .. } => matches!(place, Place::Set(_)),
    };
    if by_argument {
        Failure::usage(error)
    } else {
        Failure::failed(error)
    }
}

fn run_dir(args: &TrainArgs) -> Result<PathBuf, Failure> {
    if let Some(dir) = &args.run {
        return Ok(absolute(dir));
    }
    let folder = args.from.recipe.parent().unwrap_or(Path::new("."));
    if args.resume {
        // The recipe that a run wrote lies in its folder.
        return if folder.join("events.jsonl").is_file() {
            Ok(absolute(folder))
        } else {
            Err(Failure::usage("--resume needs the run folder: add --run DIR."))
        };
    }
    Ok(new_run_dir(&recipe_name(args)))
}

/// What runs of the recipe are called.
pub fn recipe_name(args: &TrainArgs) -> String {
    let name = args.from.recipe.file_stem().map(|n| n.to_string_lossy().into_owned());
    name.unwrap_or_default()
}

/// A new folder in `runs`, by date, time and name.
pub fn new_run_dir(name: &str) -> PathBuf {
    let stamp = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S");
    absolute(&PathBuf::from("runs").join(format!("{stamp}-{name}")))
}

/// A path that means the same from every folder.
pub fn absolute(path: &Path) -> PathBuf {
    // Without a current folder the path is used as it is.
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Prints events.
struct Report<'a> {
    console: &'a Console,
    /// Of the recipe, as rows name them.
    files: Vec<PathBuf>,
    steps: usize,
    people: bool,
}

impl Report<'_> {
    fn take(&mut self, event: &Event) {
        if let Event::TrainStart { steps, .. } = event {
            self.steps = *steps;
        }
        if let Event::Step { step, loss, .. } = event {
            let what = format!("step {step}/{}, loss {loss:.4}", self.steps);
            self.console.progress(&what, *step as u64, self.steps as u64);
        }
        match (self.console.json(), self.in_words(event)) {
            (true, _) => self.console.result(event, ""),
            (false, Some(text)) => self.console.result(event, &text),
            (false, None) => {}
        }
    }

    /// What people want to read; steps only where no bar shows them.
    fn in_words(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::TrainStart {
                device,
                steps,
                train_rows,
                eval_rows,
                skipped_rows,
                trainable,
                total_params,
                template,
                start_step,
                ..
            } => format!(
                "Training {trainable} of {total_params} parameters on {device}: {train_rows} rows ({eval_rows} held out, \
                 {skipped_rows} skipped), steps {} to {steps}, template {template}",
                start_step + 1
            ),
            Event::Step {
                step,
                loss,
                lr,
                tokens,
                seconds,
                ..
            } if !self.people => format!(
                "step {step:>5}/{}  loss {loss:.4}  lr {lr:.2e}  {:.0} tokens/s",
                self.steps,
                *tokens as f64 / seconds.max(1e-9)
            ),
            Event::Eval { step, loss, rows, .. } => format!("step {step}: held-out loss {loss:.4} over {rows} rows"),
            Event::Sample { step, prompt, text } => format!("step {step}: {prompt:?} -> {text:?}"),
            Event::Checkpoint { step, path } => format!("step {step}: saved {}", path.display()),
            Event::Skipped { step, reason, rows } => {
                format!("step {step}: skipped. {reason} Rows: {}", row_names(&self.files, rows))
            }
            Event::Best { step, loss, .. } => format!("step {step}: the best held-out loss so far, {loss:.4}"),
            Event::Paused { step } => format!("Paused at step {step}"),
            Event::Suspended { step } => format!("Suspended at step {step}; --resume goes on from there"),
            Event::Resumed { step } => format!("Going on at step {step}"),
            Event::TrainEnd {
                step,
                path,
                stopped,
                seconds,
                peak_memory,
            } => format!(
                "{} at step {step} after {seconds:.1} s, peak memory {} MiB. Result: {}",
                if *stopped { "Stopped" } else { "Done" },
                peak_memory >> 20,
                path.display()
            ),
            _ => return None,
        })
    }
}
