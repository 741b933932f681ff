//! A tokenizer.json with what stands beside it, or a GGUF file's own tokenizer: encode, decode and questions about single ids. Knows nothing of
//! conversations or masks.
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::sidecar::Sidecar;
use super::words::Words;
use super::{Stream, TokenError, gguf};
use crate::formats::FormatError;
use crate::formats::source::is_gguf;
use crate::formats::weights::write_whole;
use crate::template::{Template, Vars};

/// Byte range of the text for each id.
pub type Offsets = Vec<(usize, usize)>;

/// A loaded tokenizer.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The quick way, for tokenizers that have one.
    words: Option<Words>,
    vars: Vars,
    template: Option<Template>,
    special: HashSet<u32>,
    eos_ids: Vec<u32>,
    vocab_size: usize,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size)
            .field("vars", &self.vars)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Reads `tokenizer.json` in a model folder (or the file itself), with tokenizer_config.json, special_tokens_map.json,
    /// generation_config.json and chat_template.jinja beside it where they exist; or what a `.gguf` file holds of all that.
    ///
    /// # Errors
    /// A file is missing or broken.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        if is_gguf(path) {
            let (inner, sidecar) = gguf::load(path)?;
            let failed = |message| TokenError::Load {
                path: path.to_owned(),
                message,
            };
            return Self::assemble(inner, sidecar).map_err(failed);
        }
        let file = tokenizer_file(path)?;
        let bytes = std::fs::read(&file).map_err(|e| TokenError::Load {
            path: file.clone(),
            message: format!("Could not read the file: {e}."),
        })?;
        let inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| TokenError::Load {
            path: file.clone(),
            message: format!("Not a tokenizer that Burnish can read: {e}. Copy tokenizer.json from the model's original folder again."),
        })?;
        let sidecar = Sidecar::read(file.parent().unwrap_or(Path::new(".")))?;
        Self::assemble(inner, sidecar).map_err(|message| TokenError::Load { path: file, message })
    }

    /// Joins the parts; `Err` says what is wrong with the tokenizer.
    fn assemble(mut inner: tokenizers::Tokenizer, sidecar: Sidecar) -> Result<Self, String> {
        // Some files carry the truncation and padding of their last use; rows are cut and padded by us alone.
        inner.with_truncation(None).map_err(|e| e.to_string())?;
        inner.with_padding(None);
        let added = inner.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, t)| t.special).map(|(id, _)| *id).collect();
        // Ids need not be dense: the largest one counts.
        let top = added.keys().max().map_or(0, |id| *id as usize + 1);
        let vocab_size = inner.get_vocab_size(true).max(top);
        let mut vars = sidecar.vars;
        for (var, id) in sidecar.id_vars {
            if let (false, Some(text)) = (vars.contains_key(var), inner.id_to_token(id)) {
                vars.insert(var.to_owned(), text);
            }
        }
        let mut eos_ids = sidecar.eos_ids;
        if let Some(id) = vars.get("eos_token").and_then(|t| inner.token_to_id(t)) {
            eos_ids.retain(|other| *other != id);
            eos_ids.insert(0, id);
        }
        Ok(Self {
            words: Words::new(&inner),
            inner,
            vars,
            template: sidecar.template,
            special,
            eos_ids,
            vocab_size,
        })
    }

    /// Encodes without adding special tokens; special-token text inside becomes its id. Offsets are bytes of `text`, as
    /// the tokenizer tells them (some leave out a token's leading space).
    pub fn encode(&self, text: &str) -> Result<(Vec<u32>, Offsets), TokenError> {
        if let Some(quick) = self.words.as_ref().and_then(|words| words.encode(&self.inner, text)) {
            return Ok(quick);
        }
        let encoding = self
            .inner
            .encode(text, false)
            .map_err(|e| TokenError::Encode(e.to_string()))?;
        Ok((encoding.get_ids().to_vec(), encoding.get_offsets().to_vec()))
    }

    /// Encodes a text that stands alone, as transformers' `tokenizer(text)` does: with the tokens that the tokenizer puts around every text
    /// (bos_token, for many models), but never bos_token twice.
    ///
    /// # Errors
    /// The tokenizer refuses the text.
    pub fn encode_alone(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        let encoding = self
            .inner
            .encode(text, true)
            .map_err(|e| TokenError::Encode(e.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        let bos = self.vars.get("bos_token").and_then(|t| self.id_of(t));
        if bos.is_some() && ids.len() > 1 && ids[..2].iter().all(|id| Some(*id) == bos) {
            ids.remove(0);
        }
        Ok(ids)
    }

    /// Checks that every token has a row in an embedding of `rows` rows. Tokens that were added to the vocabulary do not count: some models
    /// ship more of them than they can read.
    ///
    /// # Errors
    /// The tokenizer belongs to another model.
    pub fn check_embedding(&self, rows: usize) -> Result<(), TokenError> {
        let tokens = self.inner.get_vocab_size(false);
        if tokens > rows {
            return Err(TokenError::Vocabulary { tokens, rows });
        }
        Ok(())
    }

    /// Decodes ids, special tokens kept as text; ids outside the vocabulary give nothing.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, false).unwrap_or_default()
    }

    /// Decodes ids and leaves special tokens out.
    pub fn decode_plain(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, true).unwrap_or_default()
    }

    /// The decoded text of one id (partial UTF-8 as U+FFFD).
    pub fn token_text(&self, id: u32) -> String {
        self.decode(&[id])
    }

    /// The token as the vocabulary writes it (such as `Ġthe` or `<0x0A>`).
    pub fn raw_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token's exact text.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Number of ids, added tokens included: every id is below it.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Is this id a special token?
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// Ids of all special tokens, in no order.
    pub fn special_ids(&self) -> impl Iterator<Item = u32> {
        self.special.iter().copied()
    }

    /// Does the tokenizer itself put bos_token before a text that stands alone?
    pub fn starts_with_bos(&self) -> bool {
        let bos = self.vars.get("bos_token").and_then(|t| self.id_of(t));
        let first = |ids: Vec<u32>| ids.first().copied();
        bos.is_some() && self.encode_alone("a").ok().and_then(first) == bos
    }

    /// SHA-256 of everything that decides about ids, in lower-case hex.
    ///
    /// # Errors
    /// The tokenizer cannot be written down.
    pub fn fingerprint(&self) -> Result<String, TokenError> {
        let text = self
            .inner
            .to_string(false)
            .map_err(|e| TokenError::Encode(e.to_string()))?;
        let digest = Sha256::digest(text.as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// bos_token, eos_token, pad_token ... for templates.
    pub fn vars(&self) -> Vars {
        self.vars.clone()
    }

    /// The id of eos_token (else the first end-of-turn id that the model's files name).
    pub fn eos_id(&self) -> Option<u32> {
        self.eos_ids.first().copied()
    }

    /// Every id that ends a text by the model's own files: eos_token first, then those of generation_config.json.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// The id that fills padded rows: pad_token, else eos_token, else 0 (padding is masked, so any valid id will do).
    pub fn pad_id(&self) -> u32 {
        self.vars
            .get("pad_token")
            .and_then(|t| self.id_of(t))
            .or(self.eos_id())
            .unwrap_or(0)
    }

    /// The chat template that ships with the model (chat_template.jinja, else tokenizer_config.json's).
    pub fn chat_template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// Writes tokenizer.json and tokenizer_config.json into a folder, for a model whose base had no such files.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), FormatError> {
        let file = folder.join("tokenizer.json");
        let text = self.inner.to_string(true).map_err(|e| FormatError::Invalid {
            path: file.clone(),
            message: format!("The tokenizer cannot be written: {e}."),
        })?;
        write_whole(&file, text.as_bytes())?;
        let mut config: Map<String, Value> = self.vars.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
        config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
        if let Some(template) = &self.template {
            config.insert("chat_template".into(), template.source.clone().into());
        }
        let text = format!("{:#}\n", Value::Object(config));
        write_whole(&folder.join("tokenizer_config.json"), text.as_bytes())
    }

    /// A decoder that takes ids one by one.
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }
}

/// The tokenizer.json meant by a folder or file path.
fn tokenizer_file(path: &Path) -> Result<PathBuf, TokenError> {
    let missing = |path: PathBuf, message: &str| {
        Err(TokenError::Load {
            path,
            message: message.to_owned(),
        })
    };
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if !path.is_dir() {
        return missing(
            path.to_owned(),
            "No such file or folder. Choose a model folder that holds tokenizer.json.",
        );
    }
    let file = path.join("tokenizer.json");
    if file.is_file() {
        return Ok(file);
    }
    if path.join("tokenizer.model").is_file() {
        return missing(
            file,
            "Missing; there is only a SentencePiece tokenizer.model. Save the tokenizer once with transformers \
             (AutoTokenizer.from_pretrained(...).save_pretrained(...)), which writes tokenizer.json.",
        );
    }
    missing(
        file,
        "Missing. Copy tokenizer.json from the model's original folder to this one.",
    )
}
