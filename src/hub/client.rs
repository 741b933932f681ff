//! Whom to ask and how patiently: the hub's address, the cache, time limits. Knows the environment, no files of models.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::api::sync::{ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use ureq::Agent;
use ureq::config::RedirectAuthHeaders;

use super::HubError;
use crate::formats::hub_cache;

const USUAL: &str = "https://huggingface.co";

/// How long to wait and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until a connection stands or an answer begins.
    pub answer: Duration,
    /// Without a single byte in the middle of a file.
    pub silence: Duration,
    /// Attempts in a row that bring nothing new.
    pub attempts: u32,
    /// Before the second attempt; doubled for each one after.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(20),
            silence: Duration::from_secs(30),
            attempts: 6,
            pause: Duration::from_millis(500),
        }
    }
}

/// A hub and the cache on this machine.
#[derive(Clone)]
pub struct Hub {
    /// `https://huggingface.co` or a mirror, without a slash at the end.
    pub endpoint: String,
    /// The folder of downloaded models.
    pub cache: PathBuf,
    /// Use nothing but the cache.
    pub offline: bool,
    /// Time limits.
    pub patience: Patience,
    /// Bytes that are free for the user in a folder.
    pub free_space: fn(&Path) -> std::io::Result<u64>,
}

impl Hub {
    /// The hub and cache that the environment names: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE.
    ///
    /// # Errors
    /// HF_ENDPOINT is no address.
    pub fn from_env() -> Result<Self, HubError> {
        let endpoint = std::env::var("HF_ENDPOINT").ok().filter(|e| !e.trim().is_empty());
        let endpoint = endpoint.unwrap_or_else(|| USUAL.into());
        let on = |name: &str| {
            let value = std::env::var(name).unwrap_or_default().to_lowercase();
            matches!(value.as_str(), "1" | "true" | "yes" | "on")
        };
        let mut hub = Self::new(&endpoint, hub_cache::folder())?;
        hub.offline = on("HF_HUB_OFFLINE");
        Ok(hub)
    }

    /// A hub at an address with a cache in a folder.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(endpoint: &str, cache: PathBuf) -> Result<Self, HubError> {
        let trimmed = endpoint.trim().trim_end_matches('/');
        let host = trimmed
            .strip_prefix("https://")
            .or_else(|| trimmed.strip_prefix("http://"));
        let plain = |host: &&str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic());
        if host.filter(plain).is_none() {
            return Err(HubError::Endpoint(endpoint.into()));
        }
        Ok(Self {
            endpoint: trimmed.into(),
            cache,
            offline: false,
            patience: Patience::default(),
            free_space: |folder| fs4::available_space(folder),
        })
    }

    /// The page of a model, where people read about it and accept its licence.
    pub fn page(&self, repo: &str) -> String {
        format!("{}/{repo}", self.endpoint)
    }

    /// One model's addresses and description by hf-hub.
    pub(super) fn api(&self, repo: &str, revision: &str, token: Option<&str>) -> Result<ApiRepo, HubError> {
        let api = ApiBuilder::from_cache(Cache::new(self.cache.clone()))
            .with_endpoint(self.endpoint.clone())
            .with_token(token.map(String::from))
            .with_progress(false)
            .build()
            .map_err(|e| self.answer(e.to_string()))?;
        Ok(api.repo(Repo::with_revision(repo.into(), RepoType::Model, revision.into())))
    }

    /// What speaks HTTP for files. The token goes to the hub alone, not to the hosts that it redirects to.
    pub(super) fn agent(&self, redirects: u32) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(redirects)
            .max_redirects_will_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(self.patience.answer))
            .timeout_recv_response(Some(self.patience.answer))
            .timeout_per_read(Some(self.patience.silence))
            .user_agent(concat!("burnish/", env!("CARGO_PKG_VERSION")))
            // A packed answer would have another length than the file.
            .accept_encoding("identity")
            .build();
        config.new_agent()
    }

    pub(super) fn answer(&self, message: impl Into<String>) -> HubError {
        HubError::Answer {
            host: self.endpoint.clone(),
            message: message.into(),
        }
    }

    pub(super) fn unreachable(&self, error: &ureq::Error) -> HubError {
        HubError::Unreachable {
            host: self.endpoint.clone(),
            message: error.to_string(),
        }
    }
}
