//! Each verb on a tiny model: the fields that scripts rely on.

use std::io::Write;
use std::process::Stdio;

use burnish::formats::source::TensorSource;
use serde_json::Value;

use super::kit::{World, answer};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn devices_list_the_cpu_and_never_prefer_software() {
    let lines = World::new().run(&["devices", "--json"]).ok().lines();
    assert!(lines.iter().any(|d| d["name"] == "cpu" && d["kind"] == "cpu"));
    let default: Vec<&Value> = lines.iter().filter(|d| d["default"] == true).collect();
    assert_eq!(default.len(), 1);
    assert_ne!(default[0]["kind"], "software");
}

#[test]
fn models_list_what_the_settings_name() {
    let world = World::new();
    let model = world.text("model");
    world.write("home/settings.toml", &format!("models = [\"{model}\", \"gone\"]\n"));
    let answer = world.run(&["models", "--json"]).ok();
    let found = answer
        .lines()
        .into_iter()
        .find(|m| m["model"] == model.as_str())
        .unwrap();
    assert_eq!(found["vocab"], 270);
    assert_eq!(found["template"], false);
    assert!(
        answer.stderr.contains("gone"),
        "a folder that is not there is named: {}",
        answer.stderr
    );
}

#[test]
fn inspect_shows_exactly_what_is_learned() {
    let world = World::new();
    world.rows("rows.jsonl", 3);
    let answer = world
        .run(&["inspect", "rows.jsonl", "--model", "model", "--row", "2", "--json"])
        .ok();
    let lines = answer.lines();
    assert_eq!(lines.len(), 1);
    let row = &lines[0];
    assert_eq!(row["row"], 2);
    let text = row["text"].as_str().unwrap();
    assert_eq!(
        text,
        "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n"
    );
    let learned: String = row["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .zip(row["mask"].as_array().unwrap())
        .filter(|(_, mask)| **mask == 1)
        .map(|(token, _)| token.as_str().unwrap())
        .collect();
    assert_eq!(learned, "4<|im_end|>");
    assert_eq!(
        row["ids"].as_array().unwrap().len(),
        row["tokens"].as_array().unwrap().len()
    );
    let supervised: String = row["spans"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["supervised"] == true)
        .map(|s| &text[s["start"].as_u64().unwrap() as usize..s["end"].as_u64().unwrap() as usize])
        .collect();
    assert_eq!(supervised, "4<|im_end|>");
    assert!(answer.stderr.contains("ChatML"), "the choice of template is said");
}

#[test]
fn inspect_takes_template_variables_mode_and_generation_prompt() {
    let world = World::new();
    world.rows("rows.jsonl", 1);
    world.write("t.jinja", "{{ bos_token }}{{ mood }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}");
    let arguments = [
        "inspect",
        "rows.jsonl",
        "--model",
        "model",
        "--template",
        "t.jinja",
        "--var",
        "mood=calm",
        "--var",
        "bos_token=<s>",
    ];
    let more = ["--mode", "all", "--add-generation-prompt", "--json"];
    let lines = world.run(&[&arguments[..], &more[..]].concat()).ok().lines();
    assert_eq!(lines[0]["text"], "<s>calmuser: 0+0?\nassistant: 0\nassistant: ");
    world
        .run(&["inspect", "rows.jsonl", "--model", "model", "--mode", "some"])
        .refuses(2, &["some", "assistant, last"]);
    world
        .run(&["inspect", "rows.jsonl", "--model", "model", "--row", "9"])
        .refuses(2, &["--row 9", "rows.jsonl", "1 rows"]);
}

#[test]
fn generate_is_repeatable_and_needs_no_tokenizer_for_ids() {
    let world = World::new();
    let common = [
        "generate",
        "--model",
        "model",
        "--device",
        "cpu",
        "--max-tokens",
        "6",
        "--json",
    ];
    let raw = [&common[..], &["--prompt", "one two", "--raw", "--logits-top", "3"]].concat();
    let first = world.run(&raw).ok().lines().remove(0);
    let ids = first["prompt_ids"].to_string();
    world.write("ids.json", &ids);
    std::fs::remove_file(world.path("model/tokenizer.json")).unwrap();
    let with_ids = [&common[..], &["--ids", "ids.json", "--logits-top", "3"]].concat();
    let second = world.run(&with_ids).ok().lines().remove(0);
    assert_eq!(first["ids"].as_array().unwrap().len(), 6, "{first}");
    assert_eq!(first["stop"], "length");
    assert_eq!(second["ids"], first["ids"]);
    let logits = |v: &Value| {
        v["top"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["logit"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(logits(&second), logits(&first));
    assert_eq!(first["top"][0]["id"], first["ids"][0], "greedy takes the best token");
    assert!(first["tokens_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn generate_streams_its_text_to_people() {
    let world = World::new();
    let common = [
        "generate",
        "--model",
        "model",
        "--device",
        "cpu",
        "--max-tokens",
        "6",
        "--prompt",
        "one two",
        "--raw",
    ];
    let json = world.run(&[&common[..], &["--json"]].concat()).ok().lines().remove(0);
    let text = json["text"].as_str().unwrap();
    assert!(!text.trim().is_empty(), "{json}");
    let plain = world.run(&common);
    assert_eq!(plain.ok().stdout.trim_end_matches('\n'), text.trim_end_matches('\n'));
}

#[test]
fn streamed_text_is_the_text_of_the_result() {
    let world = World::new();
    let arguments = [
        "generate",
        "--model",
        "model",
        "--device",
        "cpu",
        "--prompt",
        "two",
        "--max-tokens",
        "9",
    ];
    let whole = world
        .run(&[&arguments[..], &["--json"]].concat())
        .ok()
        .lines()
        .remove(0);
    let text = whole["text"].as_str().unwrap();
    assert!(!text.is_empty());
    assert_eq!(world.run(&arguments).ok().stdout, format!("{text}\n"));
}

#[test]
fn sampling_follows_its_seed() {
    let world = World::new();
    let ids = |seed: &str| {
        let line = world.run(&[
            "generate",
            "--model",
            "model",
            "--device",
            "cpu",
            "--prompt",
            "one",
            "--max-tokens",
            "12",
            "--temperature",
            "1.5",
            "--seed",
            seed,
            "--json",
        ]);
        line.ok().lines().remove(0)["ids"].to_string()
    };
    assert_eq!(ids("1"), ids("1"));
    assert_ne!(ids("1"), ids("2"));
}

#[test]
fn scores_are_the_losses_of_the_full_logits() {
    let world = World::new();
    world.write("ids.json", "[[5, 9, 200, 31], [7, 8]]");
    let arguments = [
        "score",
        "--model",
        "model",
        "--device",
        "cpu",
        "--ids",
        "ids.json",
        "--full-logits",
        "out.safetensors",
        "--json",
    ];
    let lines = world.run(&arguments).ok().lines();
    assert_eq!(lines.len(), 2);
    let nll = lines[0]["nll"].as_array().unwrap();
    assert!(nll[0].is_null());
    assert_eq!(
        (nll.len(), lines[0]["tokens"].as_u64(), lines[0]["supervised"].as_u64()),
        (4, Some(4), Some(3))
    );
    let file = burnish::formats::weights::WeightFile::open(&world.path("out.safetensors")).unwrap();
    let logits = file.read_shaped("logits.0", &[4, 270]).unwrap().values;
    for (i, id) in [9_usize, 200, 31].into_iter().enumerate() {
        let row = &logits[i * 270..(i + 1) * 270];
        let log_sum = row.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
        let expected = log_sum - f64::from(row[id]);
        assert!(
            (nll[i + 1].as_f64().unwrap() - expected).abs() < 1e-5,
            "token {}",
            i + 1
        );
    }
    let mean = numbers(&Value::Array(nll[1..].to_vec())).iter().sum::<f64>() / 3.0;
    assert!((lines[0]["loss"].as_f64().unwrap() - mean).abs() < 1e-6);
    assert_eq!(file.read_shaped("logits.1", &[2, 270]).unwrap().values.len(), 540);
}

#[test]
fn scores_of_rows_count_supervised_tokens_only() {
    let world = World::new();
    world.rows("rows.jsonl", 2);
    let scored = world
        .run(&["score", "rows.jsonl", "--model", "model", "--device", "cpu", "--json"])
        .ok()
        .lines();
    let seen = world
        .run(&["inspect", "rows.jsonl", "--model", "model", "--json"])
        .ok()
        .lines();
    for (score, row) in scored.iter().zip(&seen) {
        let mask = numbers(&row["mask"]);
        assert_eq!(score["supervised"].as_f64().unwrap(), mask.iter().sum::<f64>());
        let nll = score["nll"].as_array().unwrap();
        let chosen: Vec<f64> = nll
            .iter()
            .zip(&mask)
            .filter(|(_, m)| **m == 1.0)
            .map(|(n, _)| n.as_f64().unwrap())
            .collect();
        let mean = chosen.iter().sum::<f64>() / chosen.len() as f64;
        assert!((score["loss"].as_f64().unwrap() - mean).abs() < 1e-6);
    }
}

#[test]
fn chat_answers_each_line() {
    let world = World::new();
    let mut command = world.command(&[
        "chat",
        "--model",
        "model",
        "--device",
        "cpu",
        "--max-tokens",
        "4",
        "--json",
    ]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let lines = answer(child.wait_with_output().unwrap()).ok().lines();
    assert_eq!(lines.len(), 2);
    let prompts: Vec<usize> = lines
        .iter()
        .map(|l| l["prompt_ids"].as_array().unwrap().len())
        .collect();
    assert!(
        prompts[1] > prompts[0],
        "the second prompt holds the first turn: {prompts:?}"
    );
}

#[test]
fn without_a_display_the_window_says_what_to_do_instead() {
    let answer = World::new().run(&[]);
    answer.refuses(2, &["no display", "burnish train", "burnish chat"]);
    assert_eq!(answer.stderr.trim().lines().count(), 1, "one line: {}", answer.stderr);
}
