//! What lies at a path, and data files read into rows. Knows names and `data`'s reader.

use std::path::{Path, PathBuf};

use crate::data::{self, DataSet};
use crate::formats::places;
use crate::session::{PathKind, ReadRows, SampleSet};

/// Says what a dropped or picked path is.
pub fn classify(path: &Path) -> PathKind {
    if path.is_dir() {
        return classify_folder(path);
    }
    if !path.exists() {
        return PathKind::Unknown(format!("{} does not exist. Check the path.", path.display()));
    }
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    // A file out of a model or adapter folder stands for the folder.
    if let Some(folder) = path.parent().filter(|_| is_part_of_model(&name)) {
        return classify_folder(folder);
    }
    if name == "trainer_state.json" {
        return PathKind::TrainerState;
    }
    match name.rsplit('.').next() {
        Some("gguf") => PathKind::Model,
        Some("jsonl" | "json" | "txt") => PathKind::Data,
        _ => PathKind::Unknown(format!(
            "{} is of no kind that can be opened. Drop a .jsonl, .json or .txt file, a model folder, a .gguf model or an adapter folder.",
            path.display()
        )),
    }
}

fn is_part_of_model(name: &str) -> bool {
    const PARTS: [&str; 4] = [
        "config.json",
        "adapter_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    PARTS.contains(&name) || name.ends_with(".safetensors")
}

fn classify_folder(folder: &Path) -> PathKind {
    let adapter = folder.join("adapter_config.json");
    if adapter.is_file() {
        let text = std::fs::read_to_string(adapter).unwrap_or_default();
        let config: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let base = config
            .get("base_model_name_or_path")
            .and_then(|v| v.as_str())
            .map(String::from);
        return PathKind::Adapter { base };
    }
    if folder.join("config.json").is_file() {
        return PathKind::Model;
    }
    PathKind::Unknown(format!(
        "{} holds neither config.json (a model) nor adapter_config.json (an adapter). Drop the folder that does.",
        folder.display()
    ))
}

/// Reads a data file, and more after it, and marks the held-out share; files that cannot be read are told beside the others.
/// `sample:NAME` is a sample set that comes with the app.
pub fn read_rows(path: &Path, more: &[PathBuf], percent: f64, seed: u64) -> Result<ReadRows, String> {
    let path = match path.strip_prefix("sample:") {
        Ok(name) => places::samples_dir().join(name),
        Err(_) => path.to_path_buf(),
    };
    let mut unread = Vec::new();
    let mut all: Option<DataSet> = None;
    for path in std::iter::once(&path).chain(more) {
        match (data::read_file(path), &mut all) {
            (Ok(set), Some(all)) => all.append(set),
            (Ok(set), None) => all = Some(set),
            (Err(error), _) => unread.push(error.to_string()),
        }
    }
    let mut set = all.ok_or_else(|| unread.join("\n"))?;
    if percent > 0.0 {
        data::hold_out(&mut set.conversations, percent, seed);
    }
    Ok(ReadRows {
        unread,
        ..ReadRows::of(set)
    })
}

/// The sample sets that `about.toml` lists and that are there.
pub fn samples() -> Vec<SampleSet> {
    #[derive(serde::Deserialize)]
    struct About {
        sample: Vec<SampleSet>,
    }
    let folder = places::samples_dir();
    let text = std::fs::read_to_string(folder.join("about.toml")).unwrap_or_default();
    let listed = toml::from_str::<About>(&text)
        .map(|about| about.sample)
        .unwrap_or_default();
    listed.into_iter().filter(|s| folder.join(&s.file).is_file()).collect()
}
