//! A hub of the test's own with a small model, and an empty cache to load it into.

use super::hub_server::{HubServer, Repo};
use burnish::formats::hub_cache::HubRef;
use burnish::hub::{Fetched, Hub, HubError, Patience, Watch};
use std::path::PathBuf;
use std::time::Duration;

pub const ID: &str = "owner/tiny-model";

pub const WEIGHTS: &str = "model.safetensors";

/// A server, an empty cache, and a client that does not wait long.
pub struct World {
    pub server: HubServer,
    pub hub: Hub,
    pub folder: tempfile::TempDir,
}

/// Content that no mistake leaves as it was.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

pub fn model() -> Repo {
    Repo::new("c0ffee12")
        .small("config.json", r#"{"model_type": "llama"}"#)
        .small("tokenizer.json", "{}")
        .small("README.md", "# Tiny")
        .large("pytorch_model.bin", noise(900))
        .large("onnx/model.onnx", noise(800))
        .large(WEIGHTS, noise(300_000))
}

impl World {
    pub fn new(repo: Repo) -> Self {
        let (server, folder) = (HubServer::start(), tempfile::tempdir().unwrap());
        server.add(ID, repo);
        let mut hub = Hub::new(&server.url, folder.path().join("hub")).unwrap();
        hub.patience = Patience {
            answer: Duration::from_secs(5),
            silence: Duration::from_millis(600),
            attempts: 3,
            pause: Duration::from_millis(10),
        };
        Self { server, hub, folder }
    }

    pub fn fetch(&self, reference: &str) -> Result<Fetched, HubError> {
        self.fetch_as(reference, None)
    }

    pub fn fetch_as(&self, reference: &str, token: Option<&str>) -> Result<Fetched, HubError> {
        let mut watch = Watch {
            progress: &mut |_| {},
            stop: &|| false,
        };
        self.hub.fetch(&HubRef::parse(reference).unwrap(), token, &mut watch)
    }

    pub fn blobs(&self) -> Vec<String> {
        let folder = self.hub.cache.join("models--owner--tiny-model/blobs");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .map(|entries| {
                entries
                    .flatten()
                    .map(|e| e.file_name().to_string_lossy().into_owned())
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }

    pub fn partial(&self) -> Option<PathBuf> {
        let name = self.blobs().into_iter().find(|n| n.ends_with(".incomplete"))?;
        Some(self.hub.cache.join("models--owner--tiny-model/blobs").join(name))
    }
}

#[track_caller]
pub fn says(error: &HubError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}
