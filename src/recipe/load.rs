//! Recipes from text and files, with `--set` overrides and paths made absolute, and back. Does not open what they name.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::Recipe;
use super::check::{Places, check_table};
use super::error::{Place, RecipeError};

/// The key that a table's short form stands for: `model = "starter"` is `[model] path = "starter"`.
fn short_form(table: &str, value: &Value) -> Option<&'static str> {
    let text = value.as_str();
    match table {
        "model" if text.is_some() => Some("path"),
        "data" if text.is_some() || value.is_array() => Some("files"),
        "template" => text.map(|text| {
            let is_file = text.ends_with(".jinja") || text.ends_with(".j2") || text.contains(['/', '\\']);
            if is_file { "file" } else { "name" }
        }),
        _ => None,
    }
}

impl Recipe {
    /// Reads a recipe from TOML text. Paths stay as they are written.
    ///
    /// # Errors
    /// The text is not TOML, a table or key is unknown, a value does not fit, or model or data is missing; each names
    /// the key and its line.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        Draft::parse(text)?.finish()
    }

    /// Reads a recipe file and applies `--set` arguments (`table.key=value`). Relative paths of the file count from its
    /// folder, those of the arguments from the current folder; all become absolute.
    ///
    /// # Errors
    /// As [`Recipe::parse`], or the file cannot be read, or an argument is not `table.key=value`.
    pub fn load(path: &Path, sets: &[String]) -> Result<Self, RecipeError> {
        let io = |source| RecipeError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let file = std::path::absolute(path).map_err(io)?;
        let here = std::env::current_dir().map_err(io)?;
        let mut draft = Draft::parse(&text).map_err(|error| error.in_file(path))?;
        draft.resolve(file.parent().unwrap_or(&here));
        for set in sets {
            draft.set(set, Some(&here))?;
        }
        draft.finish().map_err(|error| error.in_file(path))
    }

    /// The recipe with one setting changed, as `--set` does: `table.key=value`, paths from the current folder as they are.
    pub fn with(&self, set: &str) -> Result<Self, RecipeError> {
        let mut draft = Draft {
            tables: Table::new(),
            places: Places::new(),
        };
        draft.tables = Table::try_from(self).map_err(unwritable)?;
        draft.set(set, None)?;
        draft.finish()
    }

    /// The recipe as TOML text, every setting spelt out.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string_pretty(self).map_err(unwritable)
    }

    /// Writes the recipe; the file is whole or as it was before.
    pub fn save(&self, path: &Path) -> Result<(), RecipeError> {
        let text = self.to_toml()?;
        let io = |source| RecipeError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(io)?;
        file.persist(path).map_err(|error| io(error.error))?;
        Ok(())
    }
}

fn unwritable(error: toml::ser::Error) -> RecipeError {
    RecipeError::Syntax {
        message: format!("a value cannot be written ({error})."),
        place: Place::Nowhere,
    }
}

/// A recipe's tables before they are checked.
struct Draft {
    tables: Table,
    places: Places,
}

impl Draft {
    fn parse(text: &str) -> Result<Self, RecipeError> {
        let syntax = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            RecipeError::Syntax {
                message: format!("{}.", error.message()),
                place: Place::Line { file: None, line },
            }
        };
        let places = places(text, DeTable::parse(text).map_err(syntax)?.get_ref());
        let tables: Table = text.parse().map_err(syntax)?;
        let mut draft = Self {
            tables: Table::new(),
            places,
        };
        for (name, value) in tables {
            draft.put_table(name, value);
        }
        Ok(draft)
    }

    /// Adds a table, its short form spelt out.
    fn put_table(&mut self, name: String, value: Value) {
        let value = match short_form(&name, &value) {
            None => value,
            Some(key) => {
                if let Some(place) = self.places.get(&name).cloned() {
                    self.places.insert(format!("{name}.{key}"), place);
                }
                Value::Table(Table::from_iter([(key.to_owned(), value)]))
            }
        };
        self.tables.insert(name, value);
        self.listed_files();
    }

    /// One data file may be written without the list.
    fn listed_files(&mut self) {
        if let Some(files @ Value::String(_)) = self.tables.get_mut("data").and_then(|data| data.get_mut("files")) {
            *files = Value::Array(vec![files.clone()]);
        }
    }

    /// Applies one `table.key=value` (or a short form, `model=starter`). Values are TOML; what is not TOML is text.
    fn set(&mut self, argument: &str, folder: Option<&Path>) -> Result<(), RecipeError> {
        let bad = || RecipeError::Set(argument.to_owned());
        let (key, text) = argument.split_once('=').ok_or_else(bad)?;
        let (key, text) = (key.trim(), text.trim());
        let value = format!("x = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("x"));
        let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
        let (table, key) = match key.split_once('.') {
            Some((table, key)) if !table.is_empty() && !key.is_empty() => (table, key),
            Some(_) => return Err(bad()),
            None => match short_form(key, &value) {
                Some(short) => (key, short),
                None => return Err(bad()),
            },
        };
        // A number or flag where the field is a text, such as a folder named 7, is that text.
        let is_text =
            super::fields::find(table, key).is_some_and(|field| field.form.fits(&Value::String(text.to_owned())));
        let value = if is_text && !value.is_str() {
            Value::String(text.to_owned())
        } else {
            value
        };
        let place = Place::Set(argument.to_owned());
        self.places.insert(table.to_owned(), place.clone());
        self.places.insert(format!("{table}.{key}"), place);
        let entry = self.tables.entry(table).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(entry) = entry {
            // A template is named or a file: setting one unsets the other.
            if table == "template" {
                entry.clear();
            }
            entry.insert(key.to_owned(), value);
        }
        self.listed_files();
        if let Some(folder) = folder {
            self.resolve_one(table, key, folder);
        }
        Ok(())
    }

    /// Makes relative paths absolute, counted from `folder`.
    fn resolve(&mut self, folder: &Path) {
        for (table, key) in [
            ("model", "path"),
            ("data", "files"),
            ("data", "replay"),
            ("template", "file"),
        ] {
            self.resolve_one(table, key, folder);
        }
    }

    fn resolve_one(&mut self, table: &str, key: &str, folder: &Path) {
        let Some(value) = self.tables.get_mut(table).and_then(|content| content.get_mut(key)) else {
            return;
        };
        let absolute = |text: &str| plain(&folder.join(text)).to_string_lossy().into_owned();
        match (table, key, value) {
            ("data", "files" | "replay", Value::Array(files)) => {
                for file in files {
                    if let Value::String(text) = file {
                        *text = absolute(text);
                    }
                }
            }
            ("template", "file", Value::String(text)) => *text = absolute(text),
            // `starter` and names of known models are no paths, unless such a folder is there.
            ("model", "path", Value::String(text)) if is_folder(text, folder) => *text = absolute(text),
            _ => {}
        }
    }

    fn finish(self) -> Result<Recipe, RecipeError> {
        check_table(&self.tables, &self.places)?;
        let missing = |table: &str, key: &'static str, hint: &'static str| {
            let name = key.rsplit('.').next().unwrap_or(key);
            let there = self.tables.get(table).and_then(|content| content.get(name)).is_some();
            let place = self.places.get(table).cloned().unwrap_or_default();
            if there {
                Ok(())
            } else {
                Err(RecipeError::Missing { key, hint, place })
            }
        };
        missing(
            "model",
            "model.path",
            "Write model = \"starter\" or the path of a model folder.",
        )?;
        missing(
            "data",
            "data.files",
            "Write data = \"examples.jsonl\" or a list of files.",
        )?;
        let recipe: Recipe = self
            .tables
            .try_into()
            .map_err(|error: toml::de::Error| RecipeError::Syntax {
                message: format!("{}.", error.message()),
                place: Place::Nowhere,
            })?;
        recipe.check_together(&self.places)?;
        Ok(recipe)
    }
}

/// Is the text meant as a folder rather than as a model's name?
fn is_folder(text: &str, folder: &Path) -> bool {
    text != "starter" && (text.starts_with('.') || folder.join(text).exists())
}

/// The path without `.` parts; `..` stays, since links may stand before it.
fn plain(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect()
}

/// Lines of all tables and keys.
fn places(text: &str, tables: &DeTable<'_>) -> Places {
    let mut places = Places::new();
    let mut put = |name: String, span: std::ops::Range<usize>| {
        places.insert(
            name,
            Place::Line {
                file: None,
                line: line_of(text, span.start),
            },
        );
    };
    for (table, content) in tables {
        put(table.get_ref().to_string(), table.span());
        if let DeValue::Table(content) = Spanned::get_ref(content) {
            for key in content.keys() {
                put(format!("{}.{}", table.get_ref(), key.get_ref()), key.span());
            }
        }
    }
    places
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}
