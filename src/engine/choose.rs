//! Which chat template a job uses: the one that was asked for, else the adapter's, else the model's own, else ChatML, and says so.

use std::path::Path;

use super::EngineError;
use crate::template::{Template, TemplateError};
use crate::tokens::Tokenizer;

/// A template and how it was found.
pub struct Chosen {
    /// The template.
    pub template: Template,
    /// Something to tell the user, where the choice was not theirs.
    pub note: Option<String>,
    /// Does the model ship with a template of its own?
    pub own: bool,
}

/// The template that comes with an adapter folder.
const ADAPTER_FILE: &str = "chat_template.jinja";

/// Chooses. `asked` is a built-in name or the path of a .jinja file.
///
/// # Errors
/// The name is unknown or the file cannot be read.
pub fn choose(asked: Option<&str>, adapter: Option<&Path>, tokenizer: &Tokenizer) -> Result<Chosen, EngineError> {
    let own = tokenizer.chat_template().is_some();
    let found = |template| Chosen {
        template,
        note: None,
        own,
    };
    if let Some(name) = asked.filter(|name| !name.is_empty()) {
        return named(name).map(found);
    }
    if let Some(file) = adapter.map(|dir| dir.join(ADAPTER_FILE)).filter(|f| f.is_file()) {
        return read(&file).map(found);
    }
    if let Some(template) = tokenizer.chat_template() {
        return Ok(found(template.clone()));
    }
    let template = Template::builtin("chatml").ok_or_else(|| TemplateError::Unknown("chatml".into()))?;
    Ok(Chosen {
        template,
        note: Some("The model has no chat template of its own: ChatML is used.".into()),
        own,
    })
}

fn named(name: &str) -> Result<Template, EngineError> {
    if let Some(template) = Template::builtin(name) {
        return Ok(template);
    }
    let path = Path::new(name);
    if path.extension().is_some() || path.is_file() {
        return read(path);
    }
    Err(TemplateError::Unknown(name.into()).into())
}

fn read(path: &Path) -> Result<Template, EngineError> {
    let source = std::fs::read_to_string(path).map_err(|source| EngineError::Io {
        path: path.into(),
        source,
    })?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    Ok(Template {
        name: name.unwrap_or_default(),
        source,
    })
}
