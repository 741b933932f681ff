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
