//! Chats on disk: one JSON file each in the project's `chats` folder, deleted ones in its `bin`. Knows no state.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::chat::Chat;
use super::runs::{self, RunChoice};

/// Work of the Chat room outside the state. `folder` is the project's folder of chats.
#[derive(Clone, Debug)]
pub enum ChatsEffect {
    /// Read all chats of a project.
    Load { folder: PathBuf },
    /// Write these chats.
    Save { folder: PathBuf, chats: Vec<Chat> },
    /// Move a chat's file to the bin.
    Bin { folder: PathBuf, id: u64 },
    /// Look through the project's folder of runs.
    ListRuns { folder: PathBuf },
    /// See what an adapter folder brings: its template and the base that it names.
    LookAtAdapter { path: PathBuf },
}

/// What came back.
#[derive(Debug)]
pub enum ChatsOutcome {
    /// Answer to `Load`: the chats, and what could not be read.
    Loaded { chats: Vec<Chat>, problems: Vec<String> },
    /// Answer to `Save` and `Bin`: `Some` message when it failed.
    Saved(Option<String>),
    /// Answer to `ListRuns`.
    Runs(Vec<RunChoice>),
    /// Answer to `LookAtAdapter`.
    Adapter { path: PathBuf, template: Option<PathBuf> },
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: ChatsEffect) -> ChatsOutcome {
    match effect {
        ChatsEffect::Load { folder } => {
            let (chats, problems) = load(&folder);
            ChatsOutcome::Loaded { chats, problems }
        }
        ChatsEffect::Save { folder, chats } => {
            let failure = chats.iter().find_map(|chat| save(&folder, chat).err());
            ChatsOutcome::Saved(failure.map(|e| {
                let folder = folder.display();
                format!("Could not keep the chat in {folder}: {e}. It stays open until the window closes.")
            }))
        }
        ChatsEffect::Bin { folder, id } => {
            let failure = bin(&folder, id).err();
            ChatsOutcome::Saved(failure.map(|e| {
                let bin = folder.join("bin");
                format!("Could not move the chat to {}: {e}.", bin.display())
            }))
        }
        ChatsEffect::ListRuns { folder } => ChatsOutcome::Runs(runs::list(&folder)),
        ChatsEffect::LookAtAdapter { path } => {
            let template = Some(path.join("chat_template.jinja")).filter(|p| p.is_file());
            ChatsOutcome::Adapter { path, template }
        }
    }
}

fn file_name(id: u64) -> String {
    format!("chat-{id:04}.json")
}

/// Reads all chats of a folder, in the order of their ids. A file that cannot be read is a message, never a failure.
pub fn load(folder: &Path) -> (Vec<Chat>, Vec<String>) {
    let (mut chats, mut problems) = (Vec::new(), Vec::new());
    let Ok(entries) = fs::read_dir(folder) else {
        return (chats, problems);
    };
    for path in entries.flatten().map(|e| e.path()) {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        match read(&path) {
            Ok(mut chat) => {
                chat.settle();
                chats.push(chat);
            }
            Err(error) => problems.push(format!(
                "Could not read the chat {}: {error}. It is left as it is.",
                path.display()
            )),
        }
    }
    chats.sort_by_key(|c| c.id);
    (chats, problems)
}

fn read(path: &Path) -> Result<Chat, io::Error> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Writes a chat, whole or not at all.
pub fn save(folder: &Path, chat: &Chat) -> Result<(), io::Error> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, chat)?;
    file.write_all(b"\n")?;
    file.persist(folder.join(file_name(chat.id))).map_err(|e| e.error)?;
    Ok(())
}

/// Moves a chat's file to the bin; one that was never written is no error.
pub fn bin(folder: &Path, id: u64) -> Result<(), io::Error> {
    let file = folder.join(file_name(id));
    if !file.exists() {
        return Ok(());
    }
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    // An id is given out again when the newest chat was deleted: never overwrite what lies in the bin.
    let free = (0..)
        .map(|n| bin.join(format!("chat-{id:04}-{n}.json")))
        .find(|p| !p.exists());
    fs::rename(file, free.unwrap_or_else(|| bin.join(file_name(id))))
}
