//! `burnish train --sweep`: a run for every combination of some values, one after the other, and a table of what came out.

use std::path::PathBuf;

use serde::Serialize;

use super::{args::TrainArgs, console::Console, failure::Failure, interrupt, train};
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::session::{Axis, combinations};

/// What came out of one run.
#[derive(Serialize)]
struct Outcome {
    /// Always `sweep`, so that scripts tell it from the runs' events.
    event: &'static str,
    /// The values that tell it from the others.
    name: String,
    run: PathBuf,
    /// The last loss on held-out rows.
    eval_loss: Option<f64>,
    /// The last loss of training.
    loss: Option<f64>,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// Trains every combination; a run that fails does not end the sweep, Ctrl+C does.
///
/// # Errors
/// A value that no recipe takes (before anything is trained), or a run that failed (after all others).
pub fn run(args: &TrainArgs, console: &Console) -> Result<(), Failure> {
    let axes: Vec<Axis> = args
        .sweep
        .iter()
        .map(|text| Axis::parse(text))
        .collect::<Result<_, _>>()
        .map_err(Failure::usage)?;
    let runs: Vec<(String, Recipe)> = combinations(&axes)
        .into_iter()
        .map(|each| Ok((each.name, train::load(&args.from, &each.sets)?)))
        .collect::<Result<_, Failure>>()?;
    let audited = match args.accept_findings {
        true => vec![None; runs.len()],
        false => look_through(&runs, console)?,
    };
    let mut outcomes = vec![];
    for ((name, recipe), audited) in runs.into_iter().zip(audited) {
        outcomes.push(one(args, name, (recipe, audited), console));
        if interrupt::count() > 0 {
            break;
        }
    }
    tell(&outcomes, console)
}

/// Looks through the data before the first run, once for all runs whose recipes see the same: what each run's audit called its data.
fn look_through(runs: &[(String, Recipe)], console: &Console) -> Result<Vec<Option<String>>, Failure> {
    let mut looks: Vec<(Recipe, String)> = vec![];
    let mut all = vec![];
    for (name, recipe) in runs {
        let part = recipe.for_audit();
        let known = looks
            .iter()
            .find(|(other, _)| *other == part)
            .map(|(_, seen)| seen.clone());
        let seen = match known {
            Some(seen) => seen,
            None => {
                console.say(&format!("Looking through the data of {name}"));
                train::refuse_serious(recipe, console)?
            }
        };
        looks.push((part, seen.clone()));
        all.push(Some(seen));
    }
    Ok(all)
}

fn one(args: &TrainArgs, name: String, recipe: (Recipe, Option<String>), console: &Console) -> Outcome {
    console.say(&format!("Sweep: {name}"));
    let run = match &args.run {
        Some(folder) => train::absolute(&folder.join(&name)),
        None => train::new_run_dir(&format!("{}-{name}", train::recipe_name(args))),
    };
    let (mut eval_loss, mut last) = (None, None);
    let trained = train::one(args, recipe, run.clone(), console, &mut |event| match event {
        Event::Eval { loss, .. } => eval_loss = Some(*loss),
        Event::Step { loss, .. } => last = Some(*loss),
        _ => {}
    });
    Outcome {
        event: "sweep",
        name,
        run,
        eval_loss,
        loss: last,
        failed: trained.err().map(|failure| failure.message().to_owned()),
    }
}

fn tell(outcomes: &[Outcome], console: &Console) -> Result<(), Failure> {
    console.clear();
    let width = outcomes.iter().map(|o| o.name.len()).max().unwrap_or(0);
    let number = |loss: Option<f64>| loss.map_or_else(|| "-".into(), |loss| format!("{loss:.4}"));
    console.note(&format!("{:width$}  {:>13}  {:>8}  run", "", "held-out loss", "loss"));
    for outcome in outcomes {
        let end = outcome
            .failed
            .as_ref()
            .map(|why| format!("  failed: {why}"))
            .unwrap_or_default();
        let line = format!(
            "{:width$}  {:>13}  {:>8}  {}{end}",
            outcome.name,
            number(outcome.eval_loss),
            number(outcome.loss),
            outcome.run.display()
        );
        console.result(outcome, &line);
    }
    match outcomes.iter().filter(|o| o.failed.is_some()).count() {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} of {} runs failed.", outcomes.len()))),
    }
}
