//! The tables of a recipe and their defaults. Does not check or load them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::template::Mode;

/// A training recipe. Everything but model and data has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The base model.
    pub model: ModelPart,
    /// The examples.
    pub data: DataPart,
    /// How conversations become text.
    #[serde(default)]
    pub template: TemplatePart,
    /// Which weights change.
    #[serde(default)]
    pub method: MethodPart,
    /// How they change.
    #[serde(default)]
    pub optim: OptimPart,
    /// How many examples at a time.
    #[serde(default)]
    pub batch: BatchPart,
    /// When the held-out loss is measured.
    #[serde(default)]
    pub eval: EvalPart,
    /// When checkpoints are written.
    #[serde(default)]
    pub save: SavePart,
}

impl Recipe {
    /// A recipe with every default for a model and its data files.
    pub fn new(model: impl Into<String>, files: Vec<PathBuf>) -> Self {
        Self {
            model: ModelPart::new(model),
            data: DataPart::new(files),
            template: TemplatePart::default(),
            method: MethodPart::default(),
            optim: OptimPart::default(),
            batch: BatchPart::default(),
            eval: EvalPart::default(),
            save: SavePart::default(),
        }
    }

    /// What of the recipe an audit of its data depends on, everything else at its default: recipes that are equal in this share one audit.
    pub fn for_audit(&self) -> Self {
        Self {
            model: self.model.clone(),
            data: self.data.clone(),
            template: self.template.clone(),
            method: MethodPart {
                kind: self.method.kind,
                train_markers: self.method.train_markers.clone(),
                ..MethodPart::default()
            },
            batch: self.batch.clone(),
            optim: OptimPart::default(),
            eval: EvalPart::default(),
            save: SavePart::default(),
        }
    }
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
    /// The type that products of linear layers are computed in.
    #[serde(default)]
    pub compute: Precision,
    /// Where the weights come from before the first step.
    #[serde(default)]
    pub init: Init,
}

impl ModelPart {
    /// The model at `path` on the default device.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            device: auto(),
            dtype: auto(),
            compute: Precision::F32,
            init: Init::Weights,
        }
    }
}

fn auto() -> String {
    "auto".into()
}

/// A type of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Half precision. The loss is scaled so that small gradients do not vanish.
    F16,
    /// The upper half of single precision.
    Bf16,
}

impl Precision {
    /// As recipes spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

/// Where a model's weights come from before the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// The files in the model folder.
    #[default]
    Weights,
    /// Random numbers (pretraining): the folder needs config.json and a tokenizer only.
    Random,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataPart {
    /// The files of examples.
    pub files: Vec<PathBuf>,
    /// SHA-256 of each file in lower-case hex, written by a run so that repeating it can tell a changed file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sha256: Vec<String>,
    /// Share held out for the eval loss, in percent (0 = none).
    #[serde(default = "five_percent")]
    pub split: f64,
    /// Seed of everything random in the run: hold-out, order, adapter, dropout.
    #[serde(default = "forty_two")]
    pub seed: u64,
    /// Which tokens are learned.
    #[serde(default)]
    pub mode: Mode,
    /// Longest row in tokens; of longer conversations whole oldest turns go first.
    #[serde(default = "half_a_thousand")]
    pub max_length: usize,
    /// Put several short conversations into one row.
    #[serde(default)]
    pub packing: bool,
    /// Files of general examples mixed in against forgetting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replay: Vec<PathBuf>,
    /// SHA-256 of each of them, as `sha256`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replay_sha256: Vec<String>,
    /// Share of the training rows that come from them, in percent.
    #[serde(default = "ten_percent")]
    pub replay_share: f64,
}

impl DataPart {
    /// Files with every default.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            sha256: Vec::new(),
            split: five_percent(),
            seed: forty_two(),
            mode: Mode::default(),
            max_length: half_a_thousand(),
            packing: false,
            replay: Vec::new(),
            replay_sha256: Vec::new(),
            replay_share: ten_percent(),
        }
    }
}

fn five_percent() -> f64 {
    5.0
}

fn ten_percent() -> f64 {
    10.0
}

fn forty_two() -> u64 {
    42
}

fn half_a_thousand() -> usize {
    512
}

/// `[template]`: a built-in name or a file; empty = the model's own, else chatml.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplatePart {
    /// A built-in template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A `.jinja` file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

impl TemplatePart {
    /// What is asked for, as `--template` spells it: the file, else the name; `None` = the model's own.
    pub fn asked(&self) -> Option<String> {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        file.or_else(|| self.name.clone())
    }
}

/// How the weights change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodKind {
    /// Small matrices beside frozen ones.
    #[default]
    Lora,
    /// Every weight.
    Full,
    /// Small layers after each sublayer (Houlsby et al. 2019).
    Bottleneck,
    /// Learned keys and values in front of every layer's own (Li and Liang 2021).
    Prefix,
    /// Learned embeddings in front of the text (Lester et al. 2021).
    Prompt,
}

/// How the linear layers of a frozen base are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quant {
    /// As `model.dtype` says.
    #[default]
    None,
    /// Four-bit normal floats in blocks of 64 (QLoRA, Dettmers et al. 2023).
    Nf4,
    /// Eight-bit integers in blocks of 32.
    Q8,
}

/// `[method]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodPart {
    /// LoRA or full.
    pub kind: MethodKind,
    /// Rank of the adapter.
    pub r: usize,
    /// The adapter's output is scaled by alpha / r.
    pub alpha: f64,
    /// Share of the adapter's inputs zeroed in training.
    pub dropout: f64,
    /// Linear layers that get an adapter, by the last parts of their names (`q_proj`, `c_attn`, ...), or `all-linear`.
    pub targets: Vec<String>,
    /// Scale by alpha / sqrt(r) instead.
    pub rslora: bool,
    /// The type that the model reads the adapter in, and that its result is stored in: `f32` or `bf16`. The optimizer keeps `f32`.
    pub adapter_dtype: Precision,
    /// Learn a magnitude for each output beside the direction (DoRA, Liu et al. 2024).
    pub dora: bool,
    /// How the frozen linear layers are kept.
    pub quant: Quant,
    /// Keep NF4's block scales in eight bits.
    pub double_quant: bool,
    /// Inner width of bottleneck layers.
    pub width: usize,
    /// Learned tokens of prefix and prompt tuning.
    pub virtual_tokens: usize,
    /// Whole modules trained and saved beside the adapter (`embed_tokens`, `lm_head`).
    pub modules_to_save: Vec<String>,
    /// Train only the embedding rows of the template's marker tokens that the base never saw (`auto`, `on`, `off`).
    pub train_markers: String,
}

impl Default for MethodPart {
    fn default() -> Self {
        Self {
            kind: MethodKind::Lora,
            r: 16,
            alpha: 32.0,
            dropout: 0.0,
            targets: vec![super::ALL_LINEAR.into()],
            rslora: false,
            adapter_dtype: Precision::F32,
            dora: false,
            quant: Quant::None,
            double_quant: true,
            width: 64,
            virtual_tokens: 20,
            modules_to_save: Vec::new(),
            train_markers: auto(),
        }
    }
}

/// Learning-rate schedules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The same after the warm-up.
    Constant,
    /// Straight down to 0.
    Linear,
    /// Half a cosine wave down to 0.
    #[default]
    Cosine,
    /// Falls with one over the root of the step.
    InverseSqrt,
    /// Warm-up, the same for most of the run, a fall to 0 at its end.
    Wsd,
}

/// What turns gradients into steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[default]
    AdamW,
    /// AdamW whose two moments are kept in eight bits (Dettmers et al. 2022).
    AdamW8bit,
    /// The second moment as one row and one column (Shazeer and Stern 2018).
    Adafactor,
    /// Steps of one size by the sign of a mean gradient (Chen et al. 2023).
    Lion,
    /// Plain gradient descent with momentum.
    Sgd,
}

/// Which rows stand together in a micro-batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowOrder {
    /// Any.
    #[default]
    Shuffled,
    /// Rows of like length, so that little padding is computed; the batches are shuffled.
    Length,
}

/// `[optim]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimPart {
    /// What turns gradients into steps.
    pub name: OptimizerKind,
    /// Peak learning rate.
    pub lr: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Warm-up steps (>= 1) or share of all steps (< 1).
    pub warmup: f64,
    /// WSD's fall at the end: steps (>= 1) or share of all steps (< 1).
    pub decay: f64,
    /// Pull of the weights towards 0.
    pub weight_decay: f64,
    /// Memory of the mean gradient.
    pub beta1: f64,
    /// Memory of the mean squared gradient.
    pub beta2: f64,
    /// Largest global gradient norm; 0 = no clipping.
    pub clip: f64,
    /// Noise on the embeddings in training (NEFTune, Jain et al. 2023): its alpha; 0 = none.
    pub neftune: f64,
    /// Weight of the distance to the base's predictions (KL divergence in nats) in the loss; 0 = none.
    pub kl: f64,
    /// How often every example is seen.
    pub epochs: f64,
    /// Steps of the run; 0 = by epochs.
    pub max_steps: usize,
}

impl Default for OptimPart {
    fn default() -> Self {
        Self {
            name: OptimizerKind::AdamW,
            lr: 2e-4,
            schedule: Schedule::Cosine,
            warmup: 0.03,
            decay: 0.2,
            weight_decay: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            clip: 1.0,
            neftune: 0.0,
            kl: 0.0,
            epochs: 1.0,
            max_steps: 0,
        }
    }
}

/// `[batch]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchPart {
    /// Rows in a micro-batch.
    pub size: usize,
    /// Micro-batches in an optimizer step.
    pub accumulation: usize,
    /// Which rows stand together.
    pub order: RowOrder,
    /// Compute activations again in the backward pass instead of keeping them.
    pub checkpointing: bool,
}

impl Default for BatchPart {
    fn default() -> Self {
        Self {
            size: 8,
            accumulation: 1,
            order: RowOrder::Shuffled,
            checkpointing: false,
        }
    }
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
    /// Stop after so many evaluations without a better held-out loss; 0 = never.
    pub patience: usize,
}

impl Default for EvalPart {
    fn default() -> Self {
        Self {
            every: 0,
            rows: 500,
            prompts: Vec::new(),
            patience: 0,
        }
    }
}

/// `[save]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavePart {
    /// Steps between checkpoints; 0 = about five in the run.
    pub every: usize,
    /// Newest checkpoints kept.
    pub keep: usize,
    /// Keep the checkpoint with the best held-out loss too.
    pub best: bool,
}

impl Default for SavePart {
    fn default() -> Self {
        Self {
            every: 0,
            keep: 3,
            best: true,
        }
    }
}
