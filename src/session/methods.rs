//! The training methods as people choose them: one card each, and what choosing one sets in the recipe. Knows recipes, not how they are
//! trained.

use crate::recipe::{MethodKind, Precision, Quant, Recipe};
use crate::template::Mode;

/// A method of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Lora,
    RsLora,
    Dora,
    Qlora,
    EightBit,
    Full,
    Continued,
    Bottleneck,
    Prefix,
    Prompt,
}

/// What a card says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodCard {
    /// The field's name for it.
    pub name: &'static str,
    /// What it changes.
    pub changes: &'static str,
    /// What it costs, and whether it can be merged.
    pub costs: &'static str,
}

impl Method {
    /// In the order of the cards.
    pub const ALL: [Self; 10] = [
        Self::Lora,
        Self::RsLora,
        Self::Dora,
        Self::Qlora,
        Self::EightBit,
        Self::Full,
        Self::Continued,
        Self::Bottleneck,
        Self::Prefix,
        Self::Prompt,
    ];

    /// Its card.
    pub fn card(self) -> MethodCard {
        let (name, changes, costs) = match self {
            Self::Lora => (
                "LoRA",
                "Adds two thin matrices beside each chosen layer; the base stays as it is.",
                "Little memory, rarely forgets. Can be merged into the base.",
            ),
            Self::RsLora => (
                "rsLoRA",
                "LoRA scaled by the root of the rank, so that high ranks learn as steadily as low ones.",
                "As LoRA; worth it from rank 32 on. Can be merged.",
            ),
            Self::Dora => (
                "DoRA",
                "LoRA that also learns how long each output's weights are, apart from their direction.",
                "A third slower than LoRA, often a little better. Can be merged.",
            ),
            Self::Qlora => (
                "QLoRA",
                "LoRA over a base whose linear layers are kept in 4 bits (NF4); gradients reach the adapter alone.",
                "The least memory, somewhat slower. Merges into the full-precision base.",
            ),
            Self::EightBit => (
                "LoRA on 8 bits",
                "LoRA over a base whose linear layers are kept in 8 bits.",
                "Half of 16 bits' memory, nearly no loss. Merges into the full-precision base.",
            ),
            Self::Full => (
                "Full fine-tuning",
                "Changes every weight of the base.",
                "16 bytes per parameter and more; forgets most easily. The result is a model of its own.",
            ),
            Self::Continued => (
                "Continued pretraining",
                "Changes every weight by plain text, without turns: new language or knowledge.",
                "As full fine-tuning, and needs much text. The result is a base, not an assistant.",
            ),
            Self::Bottleneck => (
                "Bottleneck adapters",
                "Puts a small layer after attention and feed-forward of every block (Houlsby).",
                "Little memory; every answer gets a little slower. Cannot be merged.",
            ),
            Self::Prefix => (
                "Prefix tuning",
                "Learns keys and values that every layer sees in front of the text.",
                "Very small files; takes some of the context. Cannot be merged.",
            ),
            Self::Prompt => (
                "Prompt tuning",
                "Learns a few embeddings in front of the text, and nothing else.",
                "The smallest of all, the slowest to learn; for large bases. Cannot be merged.",
            ),
        };
        MethodCard { name, changes, costs }
    }

    /// The method that a recipe describes.
    pub fn of(recipe: &Recipe) -> Self {
        let m = &recipe.method;
        match (m.kind, m.quant) {
            (MethodKind::Full, _) if recipe.data.mode == Mode::All => Self::Continued,
            (MethodKind::Full, _) => Self::Full,
            (MethodKind::Bottleneck, _) => Self::Bottleneck,
            (MethodKind::Prefix, _) => Self::Prefix,
            (MethodKind::Prompt, _) => Self::Prompt,
            (MethodKind::Lora, _) if m.dora => Self::Dora,
            (MethodKind::Lora, Quant::Nf4) => Self::Qlora,
            (MethodKind::Lora, Quant::Q8) => Self::EightBit,
            (MethodKind::Lora, Quant::None) if m.rslora => Self::RsLora,
            (MethodKind::Lora, Quant::None) => Self::Lora,
        }
    }

    /// Makes a recipe one of this method, with a learning rate that is usual for it where the present one is not.
    pub fn put_into(self, recipe: &mut Recipe) {
        let before = recipe.method.kind;
        let m = &mut recipe.method;
        m.kind = match self {
            Self::Full | Self::Continued => MethodKind::Full,
            Self::Bottleneck => MethodKind::Bottleneck,
            Self::Prefix => MethodKind::Prefix,
            Self::Prompt => MethodKind::Prompt,
            _ => MethodKind::Lora,
        };
        m.dora = self == Self::Dora;
        m.rslora = self == Self::RsLora;
        m.quant = match self {
            Self::Qlora => Quant::Nf4,
            Self::EightBit => Quant::Q8,
            _ => Quant::None,
        };
        match (self, recipe.data.mode) {
            (Self::Continued, _) => recipe.data.mode = Mode::All,
            (_, Mode::All) if before == MethodKind::Full => recipe.data.mode = Mode::Assistant,
            _ => {}
        }
        if recipe.method.kind != before {
            recipe.optim.lr = match recipe.method.kind {
                MethodKind::Full => 2e-5,
                MethodKind::Prefix | MethodKind::Prompt => 1e-2,
                MethodKind::Lora | MethodKind::Bottleneck => 2e-4,
            };
        }
        if recipe.method.kind == MethodKind::Full {
            // There is no adapter, and no second copy of the base to hold on to.
            recipe.method.adapter_dtype = Precision::F32;
            recipe.optim.kl = 0.0;
        }
        if matches!(recipe.method.kind, MethodKind::Prefix | MethodKind::Prompt) {
            // Packed rows would share the learned tokens in front.
            recipe.data.packing = false;
        }
    }
}
