//! Safetensors in (memory-mapped, single or sharded) and out (written whole, then renamed). Values are f32 on the way in.
//! Knows nothing of models.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::FormatError;

/// The weight files of one folder or one file, mapped into memory.
pub struct WeightFile {
    path: PathBuf,
    maps: Vec<Mmap>,
    index: BTreeMap<String, usize>,
}

/// One tensor read from a file: its values in f32 and its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// How values are stored on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreType {
    /// 4 bytes.
    F32,
    /// 2 bytes, brain float, rounded to nearest even.
    Bf16,
}

impl WeightFile {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, or one file.
    ///
    /// # Errors
    /// A file is missing, or its header is not safetensors.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let mut all = Self {
            path: path.into(),
            maps: vec![],
            index: BTreeMap::new(),
        };
        for file in files_of(path)? {
            all.add(&file)?;
        }
        Ok(all)
    }

    fn add(&mut self, file: &Path) -> Result<(), FormatError> {
        let handle = File::open(file).map_err(|e| FormatError::io(file, e))?;
        // SAFETY: the map is read-only; a file that another program truncates meanwhile ends this worker process, not the window.
        let map = unsafe { Mmap::map(&handle) }.map_err(|e| FormatError::io(file, e))?;
        let names: Vec<String> = SafeTensors::deserialize(&map)
            .map_err(|e| {
                FormatError::invalid(
                    file,
                    format!("not a readable safetensors file ({e}). Download or export it again."),
                )
            })?
            .names()
            .into_iter()
            .map(String::from)
            .collect();
        for name in names {
            self.index.insert(name, self.maps.len());
        }
        self.maps.push(map);
        Ok(())
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// Is there such a tensor?
    pub fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// Reads one tensor as f32.
    ///
    /// # Errors
    /// The tensor is missing or of a type that is not a float.
    pub fn read(&self, name: &str) -> Result<HostTensor, FormatError> {
        let missing = || FormatError::MissingTensor {
            path: self.path.clone(),
            name: name.into(),
        };
        let map = &self.maps[*self.index.get(name).ok_or_else(missing)?];
        let file = SafeTensors::deserialize(map).map_err(|e| FormatError::invalid(&self.path, e.to_string()))?;
        let view = file.tensor(name).map_err(|_| missing())?;
        let values = to_f32(&view).ok_or_else(|| {
            FormatError::invalid(
                &self.path,
                format!(
                    "tensor \"{name}\" has type {:?}; f32, f16 and bf16 can be read",
                    view.dtype()
                ),
            )
        })?;
        Ok(HostTensor {
            shape: view.shape().to_vec(),
            values,
        })
    }

    /// Reads one tensor and checks its shape.
    ///
    /// # Errors
    /// As [`Self::read`], and when the shape is another.
    pub fn read_shaped(&self, name: &str, shape: &[usize]) -> Result<HostTensor, FormatError> {
        let tensor = self.read(name)?;
        if tensor.shape != shape {
            return Err(FormatError::Shape {
                path: self.path.clone(),
                name: name.into(),
                found: tensor.shape,
                expected: shape.to_vec(),
            });
        }
        Ok(tensor)
    }
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, FormatError> {
    if path.is_file() {
        return Ok(vec![path.into()]);
    }
    let single = path.join("model.safetensors");
    if single.is_file() {
        return Ok(vec![single]);
    }
    let index = path.join("model.safetensors.index.json");
    if !index.is_file() {
        return Err(FormatError::invalid(
            path,
            "no model.safetensors in this folder. Pick a folder that holds config.json and model.safetensors.",
        ));
    }
    let text = std::fs::read_to_string(&index).map_err(|e| FormatError::io(&index, e))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| FormatError::invalid(&index, e.to_string()))?;
    let map = value
        .get("weight_map")
        .and_then(|m| m.as_object())
        .ok_or_else(|| FormatError::invalid(&index, "\"weight_map\" is missing"))?;
    let mut shards: Vec<PathBuf> = map.values().filter_map(|v| v.as_str()).map(|f| path.join(f)).collect();
    shards.sort();
    shards.dedup();
    Ok(shards)
}

fn to_f32(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F16 => data
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        Dtype::BF16 => data
            .chunks_exact(2)
            .map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
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
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(n, t)| (n.clone(), t.shape.clone(), to_bytes(&t.values, store)))
        .collect();
    let dtype = match store {
        StoreType::F32 => Dtype::F32,
        StoreType::Bf16 => Dtype::BF16,
    };
    let mut views = Vec::with_capacity(bytes.len());
    for (name, shape, data) in &bytes {
        let view = TensorView::new(dtype, shape.clone(), data)
            .map_err(|e| FormatError::invalid(path, format!("tensor \"{name}\": {e}")))?;
        views.push((name.as_str(), view));
    }
    let meta = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let out = safetensors::serialize(views, Some(meta)).map_err(|e| FormatError::invalid(path, e.to_string()))?;
    write_whole(path, &out)
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

fn to_bytes(values: &[f32], store: StoreType) -> Vec<u8> {
    match store {
        StoreType::F32 => bytemuck::cast_slice(values).to_vec(),
        StoreType::Bf16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
    }
}
