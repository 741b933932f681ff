//! Which safetensors files make up a checkpoint: one file, or the shards of an index. Knows names of files and of tensors, not tensors.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::FormatError;
use super::unique::UniqueMap;

/// The index that lists shards.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Files to open, and where the index says that each tensor is.
pub(super) struct Shards {
    /// The files, sorted.
    pub files: Vec<PathBuf>,
    /// Tensor to file; empty without an index.
    pub listed: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: UniqueMap<String>,
}

/// Finds the files of a folder, or takes the one file.
///
/// # Errors
/// There is no checkpoint, or the index is broken: shards that are missing, outside the folder, or indexes themselves.
pub(super) fn find(path: &Path) -> Result<Shards, FormatError> {
    let one = |file: PathBuf| Shards {
        files: vec![file],
        listed: BTreeMap::new(),
    };
    if path.is_file() {
        if path.extension().is_some_and(|e| e == "json") {
            return indexed(path);
        }
        return Ok(one(path.into()));
    }
    let single = path.join("model.safetensors");
    if single.is_file() {
        return Ok(one(single));
    }
    let index = path.join(INDEX);
    if index.is_file() {
        return indexed(&index);
    }
    Err(FormatError::invalid(
        path,
        "No model.safetensors here. Choose a folder that holds config.json and model.safetensors, or a .gguf file.",
    ))
}

fn indexed(index: &Path) -> Result<Shards, FormatError> {
    let text = std::fs::read_to_string(index).map_err(|e| FormatError::io(index, e))?;
    let parsed: Index = serde_json::from_str(&text)
        .map_err(|e| FormatError::invalid(index, format!("Not a list of shards ({e}). Download it again.")))?;
    let folder = index.parent().unwrap_or(Path::new("."));
    let mut listed = BTreeMap::new();
    for (tensor, shard) in parsed.weight_map.0 {
        let file = shard_file(index, folder, &shard)?;
        listed.insert(tensor, file);
    }
    let mut files: Vec<PathBuf> = listed.values().cloned().collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err(FormatError::invalid(index, "It lists no tensor. Download it again."));
    }
    Ok(Shards { files, listed })
}

/// The file of a shard: a plain name in the index's folder that is a safetensors file.
fn shard_file(index: &Path, folder: &Path, shard: &str) -> Result<PathBuf, FormatError> {
    let wrong = |what: &str| Err(FormatError::invalid(index, format!("Shard \"{shard}\" {what}")));
    let mut parts = Path::new(shard).components();
    let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else {
        return wrong("is not the name of a file beside the index. Download the index again.");
    };
    if Path::new(name).extension().is_some_and(|e| e == "json") {
        return wrong(
            "is an index, not a shard: the indexes would name each other for ever. Download the index again.",
        );
    }
    let file = folder.join(name);
    if !file.is_file() {
        return wrong("is missing. Download it into the same folder.");
    }
    Ok(file)
}
