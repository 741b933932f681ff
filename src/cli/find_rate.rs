//! `burnish find-rate`: a learning rate for a recipe. Knows what is printed, not how a rate is judged.

use super::{args::FindRateArgs, audit, console::Console, failure::Failure, jobs, train};
use crate::protocol::{Event, Job, RateFound, RateRange, RateTried};
use crate::recipe::Recipe;

/// Lines of the table for people at most.
const LINES: usize = 25;

/// Tries the rates, prints a table (with `--json` every step) and what to take.
///
/// # Errors
/// The recipe or the rates cannot be used, or the device failed.
pub fn run(args: &FindRateArgs, console: &Console) -> Result<(), Failure> {
    let range = RateRange {
        low: args.low,
        high: args.high,
        steps: args.steps,
    };
    if let Some(message) = range.refused() {
        return Err(Failure::usage(message));
    }
    let recipe = train::load(&args.from, &[])?;
    tell_serious(&recipe, console)?;
    let job = Job::FindRate {
        recipe: Box::new(recipe),
        init_adapter: args.from.init_adapter.as_deref().map(train::absolute),
        range,
    };
    let mut tried = vec![];
    jobs::run_once(job, console, &mut |event| match event {
        Event::RateTried(rate) => {
            let what = format!("rate {:.1e}, loss {:.4}", rate.lr, rate.smoothed);
            console.progress(&what, rate.step as u64, range.steps as u64);
            if console.json() {
                console.result(&Event::RateTried(rate), "");
            }
            tried.push(rate);
        }
        Event::RateFound(found) => {
            console.clear();
            console.note(&table(&tried));
            console.result(&Event::RateFound(found), &in_words(&found));
        }
        _ => {}
    })
}

/// What would spoil a run spoils a search too, but a search costs little: it goes on.
fn tell_serious(recipe: &Recipe, console: &Console) -> Result<(), Failure> {
    let (findings, _) = audit::serious(recipe, console)?;
    console.clear();
    for finding in &findings {
        console.say(&audit::in_words(finding));
    }
    if !findings.is_empty() {
        console.warn(
            "The rate is found for the data as it is. Mend the data or the recipe first, then search again: what is learned will be \
             another thing.",
        );
    }
    Ok(())
}

/// Rates and losses, evenly thinned out; the last one always.
fn table(tried: &[RateTried]) -> String {
    let every = tried.len().div_ceil(LINES).max(1);
    let mut text = format!("{:>9}  {:>9}  {:>9}", "rate", "loss", "smoothed");
    let last = tried.len().saturating_sub(1);
    let shown = tried
        .iter()
        .enumerate()
        .filter(|(at, _)| at % every == 0 || *at == last);
    for (_, rate) in shown {
        text += &format!("\n{:>9.1e}  {:>9.4}  {:>9.4}", rate.lr, rate.loss, rate.smoothed);
    }
    text
}

fn in_words(found: &RateFound) -> String {
    let mut text = found.in_words();
    if let Some(rate) = found.suggested {
        text += &format!("\nTake it with --set optim.lr={rate:e}");
    }
    text
}
