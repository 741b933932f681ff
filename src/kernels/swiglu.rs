//! The gate of a SwiGLU feed-forward layer. Knows nothing of the projections around it.
//!
//! `out = silu(gate) * up` with `silu(x) = x sigmoid(x)` (Shazeer 2020, "GLU variants improve transformer", eq. 6); backward
//! `d gate = grad * up * s * (1 + gate * (1 - s))` and `d up = grad * gate * s` with `s = sigmoid(gate)`, computed again.
use super::gpu::{self, WORKGROUP};
use super::shader::{Shader, shader};
use super::{crew, host, math};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{FloatDType, Tensor, activation::silu};
use burn_wgpu::{CubeBackend, into_contiguous};
use rayon::prelude::*;

/// Elements that one task handles on the CPU.
const CHUNK: usize = 8192;

/// SwiGLU on one backend. Call [`swiglu`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait SwigluOps: Backend {
    /// `silu(gate) * up`, all of one shape.
    #[fusion(dtype = gate, shape = gate)]
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradients for gate and up.
    #[fusion(meta = |gate, up, _grad| (gate.clone(), up.clone()))]
    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// `silu(gate) * up`, in `f32`.
///
/// # Shapes
/// - `gate`, `up` and output: `[n, width]`
///
/// # Panics
/// If the shapes differ.
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    assert_eq!(gate.dims(), up.dims(), "swiglu: gate and up must have the same shape");
    let gate = gate.cast(FloatDType::F32).into_dispatch();
    let up = up.cast(FloatDType::F32).into_dispatch();
    Tensor::from_dispatch(Dispatch::swiglu(gate, up))
}

/// [`swiglu`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn swiglu_reference(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    silu(gate) * up
}

impl SwigluOps for Flex {
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let (gate, up) = (host::dense(gate), host::dense(up));
        let mut out = host::zeros(gate.layout().shape().clone());
        let (gate, up) = (gate.storage::<f32>(), up.storage::<f32>());
        crew::share_chunks(out.storage_mut::<f32>(), CHUNK, |task, out| {
            let (gate, up) = (&gate[task * CHUNK..], &up[task * CHUNK..]);
            math::wide(
                #[inline(always)]
                || {
                    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                        *out = gate / (1.0 + math::exp(-gate)) * up;
                    }
                },
            );
        });
        out
    }

    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        // The gradients take the places of gate and up when nobody else holds them (`storage_mut` copies otherwise).
        let (mut gate, mut up, grad) = (host::dense(gate), host::dense(up), host::dense(grad));
        let places = (
            gate.storage_mut::<f32>().par_chunks_mut(CHUNK),
            up.storage_mut::<f32>().par_chunks_mut(CHUNK),
        );
        places
            .into_par_iter()
            .zip(grad.storage::<f32>().par_chunks(CHUNK))
            .for_each(|((gate, up), grad)| {
                math::wide(
                    #[inline(always)]
                    || {
                        for ((gate, up), grad) in gate.iter_mut().zip(up).zip(grad) {
                            let (g, u) = (*gate, *up);
                            let s = 1.0 / (1.0 + math::exp(-g));
                            *gate = grad * u * s * (1.0 + g * (1.0 - s));
                            *up = grad * g * s;
                        }
                    },
                );
            });
        (gate, up)
    }
}

fn forward_shader() -> Shader {
    shader!("swiglu.wgsl", "workgroup" = WORKGROUP)
}

fn backward_shader() -> Shader {
    shader!("swiglu_backward.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 2] {
    [forward_shader(), backward_shader()]
}

impl SwigluOps for CubeBackend {
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let (gate, up) = (into_contiguous(gate), into_contiguous(up));
        let out = gpu::empty(&gate, gate.meta.shape().clone());
        let count = gate.meta.shape().num_elements();
        gpu::launch_each(forward_shader(), count, &[&gate, &up, &out], &[]);
        out
    }

    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (gate, up, grad) = (into_contiguous(gate), into_contiguous(up), into_contiguous(grad));
        let dgate = gpu::empty(&gate, gate.meta.shape().clone());
        let dup = gpu::empty(&gate, gate.meta.shape().clone());
        let count = gate.meta.shape().num_elements();
        gpu::launch_each(backward_shader(), count, &[&gate, &up, &grad, &dgate, &dup], &[]);
        (dgate, dup)
    }
}

#[derive(Debug)]
struct SwigluBackward;

impl<B: SwigluOps> Backward<B, 2> for SwigluBackward {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [gate_node, up_node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (gate, up) = ops.state;
        let (dgate, dup) = B::swiglu_backward(gate, up, grad);
        if let Some(node) = gate_node {
            grads.register::<B>(node.id, dgate);
        }
        if let Some(node) = up_node {
            grads.register::<B>(node.id, dup);
        }
    }
}

impl<B: SwigluOps, C: CheckpointStrategy> SwigluOps for Autodiff<B, C> {
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = SwigluBackward.prepare::<C>([gate.node(), up.node()]);
        let (gate, up) = (gate.into_primitive(), up.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::swiglu(gate.clone(), up.clone());
                prep.finish((gate, up), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::swiglu(gate, up)),
        }
    }

    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        // First order only: the gradients are constants of any outer graph.
        let (gate, up, grad) = (gate.into_primitive(), up.into_primitive(), grad.into_primitive());
        let (dgate, dup) = B::swiglu_backward(gate, up, grad);
        (Self::from_inner(dgate), Self::from_inner(dup))
    }
}
