//! What a repository holds, by the hub's HTTP API, and what the hub means when it refuses. Knows answers, no cache.

use serde::Deserialize;
use ureq::http::{HeaderMap, Response, StatusCode, Uri};

use super::digest::Expected;
use super::{Hub, HubError, Refusal};
use crate::formats::hub_cache;

/// The largest description of a repository that is read.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Redirects followed within the hub (a model that was renamed).
const MOST_REDIRECTS: usize = 5;
/// Attempts at a question that the server was too busy for.
const QUESTIONS: u32 = 3;

/// A model on the hub, at one commit.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The commit that the revision means now.
    pub commit: String,
    /// Its files.
    pub files: Vec<RemoteFile>,
}

/// A file on the hub.
#[derive(Clone, Debug)]
pub struct RemoteFile {
    /// Path within the repository.
    pub name: String,
    /// Bytes, where the listing says so.
    pub size: Option<u64>,
    /// The name of its blob in the cache; empty where the listing gives none.
    pub etag: String,
}

impl RemoteFile {
    /// What its content must hash to.
    pub fn expected(&self) -> Expected {
        Expected::of_etag(&self.etag)
    }
}

#[derive(Deserialize)]
struct Info {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob: Option<String>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    #[serde(alias = "oid")]
    sha256: Option<String>,
    size: Option<u64>,
}

/// One model and who asks for it.
pub struct Question<'a> {
    pub hub: &'a Hub,
    pub repo: &'a str,
    pub revision: &'a str,
    pub token: Option<&'a str>,
}

impl Question<'_> {
    /// The files of the model, with sizes and hashes.
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or answers something else.
    pub fn listing(&self) -> Result<Listing, HubError> {
        let mut pause = self.hub.patience.pause;
        for _ in 1..QUESTIONS {
            match self.ask() {
                Err(HubError::Server {
                    status: 429 | 500.., ..
                }) => std::thread::sleep(pause),
                answer => return answer,
            }
            pause *= 2;
        }
        self.ask()
    }

    fn ask(&self) -> Result<Listing, HubError> {
        let request = self.hub.api(self.repo, self.revision, self.token)?.info_request();
        let configured = request
            .query("blobs", "true")
            .config()
            .http_status_as_error(false)
            .timeout_connect(Some(self.hub.patience.answer))
            .timeout_recv_response(Some(self.hub.patience.answer))
            .timeout_per_read(Some(self.hub.patience.silence))
            .build();
        let mut response = configured.call().map_err(|e| self.hub.unreachable(&e))?;
        if !response.status().is_success() {
            return Err(self.refusal(&response, "the model"));
        }
        let text = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        let text = text.map_err(|e| self.hub.unreachable(&e))?;
        let info: Info = serde_json::from_str(&text).map_err(|e| self.hub.answer(e.to_string()))?;
        // Both become paths.
        if !info.sha.bytes().all(|b| b.is_ascii_alphanumeric()) || info.sha.is_empty() {
            return Err(self.hub.answer(format!("the commit is \"{}\"", info.sha)));
        }
        let files = info.siblings.into_iter().map(remote).filter(|f| is_inside(&f.name));
        Ok(Listing {
            commit: info.sha,
            files: files.collect(),
        })
    }

    /// The address of a file at a commit.
    pub fn url(&self, commit: &str, file: &str) -> Result<String, HubError> {
        let plain = file.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        let name = if plain { file.to_string() } else { escaped(file) };
        Ok(self.hub.api(self.repo, commit, None)?.url(&name))
    }

    /// Asks for the size and hash of a file that the listing did not give them for.
    ///
    /// # Errors
    /// The hub refuses or says neither.
    pub fn describe(&self, commit: &str, file: &mut RemoteFile) -> Result<(), HubError> {
        let agent = self.hub.agent(0);
        let mut url = self.url(commit, &file.name)?;
        for _ in 0..MOST_REDIRECTS {
            let mut request = agent.head(&url);
            if let Some(token) = self.token {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|e| self.hub.unreachable(&e))?;
            if let Some(next) = within_hub(&url, &response) {
                url = next;
                continue;
            }
            if response.status().is_client_error() || response.status().is_server_error() {
                return Err(self.refusal(&response, &file.name));
            }
            let headers = response.headers();
            let size = header(headers, "x-linked-size").or_else(|| header(headers, "content-length"));
            let etag = header(headers, "x-linked-etag").or_else(|| header(headers, "etag"));
            file.size = size.and_then(|s| s.parse().ok());
            file.etag = etag
                .unwrap_or_default()
                .trim_start_matches("W/")
                .trim_matches('"')
                .into();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            if file.size.is_none() || file.etag.is_empty() || !file.etag.bytes().all(plain) {
                return Err(self.hub.answer(format!("{} has no size or etag", file.name)));
            }
            return Ok(());
        }
        Err(self.hub.answer(format!("{} is redirected for ever", file.name)))
    }

    /// What an answer that is no success means.
    pub fn refusal<B>(&self, response: &Response<B>, what: &str) -> HubError {
        let headers = response.headers();
        let code = header(headers, "x-error-code").unwrap_or_default();
        let message = header(headers, "x-error-message").unwrap_or_default();
        let refused = |why| HubError::Refused {
            repo: self.repo.into(),
            page: self.hub.page(self.repo),
            why,
            had_token: self.token.is_some(),
        };
        let bad_token = message.contains("Invalid credentials") && self.token.is_some();
        match (code.as_str(), response.status()) {
            ("GatedRepo", _) => refused(Refusal::Gated),
            ("RevisionNotFound", _) => HubError::Revision {
                repo: self.repo.into(),
                revision: self.revision.into(),
            },
            ("EntryNotFound", _) => self.no_file(what),
            (_, StatusCode::UNAUTHORIZED) if bad_token => refused(Refusal::BadToken),
            // To strangers the hub does not tell private models from those that are not there.
            (_, StatusCode::UNAUTHORIZED) if self.token.is_none() => refused(Refusal::Hidden),
            ("RepoNotFound", _) | (_, StatusCode::NOT_FOUND) => HubError::NotFound {
                endpoint: self.hub.endpoint.clone(),
                repo: self.repo.into(),
            },
            (_, StatusCode::UNAUTHORIZED) => refused(Refusal::BadToken),
            (_, StatusCode::FORBIDDEN) => refused(Refusal::NotAllowed),
            (_, status) => HubError::Server {
                host: self.hub.endpoint.clone(),
                what: what.into(),
                status: status.as_u16(),
                message: if message.is_empty() {
                    message
                } else {
                    format!(": {message}")
                },
            },
        }
    }

    /// The model has no such file.
    pub fn no_file(&self, file: &str) -> HubError {
        HubError::NoFile {
            repo: self.repo.into(),
            file: file.into(),
            page: self.hub.page(self.repo),
        }
    }
}

fn remote(sibling: Sibling) -> RemoteFile {
    let (size, etag) = match sibling.lfs {
        Some(large) => (large.size.or(sibling.size), large.sha256),
        None => (sibling.size, sibling.blob),
    };
    // What is no hash is not trusted with a name in the cache.
    let etag = etag.filter(|etag| Expected::of_etag(etag) != Expected::Nothing);
    RemoteFile {
        name: sibling.rfilename,
        size,
        etag: etag.unwrap_or_default(),
    }
}

/// Does a name stay in the repository's folder?
fn is_inside(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.split('/').all(part) && !name.contains(['\\', ':', '\0'])
}

/// A path with what has a meaning in addresses escaped.
fn escaped(file: &str) -> String {
    let mut text = String::new();
    for byte in file.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'/' => text.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

pub fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_string())
}

/// Where a redirect leads that stays on the hub (its address has no host).
fn within_hub<B>(url: &str, response: &Response<B>) -> Option<String> {
    let to = response
        .status()
        .is_redirection()
        .then(|| header(response.headers(), "location"))??;
    if !to.starts_with('/') || to.starts_with("//") {
        return None;
    }
    let from: Uri = url.parse().ok()?;
    Some(format!("{}://{}{to}", from.scheme_str()?, from.authority()?))
}

/// May the name of a model be sent to the hub?
pub fn check_name(repo: &str, revision: &str) -> Result<(), HubError> {
    if !hub_cache::is_repo(repo) {
        return Err(HubError::Name(repo.into()));
    }
    if !hub_cache::is_revision(revision) {
        return Err(HubError::Revision {
            repo: repo.into(),
            revision: revision.into(),
        });
    }
    Ok(())
}
