//! A small server that speaks the hub's HTTP API: descriptions, files with ranges, redirects to a second host, tokens, and every
//! fault that a test asks for. One connection, one answer. Included by `#[path]`; knows nothing of the program.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The token that opens every door.
pub const TOKEN: &str = "hf_test_token";

/// A model on the server.
#[derive(Clone, Default)]
pub struct Repo {
    pub commit: String,
    /// Name, content, kept outside git?
    pub files: Vec<(String, Vec<u8>, bool)>,
    pub gated: bool,
    pub private: bool,
}

impl Repo {
    /// A public model at a commit.
    pub fn new(commit: &str) -> Self {
        Self {
            commit: commit.repeat(40 / commit.len()),
            ..Self::default()
        }
    }

    /// A small file, kept in git.
    pub fn small(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), content.into(), false));
        self
    }

    /// A large file, kept outside git and served by another host.
    pub fn large(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), content.into(), true));
        self
    }
}

/// What goes wrong.
#[derive(Clone, Default)]
pub struct Faults {
    /// The next connections for a file end after so many bytes.
    pub cuts: HashMap<String, VecDeque<usize>>,
    /// Bytes at a time and the pause after them.
    pub slow: Option<(usize, Duration)>,
    /// Files whose content has a wrong byte.
    pub damaged: HashSet<String>,
    /// Files that are sent with a byte too many.
    pub longer: HashSet<String>,
    /// Are ranges ignored?
    pub no_ranges: bool,
    /// Are sizes and hashes left out of descriptions?
    pub no_blobs: bool,
    /// So many descriptions are answered with 503.
    pub busy: usize,
    /// Every description is this text.
    pub page: Option<String>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub host: String,
    pub range: Option<String>,
    pub token: Option<String>,
}

#[derive(Default)]
struct State {
    repos: HashMap<String, Repo>,
    moved: HashMap<String, String>,
    faults: Faults,
    asked: Vec<Asked>,
    sent: HashMap<String, usize>,
}

/// The server; it ends with the test.
#[derive(Clone)]
pub struct HubServer {
    /// What HF_ENDPOINT is set to.
    pub url: String,
    port: u16,
    state: Arc<Mutex<State>>,
}

impl HubServer {
    /// Listens on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("address").port();
        let server = Self {
            url: format!("http://localhost:{port}"),
            port,
            state: Arc::default(),
        };
        let answering = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = answering.clone();
                std::thread::spawn(move || {
                    // A client that is gone is what some tests are about.
                    let _ = server.answer(stream);
                });
            }
        });
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the lock")
    }

    /// Puts a model on the server.
    pub fn add(&self, id: &str, repo: Repo) -> &Self {
        self.state().repos.insert(id.into(), repo);
        self
    }

    /// `old` is called `new` now.
    pub fn rename(&self, old: &str, new: &str) {
        self.state().moved.insert(old.into(), new.into());
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// The requests whose path holds a text.
    pub fn asked(&self, text: &str) -> Vec<Asked> {
        self.state()
            .asked
            .iter()
            .filter(|a| a.path.contains(text))
            .cloned()
            .collect()
    }

    /// Bytes of a file's content that were sent.
    pub fn sent(&self, file: &str) -> usize {
        self.state().sent.get(file).copied().unwrap_or(0)
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_lowercase(), value.trim().to_string());
            }
        }
        let mut words = first.split_whitespace();
        let asked = Asked {
            method: words.next().unwrap_or_default().into(),
            path: words.next().unwrap_or_default().into(),
            host: headers.get("host").cloned().unwrap_or_default(),
            range: headers.get("range").cloned(),
            token: headers
                .get("authorization")
                .and_then(|a| a.strip_prefix("Bearer ").map(String::from)),
        };
        self.state().asked.push(asked.clone());
        let mut out = stream;
        if let Some(rest) = asked.path.strip_prefix("/api/models/") {
            self.describe(&mut out, &asked, rest)?;
        } else if let Some(rest) = asked.path.strip_prefix("/cdn/") {
            self.content(&mut out, &asked, rest)?;
        } else {
            self.resolve(&mut out, &asked)?;
        }
        out.flush()?;
        out.shutdown(Shutdown::Write)
    }

    /// Why the repository is not shown; `None` when it is.
    fn closed(repo: Option<&Repo>, asked: &Asked, file: bool) -> Option<(u16, &'static str, &'static str)> {
        let allowed = asked.token.as_deref() == Some(TOKEN);
        if asked.token.as_deref() == Some("hf_old") {
            return Some((401, "", "Invalid credentials in Authorization header"));
        }
        match repo {
            None if asked.token.is_none() => Some((401, "RepoNotFound", "Repository not found")),
            None => Some((404, "RepoNotFound", "Repository not found")),
            Some(repo) if repo.private && !allowed => match asked.token {
                None => Some((401, "RepoNotFound", "Repository not found")),
                Some(_) => Some((403, "", "Forbidden")),
            },
            Some(repo) if repo.gated && file && !allowed => match asked.token {
                None => Some((401, "GatedRepo", "Access to model is restricted")),
                Some(_) => Some((403, "GatedRepo", "Access to model is restricted")),
            },
            Some(_) => None,
        }
    }

    fn describe(&self, out: &mut TcpStream, asked: &Asked, rest: &str) -> std::io::Result<()> {
        let state = &mut *self.state();
        let rest = rest.split('?').next().unwrap_or_default();
        let (id, revision) = rest.split_once("/revision/").unwrap_or((rest, "main"));
        if let Some(new) = state.moved.get(id) {
            let to = format!("/api/models/{new}/revision/{revision}?blobs=true");
            return head(out, 307, &[("Location", to), ("Content-Length", "0".into())]);
        }
        if state.faults.busy > 0 {
            state.faults.busy -= 1;
            return refuse(out, 503, "", "busy");
        }
        if let Some(page) = &state.faults.page {
            return body(out, page.as_bytes(), "text/html");
        }
        let repo = state.repos.get(id);
        if let Some((status, code, message)) = Self::closed(repo, asked, false) {
            return refuse(out, status, code, message);
        }
        let Some(repo) = repo.filter(|r| revision == "main" || revision == r.commit) else {
            return refuse(out, 404, "RevisionNotFound", "Invalid rev id");
        };
        let siblings: Vec<Value> = repo.files.iter().map(|f| sibling(f, state.faults.no_blobs)).collect();
        let info =
            json!({"id": id, "sha": repo.commit, "gated": repo.gated, "private": repo.private, "siblings": siblings});
        body(out, info.to_string().as_bytes(), "application/json")
    }

    fn resolve(&self, out: &mut TcpStream, asked: &Asked) -> std::io::Result<()> {
        let state = self.state();
        let Some((id, rest)) = asked.path[1..].split_once("/resolve/") else {
            return refuse(out, 404, "", "Not found");
        };
        let (revision, name) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some(new) = state.moved.get(id) {
            let to = format!("/{new}/resolve/{rest}");
            return head(out, 307, &[("Location", to), ("Content-Length", "0".into())]);
        }
        let repo = state.repos.get(id);
        if let Some((status, code, message)) = Self::closed(repo, asked, true) {
            return refuse(out, status, code, message);
        }
        let file = repo.filter(|r| revision == "main" || revision == r.commit);
        let Some((repo, file)) = file.and_then(|r| Some((r, r.files.iter().find(|f| f.0 == name)?))) else {
            return refuse(out, 404, "EntryNotFound", "Entry not found");
        };
        let commit = ("X-Repo-Commit", repo.commit.clone());
        if !file.2 {
            if asked.method == "HEAD" {
                let etag = ("ETag", format!("\"{}\"", etag(file)));
                return head(out, 200, &[commit, etag, ("Content-Length", file.1.len().to_string())]);
            }
            let rest = format!("{id}/{name}");
            drop(state);
            return self.content(out, asked, &rest);
        }
        let to = format!("http://127.0.0.1:{}/cdn/{id}/{name}", self.port);
        head(
            out,
            302,
            &[
                commit,
                ("Location", to),
                ("X-Linked-Size", file.1.len().to_string()),
                ("X-Linked-Etag", format!("\"{}\"", etag(file))),
                ("Content-Length", "0".into()),
            ],
        )
    }

    fn content(&self, out: &mut TcpStream, asked: &Asked, rest: &str) -> std::io::Result<()> {
        let (content, name, cut, slow, ranges) = {
            let mut state = self.state();
            let found = state.repos.iter().find_map(|(id, repo)| {
                let name = rest.strip_prefix(&format!("{id}/"))?;
                repo.files.iter().find(|f| f.0 == name).cloned()
            });
            let Some((name, mut content, _)) = found else {
                return refuse(out, 404, "EntryNotFound", "Entry not found");
            };
            if state.faults.damaged.contains(&name) {
                let middle = content.len() / 2;
                content[middle] ^= 1;
            }
            if state.faults.longer.contains(&name) {
                content.push(0);
            }
            let cut = state.faults.cuts.get_mut(&name).and_then(VecDeque::pop_front);
            (content, name, cut, state.faults.slow, !state.faults.no_ranges)
        };
        let from = asked.range.as_deref().filter(|_| ranges);
        let from = from.and_then(|r| r.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
        let length = (
            "Content-Length",
            (content.len() - from.unwrap_or(0).min(content.len())).to_string(),
        );
        match from {
            Some(from) if from >= content.len() => return refuse(out, 416, "", ""),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
                head(out, 206, &[length, ("Content-Range", range)])?;
            }
            None => head(out, 200, &[length, ("Accept-Ranges", "bytes".into())])?,
        }
        let rest = &content[from.unwrap_or(0)..];
        let rest = &rest[..cut.unwrap_or(rest.len()).min(rest.len())];
        for chunk in rest.chunks(slow.map_or(64 << 10, |(size, _)| size)) {
            out.write_all(chunk)?;
            out.flush()?;
            *self.state().sent.entry(name.clone()).or_default() += chunk.len();
            if let Some((_, pause)) = slow {
                std::thread::sleep(pause);
            }
        }
        Ok(())
    }
}

fn etag((_, content, large): &(String, Vec<u8>, bool)) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    if *large {
        return hex(&Sha256::digest(content));
    }
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    hex(&hasher.finalize())
}

fn sibling(file: &(String, Vec<u8>, bool), bare: bool) -> Value {
    let mut value = json!({"rfilename": file.0});
    if bare {
        return value;
    }
    value["size"] = json!(file.1.len());
    if file.2 {
        // The blob of a large file is a small text that points to it.
        value["blobId"] = json!("0".repeat(40));
        value["lfs"] = json!({"sha256": etag(file), "size": file.1.len(), "pointerSize": 134});
    } else {
        value["blobId"] = json!(etag(file));
    }
    value
}

fn head(out: &mut TcpStream, status: u16, headers: &[(&str, String)]) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Test\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    out.write_all((text + "\r\n").as_bytes())
}

fn body(out: &mut TcpStream, content: &[u8], kind: &str) -> std::io::Result<()> {
    let length = ("Content-Length", content.len().to_string());
    head(out, 200, &[length, ("Content-Type", kind.into())])?;
    out.write_all(content)
}

fn refuse(out: &mut TcpStream, status: u16, code: &str, message: &str) -> std::io::Result<()> {
    let mut headers = vec![("Content-Length", "0".to_string())];
    if !code.is_empty() {
        headers.push(("X-Error-Code", code.into()));
    }
    headers.push(("X-Error-Message", message.into()));
    head(out, status, &headers)
}
