//! What fits: changes of a recipe that bring its memory below a budget and leave the mathematics of a step as it is. Knows arithmetic
//! only.

use super::{Load, Memory, MethodKind, ModelShape, Processor, Quant, Recipe, memory};

/// Share of a device that a run may plan with; the rest is the driver's, the window's and other programs'.
pub const USABLE: f64 = 0.9;

/// A way to make a run fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What it does, in words.
    pub label: String,
    /// The changes, as `table.key=value`.
    pub settings: Vec<String>,
    /// What the run needs then.
    pub memory: Memory,
}

/// Ways to fit into `budget` bytes of a processor, the gentlest first; none when the recipe fits already. `len` is the longest row in tokens.
pub fn proposals(recipe: &Recipe, shape: &ModelShape, len: usize, budget: u64, processor: Processor) -> Vec<Proposal> {
    let usable = (budget as f64 * USABLE) as u64;
    let needs = |recipe: &Recipe, len: usize| memory(recipe, shape, Load::full(recipe.batch.size, len).on(processor));
    if needs(recipe, len).total() <= usable {
        return vec![];
    }
    let frozen = recipe.method.kind != MethodKind::Full;
    let quantise = frozen && shape.stored.is_none() && recipe.method.quant == Quant::None;
    let mut found = vec![];
    for (checkpointing, quant, lora, cut) in [
        (false, false, false, 1),
        (true, false, false, 1),
        (true, true, false, 1),
        (true, true, false, 2),
        (true, true, false, 4),
        (true, true, true, 1),
    ] {
        let known = (quant && !quantise && !lora)
            || (lora && frozen)
            || (checkpointing && recipe.batch.checkpointing && !quant && !lora);
        if known {
            continue;
        }
        let mut changed = Change::new(recipe);
        if lora {
            changed.set(
                |r| r.method.kind = MethodKind::Lora,
                "method.kind=lora",
                "train a LoRA adapter",
            );
        }
        if checkpointing && !recipe.batch.checkpointing {
            changed.set(
                |r| r.batch.checkpointing = true,
                "batch.checkpointing=true",
                "compute activations again",
            );
        }
        if quant && (quantise || lora) {
            changed.set(
                |r| r.method.quant = Quant::Nf4,
                "method.quant=nf4",
                "keep the base in 4 bits",
            );
        }
        let len = len / cut;
        if cut > 1 {
            let setting = format!("data.max_length={len}");
            changed.set(
                |r| r.data.max_length = len,
                &setting,
                &format!("rows of at most {len} tokens"),
            );
        }
        if let Some(proposal) = changed.with_batch(&|r| needs(r, len), usable) {
            found.push(proposal);
            if found.len() == 3 {
                break;
            }
        }
    }
    found
}

/// A recipe on its way.
struct Change {
    recipe: Recipe,
    settings: Vec<String>,
    words: Vec<String>,
}

impl Change {
    fn new(recipe: &Recipe) -> Self {
        Self {
            recipe: recipe.clone(),
            settings: vec![],
            words: vec![],
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut Recipe), setting: &str, words: &str) {
        change(&mut self.recipe);
        self.settings.push(setting.into());
        self.words.push(words.into());
    }

    /// The largest micro-batch that fits, with as much accumulation as keeps the rows of a step; `None` when not even one row does.
    fn with_batch(mut self, needs: &dyn Fn(&Recipe) -> Memory, usable: u64) -> Option<Proposal> {
        let (size, accumulation) = (self.recipe.batch.size, self.recipe.batch.accumulation);
        let divisors = (1..=size).rev().filter(|d| size.is_multiple_of(*d));
        for smaller in divisors {
            self.recipe.batch.size = smaller;
            self.recipe.batch.accumulation = accumulation * (size / smaller);
            let memory = needs(&self.recipe);
            if memory.total() > usable {
                continue;
            }
            if smaller < size {
                self.settings.push(format!("batch.size={smaller}"));
                self.settings
                    .push(format!("batch.accumulation={}", self.recipe.batch.accumulation));
                self.words.push(format!(
                    "batches of {smaller}, {} summed up",
                    self.recipe.batch.accumulation
                ));
            }
            let mut label = self.words.join(", ");
            if let Some(first) = label.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            return Some(Proposal {
                label,
                settings: self.settings,
                memory,
            });
        }
        None
    }
}
