//! The project's runs as adapters to chat with: name, date, final loss. Reads run folders; knows no state.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::protocol::Event;

/// The end of events.jsonl that is read for the last losses, in bytes.
const TAIL: u64 = 64 * 1024;

/// A run whose adapter can answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RunChoice {
    /// The adapter's folder: `final`, or the last checkpoint of a run that did not end.
    pub path: PathBuf,
    /// The run's name; with its step for a checkpoint.
    pub name: String,
    /// Date and time of its beginning, as people write it; empty where the folder does not say.
    pub when: String,
    /// Loss of the last step.
    pub loss: Option<f64>,
    /// Last loss on held-out rows.
    pub eval_loss: Option<f64>,
    /// The model that the adapter names.
    pub base: Option<String>,
}

/// All runs in a folder that hold an adapter, the newest first. What cannot be read is left out.
pub fn list(runs: &Path) -> Vec<RunChoice> {
    let Ok(entries) = fs::read_dir(runs) else {
        return Vec::new();
    };
    // Folders begin with date and time: their names are in order of age.
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort_by(|a, b| b.cmp(a));
    folders.iter().filter_map(|folder| choice(folder)).collect()
}

fn choice(run: &Path) -> Option<RunChoice> {
    let path = adapter(run)?;
    let config = fs::read(path.join("adapter_config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_slice(&config).ok()?;
    let (loss, eval_loss) = last_losses(&run.join("events.jsonl"));
    Some(RunChoice {
        name: super::run_name(&path),
        when: when(run),
        loss,
        eval_loss,
        base: config["base_model_name_or_path"].as_str().map(str::to_owned),
        path,
    })
}

/// `final`, else the checkpoint of the highest step.
fn adapter(run: &Path) -> Option<PathBuf> {
    let whole = |dir: &Path| dir.join("adapter_config.json").is_file();
    let end = run.join("final");
    if whole(&end) {
        return Some(end);
    }
    let step = |dir: &Path| -> Option<usize> {
        let name = dir.file_name()?.to_str()?;
        name.strip_prefix("checkpoint-")?.parse().ok()
    };
    let folders = fs::read_dir(run).ok()?.flatten().map(|e| e.path());
    let checkpoints = folders
        .filter(|dir| whole(dir))
        .filter_map(|dir| Some((step(&dir)?, dir)));
    checkpoints.max_by_key(|(step, _)| *step).map(|(_, dir)| dir)
}

/// `2026-11-21-143012-pirate` is "2026-11-21 14:30".
pub fn when(run: &Path) -> String {
    let name = run
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let parts: Vec<&str> = name.splitn(5, '-').collect();
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    match parts[..] {
        [year, month, day, time, ..] if digits(year, 4) && digits(month, 2) && digits(day, 2) && digits(time, 6) => {
            format!("{year}-{month}-{day} {}:{}", &time[..2], &time[2..4])
        }
        _ => String::new(),
    }
}

/// The last step's loss and the last one on held-out rows.
fn last_losses(events: &Path) -> (Option<f64>, Option<f64>) {
    let (mut loss, mut eval_loss) = (None, None);
    for line in tail(events).unwrap_or_default().lines().rev() {
        match serde_json::from_str::<Event>(line) {
            Ok(Event::Step { loss: found, .. }) if loss.is_none() => loss = Some(found),
            Ok(Event::Eval { loss: found, .. }) if eval_loss.is_none() => eval_loss = Some(found),
            _ => {}
        }
        if loss.is_some() && eval_loss.is_some() {
            break;
        }
    }
    (loss, eval_loss)
}

/// The end of a file; its first line may be cut.
fn tail(path: &Path) -> Result<String, std::io::Error> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
