//! Any adapter: what training, chat and checkpoints do with it whatever its kind. Knows nothing of optimizers.

use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::{AdapterError, Bottlenecks, Lora, VirtualTokens, merge};
use crate::formats::bottleneck::BOTTLENECK;
use crate::formats::config::ModelConfig;
use crate::formats::peft;
use crate::formats::peft_virtual::VirtualKind;
use crate::formats::weights::StoreType;
use crate::model::Decoder;

/// A trained change of a frozen base.
#[derive(Clone, Debug)]
pub enum Adapter {
    /// Low-rank deltas beside linear layers, DoRA's too.
    Lora(Box<Lora>),
    /// Learned embeddings, or keys and values, in front of every row.
    Virtual(Box<VirtualTokens>),
    /// Small networks after sublayers.
    Bottleneck(Bottlenecks),
}

/// One trained tensor of an adapter.
pub struct Trainable<'a> {
    /// Its name in the adapter; the same in every run.
    pub name: String,
    /// The value, two-dimensional.
    pub value: &'a mut Tensor<2>,
    /// Is it a bias, which weight decay does not apply to?
    pub bias: bool,
}

impl Adapter {
    /// What it is, for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Lora(lora) if lora.spec.dora => "a DoRA adapter",
            Self::Lora(_) => "a LoRA adapter",
            Self::Virtual(tokens) if tokens.kind == VirtualKind::Prompt => "a prompt of virtual tokens",
            Self::Virtual(_) => "a prefix of virtual tokens",
            Self::Bottleneck(_) => "a bottleneck adapter",
        }
    }

    /// Every trained tensor, in a fixed order.
    pub fn trainables(&mut self) -> Vec<Trainable<'_>> {
        match self {
            Self::Lora(lora) => lora.trainables(),
            Self::Virtual(tokens) => vec![Trainable {
                name: "prompt_embeddings".into(),
                value: &mut tokens.rows,
                bias: false,
            }],
            Self::Bottleneck(all) => all.layers.iter_mut().flat_map(bottleneck).collect(),
        }
    }

    /// Makes the adapter what the model has on it, instead of any other; `training` switches dropout on.
    ///
    /// # Errors
    /// The adapter was made for another model.
    pub fn attach(&self, model: &mut Decoder, training: bool) -> Result<(), AdapterError> {
        match self {
            Self::Lora(lora) => lora.attach(model, training),
            Self::Virtual(tokens) => tokens.attach(model),
            Self::Bottleneck(all) => all.attach(model),
        }
    }

    /// Number of trained values.
    pub fn parameters(&self) -> u64 {
        let mut shared = self.clone();
        let sizes = shared.trainables().into_iter();
        sizes.map(|t| t.value.dims().iter().product::<usize>() as u64).sum()
    }

    /// The model with the adapter folded into its weights; needs no adapter any more.
    ///
    /// # Errors
    /// The kind cannot be folded in, the adapter was made for another model, or the device failed.
    pub fn merge(&self, model: &Decoder) -> Result<Decoder, AdapterError> {
        match self {
            Self::Lora(lora) => merge(model, lora),
            other => Err(AdapterError::NotMerged(other.describe())),
        }
    }

    /// Reads an adapter folder of any kind.
    ///
    /// # Errors
    /// A file is missing or broken, the kind is unknown, or the adapter was made for another model.
    pub fn load(dir: &Path, model: &ModelConfig, device: &Device) -> Result<Self, AdapterError> {
        Ok(match peft::kind(dir)?.as_str() {
            "PROMPT_TUNING" | "PREFIX_TUNING" => VirtualTokens::load(dir, model, device)?.into(),
            BOTTLENECK => Self::Bottleneck(Bottlenecks::load(dir, model, device)?),
            _ => Lora::load(dir, model, device)?.into(),
        })
    }

    /// Writes the adapter into an existing folder, its numbers in the type given.
    ///
    /// # Errors
    /// The folder cannot be written, the disk is full, or the device failed.
    pub fn save(
        &self,
        dir: &Path,
        base_model: &str,
        model: &ModelConfig,
        store: StoreType,
    ) -> Result<(), AdapterError> {
        match self {
            Self::Lora(lora) => lora.save(dir, base_model, model, store),
            Self::Virtual(tokens) => tokens.save(dir, base_model, model, store),
            Self::Bottleneck(all) => all.save(dir, base_model, store),
        }
    }
}

fn bottleneck<'a>((path, b): (&'a String, &'a mut crate::model::Bottleneck)) -> [Trainable<'a>; 4] {
    let one = |part: &str, value: &'a mut Tensor<2>, bias: bool| Trainable {
        name: format!("{path}.bottleneck.{part}"),
        value,
        bias,
    };
    [
        one("down", &mut b.down, false),
        one("down_bias", &mut b.down_bias, true),
        one("up", &mut b.up, false),
        one("up_bias", &mut b.up_bias, true),
    ]
}

impl From<Lora> for Adapter {
    fn from(lora: Lora) -> Self {
        Self::Lora(Box::new(lora))
    }
}

impl From<VirtualTokens> for Adapter {
    fn from(tokens: VirtualTokens) -> Self {
        Self::Virtual(Box::new(tokens))
    }
}
