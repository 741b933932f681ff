//! `recipe.toml`: everything that is needed to repeat a run, its checks, its length and its cost in memory.
//! Knows files' names, never their contents.

mod check;
mod error;
mod fields;
mod fits;
mod lints;
mod load;
mod memory;
mod parts;
mod shape;
mod steps;

pub use error::{Place, RecipeError};
pub use fits::{Proposal, USABLE, proposals};
pub use lints::{Lint, LintFacts, lints, usual_rates};
pub use memory::{LOGITS_AT_ONCE, Load, Memory, Processor, ROWS_AT_ONCE, SCORES_AT_ONCE, memory};
pub use parts::{
    BatchPart, DataPart, EvalPart, Init, MethodKind, MethodPart, ModelPart, OptimPart, OptimizerKind, Precision, Quant,
    Recipe, RowOrder, SavePart, Schedule, TemplatePart,
};
pub use shape::{ALL_LINEAR, ModelShape, lora_parameters, target_names, trainable};
pub use steps::{steps_of, steps_per_epoch};
