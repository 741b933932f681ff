//! `burnish bench train`: the recipe that is timed and what is printed.

use super::super::args::BenchTrainArgs;
use super::super::{console::Console, failure::Failure, jobs, train};
use crate::protocol::{Event, Job, TrainTimes};
use crate::recipe::{MethodKind, Quant, Recipe};

/// Times training steps on random weights.
///
/// # Errors
/// A setting cannot be, or the job failed.
pub fn run(args: &BenchTrainArgs, console: &Console) -> Result<(), Failure> {
    let recipe = recipe(args)?;
    let what = in_words(&recipe);
    let job = Job::BenchTrain {
        recipe: Box::new(recipe),
        steps: args.steps,
    };
    jobs::run_once(job, console, &mut |event| {
        if let Event::TrainTimed(times) = event {
            console.result(&times, &format!("{what}: {}", line(&times)));
        }
    })
}

/// LoRA on every linear layer with the settings of the command; `--set` has the last word.
fn recipe(args: &BenchTrainArgs) -> Result<Recipe, Failure> {
    let mut recipe = Recipe::new(&args.shape, vec!["random ids".into()]);
    recipe.model.device.clone_from(&args.device);
    let usual = [
        format!("data.max_length={}", args.tokens),
        format!("batch.size={}", args.batch),
        format!("method.quant={}", args.quant),
        format!("method.r={}", args.rank),
        format!("method.alpha={}", 2 * args.rank),
    ];
    for set in usual.iter().chain(&args.set) {
        recipe = recipe.with(set).map_err(train::refuse)?;
    }
    recipe.model.path.clone_from(&args.shape);
    Ok(recipe)
}

fn in_words(recipe: &Recipe) -> String {
    let method = match recipe.method.kind {
        MethodKind::Full => "full".to_owned(),
        MethodKind::Lora => format!("LoRA r {}", recipe.method.r),
        other => format!("{other:?}").to_lowercase(),
    };
    let base = match recipe.method.quant {
        Quant::None => "",
        Quant::Q8 => " over 8 bits",
        Quant::Nf4 => " over NF4",
    };
    format!("{method}{base}, {}", recipe.model.compute.name())
}

fn line(times: &TrainTimes) -> String {
    let TrainTimes {
        shape,
        rows,
        tokens,
        device,
        label,
        threads,
        tokens_per_second,
        ..
    } = times;
    let seconds = (rows * tokens) as f64 / tokens_per_second;
    format!(
        "{rows} x {tokens} tokens of {shape} on {device} ({label}, {threads} threads): {tokens_per_second:.1} tokens/s, {seconds:.3} s a step, \
         at most {} MiB of memory",
        times.peak_memory >> 20
    )
}
