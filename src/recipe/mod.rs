//! `recipe.toml`: everything that is needed to repeat a run. Knows files' names, never their contents.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::template::Mode;

/// A training recipe. Everything but model and data has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub model: ModelPart,
    pub data: DataPart,
    #[serde(default)]
    pub template: TemplatePart,
    #[serde(default)]
    pub method: MethodPart,
    #[serde(default)]
    pub optim: OptimPart,
    #[serde(default)]
    pub batch: BatchPart,
    #[serde(default)]
    pub eval: EvalPart,
    #[serde(default)]
    pub save: SavePart,
}
/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPart {
    /// Model folder, or `starter`.
    pub path: String,
    /// `auto`, `cpu` or a name from `burnish devices`.
    #[serde(default = "auto")]
    pub device: String,
    /// Storage type of frozen weights: `auto`, `f32`, `f16`.
    #[serde(default = "auto")]
    pub dtype: String,
}
fn auto() -> String {
    "auto".into()
}
/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataPart {
    pub files: Vec<PathBuf>,
    /// Share held out for the eval loss, in percent (0 = none).
    #[serde(default)]
    pub split: f64,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default)]
    pub max_length: usize,
    #[serde(default)]
    pub packing: bool,
}
/// `[template]`: a built-in name or a file; empty = the model's own, else chatml.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplatePart {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub file: Option<PathBuf>,
}
/// How the weights change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodKind {
    #[default]
    Lora,
    Full,
}
/// `[method]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodPart {
    pub kind: MethodKind,
    pub r: usize,
    pub alpha: f64,
    pub dropout: f64,
    /// Linear layers that get an adapter: q_proj k_proj v_proj o_proj gate_proj up_proj down_proj.
    pub targets: Vec<String>,
    pub rslora: bool,
    /// Whole modules trained and saved beside the adapter (`embed_tokens`, `lm_head`).
    pub modules_to_save: Vec<String>,
    /// Train only the embedding rows of the template's marker tokens that the base never saw (`auto`, `on`, `off`).
    pub train_markers: String,
}
/// Learning-rate schedules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    Constant,
    Linear,
    #[default]
    Cosine,
}
/// `[optim]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimPart {
    /// Only `adamw` so far.
    pub name: String,
    pub lr: f64,
    pub schedule: Schedule,
    /// Warm-up steps (>= 1) or share of all steps (< 1).
    pub warmup: f64,
    pub weight_decay: f64,
    pub beta1: f64,
    pub beta2: f64,
    /// Largest global gradient norm; 0 = no clipping.
    pub clip: f64,
    pub epochs: f64,
    /// 0 = by epochs.
    pub max_steps: usize,
}
/// `[batch]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchPart {
    /// Rows in a micro-batch.
    pub size: usize,
    /// Micro-batches in an optimizer step.
    pub accumulation: usize,
    pub checkpointing: bool,
}
/// `[eval]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvalPart {
    /// Steps between evaluations; 0 = about ten in the run.
    pub every: usize,
    /// Held-out rows used at most.
    pub rows: usize,
    /// Prompts for sample generations; empty = the first held-out prompts.
    pub prompts: Vec<String>,
}
/// `[save]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavePart {
    /// Steps between checkpoints; 0 = about five in the run.
    pub every: usize,
    /// Newest checkpoints kept.
    pub keep: usize,
}

impl Default for MethodPart {
    fn default() -> Self {
        Self {
            kind: MethodKind::Lora,
            r: 16,
            alpha: 32.0,
            dropout: 0.0,
            targets: [
                "q_proj",
                "k_proj",
                "v_proj",
                "o_proj",
                "gate_proj",
                "up_proj",
                "down_proj",
            ]
            .map(String::from)
            .to_vec(),
            rslora: false,
            modules_to_save: vec![],
            train_markers: "auto".into(),
        }
    }
}
impl Default for OptimPart {
    fn default() -> Self {
        Self {
            name: "adamw".into(),
            lr: 2e-4,
            schedule: Schedule::Cosine,
            warmup: 0.03,
            weight_decay: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            clip: 1.0,
            epochs: 3.0,
            max_steps: 0,
        }
    }
}
impl Default for BatchPart {
    fn default() -> Self {
        Self {
            size: 8,
            accumulation: 1,
            checkpointing: false,
        }
    }
}
impl Default for EvalPart {
    fn default() -> Self {
        Self {
            every: 0,
            rows: 500,
            prompts: vec![],
        }
    }
}
impl Default for SavePart {
    fn default() -> Self {
        Self { every: 0, keep: 3 }
    }
}
