//! GGUF files (versions 2 and 3), mapped into memory: metadata by key, tensors by GGUF name. Knows the container; `names`, `hf` and `weights`
//! present it as a Hugging Face checkpoint.

mod blocks;
mod blocks_k;
mod cursor;
mod hf;
mod kind;
mod names;
mod rope;
mod table;
mod value;
mod weights;

pub use hf::hf_config;
pub use kind::GgufType;
pub use table::TensorInfo;
pub use weights::GgufWeights;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::FormatError;
use super::mapped::Mapped;
use cursor::Cursor;
use value::{Number, Scalar, Value};

/// What the header says: where everything is, checked against the file.
#[derive(Debug, Default)]
pub struct Header {
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, TensorInfo>,
}

/// An opened file.
pub struct Gguf {
    map: Mapped,
    header: Header,
}

impl Header {
    /// Reads and checks the header; nothing is allocated before its length was checked. Errors are sentences without the file's name.
    ///
    /// # Errors
    /// Not GGUF, of an unknown version, cut off, or contradicting itself.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let broken = |what: String| format!("The GGUF header is broken: {what}. Download or convert the file again.");
        let Some(rest) = bytes.strip_prefix(b"GGUF") else {
            return Err("Not a GGUF file: it does not begin with \"GGUF\". Download or convert it again.".into());
        };
        let mut cursor = Cursor::new(rest);
        let version = cursor.u32("the version").map_err(broken)?;
        if !(2..=3).contains(&version) {
            return Err(unknown_version(version));
        }
        Self::body(bytes).map_err(broken)
    }

    fn body(bytes: &[u8]) -> Result<Self, String> {
        // Offsets count from the beginning of the file, behind magic and version.
        let mut cursor = Cursor::new(bytes);
        cursor.skip(8, "the version")?;
        let tensors = cursor.u64("the number of tensors")?;
        let entries = cursor.u64("the number of metadata entries")?;
        let mut header = Self::default();
        for number in 0..entries {
            let key = cursor.text(&format!("metadata key {} of {entries}", number + 1))?;
            let value = value::read(&mut cursor, &key)?;
            if header.metadata.insert(key.clone(), value).is_some() {
                return Err(format!("metadata key \"{key}\" occurs twice"));
            }
        }
        let alignment = header.alignment(bytes)?;
        header.tensors = table::read(&mut cursor, tensors, alignment, bytes.len())?;
        Ok(header)
    }

    fn alignment(&self, bytes: &[u8]) -> Result<usize, String> {
        const KEY: &str = "general.alignment";
        if !self.metadata.contains_key(KEY) {
            return Ok(32);
        }
        let given = self.number(bytes, KEY);
        match given {
            Some(Number::Whole(n)) if (1..=1 << 20).contains(&n) && (n as u64).is_power_of_two() => Ok(n as usize),
            _ => Err(format!("\"{KEY}\" is no power of two")),
        }
    }

    fn number(&self, bytes: &[u8], key: &str) -> Option<Number> {
        match self.metadata.get(key)? {
            Value::One(scalar, range) => scalar.number(&bytes[range.clone()]),
            _ => None,
        }
    }
}

fn unknown_version(version: u32) -> String {
    if version == 1 {
        return "GGUF version 1 is not supported. Convert the model again with today's llama.cpp.".into();
    }
    if (2..=3).contains(&version.swap_bytes()) {
        return "Big-endian GGUF is not supported. Convert the model for a little-endian machine.".into();
    }
    format!("GGUF version {version} is not supported (2 and 3 are). Convert the model again.")
}

impl Gguf {
    /// Maps the file and reads its header.
    ///
    /// # Errors
    /// The file cannot be read or its header is broken; or it is one part of a split model.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let map = Mapped::open(path)?;
        let header = Header::read(map.bytes()).map_err(|m| FormatError::invalid(path, m))?;
        let gguf = Self { map, header };
        let parts = gguf.whole("split.count").unwrap_or(1);
        if parts > 1 {
            let message = format!(
                "It is one of {parts} parts. Join them first: llama-gguf-split --merge FIRST-PART.gguf OUT.gguf"
            );
            return Err(FormatError::invalid(path, message));
        }
        Ok(gguf)
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.map.path()
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.map.bytes().len() as u64
    }

    /// Tensors by GGUF name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.header.tensors
    }

    /// A tensor's bytes, to be read once.
    pub fn tensor_bytes(&self, info: &TensorInfo) -> &[u8] {
        // Places were checked against the file when the header was read.
        self.map.pass(info.bytes.clone()).unwrap_or_default()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        &self.map.bytes()[range.clone()]
    }

    /// Is there such a metadata key?
    pub fn has(&self, key: &str) -> bool {
        self.header.metadata.contains_key(key)
    }

    /// Metadata keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.header.metadata.keys().map(String::as_str)
    }

    /// A string; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.header.metadata.get(key)? {
            Value::Text(range) => Some(String::from_utf8_lossy(self.slice(range))),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub fn whole(&self, key: &str) -> Option<u64> {
        match self.header.number(self.map.bytes(), key)? {
            Number::Whole(n) => u64::try_from(n).ok(),
            Number::Float(_) => None,
        }
    }

    /// A floating-point (or whole) number.
    pub fn float(&self, key: &str) -> Option<f64> {
        Some(match self.header.number(self.map.bytes(), key)? {
            Number::Whole(n) => n as f64,
            Number::Float(x) => x,
        })
    }

    /// Yes or no.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.whole(key).map(|n| n != 0)
    }

    /// An array of whole numbers; those below zero are skipped as broken.
    pub fn wholes(&self, key: &str) -> Option<Vec<u64>> {
        let numbers = self.numbers(key)?;
        let whole = |n| match n {
            Number::Whole(n) => u64::try_from(n).ok(),
            Number::Float(_) => None,
        };
        numbers.map(whole).collect()
    }

    /// An array of floating-point numbers.
    pub fn floats(&self, key: &str) -> Option<Vec<f32>> {
        if let Value::Many(Scalar::F32, range) = self.header.metadata.get(key)? {
            return Some(GgufType::F32.dequantise(self.slice(range)));
        }
        let numbers = self.numbers(key)?;
        let float = |n| match n {
            Number::Whole(n) => n as f32,
            Number::Float(x) => x as f32,
        };
        Some(numbers.map(float).collect())
    }

    fn numbers(&self, key: &str) -> Option<impl Iterator<Item = Number> + '_> {
        match self.header.metadata.get(key)? {
            Value::Many(scalar, range) => {
                let chunks = self.slice(range).chunks_exact(scalar.size());
                Some(chunks.filter_map(|bytes| scalar.number(bytes)))
            }
            _ => None,
        }
    }

    /// An array of strings, where they are in the file.
    pub fn texts<'a>(&'a self, key: &str) -> Option<impl ExactSizeIterator<Item = &'a [u8]> + use<'a>> {
        let Value::Texts(range, count) = self.header.metadata.get(key)? else {
            return None;
        };
        let (bytes, count) = (self.slice(range), *count);
        let mut cursor = Cursor::new(bytes);
        // Lengths were checked when the header was read.
        Some((0..count).map(move |_| cursor.string("a string").map_or(&[][..], |range| &bytes[range])))
    }
}
