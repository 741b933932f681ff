//! The hub's cache on this machine, laid out as huggingface_hub does: `models--OWNER--NAME/{refs,snapshots,blobs}`.
//! Knows folders and names of models, no network and no weights.

use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

/// The branch that a reference without a revision means.
pub const MAIN: &str = "main";

/// A model on the hub as users write it: `OWNER/NAME`, then `@REVISION` and `/FILE.gguf` where wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubRef {
    /// `OWNER/NAME`, or a name alone for the oldest models (`gpt2`).
    pub repo: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// One GGUF file of several.
    pub file: Option<String>,
}

impl HubRef {
    /// Reads a reference; `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (repo, rest) = match text.split_once('@') {
            Some((repo, rest)) => (repo.to_string(), Some(rest)),
            None => (text.to_string(), None),
        };
        // `OWNER/NAME/FILE.gguf`; a revision may hold slashes of its own.
        let (repo, file) = match repo.match_indices('/').nth(1) {
            Some((at, _)) if rest.is_none() => (repo[..at].to_string(), Some(repo[at + 1..].to_string())),
            _ => (repo, None),
        };
        let (revision, file) = match rest {
            None => (MAIN.to_string(), file),
            Some(rest) => match rest.rsplit_once('/').filter(|(_, name)| is_gguf(name)) {
                Some((revision, name)) => (revision.to_string(), Some(name.to_string())),
                None => (rest.to_string(), None),
            },
        };
        let whole = is_repo(&repo) && is_revision(&revision) && file.as_deref().is_none_or(is_gguf);
        whole.then_some(Self { repo, revision, file })
    }

    /// As users write it.
    pub fn text(&self) -> String {
        let mut text = self.repo.clone();
        if self.revision != MAIN {
            text += &format!("@{}", self.revision);
        }
        if let Some(file) = &self.file {
            text += &format!("/{file}");
        }
        text
    }
}

/// May this name a repository? The hub's own rules: one or two parts of letters, digits, `-`, `_` and `.`.
pub fn is_repo(text: &str) -> bool {
    let part = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let edge = |c: char| matches!(c, '-' | '.');
        (1..=96).contains(&part.len())
            && part.chars().all(known)
            && !part.starts_with(edge)
            && !part.ends_with(edge)
            && !part.contains("--")
            && !part.contains("..")
    };
    let parts: Vec<&str> = text.split('/').collect();
    (1..=2).contains(&parts.len()) && parts.into_iter().all(part)
}

/// May this name a branch, tag or commit? It becomes a path, so it must not climb out of its folder.
pub fn is_revision(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let parts_fine = text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    !text.is_empty() && text.len() <= 200 && text.chars().all(known) && parts_fine
}

/// Is this the name of a GGUF file, perhaps in folders? It becomes a path, so it must not climb out of its folder.
pub fn is_gguf(name: &str) -> bool {
    let inside = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    inside
        && !name.contains('\\')
        && Path::new(name)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("gguf"))
}

/// A variable of the environment that holds something.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// The folder of everything that belongs to the hub: `HF_HOME`, else `huggingface` in the user's cache folder.
pub fn home() -> PathBuf {
    let caches = || {
        let user = variable("XDG_CACHE_HOME").or_else(|| Some(directories::BaseDirs::new()?.home_dir().join(".cache")));
        // A system without home folders: where the program was started.
        user.unwrap_or_else(|| ".cache".into()).join("huggingface")
    };
    variable("HF_HOME").unwrap_or_else(caches)
}

/// The folder of downloaded models: `HF_HUB_CACHE`, else `hub` in [`home`].
pub fn folder() -> PathBuf {
    variable("HF_HUB_CACHE")
        .or_else(|| variable("HUGGINGFACE_HUB_CACHE"))
        .unwrap_or_else(|| home().join("hub"))
}

/// The places of one model in a cache.
pub fn repo(cache: &Path, repo: &str, revision: &str) -> CacheRepo {
    let model = Repo::with_revision(repo.into(), RepoType::Model, revision.into());
    Cache::new(cache.into()).repo(model)
}

/// The folder of one model in a cache, with its blobs and snapshots.
pub fn repo_folder(cache: &Path, repo: &str) -> PathBuf {
    cache.join(Repo::model(repo.into()).folder_name())
}

/// The commit that a revision meant when it was last downloaded; a commit means itself.
pub fn commit(cache: &Path, name: &str, revision: &str) -> Option<String> {
    let file = repo_folder(cache, name).join("refs").join(revision);
    let known = std::fs::read_to_string(file).ok().map(|text| text.trim().to_string());
    let commit = known.unwrap_or_else(|| revision.to_string());
    // What a file says becomes a path.
    (is_revision(&commit) && snapshot(cache, name, &commit).is_dir()).then_some(commit)
}

/// The folder of a model at a commit.
pub fn snapshot(cache: &Path, name: &str, commit: &str) -> PathBuf {
    repo(cache, name, MAIN).pointer_path(commit)
}

/// Where a model reference is in the user's cache: the snapshot's folder, or the GGUF file that is meant.
pub fn find(reference: &str) -> Option<PathBuf> {
    find_in(&folder(), &HubRef::parse(reference)?)
}

/// As [`find`], in a cache of choice.
pub fn find_in(cache: &Path, wanted: &HubRef) -> Option<PathBuf> {
    let commit = commit(cache, &wanted.repo, &wanted.revision)?;
    let folder = snapshot(cache, &wanted.repo, &commit);
    if let Some(file) = &wanted.file {
        return Some(folder.join(file)).filter(|path| path.is_file());
    }
    let mut ggufs: Vec<PathBuf> = files(&folder, "gguf").collect();
    ggufs.sort();
    match ggufs.first() {
        // Of several, each can be named; the first is as good as any.
        Some(first) if !has_weights(&folder) => Some(first.clone()),
        _ => Some(folder),
    }
}

/// Does a folder hold safetensors files?
pub fn has_weights(folder: &Path) -> bool {
    files(folder, "safetensors").next().is_some()
}

fn files(folder: &Path, extension: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(move |path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension)) && path.is_file())
}

/// The references of all models in a cache whose weights are there, sorted: each GGUF file is one of its own.
pub fn list(cache: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .flat_map(|entry| of_repo(cache, &entry.file_name().to_string_lossy()))
        .collect();
    found.sort();
    found
}

fn of_repo(cache: &Path, name: &str) -> Vec<String> {
    let Some(repo) = name.strip_prefix("models--").map(|rest| rest.replacen("--", "/", 1)) else {
        return Vec::new();
    };
    let Some(commit) = commit(cache, &repo, MAIN).filter(|_| is_repo(&repo)) else {
        return Vec::new();
    };
    let folder = snapshot(cache, &repo, &commit);
    if folder.join("config.json").is_file() && has_weights(&folder) {
        return vec![repo];
    }
    let of_file = |path: PathBuf| Some(format!("{repo}/{}", path.file_name()?.to_string_lossy()));
    files(&folder, "gguf").filter_map(of_file).collect()
}
