//! Which template a run or a chat uses: the one asked for, else the adapter's, else the model's own, else chatml.
//! Knows names and files, not how templates render.

use std::path::{Path, PathBuf};

use crate::recipe::TemplatePart;
use crate::template::{Template, TemplateError};
use crate::tokens::Tokenizer;

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateChoiceError {
    /// The file cannot be read.
    #[error("Could not read the template {path}: {source}. Check the path, or use a built-in template: chatml, llama3, gemma, plain.")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither a built-in name nor a file.
    #[error(transparent)]
    Unknown(#[from] TemplateError),
}

/// The template that a run folder or adapter folder carries.
const CARRIED: &str = "chat_template.jinja";

/// The template and, where it was not asked for, a sentence that says which one is used and why.
///
/// # Errors
/// The name is unknown or the file cannot be read.
pub fn choose_template(asked: &TemplatePart, adapter: Option<&Path>, tokenizer: &Tokenizer) -> Result<(Template, Option<String>), TemplateChoiceError> {
    if let Some(path) = &asked.file {
        return Ok((read(path)?, None));
    }
    if let Some(name) = &asked.name {
        return Ok((by_name(name)?, None));
    }
    if let Some(path) = adapter.map(|dir| dir.join(CARRIED)).filter(|p| p.is_file()) {
        return Ok((read(&path)?, None));
    }
    if let Some(own) = tokenizer.chat_template() {
        return Ok((own.clone(), None));
    }
    let chatml = by_name("chatml")?;
    Ok((chatml, Some("The model has no chat template of its own: chatml is used.".into())))
}

/// A built-in template, or a .jinja file.
///
/// # Errors
/// Neither a built-in name nor a readable file.
pub fn by_name(name: &str) -> Result<Template, TemplateChoiceError> {
    match Template::builtin(name) {
        Some(template) => Ok(template),
        None if name.ends_with(".jinja") || Path::new(name).is_file() => read(Path::new(name)),
        None => Err(TemplateError::Unknown(name.into()).into()),
    }
}

fn read(path: &Path) -> Result<Template, TemplateChoiceError> {
    let source = std::fs::read_to_string(path).map_err(|source| TemplateChoiceError::Io { path: path.into(), source })?;
    let name = path.file_stem().map_or_else(|| "template".into(), |n| n.to_string_lossy().into_owned());
    Ok(Template { name, source })
}
