//! One view of a checkpoint, whatever holds it: a Hugging Face style config and tensors under Hugging Face names. Knows files, not what a
//! model does with them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::FormatError;
use super::gguf::{Gguf, GgufType, GgufWeights, hf_config};
use super::weights::{HostTensor, WeightFile};

/// A matrix as the file stores it: rows of blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedBytes<'a> {
    /// How values are coded.
    pub kind: GgufType,
    /// Rows and columns in values. A row is one output of the linear layer (or one id of the embedding); also where Hugging Face stores the
    /// transpose (GPT-2's `Conv1D`).
    pub shape: [usize; 2],
    /// `rows * kind.row_bytes(cols)` bytes, row by row.
    pub bytes: Cow<'a, [u8]>,
}

/// Tensors by Hugging Face name, read one at a time.
pub trait TensorSource: Send + Sync {
    /// The folder or file, for messages.
    fn path(&self) -> &Path;

    /// Bytes of the files.
    fn bytes(&self) -> u64;

    /// Names of all tensors, sorted.
    fn names(&self) -> Vec<String>;

    /// Is there such a tensor?
    fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// Its shape, outermost first, without reading it.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// How its values are coded, where that is one of the types that can be read.
    fn kind(&self, name: &str) -> Option<GgufType>;

    /// Reads one tensor as f32.
    ///
    /// # Errors
    /// The tensor is missing or coded in a way that cannot be read.
    fn read(&self, name: &str) -> Result<HostTensor, FormatError>;

    /// Reads one tensor of a known shape; another shape is refused before anything is read.
    ///
    /// # Errors
    /// As [`Self::read`], and when the shape is another.
    fn read_shaped(&self, name: &str, shape: &[usize]) -> Result<HostTensor, FormatError> {
        self.check_shape(name, shape)?;
        self.read(name)
    }

    /// Refuses a tensor of another shape.
    ///
    /// # Errors
    /// The tensor is missing, or its shape is another.
    fn check_shape(&self, name: &str, shape: &[usize]) -> Result<(), FormatError> {
        let found = self.shape(name).ok_or_else(|| FormatError::MissingTensor {
            path: self.path().into(),
            name: name.into(),
        })?;
        if found != shape {
            return Err(FormatError::Shape {
                path: self.path().into(),
                name: name.into(),
                found,
                expected: shape.to_vec(),
            });
        }
        Ok(())
    }

    /// A matrix as it is coded in the file, where it has two dimensions and rows of whole blocks; `None` otherwise.
    fn packed(&self, name: &str) -> Option<PackedBytes<'_>>;
}

/// A model as a file or folder holds it.
pub struct Checkpoint {
    /// The model's config as `config.json` spells it.
    pub config: Value,
    /// Its tensors.
    pub weights: Box<dyn TensorSource>,
}

impl Checkpoint {
    /// Opens a model folder (`config.json` and safetensors) or a `.gguf` file. Reads headers only.
    ///
    /// # Errors
    /// A file is missing or broken, or of an architecture whose names are not known.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        if is_gguf(path) {
            let gguf = Gguf::open(path)?;
            let config = hf_config(&gguf)?;
            let weights = Box::new(GgufWeights::new(gguf)?);
            return Ok(Self { config, weights });
        }
        Ok(Self {
            config: config(path)?,
            weights: Box::new(WeightFile::open(path)?),
        })
    }
}

/// The config of a model folder or `.gguf` file, without its tensors.
///
/// # Errors
/// A file is missing or broken, or of an architecture whose names are not known.
pub fn config(path: &Path) -> Result<Value, FormatError> {
    if is_gguf(path) {
        return hf_config(&Gguf::open(path)?);
    }
    let file: PathBuf = path.join("config.json");
    let text = std::fs::read_to_string(&file).map_err(|e| FormatError::io(&file, e))?;
    serde_json::from_str(&text).map_err(|e| FormatError::invalid(&file, format!("Not valid JSON ({e}).")))
}

/// Is this a GGUF file? By its name, or by its first four bytes where the name says nothing.
pub fn is_gguf(path: &Path) -> bool {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
        return !path.is_dir();
    }
    let mut magic = [0; 4];
    let read = || -> std::io::Result<()> { std::io::Read::read_exact(&mut std::fs::File::open(path)?, &mut magic) };
    path.is_file() && { read }().is_ok() && &magic == b"GGUF"
}
