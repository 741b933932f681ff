//! Which files of a repository are needed: config, tokenizer, and the weights as safetensors or one GGUF file. Never pickles.

use super::HubError;
use super::api::{Question, RemoteFile};

/// Small files that a model folder may have.
const SMALL: [&str; 8] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
];
/// What makes a tokenizer where there is no tokenizer.json.
const OLD_TOKENIZER: [&str; 3] = ["tokenizer.model", "vocab.json", "merges.txt"];
/// Weights in one file, and the list of their parts.
const WHOLE: &str = "model.safetensors";
pub const INDEX: &str = "model.safetensors.index.json";

/// The files to download, small ones first: a refusal or a mistake shows before the large ones.
///
/// # Errors
/// There are no weights that can be loaded, or a choice is to be made.
pub fn choose(question: &Question<'_>, files: &[RemoteFile], gguf: Option<&str>) -> Result<Vec<RemoteFile>, HubError> {
    let named = |name: &str| files.iter().find(|f| f.name == name).cloned();
    if let Some(file) = gguf {
        return Ok(vec![named(file).ok_or_else(|| question.no_file(file))?]);
    }
    let mut chosen: Vec<RemoteFile> = SMALL.iter().filter_map(|name| named(name)).collect();
    if named("tokenizer.json").is_none() {
        chosen.extend(OLD_TOKENIZER.iter().filter_map(|name| named(name)));
    }
    if let Some(whole) = named(WHOLE) {
        chosen.push(whole);
        return Ok(chosen);
    }
    if let Some(index) = named(INDEX) {
        chosen.push(index);
        chosen.extend(files.iter().filter(|f| is_part(&f.name)).cloned());
        return Ok(chosen);
    }
    one_gguf(question, files).map(|file| vec![file])
}

/// `model-00001-of-00004.safetensors`
fn is_part(name: &str) -> bool {
    let middle = name.strip_prefix("model-").and_then(|n| n.strip_suffix(".safetensors"));
    let numbers = middle.and_then(|m| m.split_once("-of-"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(part, of)| digits(part) && digits(of))
}

/// The GGUF file, when there is one only.
fn one_gguf(question: &Question<'_>, files: &[RemoteFile]) -> Result<RemoteFile, HubError> {
    let repo = || question.repo.to_string();
    // Projectors of other senses and matrices of importance are no models.
    let is_model = |name: &str| {
        let name = name.to_lowercase();
        name.ends_with(".gguf") && !name.contains("mmproj") && !name.contains("imatrix")
    };
    let found: Vec<&RemoteFile> = files.iter().filter(|f| is_model(&f.name)).collect();
    if let [only] = found[..] {
        return Ok(only.clone());
    }
    if !found.is_empty() {
        let listed = found.iter().map(|f| (f.name.clone(), f.size.unwrap_or(0)));
        return Err(HubError::Choice {
            repo: repo(),
            files: listed.collect(),
        });
    }
    let is_pickle = |name: &str| {
        [".bin", ".pt", ".pth", ".ckpt", ".pkl"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    Err(match files.iter().find(|f| is_pickle(&f.name)) {
        Some(pickle) => HubError::OnlyPickles {
            repo: repo(),
            file: pickle.name.clone(),
        },
        None => HubError::NoWeights { repo: repo() },
    })
}
