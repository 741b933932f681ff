//! Ways of computing a step that must not change it, in a process of their own (random numbers of a device belong to the process):
//! activation checkpointing with dropout and noise; and settings that must change it.

use super::kit::World;

/// Losses and gradient norms of the first steps.
fn steps(world: &World, name: &str, settings: &[&str]) -> Vec<(f64, f64)> {
    let recipe = world.recipe(
        "recipe.toml",
        "[optim]\nlr = 0.01\nmax_steps = 4\nschedule = \"constant\"\nwarmup = 0\nneftune = 5\n[template]\nname = \"chatml\"\n\
         [method]\ndropout = 0.3\ntrain_markers = \"on\"\n",
    );
    let mut arguments = vec!["train", &recipe, "--run", name, "--accept-findings", "--json"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    let events = world.run(&arguments).ok().lines();
    let step = |event: &serde_json::Value| Some((event["loss"].as_f64()?, event["grad_norm"].as_f64()?));
    let steps: Vec<(f64, f64)> = events
        .iter()
        .filter(|e| e["event"] == "step")
        .filter_map(step)
        .collect();
    assert_eq!(steps.len(), 4, "{name}");
    steps
}

#[test]
fn activation_checkpointing_gives_the_same_losses_with_dropout_and_noise() {
    let world = World::new();
    world.rows("rows.jsonl", 8);
    let kept = steps(&world, "kept", &[]);
    let again = steps(&world, "again", &["batch.checkpointing=true"]);
    for ((a, norm_a), (b, norm_b)) in kept.iter().zip(&again) {
        assert!(
            (a - b).abs() < 1e-5 && (norm_a - norm_b).abs() < 1e-4 * norm_a,
            "{kept:?} {again:?}"
        );
    }
    for other in ["method.dropout=0", "optim.neftune=0", "optim.kl=5"] {
        let changed = steps(&world, other, &[other]);
        assert!(
            (changed[3].0 - kept[3].0).abs() > 1e-4,
            "{other} changes nothing: {changed:?} {kept:?}"
        );
    }
}

#[test]
fn replay_adds_rows_in_its_share_and_the_dry_step_tells_what_it_took() {
    let world = World::new();
    world.rows("rows.jsonl", 8);
    world.rows("general.jsonl", 3);
    let recipe = world.recipe("recipe.toml", "[optim]\nmax_steps = 1\n[template]\nname = \"chatml\"\n");
    let train_rows = |settings: &[&str], run: &str| {
        let mut arguments = vec!["train", &recipe, "--run", run, "--accept-findings", "--json"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let events = world.run(&arguments).ok().lines();
        let memory = events.iter().find(|e| e["event"] == "memory").expect("a dry step");
        assert!(memory["estimated"].as_u64().expect("bytes") > 0, "{memory}");
        let start = events.iter().find(|e| e["event"] == "train_start").expect("a start");
        start["train_rows"].as_u64().expect("rows")
    };
    let alone = train_rows(&[], "alone");
    let mixed = train_rows(&["data.replay=[\"general.jsonl\"]", "data.replay_share=50"], "mixed");
    assert_eq!(mixed, 2 * alone, "half of the rows are general ones");
    let none = train_rows(&["data.replay=[\"general.jsonl\"]", "data.replay_share=0"], "none");
    assert_eq!(none, alone);
}
