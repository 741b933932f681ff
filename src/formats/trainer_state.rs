//! `trainer_state.json` of transformers' Trainer and of TRL: losses, learning rates, gradient norms step by step. Missing keys are unknown,
//! not wrong. Knows the file, not what its run was.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Larger files are no logs.
const MOST_BYTES: u64 = 1 << 30;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrainerStateError {
    /// The file cannot be read.
    #[error("Could not read {path}: {source}. Check the path.")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is too large to be one.
    #[error("{path} has {bytes} bytes: that is no trainer_state.json.")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It is not JSON.
    #[error("{path} is not JSON: {message}.")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A field has a value of another kind.
    #[error(
        "{path}: {field} is {found}, but must be {wanted}. The file was not written by a Trainer, or it was changed."
    )]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, such as `log_history[3].loss`.
        field: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
}

/// What was logged of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoggedStep {
    pub step: usize,
    pub loss: Option<f64>,
    pub lr: Option<f64>,
    pub grad_norm: Option<f64>,
    pub epoch: Option<f64>,
    /// Tokens of the run up to here.
    pub tokens: Option<u64>,
}

/// What was logged of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoggedEval {
    pub step: usize,
    pub loss: f64,
    /// Mean entropy of the predictions, in nats.
    pub entropy: Option<f64>,
}

/// A log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainerState {
    /// In the order of their numbers.
    pub steps: Vec<LoggedStep>,
    /// In the order of their steps.
    pub evals: Vec<LoggedEval>,
    /// Steps that were meant to be made; 0 = unknown.
    pub max_steps: usize,
    /// From the time of the whole run.
    pub seconds_per_step: Option<f64>,
}

/// Reads a log.
///
/// # Errors
/// The file cannot be read, is no JSON, or a field that is there has a value of another kind; the error names file and field.
pub fn read(path: &Path) -> Result<TrainerState, TrainerStateError> {
    let io = |source| TrainerStateError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MOST_BYTES {
        return Err(TrainerStateError::TooLarge {
            path: path.to_owned(),
            bytes,
        });
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    let value: Value = serde_json::from_str(&plain_json(&text)).map_err(|e| TrainerStateError::Json {
        path: path.to_owned(),
        message: e.to_string(),
    })?;
    Log { path }.state(&value)
}

/// Python writes numbers that are not finite as `NaN` and `Infinity`, which JSON does not know: they become null.
fn plain_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !quoted && rest.starts_with(word));
        let (written, length) = match (word, rest.as_bytes()[0]) {
            (Some(word), _) => ("null", word.len()),
            // What is escaped in a text does not end it.
            (None, b'\\') => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (&rest[..length], length)
            }
            (None, first) => {
                quoted ^= first == b'"';
                (&rest[..1], 1)
            }
        };
        plain.push_str(written);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

/// Where values come from, for errors.
struct Log<'a> {
    path: &'a Path,
}

impl Log<'_> {
    fn state(&self, value: &Value) -> Result<TrainerState, TrainerStateError> {
        let Value::Object(fields) = value else {
            return Err(self.wrong("the file", value, "an object with log_history"));
        };
        let history = match fields.get("log_history") {
            Some(Value::Array(history)) => history,
            other => return Err(self.wrong("log_history", other.unwrap_or(&Value::Null), "a list")),
        };
        let mut state = TrainerState {
            max_steps: self.whole(fields, "", "max_steps")?.unwrap_or(0) as usize,
            ..TrainerState::default()
        };
        for (i, entry) in history.iter().enumerate() {
            let place = format!("log_history[{i}]");
            match entry {
                Value::Object(entry) => self.entry(entry, &place, &mut state)?,
                other => return Err(self.wrong(&place, other, "an object")),
            }
        }
        // Another run may have been logged after the first: of equal steps the later counts.
        state.steps.sort_by_key(|s| s.step);
        state.evals.sort_by_key(|e| e.step);
        keep_last(&mut state.steps, |s| s.step);
        keep_last(&mut state.evals, |e| e.step);
        Ok(state)
    }

    fn entry(&self, of: &Map<String, Value>, place: &str, state: &mut TrainerState) -> Result<(), TrainerStateError> {
        let number = |key: &str| self.number(of, place, key);
        let before = state.steps.last().map_or(0, |s| s.step);
        let step = self.whole(of, place, "step")?.map_or(before, |step| step as usize);
        if of.contains_key("loss") {
            state.steps.push(LoggedStep {
                step,
                loss: number("loss")?,
                lr: number("learning_rate")?,
                grad_norm: number("grad_norm")?,
                epoch: number("epoch")?,
                tokens: number("num_tokens")?.filter(|n| *n >= 0.0).map(|n| n as u64),
            });
        }
        if let Some(loss) = number("eval_loss")? {
            let entropy = number("eval_entropy")?;
            state.evals.push(LoggedEval { step, loss, entropy });
        }
        if let Some(seconds) = number("train_runtime")?.filter(|s| *s > 0.0 && step > 0) {
            state.seconds_per_step = Some(seconds / step as f64);
        }
        Ok(())
    }

    /// A number; `None` where it is missing or was not finite.
    fn number(&self, of: &Map<String, Value>, place: &str, key: &str) -> Result<Option<f64>, TrainerStateError> {
        match of.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64().filter(|n| n.is_finite())),
            Some(other) => Err(self.wrong(&field(place, key), other, "a number")),
        }
    }

    /// A number of things.
    fn whole(&self, of: &Map<String, Value>, place: &str, key: &str) -> Result<Option<u64>, TrainerStateError> {
        let Some(number) = self.number(of, place, key)? else {
            return Ok(None);
        };
        // A run of unlimited length has -1.
        let fits = number.fract() == 0.0 && (-1.0..9e15).contains(&number);
        if !fits {
            let found = Value::from(number);
            return Err(self.wrong(&field(place, key), &found, "a whole number of at least 0"));
        }
        Ok((number >= 0.0).then_some(number as u64))
    }

    fn wrong(&self, field: &str, found: &Value, wanted: &'static str) -> TrainerStateError {
        let found = match found {
            Value::Null => "missing".to_owned(),
            Value::Bool(_) => "a flag".into(),
            Value::Number(number) => number.to_string(),
            Value::String(_) => "a text".into(),
            Value::Array(_) => "a list".into(),
            Value::Object(_) => "an object".into(),
        };
        TrainerStateError::Field {
            path: self.path.to_owned(),
            field: field.to_owned(),
            found,
            wanted,
        }
    }
}

fn field(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// Of items with the same key, which stand side by side, the last stays.
fn keep_last<T: Copy>(items: &mut Vec<T>, key: impl Fn(&T) -> usize) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items.iter() {
        match kept.last_mut().filter(|last| key(last) == key(item)) {
            Some(last) => *last = *item,
            None => kept.push(*item),
        }
    }
    *items = kept;
}
