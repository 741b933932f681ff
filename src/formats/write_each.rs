//! Safetensors written tensor by tensor, each made when its turn comes, so that no second copy of a whole model is held. Knows nothing of
//! where tensors come from.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;

use half::bf16;
use safetensors::Dtype;
use safetensors::tensor::{SafeTensorError, View};

use super::FormatError;
use super::weights::{HostTensor, StoreType};

/// A tensor to be written.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name in the file.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// How its values are stored.
    pub store: StoreType,
}

/// As [`super::weights::write()`], with tensors that are made one at a time while the file is written: no second copy of all of them is held.
/// `read` gives one by its index.
///
/// # Errors
/// Those of `read`, and as [`super::weights::write()`].
pub fn write_each<E: From<FormatError>>(
    path: &Path,
    specs: &[Spec],
    metadata: &[(&str, &str)],
    read: &mut dyn FnMut(usize) -> Result<HostTensor, E>,
) -> Result<(), E> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |source| FormatError::Write {
        path: path.into(),
        source,
    };
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let made = Made {
        read: RefCell::new(read),
        failed: RefCell::new(None),
    };
    let views = specs.iter().enumerate().map(|(index, spec)| {
        let view = Later {
            made: &made,
            index,
            spec,
        };
        (spec.name.as_str(), view)
    });
    let meta = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let written = safetensors::serialize_to_file(views, Some(meta), file.path());
    if let Some(error) = made.failed.take() {
        return Err(error);
    }
    written.map_err(|error| match error {
        SafeTensorError::IoError(source) => failed(source),
        other => FormatError::invalid(path, other.to_string()),
    })?;
    let whole = std::fs::File::open(file.path()).and_then(|f| f.sync_all());
    whole.map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Makes tensors, until it fails.
struct Made<'a, E> {
    read: RefCell<&'a mut dyn FnMut(usize) -> Result<HostTensor, E>>,
    failed: RefCell<Option<E>>,
}

/// A tensor that is made when it is written.
struct Later<'a, 'b, E> {
    made: &'a Made<'b, E>,
    index: usize,
    spec: &'a Spec,
}

impl<E> View for Later<'_, '_, E> {
    fn dtype(&self) -> Dtype {
        match self.spec.store {
            StoreType::F32 => Dtype::F32,
            StoreType::Bf16 => Dtype::BF16,
            StoreType::U8 => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.spec.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // Once one has failed, the rest of the file does not matter.
        if self.made.failed.borrow().is_some() {
            return vec![0; self.data_len()].into();
        }
        let made = (self.made.read.borrow_mut())(self.index);
        match made {
            Ok(tensor) => to_bytes(&tensor.values, self.spec.store).into(),
            Err(error) => {
                self.made.failed.replace(Some(error));
                vec![0; self.data_len()].into()
            }
        }
    }

    fn data_len(&self) -> usize {
        let bytes = match self.spec.store {
            StoreType::F32 => 4,
            StoreType::Bf16 => 2,
            StoreType::U8 => 1,
        };
        self.spec.shape.iter().product::<usize>() * bytes
    }
}

fn to_bytes(values: &[f32], store: StoreType) -> Vec<u8> {
    match store {
        StoreType::F32 => bytemuck::cast_slice(values).to_vec(),
        StoreType::Bf16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        StoreType::U8 => values.iter().map(|v| *v as u8).collect(),
    }
}
