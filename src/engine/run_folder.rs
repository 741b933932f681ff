//! The run folder on disk: recipe, template, `final/` with its model card; and what to do when the disk is full.
//! Knows files, not steps.

use std::path::{Path, PathBuf};

use super::{Flags, Sink};
use crate::formats::weights::{StoreType, write_whole};
use crate::formats::{FormatError, checkpoint, source};
use crate::protocol::Event;
use crate::recipe::{MethodKind, Recipe};
use crate::template::Template;
use crate::tokens::Tokenizer;
use crate::train::{TrainError, Trainer};

/// Files that make a trained full model usable on its own.
const COMPANIONS: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "vocab.json",
];

/// Why the run folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// A file cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The folder cannot be made.
    #[error("Could not make the run folder {path}: {source}. Choose another folder with --run.")]
    Make {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A new run would mix with an old one.
    #[error("{0} holds a run with checkpoints already. Add --resume to go on with it, or choose another folder.")]
    Taken(PathBuf),
    /// The data is not that of the run any more.
    #[error(
        "{0} changed since the run began, so it cannot go on as the same run. Put the file back, or start a new run with \
         --init-adapter and the last checkpoint."
    )]
    DataChanged(PathBuf),
    /// The data is not what was looked through.
    #[error(
        "Something changed since the data of this run was looked through: a file, the template, the tokenizer, or how rows are read. \
         So the run did not begin. Look through the data again and put the run into the queue anew."
    )]
    Unseen,
    /// The recipe names more or fewer files than that of the run.
    #[error(
        "The run began with {began}, and the recipe now names {now}, so it cannot go on as the same run. Name the same files, or \
         start a new run with --init-adapter and the last checkpoint."
    )]
    FilesChanged {
        /// How many files it had.
        began: String,
        /// How many it has now.
        now: String,
    },
    /// The recipe cannot be written as TOML.
    #[error("The recipe cannot be written: {0}")]
    Recipe(String),
    /// The result could not be kept anywhere before the user gave up.
    #[error("The result could not be written: {0}")]
    Lost(String),
}

/// What goes into `final/` beside the weights.
pub struct Outcome<'a> {
    /// Of the run, hashes included.
    pub recipe: &'a Recipe,
    /// Of the run; `None` for one on raw text.
    pub template: Option<&'a Template>,
    /// The base's folder or `.gguf` file, for the companions of a full model.
    pub base_dir: &'a Path,
    /// The base's tokenizer.
    pub tokenizer: &'a Tokenizer,
}

impl RunFolderError {
    /// Something in the folder cannot be written.
    pub fn write(path: &Path, source: std::io::Error) -> Self {
        let path = path.into();
        FormatError::Write { path, source }.into()
    }
}

/// A run that is resumed must see the rows that it began with: the place in the data would mean others.
fn same_data(dir: &Path, recipe: &Recipe) -> Result<(), RunFolderError> {
    let text = std::fs::read_to_string(dir.join("recipe.toml")).unwrap_or_default();
    // A run that was killed before it wrote its recipe has no data yet.
    let Ok(began) = Recipe::parse(&text) else {
        return Ok(());
    };
    if began.data.files.len() != recipe.data.files.len() || began.data.replay.len() != recipe.data.replay.len() {
        let (began, now) = (files_of(&began), files_of(recipe));
        return Err(RunFolderError::FilesChanged { began, now });
    }
    let changed = changed_files(&began, recipe).next();
    changed.map_or(Ok(()), |file| Err(RunFolderError::DataChanged(file.clone())))
}

fn files_of(recipe: &Recipe) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (files, replay) = (recipe.data.files.len(), recipe.data.replay.len());
    format!("{} and {}", count(files, "data file"), count(replay, "replay file"))
}

/// Data and replay files of a recipe whose hashes are not those of an earlier one; what either has no hash of is not told.
pub fn changed_files<'a>(before: &'a Recipe, now: &'a Recipe) -> impl Iterator<Item = &'a PathBuf> {
    let (before, now) = (&before.data, &now.data);
    let data = before.sha256.iter().zip(&now.sha256).zip(&now.files);
    let replay = before.replay_sha256.iter().zip(&now.replay_sha256).zip(&now.replay);
    data.chain(replay).filter(|((a, b), _)| a != b).map(|(_, file)| file)
}

/// A run folder that exists.
pub struct RunFolder {
    dir: PathBuf,
}

impl RunFolder {
    /// Makes the folder and writes `recipe.toml` and, where there is a template, `chat_template.jinja`. What a killed worker left
    /// behind is put in order first.
    ///
    /// # Errors
    /// The folder cannot be made or written; it holds another run, or the data changed since the run that is resumed began.
    pub fn open(
        dir: &Path,
        recipe: &Recipe,
        template: Option<&Template>,
        resume: bool,
    ) -> Result<Self, RunFolderError> {
        std::fs::create_dir_all(dir).map_err(|source| RunFolderError::Make {
            path: dir.into(),
            source,
        })?;
        checkpoint::tidy(dir).map_err(|e| RunFolderError::write(dir, e))?;
        if resume {
            same_data(dir, recipe)?;
        } else if !checkpoint::all(dir).is_empty() {
            return Err(RunFolderError::Taken(dir.into()));
        }
        let text = recipe.to_toml().map_err(|e| RunFolderError::Recipe(e.to_string()))?;
        write_whole(&dir.join("recipe.toml"), text.as_bytes())?;
        if let Some(template) = template {
            write_whole(&dir.join("chat_template.jinja"), template.source.as_bytes())?;
        }
        Ok(Self { dir: dir.into() })
    }

    /// Writes `final/`. When that fails (full disk), the temporary folder of the system is tried; when that fails too, the run
    /// holds with the weights in memory until the user frees space and resumes, or stops.
    ///
    /// # Errors
    /// The user stopped while nothing could be written.
    pub fn keep(
        &self,
        trainer: &mut Trainer,
        outcome: &Outcome<'_>,
        sink: Sink<'_>,
        flags: &Flags,
    ) -> Result<PathBuf, RunFolderError> {
        let name = self
            .dir
            .file_name()
            .map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        let places = [
            self.dir.join("final"),
            std::env::temp_dir().join(format!("burnish-{name}")),
        ];
        let mut rounds = 0;
        loop {
            let mut last = String::new();
            for place in &places {
                match write_final(trainer, place, outcome) {
                    Ok(()) => return Ok(place.clone()),
                    Err(error) => last = error.to_string(),
                }
                sink(Event::Warning {
                    message: format!("The result could not be written to {}: {last}", place.display()),
                });
            }
            // A stop that ended the run itself must not lose the result without one chance to free space.
            if rounds > 0 && flags.stopped() {
                return Err(RunFolderError::Lost(last));
            }
            rounds += 1;
            hold(trainer.steps(), sink, flags);
        }
    }
}

fn hold(step: usize, sink: Sink<'_>, flags: &Flags) {
    sink(Event::Warning {
        message:
            "The trained weights are still in memory. Free some disk space; saving is tried again every 10 seconds."
                .into(),
    });
    sink(Event::Paused { step });
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        if flags.stopped() {
            return;
        }
    }
}

fn write_final(trainer: &mut Trainer, dir: &Path, outcome: &Outcome<'_>) -> Result<(), TrainError> {
    let card = model_card(trainer, outcome);
    trainer.save_folder(dir, &outcome.recipe.model.path, StoreType::Bf16, &mut |_, temp| {
        if let Some(template) = outcome.template {
            write_whole(&temp.join("chat_template.jinja"), template.source.as_bytes())?;
        }
        write_whole(&temp.join("README.md"), card.as_bytes())?;
        if outcome.recipe.method.kind == MethodKind::Full {
            companions(outcome, temp)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Config and tokenizer of a full model: copied from the base's folder, or written as its `.gguf` file holds them.
fn companions(outcome: &Outcome<'_>, to: &Path) -> Result<(), FormatError> {
    let from = outcome.base_dir;
    if from.is_file() {
        let mut config = source::config(from)?;
        if let Some(map) = config.as_object_mut() {
            // How the base was coded; what is written here is bf16.
            map.remove("_gguf_type");
            map.insert("dtype".into(), "bfloat16".into());
        }
        write_whole(&to.join("config.json"), format!("{config:#}\n").as_bytes())?;
        return outcome.tokenizer.save(to);
    }
    for name in COMPANIONS {
        let source = from.join(name);
        if source.is_file() {
            std::fs::copy(&source, to.join(name)).map_err(|e| FormatError::Write {
                path: to.join(name),
                source: e,
            })?;
        }
    }
    Ok(())
}

/// The README of the result, with the front matter that model hubs read.
fn model_card(trainer: &Trainer, outcome: &Outcome<'_>) -> String {
    let recipe = outcome.recipe;
    let files: Vec<String> = recipe
        .data
        .files
        .iter()
        .map(|f| format!("- `{}`", f.display()))
        .collect();
    let (library, what) = match recipe.method.kind {
        MethodKind::Lora => (
            "peft",
            format!(
                "LoRA adapter (r = {}, alpha = {})",
                recipe.method.r, recipe.method.alpha
            ),
        ),
        MethodKind::Full => ("transformers", "fully trained model".into()),
        MethodKind::Bottleneck => ("burnish", format!("Bottleneck adapter (width {})", recipe.method.width)),
        MethodKind::Prefix => (
            "peft",
            format!("Prefix of {} learned tokens", recipe.method.virtual_tokens),
        ),
        MethodKind::Prompt => (
            "peft",
            format!("Prompt of {} learned tokens", recipe.method.virtual_tokens),
        ),
    };
    format!(
        "---\nbase_model: {base}\nlibrary_name: {library}\ntags:\n- sft\n---\n\n# {what} of {base}\n\nTrained with Burnish for {steps} steps, learning rate {lr}, {template}.\n\n## Data\n\n{files}\n\nEverything needed to repeat the run is in `recipe.toml` of the run folder.\n",
        base = recipe.model.path,
        steps = trainer.steps(),
        lr = recipe.optim.lr,
        template = outcome
            .template
            .map_or("raw text".into(), |t| format!("chat template {}", t.name)),
        files = files.join("\n"),
    )
}
