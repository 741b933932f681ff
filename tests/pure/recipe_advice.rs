//! What a recipe is told before it runs: common mistakes with the usual value, and what would fit into a device.

use burnish::formats::config::ModelConfig;
use burnish::recipe::{LintFacts, Load, ModelShape, Processor, Recipe, USABLE, lints, memory, proposals};
use burnish::session::Method;
use serde_json::json;

/// SmolLM2-135M.
pub fn shape() -> ModelShape {
    let config = json!({
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
        "num_key_value_heads": 3, "vocab_size": 49152, "rms_norm_eps": 1e-5, "tie_word_embeddings": true
    });
    ModelShape::from(&ModelConfig::from_value(&config).expect("config"))
}

pub fn recipe(settings: &[&str]) -> Recipe {
    let recipe = Recipe::new("m", vec!["a".into()]);
    settings
        .iter()
        .fold(recipe, |recipe, setting| recipe.with(setting).expect(setting))
}

fn fields(settings: &[&str], facts: &LintFacts<'_>) -> Vec<&'static str> {
    lints(&recipe(settings), facts)
        .into_iter()
        .map(|lint| lint.field)
        .collect()
}

fn facts(shape: &ModelShape) -> LintFacts<'_> {
    LintFacts {
        train_rows: 900,
        eval_rows: 40,
        steps: 113,
        shape: Some(shape),
        learns_to_stop: Some(true),
    }
}

#[test]
fn the_defaults_are_without_fault() {
    let shape = shape();
    for method in Method::ALL {
        let mut recipe = recipe(&[]);
        method.put_into(&mut recipe);
        assert_eq!(lints(&recipe, &facts(&shape)), [], "{method:?}");
        assert_eq!(Method::of(&recipe), method, "choosing a method makes a recipe of it");
        recipe.check().expect("valid");
    }
}

#[test]
fn each_common_mistake_is_told_with_its_field() {
    let shape = shape();
    let usual = facts(&shape);
    for (settings, field) in [
        (&["optim.lr=0.05"][..], "optim.lr"),
        (&["optim.lr=1e-7"], "optim.lr"),
        (&["method.kind=full", "optim.lr=2e-4"], "optim.lr"),
        (&["optim.name=lion", "optim.beta2=0.99", "optim.lr=1e-3"], "optim.lr"),
        (&["optim.warmup=113"], "optim.warmup"),
        (&["method.r=200", "method.alpha=200"], "method.r"),
        (&["batch.size=64", "batch.accumulation=16"], "batch.size"),
        (&["optim.epochs=4"], "optim.epochs"),
        (&["data.split=0"], "data.split"),
        (&["optim.name=lion", "optim.lr=2e-5"], "optim.beta2"),
        (&["method.alpha=1"], "method.alpha"),
    ] {
        assert_eq!(fields(settings, &usual), [field], "{settings:?}");
    }
    // The edge of each rule is still fine.
    for settings in [
        &["optim.warmup=112"][..],
        &["method.r=192", "method.alpha=192"],
        &["batch.size=60", "batch.accumulation=15"],
        &["optim.epochs=3"],
        &["optim.epochs=9", "optim.max_steps=100"],
        &["optim.lr=2e-3"],
    ] {
        assert_eq!(fields(settings, &usual), [""; 0], "{settings:?}");
    }
    let blind = LintFacts { eval_rows: 0, ..usual };
    assert_eq!(fields(&[], &blind), ["data.split"], "nothing came to be held out");
    assert_eq!(fields(&["eval.patience=3"], &blind), ["data.split", "eval.patience"]);
    let endless = LintFacts {
        learns_to_stop: Some(false),
        ..usual
    };
    assert_eq!(fields(&[], &endless), ["template.name"]);
    assert_eq!(fields(&["data.mode=all"], &endless), [""; 0], "raw text has no turns");
    let nothing_known = LintFacts::default();
    assert_eq!(fields(&[], &nothing_known), [""; 0]);
}

#[test]
fn a_fix_mends_what_it_belongs_to() {
    let shape = shape();
    let usual = facts(&shape);
    let mut broken = recipe(&[
        "optim.lr=0.5",
        "optim.warmup=500",
        "method.r=300",
        "optim.epochs=20",
        "data.split=0",
    ]);
    broken.batch.accumulation = 400;
    let found = lints(&broken, &usual);
    assert_eq!(found.len(), 7, "{found:?}");
    for lint in &found {
        assert!(
            lint.message.ends_with('.') && lint.message.contains("Usual"),
            "{}",
            lint.message
        );
        let fix = lint.fix.as_ref().expect("a way out");
        let mended = broken.with(fix).expect(fix);
        let left = lints(&mended, &usual);
        assert!(
            !left.iter().any(|l| l.field == lint.field && l.message == lint.message),
            "{fix}"
        );
    }
}

#[test]
fn what_fits_is_below_the_budget_and_keeps_the_step() {
    let shape = shape();
    let large = recipe(&["batch.size=32", "data.max_length=2048"]);
    let budget = 8_000_000_000;
    let needs = |recipe: &Recipe, len| memory(recipe, &shape, Load::full(recipe.batch.size, len)).total();
    assert!(needs(&large, 2048) > budget, "the recipe alone does not fit");
    let ways = proposals(&large, &shape, 2048, budget, Processor::Cpu);
    assert!(!ways.is_empty() && ways.len() <= 3);
    for way in &ways {
        let changed = way.settings.iter().fold(large.clone(), |r, s| r.with(s).expect(s));
        let len = changed.data.max_length.min(2048);
        assert_eq!(needs(&changed, len), way.memory.total(), "{}", way.label);
        assert!(way.memory.total() as f64 <= budget as f64 * USABLE, "{}", way.label);
        assert_eq!(
            changed.batch.size * changed.batch.accumulation,
            32,
            "{}: the same rows a step",
            way.label
        );
    }
    assert_eq!(
        proposals(&recipe(&[]), &shape, 512, 64_000_000_000, Processor::Cpu),
        [],
        "what fits needs no advice"
    );
    // Too small for anything: no false promise.
    assert_eq!(proposals(&large, &shape, 2048, 10_000_000, Processor::Cpu), []);
    // Full training that cannot fit is offered as QLoRA.
    let full = recipe(&["method.kind=full", "batch.size=1"]);
    let ways = proposals(&full, &shape, 512, 1_300_000_000, Processor::Cpu);
    assert!(
        ways.iter()
            .any(|way| way.settings.iter().any(|s| s == "method.kind=lora")),
        "{ways:?}"
    );
}
