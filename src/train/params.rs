//! The trained tensors as one flat list, whether they are a whole model or an adapter. Knows no optimizer.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::TrainError;
use crate::adapter::{Adapter, Lora, detach};
use crate::model::{Decoder, Slot, Stored, Weight};

/// One trained tensor, without gradient tracking. Vectors are kept as `[1, n]`.
#[derive(Clone, Debug)]
pub struct Param {
    /// Checkpoint name, or PEFT path for adapters.
    pub name: String,
    /// The value.
    pub value: Tensor<2>,
    /// How a checkpoint stores it.
    pub layout: Layout,
    /// Does weight decay apply? Norms and biases take none, adapters do.
    pub decay: bool,
}

impl Param {
    /// A trained matrix, which weight decay applies to.
    pub fn matrix(name: impl Into<String>, value: Tensor<2>) -> Self {
        Self {
            name: name.into(),
            value,
            layout: Layout::Matrix,
            decay: true,
        }
    }

    /// A trained vector `[1, n]` (a norm, a bias), which it does not apply to.
    pub fn vector(name: impl Into<String>, value: Tensor<2>) -> Self {
        Self {
            name: name.into(),
            value,
            layout: Layout::Vector,
            decay: false,
        }
    }
}

/// How a checkpoint stores a trained tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As it is.
    Matrix,
    /// With rows and columns exchanged.
    Transposed,
    /// As one dimension (norms, biases).
    Vector,
}

/// What a run trains.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Every weight of the model.
    Full,
    /// Only an adapter; the base stays as it is.
    Adapter(Box<Adapter>),
}

impl From<Adapter> for Trained {
    fn from(adapter: Adapter) -> Self {
        Self::Adapter(Box::new(adapter))
    }
}

impl From<Lora> for Trained {
    fn from(lora: Lora) -> Self {
        Adapter::from(lora).into()
    }
}

impl Trained {
    /// The trained tensors in a fixed order.
    pub fn params(&self, model: &mut Decoder) -> Vec<Param> {
        match self {
            Self::Full => model
                .slots_mut()
                .into_iter()
                .map(|(name, slot)| full_param(name, slot))
                .collect(),
            Self::Adapter(adapter) => adapter_params(adapter),
        }
    }

    /// The model as it is without what is trained, sharing its memory; `None` where every weight is.
    pub fn without(&self, model: &Decoder) -> Option<Decoder> {
        match self {
            Self::Full => None,
            Self::Adapter(_) => {
                let mut base = model.clone();
                detach(&mut base);
                Some(base)
            }
        }
    }

    /// Puts values (leaves of the autodiff graph, or plain ones) where the model reads them.
    ///
    /// # Errors
    /// The adapter does not fit the model.
    pub fn place(
        &mut self,
        model: &mut Decoder,
        params: &[Param],
        values: &[Tensor<2>],
        training: bool,
    ) -> Result<(), TrainError> {
        match self {
            Self::Full => {
                for ((_, slot), value) in model.slots_mut().into_iter().zip(values) {
                    match slot {
                        Slot::Matrix(weight) | Slot::Linear(weight, _) => *weight = Weight::from(value.clone()),
                        Slot::Vector(tensor) => *tensor = value.clone().reshape([-1]),
                    }
                }
            }
            Self::Adapter(adapter) => {
                let by_name: BTreeMap<&str, &Tensor<2>> = params.iter().map(|p| p.name.as_str()).zip(values).collect();
                for trainable in adapter.trainables() {
                    if let Some(value) = by_name.get(trainable.name.as_str()) {
                        *trainable.value = (*value).clone();
                    }
                }
                adapter.attach(model, training)?;
            }
        }
        Ok(())
    }
}

fn full_param(name: String, slot: Slot<'_>) -> Param {
    let (value, layout) = match slot {
        Slot::Matrix(weight) | Slot::Linear(weight, Stored::AsIs) => (weight.matrix().inner(), Layout::Matrix),
        Slot::Linear(weight, Stored::Transposed) => (weight.matrix().inner(), Layout::Transposed),
        Slot::Vector(tensor) => (tensor.clone().inner().unsqueeze(), Layout::Vector),
    };
    Param {
        name,
        value,
        layout,
        decay: layout != Layout::Vector,
    }
}

fn adapter_params(adapter: &Adapter) -> Vec<Param> {
    // The copy shares the tensors.
    let mut shared = adapter.clone();
    let param = |trainable: crate::adapter::Trainable<'_>| Param {
        name: trainable.name,
        value: trainable.value.clone().inner(),
        layout: Layout::Matrix,
        decay: !trainable.bias,
    };
    shared.trainables().into_iter().map(param).collect()
}
