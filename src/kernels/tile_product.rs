//! A product of `f16` matrices by the units of a GPU that multiply whole tiles (tensor cores, simdgroup matrices), reached from WGSL by
//! cooperative matrices. A probe of what they give: no model is computed with it. Knows nothing of layers.
use super::gpu;
use super::shader::{Shader, shader};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, FloatDType, Shape, Tensor};
use burn_wgpu::{CubeBackend, into_contiguous};

/// Tiles that a device multiplies as one, from `f16` into `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tiles {
    /// Rows and columns of a tile: 8 or 16.
    pub size: u32,
    /// The most threads of a subgroup, which share the work on a tile.
    pub subgroup: u32,
}

impl Tiles {
    /// What the sides of a product must be multiples of: a workgroup makes four by four tiles.
    pub fn step(self) -> usize {
        4 * self.size as usize
    }
}

/// Products by tiles on one backend. Call [`tile_product`] instead.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait TileProductOps: Backend {
    /// `a [m, k]` times `b [k, n]`, both `f16`, as `f32`.
    #[fusion(dtype = DType::F32, shape = Shape::from([a[0], b[1]]))]
    fn tile_product(a: FloatTensor<Self>, b: FloatTensor<Self>, tiles: Tiles) -> FloatTensor<Self>;
}

/// `a b`, the factors rounded to `f16`, sums in `f32`. The device must offer `tiles`; the CPU, which has none, multiplies plainly.
///
/// # Shapes
/// - `a`: `[m, k]`, `b`: `[k, n]`, output `[m, n]`; all multiples of [`Tiles::step`]
///
/// # Panics
/// If the shapes do not fit.
pub fn tile_product(a: Tensor<2>, b: Tensor<2>, tiles: Tiles) -> Tensor<2> {
    let ([m, k], [inner, n]) = (a.dims(), b.dims());
    assert_eq!(k, inner, "tile_product: columns of a are rows of b");
    let fits = [m, k, n].iter().all(|side| side.is_multiple_of(tiles.step()));
    assert!(
        fits,
        "tile_product: {m} x {k} x {n} are not multiples of {}",
        tiles.step()
    );
    let half = |tensor: Tensor<2>| tensor.cast(FloatDType::F16).into_dispatch();
    Tensor::from_dispatch(Dispatch::tile_product(half(a), half(b), tiles))
}

/// [`tile_product`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn tile_product_reference(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let rounded = |tensor: Tensor<2>| tensor.cast(FloatDType::F16).cast(FloatDType::F32);
    rounded(a).matmul(rounded(b))
}

impl TileProductOps for Flex {
    fn tile_product(a: FloatTensor<Self>, b: FloatTensor<Self>, _: Tiles) -> FloatTensor<Self> {
        let wide = |tensor| Self::float_cast(tensor, FloatDType::F32);
        Self::float_matmul(wide(a), wide(b))
    }
}

fn product_shader(tiles: Tiles) -> Shader {
    shader!("tile_product.wgsl", "tile" = tiles.size, "workgroup" = tiles.subgroup)
}

/// The shader of this operation for both sizes of tiles.
pub(super) fn shaders() -> [Shader; 2] {
    [(8, 32), (16, 32)].map(|(size, subgroup)| product_shader(Tiles { size, subgroup }))
}

impl TileProductOps for CubeBackend {
    fn tile_product(a: FloatTensor<Self>, b: FloatTensor<Self>, tiles: Tiles) -> FloatTensor<Self> {
        let (a, b) = (into_contiguous(a), into_contiguous(b));
        let ([m, k], [_, n]) = (a.meta.shape().dims(), b.meta.shape().dims());
        let out = gpu::empty(&a, Shape::from([m, n]));
        let groups = (m / tiles.step()) * (n / tiles.step());
        // A workgroup of the largest subgroup is at least one whole subgroup; where it is several, each writes the same.
        gpu::launch_of(
            tiles.subgroup,
            product_shader(tiles),
            groups,
            &[&a, &b, &out],
            &[groups, n, k],
        );
        out
    }
}
