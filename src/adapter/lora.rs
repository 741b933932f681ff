//! Low-rank adapters (LoRA, Hu et al. 2021; DoRA, Liu et al. 2024): creation, and attachment to a model. Knows nothing of files or optimizers.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::modules::Modules;
use super::{AdapterError, Trainable, all_attached, detach};
use crate::formats::config::{LinearSpec, ModelConfig};
use crate::model::{Decoder, Linear, LowRank, Magnitude, TokenRows};

/// What kind of LoRA to make.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraSpec {
    /// Rank.
    pub r: usize,
    /// Numerator of the scale.
    pub alpha: f64,
    /// Dropout before A, in training only.
    pub dropout: f64,
    /// Last parts of the paths of the layers to adapt, such as `q_proj`.
    pub targets: Vec<String>,
    /// Scale by alpha / sqrt(r) (Kalajdzievski 2023) instead of alpha / r.
    pub rslora: bool,
    /// Learn the lengths of the rows of the changed matrices beside their directions.
    pub dora: bool,
}

impl LoraSpec {
    /// The factor in front of `B A x`.
    pub fn scale(&self) -> f64 {
        if self.rslora {
            self.alpha / (self.r as f64).sqrt()
        } else {
            self.alpha / self.r as f64
        }
    }
}

/// A and B of one layer, with DoRA the lengths of its rows too.
#[derive(Clone, Debug)]
pub struct Pair {
    /// `[r, in]`
    pub a: Tensor<2>,
    /// `[out, r]`
    pub b: Tensor<2>,
    /// `[1, out]`
    pub magnitude: Option<Tensor<2>>,
}

impl Pair {
    /// The pair as a layer of the model takes it.
    pub(super) fn delta(&self, spec: &LoraSpec, dropout: f64, linear: &mut Linear) -> LowRank {
        LowRank {
            a: self.a.clone(),
            b: self.b.clone(),
            scale: spec.scale(),
            dropout,
            magnitude: self.magnitude.clone().map(|lengths| Magnitude {
                lengths,
                squares: linear.squares(),
            }),
        }
    }
}

/// A LoRA adapter: one pair per adapted layer, and optionally new embedding rows for marker tokens, or the whole embedding or head.
#[derive(Clone, Debug)]
pub struct Lora {
    /// Rank, scale, targets.
    pub spec: LoraSpec,
    /// Pairs by the layer's checkpoint path (`model.layers.0.self_attn.q_proj`).
    pub pairs: BTreeMap<String, Pair>,
    /// Embedding rows trained beside the pairs.
    pub token_rows: Option<TokenRows>,
    /// Matrices trained whole beside the pairs.
    pub modules: Modules,
}

impl Lora {
    /// A fresh adapter: A uniform in ±1/sqrt(in) (Kaiming uniform with a = sqrt 5, as PEFT does), B zero, DoRA's lengths those of the
    /// base's rows, so that the model's answers do not change. `marker_ids` get trainable embedding rows that start at the base's own.
    ///
    /// # Errors
    /// A target names no layer.
    pub fn new(
        model: &Decoder,
        mut spec: LoraSpec,
        marker_ids: &[u32],
        seed: u64,
        device: &Device,
    ) -> Result<Self, AdapterError> {
        if spec.targets.iter().any(|t| t == ALL_LINEAR) {
            spec.targets = model
                .config
                .family
                .linear_names()
                .into_iter()
                .map(String::from)
                .collect();
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut pairs = BTreeMap::new();
        for layer in target_layers(&model.config, &spec.targets)? {
            let bound = 1.0 / (layer.inputs as f32).sqrt();
            let values: Vec<f32> = (0..spec.r * layer.inputs)
                .map(|_| rng.random_range(-bound..bound))
                .collect();
            let a = Tensor::from_data(TensorData::new(values, [spec.r, layer.inputs]), device);
            let b = Tensor::zeros([layer.outputs, spec.r], device);
            let magnitude = None;
            pairs.insert(layer.path, Pair { a, b, magnitude });
        }
        if spec.dora {
            // The copy shares the weights.
            for (path, linear) in model.clone().linears_mut() {
                if let Some(pair) = pairs.get_mut(&path) {
                    pair.magnitude = Some(linear.squares().sqrt());
                }
            }
        }
        let token_rows = (!marker_ids.is_empty()).then(|| TokenRows {
            ids: marker_ids.to_vec(),
            rows: model.rows_of(marker_ids).inner(),
        });
        Ok(Self {
            spec,
            pairs,
            token_rows,
            modules: Modules::default(),
        })
    }

    /// Trains embedding or head whole too, by the last parts of their paths (`embed_tokens`, `lm_head`); a tied head stays tied. Rows of
    /// marker tokens are then part of the embedding.
    ///
    /// # Errors
    /// A name is neither of both.
    pub fn with_modules(mut self, names: &[String], model: &Decoder) -> Result<Self, AdapterError> {
        self.modules = Modules::new(names, model)?;
        if self.modules.embed.is_some() {
            self.token_rows = None;
        }
        Ok(self)
    }

    /// Puts the adapter's deltas into the model; `training` switches dropout on.
    ///
    /// # Errors
    /// The model lacks a layer that the adapter changes.
    pub fn attach(&self, model: &mut Decoder, training: bool) -> Result<(), AdapterError> {
        detach(model);
        let dropout = if training { self.spec.dropout } else { 0.0 };
        let mut left = self.pairs.len();
        for (path, linear) in model.linears_mut() {
            if let Some(pair) = self.pairs.get(&path) {
                linear.delta = Some(pair.delta(&self.spec, dropout, linear));
                left -= 1;
            }
        }
        all_attached(left)?;
        model.token_rows = self.token_rows.clone();
        model.replaced = self.modules.replaced();
        Ok(())
    }

    /// Every trained tensor, in a fixed order.
    pub(super) fn trainables(&mut self) -> Vec<Trainable<'_>> {
        let one = |name: String, value| Trainable {
            name,
            value,
            bias: false,
        };
        let mut all = vec![];
        for (path, pair) in &mut self.pairs {
            all.push(one(format!("{path}.lora_A"), &mut pair.a));
            all.push(one(format!("{path}.lora_B"), &mut pair.b));
            if let Some(magnitude) = &mut pair.magnitude {
                all.push(one(format!("{path}.lora_magnitude_vector"), magnitude));
            }
        }
        if let Some(rows) = &mut self.token_rows {
            all.push(one("token_rows".into(), &mut rows.rows));
        }
        if let Some(embed) = &mut self.modules.embed {
            all.push(one("modules_to_save.embedding".into(), embed));
        }
        if let Some(head) = &mut self.modules.head {
            all.push(one("modules_to_save.head".into(), head));
        }
        all
    }
}

/// Stands for every linear layer of the blocks, as PEFT has it.
pub const ALL_LINEAR: &str = "all-linear";

/// The layers that the targets name.
fn target_layers(config: &ModelConfig, targets: &[String]) -> Result<Vec<LinearSpec>, AdapterError> {
    let linears = config.linears();
    for target in targets {
        if !linears.iter().any(|l| l.is_named(target)) {
            return Err(AdapterError::UnknownTarget {
                target: target.clone(),
                known: config.family.linear_names().join(", "),
            });
        }
    }
    let chosen = |l: &LinearSpec| targets.iter().any(|target| l.is_named(target));
    Ok(linears.into_iter().filter(chosen).collect())
}
