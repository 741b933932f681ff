//! `burnish models`: the starter and the model folders and GGUF files that were opened in the window.

use serde::Serialize;

use super::{console::Console, failure::Failure};
use crate::formats::config::ModelConfig;
use crate::formats::describe::describe;
use crate::formats::places::{self, STARTER};
use crate::session::{Settings, effects::Home};

/// One model.
#[derive(Serialize)]
struct Model {
    /// What `--model` takes.
    model: String,
    path: std::path::PathBuf,
    architecture: String,
    parameters: u64,
    context: usize,
    vocab: usize,
    /// Is there a chat template?
    template: bool,
}

/// Lists them; what cannot be read is named.
///
/// # Errors
/// None: what cannot be read is a warning.
pub fn run(console: &Console) -> Result<(), Failure> {
    let mut names = vec![STARTER.to_string()];
    names.extend(settings(console).models.into_iter().filter(|m| m != STARTER));
    for name in names {
        match described(&name) {
            Ok(model) => console.result(&model, &line(&model)),
            Err(message) => console.warn(&format!("{name}: {message}")),
        }
    }
    Ok(())
}

fn settings(console: &Console) -> Settings {
    let path = Home::of_user().settings();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    toml::from_str(&text).unwrap_or_else(|e| {
        console.warn(&format!(
            "{}: {}. Only the starter is listed.",
            path.display(),
            e.message()
        ));
        Settings::default()
    })
}

fn described(name: &str) -> Result<Model, String> {
    let path = places::model_dir(name);
    let found = describe(&path).map_err(|e| e.to_string())?;
    let config = ModelConfig::from_value(&found.config).map_err(|m| format!("{}: {m}", path.display()))?;
    Ok(Model {
        model: name.into(),
        architecture: config.model_type.clone(),
        parameters: found.parameters,
        context: config.max_position_embeddings,
        vocab: config.vocab_size,
        template: found.has_template,
        path,
    })
}

fn line(model: &Model) -> String {
    let template = if model.template { "own template" } else { "no template" };
    format!(
        "{:<12} {}, {:.1} M parameters, context {}, vocabulary {}, {template} ({})",
        model.model,
        model.architecture,
        model.parameters as f64 / 1e6,
        model.context,
        model.vocab,
        model.path.display()
    )
}
