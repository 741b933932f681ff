//! Bad input: each message names file, line or field, and value; the rest carries on.

use super::kit::{VOCAB, World};

#[test]
fn a_broken_line_is_named_and_the_other_rows_are_learned() {
    let world = World::new();
    world.rows("rows.jsonl", 4);
    let mut text = std::fs::read_to_string(world.path("rows.jsonl")).unwrap();
    text += "{\"messages\": [broken\n{\"something\": 1}\n{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"\"}]}\n";
    world.write("rows.jsonl", &text);
    let recipe = world.recipe("r.toml", "[optim]\nmax_steps = 1");
    let answer = world.run(&["train", &recipe, "--run", "run", "--json"]).ok();
    for words in [
        ["rows.jsonl", "line 5"],
        ["rows.jsonl", "line 6"],
        ["rows.jsonl", "line 7"],
    ] {
        let told = answer.stderr.lines().any(|line| words.iter().all(|w| line.contains(w)));
        assert!(told, "{words:?} is missing in: {}", answer.stderr);
    }
    let start = answer
        .lines()
        .into_iter()
        .find(|e| e["event"] == "train_start")
        .unwrap();
    assert_eq!(start["skipped_rows"], 3);
    let shown = world.run(&["inspect", "rows.jsonl", "--model", "model", "--row", "4", "--json"]);
    shown.refuses(1, &[]);
    assert!(shown.stdout.contains("line 5"), "{}", shown.stdout);
}

#[test]
fn a_file_without_rows_of_a_known_schema_is_refused_by_name() {
    let world = World::new();
    world.write("rows.jsonl", "{\"a\": 1}\n{\"b\": 2}\n");
    let recipe = world.recipe("r.toml", "");
    world
        .run(&["train", &recipe, "--run", "run"])
        .refuses(1, &["rows.jsonl", "line 1"]);
    let missing = world.run(&[
        "train",
        &recipe,
        "--set",
        "data.files=[\"gone.jsonl\"]",
        "--run",
        "run2",
    ]);
    missing.refuses(1, &["gone.jsonl"]);
}

#[test]
fn a_missing_tokenizer_is_named() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    std::fs::remove_file(world.path("model/tokenizer.json")).unwrap();
    world
        .run(&["inspect", "rows.jsonl", "--model", "model"])
        .refuses(1, &["model", "tokenizer.json"]);
    let recipe = world.recipe("r.toml", "");
    world
        .run(&["train", &recipe, "--run", "run"])
        .refuses(1, &["model", "tokenizer.json"]);
    world
        .run(&["generate", "--model", "model", "--device", "cpu", "--prompt", "x"])
        .refuses(1, &["tokenizer.json"]);
}

#[test]
fn unreadable_weights_are_named() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    world.write("model/model.safetensors", "this is not a weight file at all");
    let recipe = world.recipe("r.toml", "");
    world
        .run(&["train", &recipe, "--run", "run"])
        .refuses(1, &["model.safetensors"]);
    world
        .run(&["generate", "--model", "model", "--device", "cpu", "--prompt", "x"])
        .refuses(1, &["model.safetensors"]);
    world
        .run(&["generate", "--model", "nowhere", "--device", "cpu", "--prompt", "x"])
        .refuses(1, &["nowhere"]);
}

#[test]
fn an_id_outside_the_vocabulary_is_named_and_the_other_rows_are_scored() {
    let world = World::new();
    world.write("ids.json", &format!("[[1, {VOCAB}], [1, 2]]"));
    let answer = world
        .run(&[
            "score", "--model", "model", "--device", "cpu", "--ids", "ids.json", "--json",
        ])
        .ok();
    assert!(
        answer.stderr.contains("Row 0") && answer.stderr.contains("270"),
        "{}",
        answer.stderr
    );
    assert_eq!(answer.lines().len(), 1);
    world.write("one.json", &format!("[{VOCAB}]"));
    world
        .run(&["generate", "--model", "model", "--device", "cpu", "--ids", "one.json"])
        .refuses(1, &["270", "vocabulary"]);
    world.write("bad.json", "[1, \"two\"]");
    world
        .run(&["generate", "--model", "model", "--device", "cpu", "--ids", "bad.json"])
        .refuses(1, &["bad.json", "token ids"]);
}

#[test]
fn recipes_are_checked_with_key_value_and_line() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    let unknown = world.recipe("unknown.toml", "[optim]\nlearning_rate = 1.0");
    world
        .run(&["train", &unknown, "--run", "a"])
        .refuses(1, &["learning_rate", "unknown.toml", "line 2"]);
    let range = world.recipe("range.toml", "[method]\nr = 0");
    world
        .run(&["train", &range, "--run", "b"])
        .refuses(1, &["method.r", "0", "range.toml", "line 2"]);
    let good = world.recipe("good.toml", "");
    world
        .run(&["train", &good, "--set", "optim.lr=fast", "--run", "c"])
        .refuses(2, &["optim.lr", "fast"]);
    world
        .run(&["train", &good, "--set", "lr", "--run", "c"])
        .refuses(2, &["lr", "table.key=value"]);
    world
        .run(&["train", "gone.toml", "--run", "d"])
        .refuses(1, &["gone.toml"]);
}

#[test]
fn unknown_devices_templates_and_roles_are_named() {
    let world = World::new();
    let base = ["generate", "--model", "model", "--prompt", "x"];
    world
        .run(&[&base[..], &["--device", "cuda:7"]].concat())
        .refuses(1, &["cuda:7", "auto, cpu"]);
    world
        .run(&[&base[..], &["--device", "cpu", "--template", "chatmll"]].concat())
        .refuses(1, &["chatmll", "chatml, llama3"]);
    world.write("m.json", "[{\"role\": \"pirate\", \"content\": \"x\"}]");
    world
        .run(&[
            "generate",
            "--model",
            "model",
            "--device",
            "cpu",
            "--messages",
            "m.json",
        ])
        .refuses(1, &["pirate", "assistant"]);
}

#[test]
fn wrong_calls_end_with_two() {
    let world = World::new();
    world.run(&["generate", "--model", "model"]).refuses(2, &["--prompt"]);
    world
        .run(&["generate", "--model", "model", "--prompt", "x", "--top-p", "2"])
        .refuses(2, &["top-p", "2"]);
    world.run(&["trian"]).refuses(2, &["trian", "train"]);
    world.run(&["train", "--nonsense"]).refuses(2, &["--nonsense"]);
}

#[cfg(unix)]
#[test]
fn a_run_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    let recipe = world.recipe("r.toml", "");
    world.write("file", "not a folder");
    world
        .run(&["train", &recipe, "--run", "file/run"])
        .refuses(1, &["file/run"]);
}

#[test]
fn a_loss_that_is_no_number_names_the_rows_and_keeps_the_last_good_step() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    let weights = world.path("model/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    // The last values belong to some matrix: infinity there makes every loss infinite or no number.
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    std::fs::write(&weights, bytes).unwrap();
    let recipe = world.recipe("r.toml", "[optim]\nmax_steps = 3");
    let answer = world.run(&["train", &recipe, "--run", "run", "--set", "data.split=0"]);
    answer.refuses(1, &["loss", "step 3", "rows.jsonl", "line", "last good"]);
    assert!(world.path("run/final/adapter_model.safetensors").is_file());
}
