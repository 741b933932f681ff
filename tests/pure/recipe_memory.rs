//! Estimates of memory against measured peaks, on the CPU and on a GPU.

use burnish::formats::config::ModelConfig;
use burnish::protocol::DeviceInfo;
use burnish::recipe::{Load, MethodKind, ModelShape, OptimizerKind, Processor, Quant, memory};
use burnish::session::Method;
use burnish::template::Mode;

use super::recipe_advice::{recipe, shape};

/// Settings, rows, tokens of every row (all learned) and the peak in MB that `tests/peers/memory.py` measured on SmolLM2-135M.
const MEASURED: [(&[&str], usize, usize, f64); 12] = [
    (&[], 4, 256, 1850.0),
    (&["batch.checkpointing=true"], 8, 512, 1174.0),
    (&["method.quant=nf4"], 4, 256, 1484.0),
    (&["method.kind=full"], 2, 256, 2689.0),
    (&["method.r=64"], 2, 512, 2073.0),
    (&["method.quant=nf4", "batch.checkpointing=true"], 16, 256, 787.0),
    (&["method.kind=full", "optim.name=adafactor"], 4, 256, 2148.0),
    (
        &["method.kind=full", "batch.checkpointing=true", "batch.accumulation=2"],
        6,
        384,
        2808.0,
    ),
    (&["method.quant=q8"], 3, 512, 2087.0),
    (&["model.compute=bf16"], 4, 256, 1685.0),
    (&["method.quant=nf4", "model.compute=f16"], 4, 256, 1358.0),
    (&["method.kind=full", "model.compute=bf16"], 2, 256, 2831.0),
];

#[test]
fn estimates_are_within_a_tenth_of_measured_peaks() {
    for (settings, rows, len, measured) in MEASURED {
        let estimate = memory(&recipe(settings), &shape(), Load::full(rows, len)).total() as f64 / 1e6;
        let ratio = estimate / measured;
        assert!((0.9..=1.1).contains(&ratio), "{settings:?} {rows} x {len}: {ratio:.3}");
    }
}

/// A run that `tests/peers/memory.py --device vulkan:0` measured on lavapipe.
struct Reserved {
    model: fn() -> ModelShape,
    settings: &'static [&'static str],
    rows: usize,
    len: usize,
    supervised: usize,
    /// Reserved at the peak, in MB.
    measured: f64,
}

/// A run of the starter whose every token is learned.
const fn starters(settings: &'static [&'static str], rows: usize, len: usize, measured: f64) -> Reserved {
    Reserved {
        model: starter,
        settings,
        rows,
        len,
        supervised: rows * (len - 1),
        measured,
    }
}

/// A run of SmolLM2-135M on one row, which learns an answer of a word.
const fn smollm2s(settings: &'static [&'static str], len: usize, measured: f64) -> Reserved {
    Reserved {
        model: shape,
        settings,
        rows: 1,
        len,
        supervised: 4,
        measured,
    }
}

const RESERVED: &[Reserved] = &[
    starters(&[], 4, 256, 129.6),
    starters(&[], 1, 512, 71.9),
    starters(&["batch.checkpointing=true"], 4, 256, 61.4),
    starters(&["method.kind=full"], 2, 256, 108.6),
    starters(&["method.quant=nf4"], 3, 256, 95.9),
    starters(&["method.quant=q8", "batch.accumulation=2"], 3, 192, 72.0),
    starters(&["method.kind=full", "optim.name=adafactor"], 1, 384, 63.0),
    smollm2s(&[], 75, 724.6),
    smollm2s(&["method.quant=nf4"], 75, 354.7),
];

fn starter() -> ModelShape {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/starter");
    ModelShape::from(&ModelConfig::read(&folder).expect("the starter"))
}

#[test]
fn estimates_are_within_a_tenth_of_what_a_gpu_reserves() {
    for run in RESERVED {
        let load = Load {
            supervised: run.supervised,
            ..Load::full(run.rows, run.len).on(Processor::Gpu)
        };
        let estimate = memory(&recipe(run.settings), &(run.model)(), load).total() as f64 / 1e6;
        let ratio = estimate / run.measured;
        assert!(
            (0.9..=1.1).contains(&ratio),
            "{:?} {} x {}: {ratio:.3}",
            run.settings,
            run.rows,
            run.len
        );
    }
}

#[test]
fn only_a_gpu_holds_attention_scores_and_no_more_than_a_piece_or_a_group_of_heads() {
    let shape = shape();
    let total = |len, processor| {
        let load = Load {
            supervised: 0,
            ..Load::full(1, len).on(processor)
        };
        memory(&recipe(&[]), &shape, load).total() as f64
    };
    let base = memory(&recipe(&[]), &shape, Load::full(1, 1)).base as f64;
    let scores = |len: f64, heads: f64| 2.0 * 4.0 * heads * len * len;
    let piece = f64::from(64 << 20);
    // Tokens, scores with their gradient, and the largest buffer: a piece of the head or of scores.
    for (len, expected, page) in [
        (1024, scores(1024.0, 9.0), piece),
        (2048, 2.0 * piece, piece),
        (4096, scores(4096.0, 3.0), scores(4096.0, 3.0) / 2.0),
    ] {
        // Without what is the CPU's alone, and without what stays empty in a GPU's pages.
        let cpu = total(len, Processor::Cpu) - f64::from(40 << 20);
        let gpu = (total(len, Processor::Gpu) - page / 2.0 - base) / 1.05 + base;
        let ratio = (gpu - cpu) / expected;
        assert!((0.99..=1.01).contains(&ratio), "{len} tokens: {ratio:.3}");
    }
}

#[test]
fn the_plan_counts_for_the_device_that_is_chosen() {
    use burnish::session::{Command, ModelCommand, apply};
    let mut state = super::session::ready();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/starter");
    state.model.cards[0].config = ModelConfig::read(&folder).ok();
    let cpu = burnish::engine::devices::find("cpu").expect("always there");
    let gpu = DeviceInfo {
        name: "vulkan:0".into(),
        kind: "discrete".into(),
        default: false,
        ..cpu.clone()
    };
    state.devices = vec![DeviceInfo { default: true, ..cpu }, gpu];
    let mut of = |name: &str| {
        apply(&mut state, Command::Model(ModelCommand::Device(Some(name.into()))));
        state.plan.as_ref().expect("a plan").memory
    };
    let (cpu, gpu) = (of("cpu"), of("vulkan:0"));
    assert_eq!((cpu.base, cpu.activations), (gpu.base, gpu.activations));
    assert!(gpu.workspace != cpu.workspace, "{gpu:?}");
}

#[test]
fn the_estimate_knows_the_pieces_that_things_come_in() {
    assert_eq!(burnish::recipe::LOGITS_AT_ONCE, burnish::objective::LOGIT_BYTES as u64);
    assert_eq!(burnish::recipe::SCORES_AT_ONCE, burnish::kernels::SCORES_AT_ONCE as u64);
    assert_eq!(burnish::recipe::ROWS_AT_ONCE, burnish::kernels::ROWS_AT_ONCE as u64);
}

#[test]
fn estimates_follow_what_is_kept() {
    let shape = shape();
    let of = |settings: &[&str]| memory(&recipe(settings), &shape, Load::full(4, 512));
    let (lora, nf4, q8) = (of(&[]), of(&["method.quant=nf4"]), of(&["method.quant=q8"]));
    let linear = shape.linear_parameters();
    assert_eq!(
        lora.base - nf4.base,
        linear * 4 - (linear as f64 * (0.5 + 1.0 / 64.0 + 4.0 / 16384.0)) as u64
    );
    assert!(nf4.base < q8.base && q8.base < lora.base);
    let full = of(&["method.kind=full"]);
    assert_eq!(full.moments, 8 * shape.parameters);
    for (name, kind, least, most) in [
        ("adamw8bit", OptimizerKind::AdamW8bit, 2.0, 2.1),
        ("lion", OptimizerKind::Lion, 4.0, 4.0),
        ("sgd", OptimizerKind::Sgd, 4.0, 4.0),
        ("adafactor", OptimizerKind::Adafactor, 0.0, 0.1),
    ] {
        let changed = recipe(&["method.kind=full", &format!("optim.name={name}")]);
        assert_eq!(changed.optim.name, kind);
        let each = memory(&changed, &shape, Load::full(4, 512)).moments as f64 / shape.parameters as f64;
        assert!((least..=most).contains(&each), "{name}: {each}");
    }
    assert!(of(&["batch.checkpointing=true"]).activations < lora.activations / 4);
    assert_eq!(
        of(&["method.kind=full", "batch.accumulation=2"]).gradients,
        2 * full.gradients
    );
    let kept = ModelShape {
        stored: Some(90_000_000),
        ..shape.clone()
    };
    assert_eq!(memory(&recipe(&[]), &kept, Load::full(4, 512)).base, 90_000_000);
    let mut all = recipe(&["method.kind=full"]);
    all.data.mode = Mode::All;
    assert_eq!(Method::of(&all), Method::Continued);
    assert_eq!(
        (recipe(&[]).method.quant, recipe(&[]).method.kind),
        (Quant::None, MethodKind::Lora)
    );
}
