//! Names, shapes and roles of all weights that a config asks for. Knows no values.

use super::ModelConfig;
use super::family::{Bias, Family, LinearPart, NormKind, Part, Width};

/// One weight of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightSpec {
    /// Its name, as transformers names the model's parameters.
    pub name: String,
    /// Its shape as it is stored; vectors have one dimension.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

impl WeightSpec {
    /// Is it the matrix of a linear layer, stored as `[in, out]`?
    pub fn is_transposed(&self) -> bool {
        matches!(self.role, Role::Linear { transposed: true, .. })
    }
}

/// What a weight is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[vocab, hidden]`, looked up by id.
    Embedding,
    /// `[positions, hidden]`, looked up by position.
    Positions,
    /// `[vocab, hidden]`, an output head of its own.
    Head,
    /// A matrix of a block.
    Linear {
        /// Is it stored as `[in, out]`?
        transposed: bool,
        /// Is its result added to the residual stream?
        residual: bool,
    },
    /// The weight of a norm.
    Norm,
    /// A bias.
    Bias,
}

/// One linear layer of a block, as adapters see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearSpec {
    /// Its path: `model.layers.0.self_attn.q_proj`.
    pub path: String,
    /// Numbers that it puts out.
    pub outputs: usize,
    /// Numbers that it takes in.
    pub inputs: usize,
    /// Is its result added to the residual stream?
    pub residual: bool,
}

impl LinearSpec {
    /// Does a target name this layer? Targets are the last parts of paths, as PEFT matches them.
    pub fn is_named(&self, target: &str) -> bool {
        self.path.strip_suffix(target).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl Family {
    /// The linear layers of a block.
    pub fn linears(&self) -> impl Iterator<Item = &'static LinearPart> {
        self.block.iter().filter_map(|part| match part {
            Part::Linear(linear) => Some(linear),
            _ => None,
        })
    }

    /// Last parts of the names of the linear layers, without repetition, as adapters name their targets.
    pub fn linear_names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = vec![];
        for part in self.linears() {
            let last = part.name.rsplit('.').next().unwrap_or(part.name);
            if !names.contains(&last) {
                names.push(last);
            }
        }
        names
    }

    /// Does the feed-forward layer have a gate?
    pub fn is_gated(&self) -> bool {
        let inner = |part: &LinearPart| match part.outputs {
            Width::Inner => 1,
            Width::GateAndInner => 2,
            _ => 0,
        };
        self.linears().map(inner).sum::<usize>() > 1
    }
}

impl ModelConfig {
    /// Every weight, in the order of the computation.
    pub fn weights(&self) -> Vec<WeightSpec> {
        let names = &self.family.names;
        let table = |name: String, rows: usize, role: Role| WeightSpec {
            name,
            shape: vec![rows, self.hidden_size],
            role,
        };
        let mut all = vec![table(self.embed_name(), self.vocab_size, Role::Embedding)];
        if let Some(name) = self.positions_name() {
            all.push(table(name, self.max_position_embeddings, Role::Positions));
        }
        for layer in 0..self.num_hidden_layers {
            for part in self.family.block {
                self.push_part(&mut all, &self.block_path(layer), part);
            }
        }
        self.push_norm(&mut all, &format!("{}.{}", names.base, names.norm), self.hidden_size);
        if !self.tie_word_embeddings {
            all.push(table(self.head_name(), self.vocab_size, Role::Head));
        }
        all
    }

    /// Name of the embedding.
    pub fn embed_name(&self) -> String {
        format!("{}.{}.weight", self.family.names.base, self.family.names.embed)
    }

    /// Name of the learned positions, where the family has them.
    pub fn positions_name(&self) -> Option<String> {
        let name = self.family.names.positions?;
        Some(format!("{}.{name}.weight", self.family.names.base))
    }

    /// Path of the last norm.
    pub fn norm_path(&self) -> String {
        format!("{}.{}", self.family.names.base, self.family.names.norm)
    }

    /// Name of an untied head.
    pub fn head_name(&self) -> String {
        format!("{}.weight", self.family.names.head)
    }

    /// Path of a block: `model.layers.0`.
    pub fn block_path(&self, layer: usize) -> String {
        format!("{}.{}.{layer}", self.family.names.base, self.family.names.blocks)
    }

    /// Names under which checkpoints may keep a weight, the usual one first: others of the family, and those of a file that
    /// was saved without the head, where the outer module's name is missing.
    pub fn spellings(&self, name: &str) -> Vec<String> {
        let mut all = vec![name.to_string()];
        for (ours, theirs) in self.family.aliases {
            if *ours == name {
                all.push((*theirs).to_string());
            }
        }
        if let Some(inner) = name
            .strip_prefix(self.family.names.base)
            .and_then(|n| n.strip_prefix('.'))
        {
            all.push(inner.to_string());
        }
        all
    }

    /// Names and shapes of all weights, as checkpoints spell them; vectors have one dimension.
    pub fn weight_shapes(&self) -> Vec<(String, Vec<usize>)> {
        self.weights().into_iter().map(|w| (w.name, w.shape)).collect()
    }

    /// The linear layers of all blocks.
    pub fn linears(&self) -> Vec<LinearSpec> {
        let block = |layer: usize| {
            self.family.linears().map(move |part| LinearSpec {
                path: format!("{}.{}", self.block_path(layer), part.name),
                outputs: self.width(part.outputs),
                inputs: self.width(part.inputs),
                residual: part.residual,
            })
        };
        (0..self.num_hidden_layers).flat_map(block).collect()
    }

    /// Number of parameters, a tied head counted once.
    pub fn parameters(&self) -> u64 {
        let size = |w: &WeightSpec| w.shape.iter().product::<usize>() as u64;
        self.weights().iter().map(size).sum()
    }

    /// A width of the table in numbers.
    pub fn width(&self, width: Width) -> usize {
        let (queries, keys) = (
            self.num_attention_heads * self.head_dim,
            self.num_key_value_heads * self.head_dim,
        );
        match width {
            Width::Hidden => self.hidden_size,
            Width::Queries => queries,
            Width::Keys => keys,
            Width::QueriesKeysValues => queries + 2 * keys,
            Width::Inner => self.intermediate_size,
            Width::GateAndInner => 2 * self.intermediate_size,
        }
    }

    fn push_part(&self, all: &mut Vec<WeightSpec>, block: &str, part: &Part) {
        match part {
            Part::Norm(name) => self.push_norm(all, &format!("{block}.{name}"), self.hidden_size),
            Part::HeadNorm(name) => self.push_norm(all, &format!("{block}.{name}"), self.head_dim),
            Part::Linear(part) => {
                let (outputs, inputs) = (self.width(part.outputs), self.width(part.inputs));
                let transposed = self.family.transposed;
                all.push(WeightSpec {
                    name: format!("{block}.{}.weight", part.name),
                    shape: if transposed {
                        vec![inputs, outputs]
                    } else {
                        vec![outputs, inputs]
                    },
                    role: Role::Linear {
                        transposed,
                        residual: part.residual,
                    },
                });
                if self.has_bias(part.bias) {
                    all.push(vector(format!("{block}.{}.bias", part.name), outputs, Role::Bias));
                }
            }
        }
    }

    fn push_norm(&self, all: &mut Vec<WeightSpec>, path: &str, width: usize) {
        all.push(vector(format!("{path}.weight"), width, Role::Norm));
        if self.family.norm == NormKind::Layer {
            all.push(vector(format!("{path}.bias"), width, Role::Bias));
        }
    }

    fn has_bias(&self, bias: Bias) -> bool {
        match bias {
            Bias::Without => false,
            Bias::With => true,
            Bias::Attention => self.attention_bias,
            Bias::Mlp => self.mlp_bias,
        }
    }
}

fn vector(name: String, width: usize, role: Role) -> WeightSpec {
    WeightSpec {
        name,
        shape: vec![width],
        role,
    }
}
