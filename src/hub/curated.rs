//! A short list of models that are good to begin with (`assets/hub/models.json`). Knows what their pages say, asks nobody.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

/// A model of the list.
#[derive(Clone, Debug, Deserialize)]
pub struct Curated {
    /// What people call it.
    pub name: String,
    /// Number of parameters.
    pub parameters: u64,
    /// The licence's name.
    pub licence: String,
    /// Where it can be read.
    pub licence_page: String,
    /// Must it be accepted on the model's page before the download?
    pub gated: bool,
    /// Its config.json as far as sizes depend on it.
    pub config: Value,
    /// The base and the version that its makers tuned.
    pub variants: Vec<Variant>,
}

/// One repository of a model.
#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub kind: Kind,
    /// `OWNER/NAME`
    pub repo: String,
    /// Bytes of the weight files, about.
    pub bytes: u64,
}

/// What a variant was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Continues text; what training makes an assistant of.
    Base,
    /// An assistant already.
    Instruct,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Instruct => "instruct",
        }
    }
}

/// The list, smallest of each family first.
pub fn models() -> &'static [Curated] {
    static MODELS: OnceLock<Vec<Curated>> = OnceLock::new();
    // The file is part of the program; that it can be read is a test.
    MODELS.get_or_init(|| serde_json::from_str(include_str!("../../assets/hub/models.json")).unwrap_or_default())
}
