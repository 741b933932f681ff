//! A text into words, by the steps of a byte-level pre-tokenizer. Knows no tokens.

use serde_json::Value;
use tokenizers::utils::SysRegex;

/// How GPT-2 splits, which `ByteLevel` does by itself.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// One way to split: what matches stands alone, and so does what lies between matches.
enum Step {
    Regex(SysRegex),
    /// Every digit, of any script.
    Digits,
}

/// The steps, one after the other.
pub(super) struct Splits(Vec<Step>);

impl Splits {
    /// The steps of a pre-tokenizer that ends in bytes; `None` for others.
    pub fn new(pre_tokenizer: &Value) -> Option<Self> {
        let list = match pre_tokenizer.get("type")?.as_str()? {
            "Sequence" => pre_tokenizer.get("pretokenizers")?.as_array()?.as_slice(),
            _ => std::slice::from_ref(pre_tokenizer),
        };
        let (last, before) = list.split_last()?;
        let mut steps = before.iter().map(step).collect::<Option<Vec<_>>>()?;
        let flag = |key: &str| last.get(key).and_then(Value::as_bool);
        if last.get("type")?.as_str()? != "ByteLevel" || flag("add_prefix_space")? {
            return None;
        }
        if flag("use_regex").unwrap_or(true) {
            steps.push(Step::Regex(SysRegex::new(GPT2).ok()?));
        }
        Some(Self(steps))
    }

    /// Calls `word` with the place and the text of each word of `text`, which begins at `start`; stops where it gives `None`.
    pub fn each(&self, text: &str, start: usize, word: &mut impl FnMut(usize, &str) -> Option<()>) -> Option<()> {
        split(&self.0, text, start, word)
    }
}

/// A step as tokenizer.json spells it.
fn step(value: &Value) -> Option<Step> {
    match value.get("type")?.as_str()? {
        "Split" if value.get("behavior")?.as_str()? == "Isolated" && !value.get("invert")?.as_bool()? => {
            let pattern = value.get("pattern")?.get("Regex")?.as_str()?;
            Some(Step::Regex(SysRegex::new(pattern).ok()?))
        }
        "Digits" if value.get("individual_digits")?.as_bool()? => Some(Step::Digits),
        _ => None,
    }
}

fn split(steps: &[Step], text: &str, start: usize, word: &mut impl FnMut(usize, &str) -> Option<()>) -> Option<()> {
    if text.is_empty() {
        return Some(());
    }
    let Some((step, rest)) = steps.split_first() else {
        return word(start, text);
    };
    let mut end = 0;
    let mut next = |from: usize, to: usize| {
        let between = split(rest, &text[end..from], start + end, word);
        end = to;
        between.and_then(|()| split(rest, &text[from..to], start + from, word))
    };
    match step {
        Step::Regex(regex) => {
            for (from, to) in regex.find_iter(text) {
                next(from, to)?;
            }
        }
        Step::Digits => {
            for (from, digit) in text.char_indices().filter(|(_, c)| c.is_numeric()) {
                next(from, from + digit.len_utf8())?;
            }
        }
    }
    next(text.len(), text.len())
}
