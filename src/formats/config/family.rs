//! What a row of the table of families is made of: the keys of its config.json, and the names and shapes of its weights.
//! Knows neither files nor tensors.

/// One family of models: how its `config.json` is spelt and how its checkpoints name their weights.
///
/// The forward pass is in the file of the `model` room that carries the family's name.
#[derive(Debug)]
pub struct Family {
    /// Which decoder computes it.
    pub name: &'static str,
    /// What people call the models, for lists.
    pub models: &'static str,
    /// Values of `model_type` in `config.json`.
    pub model_types: &'static [&'static str],
    /// The keys that change the result, with what their absence means. A key that is neither here nor known to be
    /// harmless is refused.
    pub keys: &'static [&'static [Key]],
    /// Which layers attend to a window only, where `layer_types` does not say.
    pub window: WindowRule,
    /// How rows are normalised.
    pub norm: NormKind,
    /// Names outside the blocks.
    pub names: Names,
    /// The weights of a block, in the order of the computation.
    pub block: &'static [Part],
    /// Are the matrices of blocks stored as `[in, out]`?
    pub transposed: bool,
    /// Other names that checkpoints use: (ours, theirs).
    pub aliases: &'static [(&'static str, &'static str)],
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A key of `config.json`.
#[derive(Debug)]
pub struct Key {
    /// How this family spells it.
    pub spelt: &'static str,
    /// How the reader asks for it.
    pub name: &'static str,
    /// What its absence means.
    pub otherwise: Otherwise,
}

/// What the absence of a key means, as transformers has it.
#[derive(Clone, Copy, Debug)]
pub enum Otherwise {
    /// The config is not usable.
    Needed,
    /// The reader works it out from others, or the feature is off.
    Derived,
    /// This number.
    Number(f64),
    /// This flag.
    Flag(bool),
    /// This text.
    Text(&'static str),
    /// This flag, and no other value is implemented.
    Only(bool),
}

/// A key with the common spelling.
pub const fn key(name: &'static str, otherwise: Otherwise) -> Key {
    Key {
        spelt: name,
        name,
        otherwise,
    }
}

/// A key that this family spells in its own way.
pub const fn spelt(spelt: &'static str, name: &'static str, otherwise: Otherwise) -> Key {
    Key { spelt, name, otherwise }
}

/// Which layers attend to a window only, unless `layer_types` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowRule {
    /// None.
    Never,
    /// All, when `sliding_window` is set.
    Every,
    /// Those from `max_window_layers` on, when `use_sliding_window` is set.
    FromLayer,
    /// All but every `sliding_window_pattern`-th.
    Pattern,
    /// Those without rotary positions, when `use_sliding_window` is set.
    WithoutRope,
}

/// How rows are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// Root mean square, times the weight.
    Rms,
    /// Root mean square, times one plus the weight.
    RmsPlusOne,
    /// Mean and variance, times the weight, plus a bias.
    Layer,
}

/// Names of what is not in a block.
#[derive(Debug)]
pub struct Names {
    /// Prefix of everything but the head, as modules are nested: `model`.
    pub base: &'static str,
    /// The embedding, under the prefix.
    pub embed: &'static str,
    /// Learned positions, under the prefix.
    pub positions: Option<&'static str>,
    /// The list of blocks, under the prefix.
    pub blocks: &'static str,
    /// The last norm, under the prefix.
    pub norm: &'static str,
    /// The output head, on its own.
    pub head: &'static str,
}

/// One module of a block that has weights.
#[derive(Debug)]
pub enum Part {
    /// A norm of the residual stream.
    Norm(&'static str),
    /// A norm of each head.
    HeadNorm(&'static str),
    /// A linear layer.
    Linear(LinearPart),
}

/// A linear layer of a block.
#[derive(Debug)]
pub struct LinearPart {
    /// Its path in the block.
    pub name: &'static str,
    /// What it puts out.
    pub outputs: Width,
    /// What it takes in.
    pub inputs: Width,
    /// When it has a bias.
    pub bias: Bias,
    /// Does it write to the residual stream? Such matrices start smaller.
    pub residual: bool,
}

/// A width that depends on the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The residual stream.
    Hidden,
    /// All query heads.
    Queries,
    /// All key heads; values have the same.
    Keys,
    /// Queries, keys and values side by side.
    QueriesKeysValues,
    /// The feed-forward layer.
    Inner,
    /// Its gate and its values side by side.
    GateAndInner,
}

/// When a linear layer has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// Never.
    Without,
    /// Always.
    With,
    /// As `attention_bias` says.
    Attention,
    /// As `mlp_bias` says.
    Mlp,
}

/// A linear layer that reads the residual stream or what was made of it.
pub const fn reads(name: &'static str, inputs: Width, outputs: Width, bias: Bias) -> Part {
    Part::Linear(LinearPart {
        name,
        outputs,
        inputs,
        bias,
        residual: false,
    })
}

/// A linear layer whose result is added to the residual stream.
pub const fn writes(name: &'static str, inputs: Width, outputs: Width, bias: Bias) -> Part {
    Part::Linear(LinearPart {
        name,
        outputs,
        inputs,
        bias,
        residual: true,
    })
}
