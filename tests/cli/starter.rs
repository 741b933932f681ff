//! The verb `starter`: the whole way from nothing to a table, in small.

use serde_json::Value;

use super::kit::World;

#[test]
fn the_starter_is_made_goes_on_and_is_examined() {
    let world = World::new();
    let make = ["starter", "make", "made", "--tokens", "20000", "--set"];
    world.run(&[&make[..], &["optim.max_steps=2"]].concat()).ok();
    let last = world.path("made/run/final");
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        assert!(last.join(name).is_file(), "{name} is missing");
    }
    assert!(!last.join("chat_template.jinja").exists(), "text has no chat template");
    // Called again it goes on from the checkpoint.
    world.run(&[&make[..], &["optim.max_steps=3"]].concat()).ok();
    let log = std::fs::read_to_string(world.path("made/training.csv")).unwrap();
    let steps: Vec<&str> = log.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(steps, ["1", "3"]);

    let model = last.to_string_lossy();
    let recipe = format!("{}/assets/starter/sft.toml", env!("CARGO_MANIFEST_DIR"));
    let path = format!("model.path={model}");
    let set = ["--set", &path, "--set", "optim.max_steps=1", "--run", "sft"];
    world.run(&[&["train", recipe.as_str()][..], &set].concat()).ok();
    let examine = [
        "starter",
        "evaluate",
        "--model",
        &model,
        "--adapter",
        "sft/final",
        "--limit",
        "2",
    ];
    let answer = world.run(&examine);
    // Three steps teach nothing.
    answer.refuses(1, &["Missed: Facts that the base completes: 0.0 %"]);
    assert!(
        answer.stdout.contains("| Tuned, chat template | 2 |"),
        "{}",
        answer.stdout
    );
    let answer = world.run(&[&examine[..], &["--json"]].concat());
    let report: &Value = &answer.lines()[0];
    assert_eq!(report["whole"], false);
    assert_eq!(report["transcripts"][0]["replies"].as_array().map(Vec::len), Some(3));
}

#[test]
fn the_starter_s_wrong_calls_are_refused() {
    let world = World::new();
    world
        .run(&["starter", "evaluate", "--limit", "0"])
        .refuses(2, &["--limit"]);
    world
        .run(&["starter", "evaluate", "--model", "nowhere", "--adapter", "none"])
        .refuses(1, &["nowhere"]);
    world
        .run(&["starter", "curve", "none.jsonl", "."])
        .refuses(1, &["none.jsonl"]);
    world
        .run(&["starter", "make", "made", "--tokens", "1000", "--set", "optim.stepz=1"])
        .refuses(1, &["optim.stepz"]);
}
