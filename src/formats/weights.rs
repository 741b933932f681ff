//! Safetensors in (memory-mapped, single or sharded) and out (written whole, then renamed). Values are f32 on the way in.
//! Knows nothing of models.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, SafeTensorError, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde::de::IgnoredAny;

use super::FormatError;
use super::gguf::GgufType;
use super::mapped::Mapped;
use super::shards;
use super::source::{PackedBytes, TensorSource};
use super::unique::UniqueMap;
use super::write_each::{Spec, write_each};

/// The weight files of one folder or one file, mapped into memory.
pub struct WeightFile {
    path: PathBuf,
    files: Vec<Part>,
    /// Tensor to the file that holds it.
    index: BTreeMap<String, usize>,
}

/// One file: its map and its checked header.
struct Part {
    map: Mapped,
    header: Metadata,
    /// Where the tensors' bytes begin.
    data: usize,
}

/// One tensor read from a file: its values in f32 and its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

impl HostTensor {
    /// A matrix with rows and columns exchanged; anything else as it is.
    pub fn transposed(self) -> Self {
        let [rows, columns] = self.shape[..] else {
            return self;
        };
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..columns {
            values.extend((0..rows).map(|row| self.values[row * columns + column]));
        }
        Self {
            shape: vec![columns, rows],
            values,
        }
    }
}

/// How values are stored on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreType {
    /// 4 bytes.
    F32,
    /// 2 bytes, brain float, rounded to nearest even.
    Bf16,
    /// 1 byte: values are whole numbers from 0 to 255.
    U8,
}

impl WeightFile {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, or one file. Reads headers only.
    ///
    /// # Errors
    /// A file is missing, its header is not safetensors, or files and index contradict each other.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let shards = shards::find(path)?;
        let mut all = Self {
            path: path.into(),
            files: vec![],
            index: BTreeMap::new(),
        };
        for file in &shards.files {
            all.add(file)?;
        }
        for (name, file) in &shards.listed {
            let place = all.index.get(name).map(|at| all.files[*at].map.path());
            if place != Some(file) {
                let message = format!(
                    "It has no tensor \"{name}\", but the index says so. Download this file and the index again."
                );
                return Err(FormatError::invalid(file, message));
            }
        }
        Ok(all)
    }

    fn add(&mut self, file: &Path) -> Result<(), FormatError> {
        let part = Part::open(file)?;
        for name in part.header.tensors().into_keys() {
            if let Some(other) = self.index.insert(name.clone(), self.files.len()) {
                let other = self.files[other].map.path().display();
                let message = format!(
                    "Tensor \"{name}\" is in {other} too. Download the shards of one version of the model again."
                );
                return Err(FormatError::invalid(file, message));
            }
        }
        self.files.push(part);
        Ok(())
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    fn find(&self, name: &str) -> Option<(&Part, &TensorInfo)> {
        let part = &self.files[*self.index.get(name)?];
        Some((part, part.header.info(name)?))
    }

    /// Reads one tensor of bytes, of a known shape, as whole numbers.
    ///
    /// # Errors
    /// The tensor is missing, has another shape or holds no bytes.
    pub fn read_bytes(&self, name: &str, shape: &[usize]) -> Result<HostTensor, FormatError> {
        self.check_shape(name, shape)?;
        let (info, bytes) = self.tensor(name)?;
        if info.dtype != Dtype::U8 {
            let message = format!("Tensor \"{name}\" has type {:?}; bytes were expected.", info.dtype);
            return Err(FormatError::invalid(&self.path, message));
        }
        Ok(HostTensor {
            shape: shape.to_vec(),
            values: bytes.iter().map(|byte| f32::from(*byte)).collect(),
        })
    }

    fn tensor(&self, name: &str) -> Result<(&TensorInfo, &[u8]), FormatError> {
        let missing = || FormatError::MissingTensor {
            path: self.path.clone(),
            name: name.into(),
        };
        let (part, info) = self.find(name).ok_or_else(missing)?;
        let (start, end) = info.data_offsets;
        // The header was checked against the file's length when it was opened.
        let bytes = part.map.pass(part.data + start..part.data + end).ok_or_else(missing)?;
        Ok((info, bytes))
    }
}

impl TensorSource for WeightFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|part| part.map.bytes().len() as u64).sum()
    }

    fn names(&self) -> Vec<String> {
        self.index.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.find(name)?.1.shape.clone())
    }

    fn kind(&self, name: &str) -> Option<GgufType> {
        kind_of(self.find(name)?.1.dtype)
    }

    fn read(&self, name: &str) -> Result<HostTensor, FormatError> {
        let (info, bytes) = self.tensor(name)?;
        let values = to_f32(info.dtype, bytes).ok_or_else(|| {
            let message = format!(
                "Tensor \"{name}\" has type {:?}; f32, f16 and bf16 can be read.",
                info.dtype
            );
            FormatError::invalid(&self.path, message)
        })?;
        Ok(HostTensor {
            shape: info.shape.clone(),
            values,
        })
    }

    fn packed(&self, name: &str) -> Option<PackedBytes<'_>> {
        let (_, info) = self.find(name)?;
        let kind = kind_of(info.dtype)?;
        let shape = info.shape.as_slice().try_into().ok()?;
        let bytes = Cow::Borrowed(self.tensor(name).ok()?.1);
        Some(PackedBytes { kind, shape, bytes })
    }
}

impl Part {
    fn open(file: &Path) -> Result<Self, FormatError> {
        let map = Mapped::open(file)?;
        let (data, header) = header(map.bytes()).map_err(|m| FormatError::invalid(file, m))?;
        Ok(Self { map, header, data })
    }
}

/// Reads and checks the header: where the data begins, and what it describes. Errors are sentences without the file's name.
///
/// # Errors
/// Not safetensors, cut off, contradicting itself, or naming a tensor twice.
pub fn header(bytes: &[u8]) -> Result<(usize, Metadata), String> {
    // The library keeps the last of two tensors of one name; which one a file means cannot be known.
    let json = json_of(bytes)?;
    serde_json::from_slice::<UniqueMap<IgnoredAny>>(json)
        .map_err(|e| format!("The header is broken: {e}. Download or export the file again."))?;
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(|e| explained(&e, bytes.len()))?;
    Ok((8 + length, header))
}

/// The JSON text of the header, by its length in the first eight bytes.
fn json_of(bytes: &[u8]) -> Result<&[u8], String> {
    let too_short = || {
        format!(
            "Not a safetensors file: {} bytes hold no header. Download or export it again.",
            bytes.len()
        )
    };
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(too_short)?;
    let length = u64::from_le_bytes(*length);
    usize::try_from(length).ok().and_then(|n| rest.get(..n)).ok_or_else(|| {
        format!(
            "The header should be {length} bytes long, but the file has {} bytes. It is cut off or no safetensors file: download or export it again.",
            bytes.len()
        )
    })
}

/// What the library found, in words.
fn explained(error: &SafeTensorError, length: usize) -> String {
    let what = match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            return format!(
                "The tensors listed in the header do not end where the file ends ({length} bytes). It is cut off: download or export it again."
            );
        }
        SafeTensorError::InvalidOffset(name) => format!("tensor \"{name}\" overlaps another one or leaves a gap"),
        SafeTensorError::TensorInvalidInfo => "a tensor's place does not fit its shape and type".into(),
        SafeTensorError::HeaderTooLarge => "the header is longer than 100 MB".into(),
        other => other.to_string(),
    };
    format!("The header is broken: {what}. Download or export the file again.")
}

fn to_f32(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    Some(kind_of(dtype)?.dequantise(data))
}

fn kind_of(dtype: Dtype) -> Option<GgufType> {
    Some(match dtype {
        Dtype::F32 => GgufType::F32,
        Dtype::F16 => GgufType::F16,
        Dtype::BF16 => GgufType::Bf16,
        _ => return None,
    })
}

/// Writes tensors to a temporary name beside `path`, flushes and renames: the file is whole or absent.
///
/// # Errors
/// The disk is full or the folder cannot be written.
pub fn write(
    path: &Path,
    tensors: &[(String, HostTensor)],
    store: StoreType,
    metadata: &[(&str, &str)],
) -> Result<(), FormatError> {
    let spec = |(name, tensor): &(String, HostTensor)| Spec {
        name: name.clone(),
        shape: tensor.shape.clone(),
        store,
    };
    let specs: Vec<Spec> = tensors.iter().map(spec).collect();
    write_each(path, &specs, metadata, &mut |index| {
        Ok::<_, FormatError>(tensors[index].1.clone())
    })
}

/// Writes bytes to a temporary name in the same folder, flushes to disk and renames.
///
/// # Errors
/// What the system says: full disk, no permission.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FormatError> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    attempt().map_err(|source| FormatError::Write {
        path: path.into(),
        source,
    })
}
