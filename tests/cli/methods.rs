//! Every training method from a recipe key to an answer: what is trained is kept, read again and heard.

use super::kit::World;

/// The mean loss of the rows, with or without an adapter.
fn loss(world: &World, adapter: Option<&str>) -> f64 {
    let mut arguments = vec![
        "score",
        "--model",
        "model",
        "rows.jsonl",
        "--template",
        "chatml",
        "--json",
        "--device",
        "cpu",
    ];
    if let Some(adapter) = adapter {
        arguments.extend(["--adapter", adapter]);
    }
    let lines = world.run(&arguments).ok().lines();
    let losses: Vec<f64> = lines.iter().filter_map(|line| line["loss"].as_f64()).collect();
    assert!(!losses.is_empty());
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn every_method_trains_is_kept_and_is_heard() {
    let world = World::new();
    world.rows("rows.jsonl", 8);
    let recipe = world.recipe(
        "recipe.toml",
        "[optim]\nlr = 0.02\nmax_steps = 12\nschedule = \"constant\"\nwarmup = 0\n[template]\nname = \"chatml\"\n[method]\ntrain_markers = \"off\"\n",
    );
    let base = loss(&world, None);
    let methods: [(&str, &[&str]); 9] = [
        ("dora", &["method.dora=true"]),
        ("nf4", &["method.quant=nf4"]),
        ("q8", &["method.quant=q8", "method.double_quant=false"]),
        ("half", &["model.compute=f16", "method.dora=true", "method.quant=nf4"]),
        ("short", &["model.compute=bf16", "method.adapter_dtype=bf16"]),
        ("bottleneck", &["method.kind=bottleneck", "method.width=8"]),
        ("prefix", &["method.kind=prefix", "method.virtual_tokens=4"]),
        ("prompt", &["method.kind=prompt", "method.virtual_tokens=4"]),
        (
            "modules",
            &[
                "method.modules_to_save=[\"embed_tokens\"]",
                "method.r=1",
                "method.targets=[\"q_proj\"]",
            ],
        ),
    ];
    for (name, settings) in methods {
        let mut arguments = vec!["train", &recipe, "--run", name, "--accept-findings", "--json"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let events = world.run(&arguments).ok().lines();
        let loaded = events.iter().find(|event| event["event"] == "loaded");
        let layouts = loaded.map(|event| event["stored"].to_string()).unwrap_or_default();
        match name {
            "nf4" | "half" => assert!(layouts.contains("NF4 (double)"), "{layouts}"),
            "q8" => assert!(layouts.contains("Q8_0"), "{layouts}"),
            _ => assert!(
                !layouts.contains("NF4") && !layouts.contains("Q8_0"),
                "{name}: {layouts}"
            ),
        }
        let adapter = format!("{name}/final");
        let tuned = loss(&world, Some(&adapter));
        assert!(tuned < base - 0.1, "{name}: {base} became {tuned}");
        let ask = [
            "generate",
            "--model",
            "model",
            "--adapter",
            &adapter,
            "--prompt",
            "1+1?",
            "--max-tokens",
            "3",
        ];
        world
            .run(&[&ask[..], &["--template", "chatml", "--device", "cpu"]].concat())
            .ok();
    }
}

#[test]
fn a_run_with_virtual_tokens_resumes_where_it_stopped() {
    resumes_exactly("[method]\nkind = \"prefix\"\nvirtual_tokens = 3\n", "f32");
}

#[test]
fn a_run_in_half_precision_resumes_where_it_stopped() {
    for compute in ["f16", "bf16"] {
        resumes_exactly("[method]\ndropout = 0.1\nadapter_dtype = \"bf16\"\n", compute);
    }
}

/// The losses of the steps that a training run makes.
fn losses(world: &World, recipe: &str, run: &str, steps: &str, more: &[&str]) -> Vec<f64> {
    let arguments = [
        "train",
        recipe,
        "--run",
        run,
        "--accept-findings",
        "--json",
        "--set",
        steps,
    ];
    let events = world.run(&[&arguments[..], more].concat()).ok().lines();
    let steps = events.iter().filter(|event| event["event"] == "step");
    steps.map(|event| event["loss"].as_f64().unwrap()).collect()
}

fn resumes_exactly(method: &str, compute: &str) {
    let world = World::new();
    world.rows("rows.jsonl", 8);
    let recipe = world.recipe(
        "recipe.toml",
        &format!("{method}[save]\nevery = 2\n[eval]\nevery = 100\n"),
    );
    let compute = format!("model.compute={compute}");
    let train = |run: &str, steps: &str, more: &[&str]| {
        let more = [&["--set", compute.as_str()], more].concat();
        losses(&world, &recipe, run, steps, &more)
    };
    let constant = "optim.schedule=constant";
    let whole = train("whole", "optim.max_steps=4", &["--set", constant]);
    train("parts", "optim.max_steps=2", &["--set", constant]);
    let rest = train("parts", "optim.max_steps=4", &["--set", constant, "--resume"]);
    assert_eq!(rest, whole[2..]);
}

#[test]
fn a_run_with_moments_of_eight_bits_learns_and_resumes_where_it_stopped() {
    let world = World::new();
    world.rows("rows.jsonl", 16);
    let setting = "[method]\nkind = \"full\"\n[optim]\nname = \"adamw8bit\"\nlr = 0.003\nschedule = \"constant\"\nwarmup = 0\n\
                   [save]\nevery = 6\n[eval]\nevery = 100\n";
    let recipe = world.recipe("recipe.toml", setting);
    let train = |run: &str, steps: &str, more: &[&str]| losses(&world, &recipe, run, steps, more);
    let whole = train("whole", "optim.max_steps=12", &[]);
    assert!(whole[11] < whole[0] - 0.2, "it learns nothing: {whole:?}");
    train("parts", "optim.max_steps=6", &[]);
    let rest = train("parts", "optim.max_steps=12", &["--resume"]);
    assert_eq!(rest, whole[6..]);
    let weights = |run: &str| std::fs::read(world.path(run).join("final/model.safetensors")).unwrap();
    assert!(weights("parts") == weights("whole"), "the same weights, byte for byte");
    // The large tensor's moments are bytes in the checkpoint too.
    let file = std::fs::read(world.path("whole/checkpoint-12/optimizer.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let state = file.tensor("model.embed_tokens.weight.state1").unwrap();
    assert_eq!(state.dtype(), safetensors::Dtype::U8);
}

#[test]
fn what_a_method_cannot_have_is_refused_before_anything_is_read() {
    let world = World::new();
    world.rows("rows.jsonl", 8);
    let recipe = world.recipe("recipe.toml", "");
    let refuse = |settings: &[&str], words: &[&str]| {
        let mut arguments = vec!["train", &recipe, "--run", "refused"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let answer = world.run(&arguments);
        let code = answer.code;
        answer.refuses(code.max(1), words);
    };
    refuse(&["method.kind=full", "method.quant=nf4"], &["method.quant"]);
    refuse(&["method.kind=full", "optim.kl=0.1"], &["optim.kl", "base"]);
    refuse(
        &["method.kind=prefix", "data.packing=true"],
        &["data.packing", "virtual tokens"],
    );
    refuse(&["method.kind=bottleneck", "method.dora=true"], &["method.dora"]);
    refuse(
        &["method.kind=prompt", "method.modules_to_save=[\"lm_head\"]"],
        &["method.modules_to_save"],
    );
    refuse(
        &["method.modules_to_save=[\"norm\"]"],
        &["norm", "embed_tokens", "lm_head"],
    );
}
