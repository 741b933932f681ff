//! `burnish bench`: a tiny model is timed.
use crate::kit::World;

#[test]
fn bench_times_reading_and_writing() {
    let world = World::new();
    for (what, tokens) in [("prefill", 20), ("decode", 5)] {
        let model = world.text("model");
        let count = tokens.to_string();
        let arguments = [
            "bench", what, "--model", &model, "--device", "cpu", "--tokens", &count, "--runs", "2", "--json",
        ];
        let lines = world.run(&arguments).ok().lines();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["what"], what);
        assert_eq!(line["tokens"], tokens);
        assert_eq!(line["device"], "cpu");
        let runs: Vec<f64> = line["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r.as_f64().unwrap())
            .collect();
        assert_eq!(runs.len(), 2, "{line}");
        assert!(runs.iter().all(|speed| *speed > 0.0), "{line}");
        assert!(runs.contains(&line["tokens_per_second"].as_f64().unwrap()), "{line}");
        assert!(
            line["peak_memory"].as_u64().unwrap() > 1 << 20 || !cfg!(target_os = "linux"),
            "{line}"
        );
    }
}

#[test]
fn bench_refuses_what_does_not_fit() {
    let world = World::new();
    let model = world.text("model");
    let too_many = [
        "bench", "prefill", "--model", &model, "--device", "cpu", "--tokens", "100000",
    ];
    world.run(&too_many).refuses(1, &["100018 tokens", "at most"]);
    world
        .run(&["bench", "decode", "--model", &model, "--runs", "0"])
        .refuses(2, &["at least 1"]);
}

#[test]
fn bench_train_times_steps_on_random_weights() {
    let world = World::new();
    let mut losses = vec![];
    for quant in ["none", "nf4"] {
        let arguments = [
            "bench",
            "train",
            "--shape",
            "tiny",
            "--tokens",
            "32",
            "--batch",
            "2",
            "--rank",
            "4",
            "--steps",
            "3",
            "--quant",
            quant,
            "--set",
            "batch.checkpointing=true",
            "--device",
            "cpu",
            "--json",
        ];
        let lines = world.run(&arguments).ok().lines();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(
            (&line["shape"], &line["config"]["hidden_size"]),
            (&"tiny".into(), &64.into())
        );
        assert_eq!((&line["rows"], &line["tokens"]), (&2.into(), &32.into()));
        // Rank times the inputs and outputs of seven linear layers, in two blocks.
        assert_eq!(line["trainable"], 4 * 2 * (2 * 128 + 2 * 96 + 3 * 192));
        let mut seconds: Vec<f64> = line["seconds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_f64().unwrap())
            .collect();
        seconds.sort_by(f64::total_cmp);
        assert_eq!(seconds.len(), 3, "{line}");
        let speed = line["tokens_per_second"].as_f64().unwrap();
        assert!((speed * seconds[1] / 64.0 - 1.0).abs() < 1e-9, "{line}");
        // Random weights know nothing of 256 ids.
        let loss = line["loss"].as_f64().unwrap();
        assert!((loss - 256f64.ln()).abs() < 0.3, "{line}");
        losses.push(loss);
    }
    assert_ne!(losses[0], losses[1], "the base is kept as asked");
    let words = world.run(&[
        "bench", "train", "--shape", "tiny", "--tokens", "8", "--steps", "1", "--quant", "nf4", "--device", "cpu",
    ]);
    let words = words.ok().stdout;
    assert!(
        words.contains("LoRA r 16 over NF4, f32: 1 x 8 tokens of tiny on cpu"),
        "{words}"
    );
}

#[test]
fn bench_train_refuses_what_it_does_not_know() {
    let world = World::new();
    let train = |more: &[&str]| world.run(&[&["bench", "train", "--device", "cpu"], more].concat());
    train(&["--shape", "gpt-9"]).refuses(2, &["gpt-9", "llama-3.2-1b"]);
    train(&["--shape", "tiny", "--tokens", "513"]).refuses(1, &["513 tokens", "at most 512"]);
    train(&["--shape", "tiny", "--quant", "nf5"]).refuses(2, &["method.quant", "nf4"]);
}

#[test]
fn bench_matmul_says_what_the_device_lacks() {
    let world = World::new();
    let arguments = ["bench", "matmul", "--size", "64", "--runs", "1", "--device", "cpu"];
    let lines = world.run(&[&arguments[..], &["--json"]].concat()).ok().lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let ways = line["ways"].as_array().unwrap();
    let gap = |name: &str| {
        let way = ways
            .iter()
            .find(|way| way["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {line}"));
        assert!(way["teraflops"].as_f64().unwrap() > 0.0, "{line}");
        way["gap"].as_f64().unwrap()
    };
    assert!(gap("burn, f32") < 1e-6, "{line}");
    // Its result is rounded to eleven bits, and no more.
    let half = gap("burn, f16");
    assert!(half > 1e-6 && half < 2e-3, "{line}");
    assert_eq!(ways.len(), 2, "{line}");
    let words = world.run(&arguments).ok().stdout;
    assert!(
        words.contains("TFLOP/s") && words.contains("no product by cooperative matrices"),
        "{words}"
    );
    world
        .run(&["bench", "matmul", "--size", "100", "--device", "cpu"])
        .refuses(1, &["--size = 100", "multiple of 64"]);
}
