//! Which chat template is used: the one that was asked for, else the adapter's, else the model's own, else ChatML, and says so.
use std::path::Path;

use super::{PrepareError, TokenError, Tokenizer};
use crate::template::{Template, TemplateError};

/// A template and how it was found.
#[derive(Clone, Debug, PartialEq)]
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

/// Chooses. `asked` is a built-in name or the path of a .jinja file; `adapter` a folder that may hold a template.
///
/// # Errors
/// The name is unknown or the file cannot be read.
pub fn choose(asked: Option<&str>, adapter: Option<&Path>, tokenizer: &Tokenizer) -> Result<Chosen, PrepareError> {
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
    Ok(Chosen {
        template: named("chatml")?,
        note: Some("The model has no chat template of its own: ChatML is used.".into()),
        own,
    })
}

fn named(name: &str) -> Result<Template, PrepareError> {
    if let Some(template) = Template::builtin(name) {
        return Ok(template);
    }
    let path = Path::new(name);
    if path.extension().is_some() || path.is_file() {
        return read(path);
    }
    Err(TemplateError::Unknown(name.into()).into())
}

fn read(path: &Path) -> Result<Template, PrepareError> {
    let source = std::fs::read_to_string(path).map_err(|e| TokenError::Load {
        path: path.into(),
        message: format!("Could not read the template: {e}."),
    })?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    Ok(Template {
        name: name.unwrap_or_default(),
        source,
    })
}
