//! Reads tokenizers and templates, keeps the edited copy of a template in the project. Knows no state.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::slow::{self, BuiltRow, SlowRow};
use crate::formats::places;
use crate::template::Template;
use crate::tokens::Tokenizer;

/// Work of the Template room outside the state.
#[derive(Clone, Debug)]
pub enum PreviewEffect {
    /// Read the tokenizer of a model (folder or `starter`), without its weights.
    LoadTokenizer(String),
    /// Read a template file.
    ReadTemplate(PathBuf),
    /// Keep the edited copy of the template `name` in the project's folder of templates.
    KeepEdited {
        folder: PathBuf,
        name: String,
        text: String,
    },
    /// Render and tokenise a row that takes longer than a frame.
    Build(Box<SlowRow>),
    /// Save the template to a file of the user's.
    SaveAs { path: PathBuf, text: String },
}

/// What came back.
pub enum PreviewOutcome {
    /// Answer to `LoadTokenizer`.
    Tokenizer {
        model: String,
        result: Result<Arc<Tokenizer>, String>,
    },
    /// Answer to `ReadTemplate`: the template, and what it was before it was edited here.
    Template {
        path: PathBuf,
        result: Result<ReadTemplate, String>,
    },
    /// Answer to `KeepEdited`: where it was written.
    Kept(Result<PathBuf, String>),
    /// Answer to `Build`.
    Built(Box<BuiltRow>),
    /// Answer to `SaveAs`: where it was written.
    Saved(Result<PathBuf, String>),
}

/// A template file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadTemplate {
    pub template: Template,
    /// The built-in template that this file is an edited copy of.
    pub copy_of: Option<Template>,
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: PreviewEffect) -> PreviewOutcome {
    match effect {
        PreviewEffect::LoadTokenizer(model) => {
            let result = Tokenizer::load(&places::model_dir(&model)).map(Arc::new);
            PreviewOutcome::Tokenizer {
                model,
                result: result.map_err(|e| e.to_string()),
            }
        }
        PreviewEffect::ReadTemplate(path) => {
            let result = read(&path).map_err(|e| {
                format!(
                    "Could not read the template {}: {e}. Choose another one.",
                    path.display()
                )
            });
            PreviewOutcome::Template { path, result }
        }
        PreviewEffect::KeepEdited { folder, name, text } => {
            let kept = keep(&folder, &name, &text);
            PreviewOutcome::Kept(kept.map_err(|e| format!("Could not keep the edited template in {}: {e}. Training would use the template without your changes.", folder.display())))
        }
        PreviewEffect::Build(work) => slow::build(&work),
        PreviewEffect::SaveAs { path, text } => {
            let path = with_ending(path);
            let saved = write(&path, &text).map(|()| path.clone());
            PreviewOutcome::Saved(saved.map_err(|e| {
                format!(
                    "Could not save the template as {}: {e}. Choose another place.",
                    path.display()
                )
            }))
        }
    }
}

/// The folder of edited copies in a project.
pub(super) const FOLDER: &str = "templates";

fn read(path: &Path) -> Result<ReadTemplate, io::Error> {
    let source = fs::read_to_string(path)?;
    let name = path
        .file_stem()
        .map_or_else(|| "template".into(), |n| n.to_string_lossy().into_owned());
    let in_project = path.parent().and_then(Path::file_name).is_some_and(|n| n == FOLDER);
    let copy_of = Template::builtin(&name).filter(|_| in_project);
    Ok(ReadTemplate {
        template: Template { name, source },
        copy_of,
    })
}

/// Writes an edited template, whole or not at all.
fn keep(folder: &Path, name: &str, text: &str) -> Result<PathBuf, io::Error> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}.jinja", plain(name)));
    write(&path, text)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), io::Error> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// A name without an ending gets that of templates.
fn with_ending(path: PathBuf) -> PathBuf {
    match path.extension() {
        Some(_) => path,
        None => path.with_extension("jinja"),
    }
}

/// A template's name as a file name.
fn plain(name: &str) -> String {
    let keep = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let plain: String = name.chars().map(keep).collect();
    match plain.trim_matches('.') {
        "" => "template".into(),
        plain => plain.into(),
    }
}
