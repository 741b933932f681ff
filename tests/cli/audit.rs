//! `burnish audit` for scripts and people, and that training looks before it begins.

use serde_json::Value;

use super::kit::World;

/// Three rows of which the last has no answer.
fn with_a_bad_row(world: &World) {
    world.rows("rows.jsonl", 2);
    let mut text = std::fs::read_to_string(world.path("rows.jsonl")).unwrap();
    text += "{\"messages\": [{\"role\": \"user\", \"content\": \"Nobody answers\"}]}\n";
    world.write("rows.jsonl", &text);
}

#[test]
fn sound_data_ends_with_0_and_the_numbers() {
    let world = World::new();
    world.rows("rows.jsonl", 12);
    let lines = world
        .run(&["audit", "rows.jsonl", "--model", "model", "--json"])
        .ok()
        .lines();
    let (summary, findings) = lines.split_last().unwrap();
    // The tiny model has no template, so that its markers are trained.
    assert!(findings.iter().all(|f| f["severity"] != "serious"), "{findings:?}");
    let summary = &summary["summary"];
    assert_eq!(summary["rows"]["kept"], 12);
    assert_eq!(summary["template"], "chatml");
    assert!(summary["tokens"]["supervised"].as_u64().unwrap() > 12);
    assert!(!summary["lengths"].as_array().unwrap().is_empty());
}

#[test]
fn something_serious_ends_with_1_and_names_the_rows() {
    let world = World::new();
    with_a_bad_row(&world);
    let answer = world.run(&["audit", "rows.jsonl", "--model", "model", "--json"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    let lines = answer.lines();
    let first = &lines[0];
    assert_eq!(first["finding"], "nothing-learned");
    assert_eq!(first["severity"], "serious");
    assert_eq!(
        (&first["count"], &first["rows"]),
        (&Value::from(1), &Value::from(vec![2]))
    );
    assert!(first["message"].as_str().unwrap().starts_with("1 row "));
    assert!(lines.last().unwrap()["summary"].is_object());
    let people = world.run(&["audit", "rows.jsonl", "--model", "model"]);
    assert_eq!(people.code, 1);
    assert!(
        people.stdout.contains("Serious: 1 row") && people.stdout.contains("Rows: 2"),
        "{}",
        people.stdout
    );
}

#[test]
fn the_template_and_the_length_are_those_of_the_call() {
    let world = World::new();
    world.rows("rows.jsonl", 3);
    world.write(
        "own.jinja",
        "{% for m in messages %}<|turn|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}",
    );
    let kinds = |more: &[&str]| -> Vec<String> {
        let arguments = [&["audit", "rows.jsonl", "--model", "model", "--json"], more].concat();
        let lines = world.run(&arguments).lines();
        let kinds = lines.iter().filter_map(|l| l["finding"].as_str());
        kinds.map(str::to_owned).collect()
    };
    assert!(kinds(&["--template", "own.jinja"]).contains(&"split-marker".to_owned()));
    assert!(!kinds(&["--template", "chatml"]).contains(&"split-marker".to_owned()));
    assert_eq!(kinds(&["--max-length", "8"]), ["too-long"]);
    let wrong = world.run(&["audit", "rows.jsonl", "--model", "model", "--mode", "half"]);
    wrong.refuses(2, &["half", "assistant"]);
    world
        .run(&["audit", "gone.jsonl", "--model", "model"])
        .refuses(1, &["gone.jsonl"]);
}

#[test]
fn training_refuses_serious_findings_unless_they_are_accepted() {
    let world = World::new();
    with_a_bad_row(&world);
    let recipe = world.recipe("r.toml", "[optim]\nmax_steps = 1\n");
    let run = world.text("run");
    let refused = world.run(&["train", &recipe, "--run", &run, "--json"]);
    refused.refuses(1, &["--accept-findings"]);
    assert_eq!(refused.lines()[0]["finding"], "nothing-learned");
    assert!(!world.path("run").exists(), "nothing was begun");
    world.run(&["train", &recipe, "--run", &run, "--accept-findings"]).ok();
    assert!(world.path("run/final").is_dir());
}

/// Enough rows that they are worth keeping.
fn many(world: &World, answer: &str) {
    let row = |i: usize| {
        format!(
            "{{\"messages\": [{{\"role\": \"user\", \"content\": \"{}{i}?\"}}, {{\"role\": \"assistant\", \"content\": \"{answer} {i}\"}}]}}\n",
            "one two three ".repeat(2)
        )
    };
    world.write("rows.jsonl", &(0..3500).map(row).collect::<String>());
}

/// The summary's numbers without the pace, and whether they were kept from before.
fn numbers(world: &World, more: &[&str]) -> (Value, bool) {
    let arguments = [&["audit", "rows.jsonl", "--model", "model", "--json"], more].concat();
    let mut summary = world.run(&arguments).lines().pop().unwrap()["summary"].take();
    let pace = summary.as_object_mut().unwrap().remove("pace").unwrap();
    (summary, pace["cached"].as_bool().unwrap())
}

fn entries(world: &World) -> Vec<std::path::PathBuf> {
    let found = std::fs::read_dir(world.path("home/cache/rows")).unwrap();
    let mut found: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn prepared_rows_are_kept_and_anything_else_is_made_anew() {
    let world = World::new();
    many(&world, "one");
    let (fresh, cached) = numbers(&world, &[]);
    assert!(!cached);
    assert_eq!(numbers(&world, &[]), (fresh.clone(), true), "kept rows count the same");
    assert!(!numbers(&world, &["--mode", "last"]).1, "another mode");
    assert!(!numbers(&world, &["--max-length", "40"]).1, "another length");
    assert!(!numbers(&world, &["--template", "plain"]).1, "another template");
    many(&world, "two");
    assert!(!numbers(&world, &[]).1, "another file");
    many(&world, "one");
    assert!(numbers(&world, &[]).1, "the first file again");
}

#[test]
fn a_damaged_entry_is_ignored_and_made_anew() {
    let world = World::new();
    many(&world, "one");
    let (fresh, _) = numbers(&world, &[]);
    let entry = entries(&world).pop().unwrap();
    let whole = std::fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut long = whole.clone();
    long[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    for damaged in [&flipped[..], &long[..], &whole[..whole.len() - 1], &whole[..20], &[]] {
        std::fs::write(&entry, damaged).unwrap();
        assert_eq!(numbers(&world, &[]), (fresh.clone(), false));
        assert_eq!(std::fs::read(&entry).unwrap(), whole, "made anew");
    }
}

#[test]
fn training_on_kept_rows_takes_the_same_steps() {
    let world = World::new();
    many(&world, "one");
    let recipe = world.recipe("r.toml", "[optim]\nmax_steps = 3\n[eval]\nrows = 4\n");
    let losses = |run: &str| -> Vec<Value> {
        let run = world.text(run);
        let lines = world
            .run(&["train", &recipe, "--run", &run, "--json", "--accept-findings"])
            .ok()
            .lines();
        let told = lines.iter().filter(|l| l["event"] == "step" || l["event"] == "sample");
        let told = told.map(|l| serde_json::json!([l["loss"], l["prompt"], l["text"]]));
        told.collect()
    };
    let first = losses("first");
    assert!(!entries(&world).is_empty());
    assert!(first.len() > 3, "steps and samples: {first:?}");
    assert_eq!(losses("second"), first);
}

#[test]
fn bench_data_times_both_ways() {
    let world = World::new();
    many(&world, "one");
    let arguments = [
        "bench",
        "data",
        "--rows",
        "rows.jsonl",
        "--model",
        "model",
        "--runs",
        "2",
        "--json",
    ];
    let lines = world.run(&arguments).ok().lines();
    let times = &lines[0];
    assert_eq!(times["rows"], 3500);
    for way in ["anew", "kept"] {
        let seconds = times[way].as_array().unwrap();
        assert_eq!(seconds.len(), 2, "{times}");
        assert!(seconds.iter().all(|s| s.as_f64().unwrap() > 0.0));
    }
    world
        .run(&["bench", "data", "--model", "model"])
        .refuses(2, &["--rows"]);
}
