//! Where the template comes from, and the copy that the editor changes. Knows no rows and no tokens.

use std::path::PathBuf;

use crate::recipe::TemplatePart;
use crate::template::Template;

/// Where a template comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The model's own; ChatML for a model that has none.
    #[default]
    Model,
    /// A built-in one, by name.
    Builtin(String),
    /// A .jinja file.
    File(PathBuf),
}

impl Source {
    /// The source that a recipe names.
    pub fn of(part: &TemplatePart) -> Self {
        match (&part.file, &part.name) {
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(name)) => Source::Builtin(name.clone()),
            (None, None) => Source::Model,
        }
    }

    /// What a recipe says for it.
    pub fn part(&self) -> TemplatePart {
        match self {
            Source::Model => TemplatePart::default(),
            Source::Builtin(name) => TemplatePart {
                name: Some(name.clone()),
                file: None,
            },
            Source::File(file) => TemplatePart {
                name: None,
                file: Some(file.clone()),
            },
        }
    }
}

/// What people call a built-in template.
pub fn builtin_label(name: &str) -> String {
    match name {
        "chatml" => "ChatML".into(),
        "llama3" => "Llama 3".into(),
        "gemma" => "Gemma".into(),
        "plain" => "Plain".into(),
        other => other.into(),
    }
}

/// The template in the editor: a copy, beside what it was copied from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Editor {
    /// What was chosen in the menu.
    pub source: Source,
    /// The chosen template as it was; `None` until it is read.
    pub original: Option<Template>,
    /// The text as edited.
    pub text: String,
    /// Why there is no template (a file that cannot be read).
    pub failure: Option<String>,
}

impl Editor {
    /// Does the text differ from the chosen template?
    pub fn is_edited(&self) -> bool {
        self.original.as_ref().is_some_and(|o| o.source != self.text)
    }

    /// The template as edited.
    pub fn template(&self) -> Option<Template> {
        let name = self.original.as_ref()?.name.clone();
        Some(Template {
            name,
            source: self.text.clone(),
        })
    }

    /// Starts from a template, with the text as it was edited before where there is one.
    pub(super) fn begin(&mut self, source: Source, original: Template, edited: Option<String>) {
        self.text = edited.unwrap_or_else(|| original.source.clone());
        self.original = Some(original);
        self.source = source;
        self.failure = None;
    }
}
