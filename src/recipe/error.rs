//! Why a recipe cannot be used, in words that name key, value and line. Does not find these errors itself.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a setting was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In a form or a program: nothing to point at.
    #[default]
    Nowhere,
    /// In recipe text, on a line from 1; `file` where it is known.
    Line {
        /// The recipe file.
        file: Option<PathBuf>,
        /// From 1.
        line: usize,
    },
    /// On the command line: the whole `--set` argument.
    Set(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Nowhere => Ok(()),
            Place::Line { file: Some(file), line } => write!(f, " ({}, line {line})", file.display()),
            Place::Line { file: None, line } => write!(f, " (line {line})"),
            Place::Set(argument) => write!(f, " (--set {argument})"),
        }
    }
}

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read or written.
    #[error("Could not {action} {}: {source}. Check that the path is right and that you may open it.", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("The recipe is not valid TOML: {message}{place}")]
    Syntax {
        /// What the parser said.
        message: String,
        /// Where.
        place: Place,
    },
    /// A table or key that no recipe has.
    #[error("Unknown key \"{key}\". Did you mean \"{nearest}\"?{place}")]
    Unknown {
        /// The key, with its table where it stood in one.
        key: String,
        /// The most similar known key.
        nearest: String,
        /// Where.
        place: Place,
    },
    /// A value of the wrong type or out of its range.
    #[error("\"{key}\" is {value}, but {allowed} is needed.{place}")]
    Value {
        /// `table.key`.
        key: String,
        /// The value as it was written.
        value: String,
        /// What is allowed, in words.
        allowed: String,
        /// Where.
        place: Place,
    },
    /// Settings that do not go together.
    #[error("{message}{place}")]
    Conflict {
        /// What does not fit and what to do.
        message: String,
        /// Where.
        place: Place,
    },
    /// A setting without a default is not there.
    #[error("The recipe has no \"{key}\". {hint}{place}")]
    Missing {
        /// `table.key`.
        key: &'static str,
        /// What to write.
        hint: &'static str,
        /// Where.
        place: Place,
    },
    /// A `--set` argument that is not `table.key=value`.
    #[error("\"{0}\" is not of the form table.key=value, for example optim.lr=1e-4.")]
    Set(String),
}

impl RecipeError {
    /// The same error with the recipe's file named.
    pub(super) fn in_file(mut self, path: &Path) -> Self {
        let place = match &mut self {
            RecipeError::Syntax { place, .. }
            | RecipeError::Unknown { place, .. }
            | RecipeError::Value { place, .. }
            | RecipeError::Conflict { place, .. }
            | RecipeError::Missing { place, .. } => place,
            RecipeError::Io { .. } | RecipeError::Set(_) => return self,
        };
        match place {
            Place::Line { file, .. } => *file = Some(path.to_owned()),
            Place::Nowhere => {
                *place = Place::Line {
                    file: Some(path.to_owned()),
                    line: 1,
                }
            }
            Place::Set(_) => {}
        }
        self
    }
}
