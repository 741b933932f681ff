//! Embedding and output head trained whole beside an adapter (PEFT's `modules_to_save`). Knows nothing of files or optimizers.

use burn::tensor::Tensor;

use super::AdapterError;
use crate::formats::config::ModelConfig;
use crate::model::{Decoder, Replaced};

/// Which of both are trained, and their values.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// The embedding, `[vocab, hidden]`.
    pub embed: Option<Tensor<2>>,
    /// The head, `[vocab, hidden]`, where it is a matrix of its own.
    pub head: Option<Tensor<2>>,
    /// Is the head the trained embedding?
    pub tied: bool,
}

/// The names of embedding and head, as PEFT writes them.
pub(super) fn names(config: &ModelConfig) -> [String; 2] {
    let last = |name: String| {
        let path = name.trim_end_matches(".weight");
        path.rsplit('.').next().unwrap_or(path).to_string()
    };
    [last(config.embed_name()), last(config.head_name())]
}

/// What recipes call both in every family.
const USUAL: [&str; 2] = ["embed_tokens", "lm_head"];

/// Is a module meant by its last part or by more of its path?
pub(super) fn is_named(asked: &str, last: &str) -> bool {
    asked == last || asked.strip_suffix(last).is_some_and(|rest| rest.ends_with('.'))
}

impl Modules {
    /// The base's own values of the modules that are named, by their own names or by the usual ones.
    ///
    /// # Errors
    /// A name is neither of both.
    pub(super) fn new(asked: &[String], model: &Decoder) -> Result<Self, AdapterError> {
        let own = names(&model.config);
        let usual = |name: &String| USUAL.iter().position(|usual| usual == name);
        let asked: Vec<String> = asked
            .iter()
            .map(|name| usual(name).map_or_else(|| name.clone(), |i| own[i].clone()))
            .collect();
        let [embed, head] = own;
        let known = |name: &&String| is_named(name, &embed) || is_named(name, &head);
        if let Some(unknown) = asked.iter().find(|name| !known(name)) {
            return Err(AdapterError::UnknownTarget {
                target: unknown.clone(),
                known: format!("{embed}, {head}"),
            });
        }
        let wants = |module: &str| asked.iter().any(|name| is_named(name, module));
        let own_head = model.head.as_ref().filter(|_| wants(&head));
        let tied = model.head.is_none() && !asked.is_empty();
        Ok(Self {
            embed: (wants(&embed) || tied).then(|| model.embed.matrix().inner()),
            head: own_head.map(|head| head.matrix().inner()),
            tied,
        })
    }

    /// What the model puts in place of its own.
    pub(super) fn replaced(&self) -> Replaced {
        Replaced {
            embed: self.embed.clone(),
            head: self.head.clone().or_else(|| self.embed.clone().filter(|_| self.tied)),
        }
    }
}
