//! Common mistakes in a recipe, told before the run with the usual value. Knows numbers of rows and sizes of layers, no data.

use super::{MethodKind, ModelShape, OptimizerKind, Recipe};

/// Below this many parameters a model counts as small: it takes larger steps.
const SMALL: u64 = 50_000_000;

/// What a run is about, beside its recipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct LintFacts<'a> {
    /// Rows learned from (bins when packing).
    pub train_rows: usize,
    /// Rows held out.
    pub eval_rows: usize,
    /// Optimizer steps of the run.
    pub steps: usize,
    /// The base, where its config is known.
    pub shape: Option<&'a ModelShape>,
    /// Is the end of the answers learned? `None` where nobody has looked.
    pub learns_to_stop: Option<bool>,
}

/// Something that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The setting, as `table.key`.
    pub field: &'static str,
    /// A sentence with the usual value.
    pub message: String,
    /// The change that would mend it, as `table.key=value`.
    pub fix: Option<String>,
}

fn lint(field: &'static str, message: String, fix: Option<String>) -> Option<Lint> {
    Some(Lint { field, message, fix })
}

/// Everything in a recipe that is probably not meant.
pub fn lints(recipe: &Recipe, facts: &LintFacts<'_>) -> Vec<Lint> {
    let all = [
        rate(recipe, facts),
        warmup(recipe, facts),
        rank(recipe, facts),
        batch(recipe, facts),
        epochs(recipe),
        held_out(recipe, facts),
        stop(recipe, facts),
        patience(recipe, facts),
        lion(recipe),
        alpha(recipe),
    ];
    all.into_iter().flatten().collect()
}

/// Lowest and highest usual learning rate of AdamW for a method.
pub fn usual_rates(recipe: &Recipe, small: bool) -> (f64, f64) {
    let (low, high) = match (recipe.method.kind, small) {
        (MethodKind::Full, false) => (1e-6, 1e-4),
        (MethodKind::Full, true) => (1e-5, 3e-3),
        (MethodKind::Lora | MethodKind::Bottleneck, false) => (2e-5, 2e-3),
        (MethodKind::Lora | MethodKind::Bottleneck, true) => (1e-4, 1e-2),
        (MethodKind::Prefix | MethodKind::Prompt, _) => (1e-4, 0.5),
    };
    match recipe.optim.name {
        // A sign moves every weight by the whole rate.
        OptimizerKind::Lion => (low / 10.0, high / 10.0),
        OptimizerKind::Sgd => (low * 10.0, 1.0),
        _ => (low, high),
    }
}

fn rate(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    let small = facts.shape.is_some_and(|shape| shape.parameters < SMALL);
    let (low, high) = usual_rates(recipe, small);
    let lr = recipe.optim.lr;
    let (word, bound) = if lr > high {
        ("high", high)
    } else if lr < low {
        ("low", low)
    } else {
        return None;
    };
    let message = format!("A learning rate of {lr:e} is {word} for this method. Usual: {low:e} to {high:e}.");
    lint("optim.lr", message, Some(format!("optim.lr={bound:e}")))
}

fn warmup(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    let warmup = recipe.optim.warmup;
    if facts.steps == 0 || warmup < 1.0 || warmup < facts.steps as f64 {
        return None;
    }
    let message = format!(
        "The warm-up of {warmup} steps is as long as the run of {}, so the learning rate never reaches its value. Usual: 0.03, a share \
         of the run.",
        facts.steps
    );
    lint("optim.warmup", message, Some("optim.warmup=0.03".into()))
}

fn rank(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    if recipe.method.kind != MethodKind::Lora {
        return None;
    }
    let layers = facts.shape?.targeted(&recipe.method.targets);
    let narrowest = layers.min_by_key(|l| l.inputs.min(l.outputs))?;
    let most = narrowest.inputs.min(narrowest.outputs);
    if recipe.method.r <= most {
        return None;
    }
    let message = format!(
        "Rank {} is above the width of {} ({most}), so the adapter is larger than the layer it changes. Usual: 8 to 64.",
        recipe.method.r,
        narrowest.path.rsplit('.').next().unwrap_or_default()
    );
    lint("method.r", message, Some(format!("method.r={}", 16.min(most))))
}

fn batch(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    let rows = recipe.batch.size * recipe.batch.accumulation;
    if facts.train_rows == 0 || rows <= facts.train_rows {
        return None;
    }
    let message = format!(
        "A step takes {rows} rows, but there are only {}: every epoch is a single step. Usual: at least ten steps an epoch.",
        facts.train_rows
    );
    let size = (facts.train_rows / 10).clamp(1, recipe.batch.size);
    let fix = if recipe.batch.accumulation > 1 {
        "batch.accumulation=1".into()
    } else {
        format!("batch.size={size}")
    };
    lint("batch.size", message, Some(fix))
}

fn epochs(recipe: &Recipe) -> Option<Lint> {
    if recipe.optim.epochs <= 3.0 || recipe.optim.max_steps > 0 {
        return None;
    }
    let message = format!(
        "{} epochs show every row so often that it may be learned by heart. Usual: 1 to 3; watch the held-out loss.",
        recipe.optim.epochs
    );
    lint("optim.epochs", message, Some("optim.epochs=3".into()))
}

fn held_out(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    if facts.train_rows == 0 || (recipe.data.split > 0.0 && facts.eval_rows > 0) {
        return None;
    }
    let message = "No rows are held out, so nothing tells learning from memorising. Usual: 5 percent.".to_string();
    let fix = (recipe.data.split == 0.0).then(|| "data.split=5".to_string());
    lint("data.split", message, fix)
}

fn stop(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    if facts.learns_to_stop != Some(false) || recipe.data.mode == crate::template::Mode::All {
        return None;
    }
    let message = "The template does not teach the model to stop: the token that ends an answer is not learned. Choose a template that \
                   marks the end of a turn, such as chatml."
        .to_string();
    lint("template.name", message, Some("template.name=chatml".into()))
}

fn patience(recipe: &Recipe, facts: &LintFacts<'_>) -> Option<Lint> {
    let blind = recipe.data.split == 0.0 || (facts.train_rows > 0 && facts.eval_rows == 0);
    if recipe.eval.patience == 0 || !blind {
        return None;
    }
    let message = "Stopping early needs a held-out loss, and no rows are held out. Usual: 5 percent.".to_string();
    lint("eval.patience", message, Some("data.split=5".into()))
}

fn lion(recipe: &Recipe) -> Option<Lint> {
    if recipe.optim.name != OptimizerKind::Lion || recipe.optim.beta2 < 0.999 {
        return None;
    }
    let message = format!(
        "Lion with beta2 = {} forgets too slowly. Usual: 0.99.",
        recipe.optim.beta2
    );
    lint("optim.beta2", message, Some("optim.beta2=0.99".into()))
}

fn alpha(recipe: &Recipe) -> Option<Lint> {
    let m = &recipe.method;
    if m.kind != MethodKind::Lora || m.rslora {
        return None;
    }
    let scale = m.alpha / m.r as f64;
    if (0.25..=8.0).contains(&scale) {
        return None;
    }
    let message = format!(
        "Alpha {} with rank {} scales the adapter by {scale:.2}. Usual: 1 to 2, so alpha once or twice the rank.",
        m.alpha, m.r
    );
    lint("method.alpha", message, Some(format!("method.alpha={}", 2 * m.r)))
}
