//! Whether a model fits this machine for chat, LoRA and QLoRA: the recipe's memory plan held against the memory that there is.
//! Knows arithmetic, asks no device.

use serde_json::Value;

use crate::formats::config::ModelConfig;
use crate::recipe::{Load, ModelShape, Processor, Quant, Recipe, memory};
use crate::session::State;

/// What a model can be used for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Chat,
    Lora,
    Qlora,
}

impl Use {
    /// In the order of the columns.
    pub const ALL: [Use; 3] = [Use::Chat, Use::Lora, Use::Qlora];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Use::Chat => "Chat",
            Use::Lora => "LoRA",
            Use::Qlora => "QLoRA",
        }
    }
}

/// An answer that may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    Yes,
    No,
    Unknown,
}

/// Bytes that each use needs at its peak; `None` when the architecture's size cannot be worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub chat: Option<u64>,
    pub lora: Option<u64>,
    pub qlora: Option<u64>,
}

/// Tokens of a conversation that is to fit, and of a training row.
const TOKENS: usize = 1024;
/// Weights of 16 bits.
const HALF: u64 = 2;
/// Share of the memory that a worker can have: the system and the window need the rest.
const USABLE: f64 = 0.85;

impl Needs {
    /// By a model's config.json: chat and LoRA with weights of 16 bits, QLoRA with the linear layers in NF4; one row of 1,024 tokens.
    pub fn of(config: &Value) -> Self {
        ModelConfig::from_value(config)
            .map(|config| Self::of_config(&config))
            .unwrap_or_default()
    }

    fn of_config(config: &ModelConfig) -> Self {
        let shape = ModelShape::from(config);
        let mut recipe = Recipe::new("", Vec::new());
        recipe.model.dtype = "f16".into();
        // Training takes a little more on a GPU than on the CPU.
        let one_row = Load::full(1, TOKENS).on(Processor::Gpu);
        let run = memory(&recipe, &shape, one_row);
        let alone = memory(&recipe, &shape, Load::full(1, 1));
        let weights = shape.parameters * HALF;
        // Keys and values of the whole conversation, in f32.
        let cache = 2 * 4 * TOKENS * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
        let mut quantised = recipe.clone();
        quantised.method.quant = Quant::Nf4;
        Self {
            chat: Some(weights + cache as u64 + alone.workspace),
            lora: Some(run.total()),
            qlora: Some(memory(&quantised, &shape, one_row).total()),
        }
    }

    /// Bytes for a use.
    pub fn of_use(&self, wanted: Use) -> Option<u64> {
        match wanted {
            Use::Chat => self.chat,
            Use::Lora => self.lora,
            Use::Qlora => self.qlora,
        }
    }

    /// Does a use fit into so much memory?
    pub fn fits(&self, wanted: Use, memory: Option<u64>) -> Fits {
        match (self.of_use(wanted), memory) {
            (Some(need), Some(memory)) if need as f64 <= memory as f64 * USABLE => Fits::Yes,
            (Some(_), Some(_)) => Fits::No,
            _ => Fits::Unknown,
        }
    }
}

/// What a model has to fit into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceFit {
    /// Bytes that jobs on the chosen device have: what its driver tells, else what the user entered, else the machine's memory for the
    /// CPU and for graphics that share it.
    pub memory: Option<u64>,
}

impl DeviceFit {
    /// By the device that jobs are sent to.
    pub fn of(state: &State) -> Self {
        let device = state.chosen_device();
        let shared = device.is_some_and(|d| matches!(d.kind.as_str(), "cpu" | "integrated" | "software"));
        let told = device.and_then(|d| d.memory).map(|memory| memory.total);
        let entered = device.and_then(|d| state.settings.device_memory.get(&d.label).copied());
        Self {
            memory: told.or(entered).or(state.hub.memory.filter(|_| shared)),
        }
    }

    /// What kind of device that is; the CPU as long as none is known.
    pub fn processor(state: &State) -> Processor {
        match state.chosen_device() {
            Some(device) if device.kind != "cpu" => Processor::Gpu,
            _ => Processor::Cpu,
        }
    }
}
