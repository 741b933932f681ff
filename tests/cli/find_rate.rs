//! `burnish find-rate`: the starter gets a sensible rate, what is wrong is refused, and nothing is left behind.

use serde_json::Value;

use crate::kit::World;

/// The starter's own recipe, made smaller.
fn recipe() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/starter/sft.toml");
    path.to_string_lossy().into_owned()
}

fn number(line: &Value, key: &str) -> f64 {
    line[key].as_f64().unwrap_or_else(|| panic!("{key} in {line}"))
}

#[test]
fn the_starter_gets_a_sensible_rate_and_its_loss_breaks_away() {
    let world = World::new();
    let recipe = recipe();
    let arguments = [
        "find-rate",
        &recipe,
        "--device",
        "cpu",
        "--json",
        "--steps",
        "60",
        "--set",
        "batch.size=4",
        "--set",
        "data.max_length=64",
    ];
    let lines = world.run(&arguments).ok().lines();
    let (found, tried) = lines.split_last().unwrap();
    assert_eq!(found["event"], "rate_found");
    assert_eq!(found["end"], "diverged", "{found}");
    // The recipe's own rate, which was found by training often, is 1e-3.
    let suggested = number(found, "suggested");
    assert!((1e-4..1e-2).contains(&suggested), "{found}");
    assert!(
        number(found, "lowest") > suggested && number(found, "last") > number(found, "lowest"),
        "{found}"
    );
    assert!(tried.len() < 60, "it ended early");
    for pair in tried.windows(2) {
        assert_eq!(pair[0]["event"], "rate_tried");
        assert!(number(&pair[1], "lr") > number(&pair[0], "lr"));
        assert_eq!(number(&pair[1], "step"), number(&pair[0], "step") + 1.0);
    }
    assert_eq!(number(&tried[0], "lr"), 1e-6);
    let left: Vec<_> = std::fs::read_dir(world.path("."))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.iter().all(|name| name == "model" || name == "home"), "{left:?}");
}

#[test]
fn every_method_can_be_tried() {
    let world = World::new();
    world.rows("rows.jsonl", 12);
    let recipe = world.recipe(
        "recipe.toml",
        "[template]\nname = \"chatml\"\n[method]\ntrain_markers = \"off\"\n[batch]\nsize = 2\n",
    );
    for settings in [
        &["method.kind=full"][..],
        &["method.dora=true"],
        &["method.quant=nf4"],
        &["method.kind=bottleneck", "method.width=8"],
        &["method.kind=prefix", "method.virtual_tokens=4"],
        &["method.kind=prompt", "method.virtual_tokens=4"],
        &["optim.name=lion", "optim.kl=0.1"],
    ] {
        let mut arguments = vec!["find-rate", &recipe, "--json", "--steps", "20", "--low", "1e-4"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let lines = world.run(&arguments).ok().lines();
        let found = lines.last().unwrap();
        assert_eq!(found["event"], "rate_found", "{settings:?}: {found}");
    }
}

#[test]
fn data_with_open_questions_is_told_and_tried_all_the_same() {
    let world = World::new();
    world.rows("rows.jsonl", 6);
    let rows = std::fs::read_to_string(world.path("rows.jsonl")).unwrap();
    let bad = r#"{"messages": [{"role": "user", "content": "Nobody answers."}]}"#;
    world.write("rows.jsonl", &format!("{rows}{bad}\n"));
    let recipe = world.recipe("recipe.toml", "[batch]\nsize = 2\n");
    let answer = world.run(&["find-rate", &recipe, "--json", "--steps", "20"]).ok();
    assert_eq!(answer.lines().last().unwrap()["event"], "rate_found");
    for words in ["Serious: 1 row", "Mend the data or the recipe first"] {
        assert!(answer.stderr.contains(words), "{}", answer.stderr);
    }
}

#[test]
fn people_get_a_table_and_the_setting_to_take_over() {
    let world = World::new();
    let recipe = recipe();
    let answer = world
        .run(&[
            "find-rate",
            &recipe,
            "--device",
            "cpu",
            "--steps",
            "40",
            "--set",
            "batch.size=2",
            "--set",
            "data.max_length=64",
        ])
        .ok();
    assert!(answer.stdout.contains("--set optim.lr="), "{}", answer.stdout);
    assert!(answer.stderr.contains("smoothed"), "{}", answer.stderr);
}

#[test]
fn wrong_rates_and_recipes_are_refused() {
    let world = World::new();
    world.rows("rows.jsonl", 4);
    let recipe = world.recipe("recipe.toml", "");
    world
        .run(&["find-rate", &recipe, "--low", "1", "--high", "1e-6"])
        .refuses(2, &["a tenth of the highest"]);
    world
        .run(&["find-rate", &recipe, "--steps", "5"])
        .refuses(2, &["from 20"]);
    world
        .run(&["find-rate", &recipe, "--set", "optim.learning_rat=1"])
        .refuses(2, &["learning_rat"]);
    world.run(&["find-rate", "nothing.toml"]).refuses(1, &["nothing.toml"]);
}
