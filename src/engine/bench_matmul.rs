//! The job `bench_matmul`: how fast square matrices are multiplied, by burn in `f32` and `f16` and by tiles (tensor cores) where the device
//! offers them to WGSL, each held against plain sums. Knows no model.

use std::time::Instant;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};

use super::{EngineError, Flags, Sink, devices, stage};
use crate::infer::InferError;
use crate::kernels::{Compute, Tiles, tile_product};
use crate::protocol::{Event, MatmulTimes, MatmulWay};

/// Sides are multiples of this, which four tiles of either size divide.
const STEP: usize = 64;
/// Products of one run are as many as take about this long, in seconds, and at most [`MOST`].
const LONG: f64 = 0.05;
const MOST: f64 = 50.0;
/// Entries of a result that are held against plain sums.
const SAMPLES: usize = 256;

/// What is multiplied: a and b.
type Pair = [Tensor<2>; 2];

/// Times `runs` runs of products of two `size` x `size` matrices on a device, then sends `MatmulTimed`.
///
/// # Errors
/// The device is unknown or failed, the size is no multiple of 64, or the user stopped.
pub fn run(device: &str, size: usize, runs: usize, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    if size == 0 || !size.is_multiple_of(STEP) {
        return Err(EngineError::Unsupported {
            field: "--size",
            value: size.to_string(),
            hint: "Use a multiple of 64.",
        });
    }
    let (device, info) = devices::open(device)?;
    let tiles = devices::tiles(&info.name);
    let matrices = [1, 2].map(|seed| numbers(size, seed));
    let exact = Exact::of(&matrices, size);
    let pair = matrices.map(|values| Tensor::<2>::from_data(TensorData::new(values, [size, size]), &device));
    let has_halves = Compute::F16.works_on(&device);
    let mut ways = vec![];
    for way in [Way::Burn(FloatDType::F32), Way::Burn(FloatDType::F16)]
        .into_iter()
        .chain(tiles.map(Way::Tiles))
    {
        if flags.stopped() {
            return Err(EngineError::Cancelled("The measurement was cancelled.".into()));
        }
        if way == Way::Burn(FloatDType::F16) && !has_halves {
            continue;
        }
        stage(sink, "Measuring", ways.len() as u64, 3);
        ways.push(timed(way, &pair, &exact, runs)?);
    }
    sink(Event::MatmulTimed(MatmulTimes {
        device: info.name,
        label: info.label,
        threads: rayon::current_num_threads(),
        size,
        ways,
        missing: missing(&device, has_halves, tiles),
    }));
    Ok(())
}

/// One way to multiply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Burn(FloatDType),
    Tiles(Tiles),
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Burn(FloatDType::F16) => "burn, f16".into(),
            Self::Burn(_) => "burn, f32".into(),
            Self::Tiles(Tiles { size, .. }) => format!("cooperative matrices {size} x {size}, f16 into f32"),
        }
    }

    /// The factors in the type that this way reads.
    fn prepared(self, pair: &Pair) -> Pair {
        let dtype = match self {
            Self::Burn(dtype) => dtype,
            Self::Tiles(_) => FloatDType::F16,
        };
        pair.clone().map(|matrix| matrix.cast(dtype))
    }

    fn product(self, [a, b]: Pair) -> Tensor<2> {
        match self {
            Self::Burn(_) => a.matmul(b),
            Self::Tiles(tiles) => tile_product(a, b, tiles),
        }
    }
}

/// The median speed of a way, and how far its result is from plain sums.
fn timed(way: Way, pair: &Pair, exact: &Exact, runs: usize) -> Result<MatmulWay, EngineError> {
    let size = pair[0].dims()[0];
    let pair = way.prepared(pair);
    // Not timed: kernels are compiled and chosen in the first, memory is found in the second.
    let result = values(way.product(pair.clone()))?;
    let single = burst(way, &pair, 1)?;
    let count = (LONG / single).clamp(1.0, MOST) as usize;
    let mut seconds = vec![];
    for _ in 0..runs {
        seconds.push(burst(way, &pair, count)? / count as f64);
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().unwrap_or(single);
    Ok(MatmulWay {
        name: way.name(),
        teraflops: 2.0 * (size as f64).powi(3) / median / 1e12,
        gap: exact.gap(&result),
    })
}

/// Seconds of `count` products, until the last has ended.
fn burst(way: Way, pair: &Pair, count: usize) -> Result<f64, EngineError> {
    let start = Instant::now();
    let products: Vec<Tensor<2>> = (0..count).map(|_| way.product(pair.clone())).collect();
    let corners = products
        .into_iter()
        .map(|product| product.narrow(0, 0, 1).narrow(1, 0, 1));
    let corners = Tensor::cat(corners.collect(), 0);
    values(corners)?;
    Ok(start.elapsed().as_secs_f64())
}

fn values(tensor: Tensor<2>) -> Result<Vec<f32>, EngineError> {
    let data = tensor
        .try_into_data()
        .map_err(|e| InferError::Device(format!("{e:?}")))?;
    Ok(data.convert::<f32>().iter::<f32>().collect())
}

/// Numbers between -1 and 1 that `f16` holds without loss.
fn numbers(size: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 22) as f32 / 512.0 - 1.0
    };
    (0..size * size).map(|_| next()).collect()
}

/// Some entries of the product by plain sums in double precision.
struct Exact {
    /// Place and value.
    entries: Vec<(usize, f64)>,
}

impl Exact {
    fn of([a, b]: &[Vec<f32>; 2], size: usize) -> Self {
        let entry = |sample: usize| {
            let place = sample * 7919 % (size * size);
            let (row, column) = (place / size, place % size);
            let products = (0..size).map(|i| f64::from(a[row * size + i]) * f64::from(b[i * size + column]));
            (place, products.sum())
        };
        Self {
            entries: (0..SAMPLES).map(entry).collect(),
        }
    }

    /// The largest difference of a result, as a share of the largest entry.
    fn gap(&self, result: &[f32]) -> f64 {
        let largest = self
            .entries
            .iter()
            .map(|(_, value)| value.abs())
            .fold(f64::MIN_POSITIVE, f64::max);
        let gaps = self
            .entries
            .iter()
            .map(|(place, value)| (f64::from(result[*place]) - value).abs());
        gaps.fold(0.0, f64::max) / largest
    }
}

/// What could not be measured, in sentences.
fn missing(device: &Device, has_halves: bool, tiles: Option<Tiles>) -> Vec<String> {
    let mut all = vec![];
    if !has_halves {
        all.push("This device does not compute in f16, so burn's product in f16 is left out.".into());
    }
    if tiles.is_none() {
        let what = match devices::reserved(device) {
            None => {
                "The CPU path has no units that multiply whole tiles, so there is no product by cooperative matrices."
            }
            Some(_) => {
                "This device offers WGSL no cooperative matrices from f16 into f32 (tensor cores), so there is no product by them."
            }
        };
        all.push(what.into());
    }
    all
}
