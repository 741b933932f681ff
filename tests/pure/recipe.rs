//! Recipes: reading, short forms, overrides, errors that name key and line, counts, memory and length.

use std::path::{Path, PathBuf};

use burnish::batch::{Order, OrderOptions};
use burnish::formats::config::ModelConfig;
use burnish::recipe::{
    BatchPart, Init, Load, MethodKind, ModelShape, OptimPart, Recipe, RecipeError, Schedule, lora_parameters, memory,
    steps_of, trainable,
};
use burnish::template::Mode;
use serde_json::json;

const SHORT: &str = "model = \"starter\"\ndata = \"pirates.jsonl\"\n";

fn error(text: &str) -> String {
    Recipe::parse(text).expect_err(text).to_string()
}

#[test]
fn short_forms_and_defaults() {
    let recipe = Recipe::parse(&format!("{SHORT}template = \"chatml\"")).expect("valid");
    assert_eq!(recipe.model.path, "starter");
    assert_eq!(recipe.data.files, [PathBuf::from("pirates.jsonl")]);
    assert_eq!(
        (recipe.template.name.as_deref(), &recipe.template.file),
        (Some("chatml"), &None)
    );
    assert_eq!(
        (recipe.data.split, recipe.data.seed, recipe.data.max_length),
        (5.0, 42, 512)
    );
    assert_eq!(
        (recipe.method.kind, recipe.optim.schedule, recipe.model.init),
        (MethodKind::Lora, Schedule::Cosine, Init::Weights)
    );
    let mut plain = Recipe::new("starter", vec!["pirates.jsonl".into()]);
    plain.template.name = Some("chatml".into());
    assert_eq!(recipe, plain);
    let listed = Recipe::parse("model = \"m\"\ndata = [\"a\", \"b\"]\ntemplate = \"my/own.jinja\"").expect("valid");
    assert_eq!(listed.data.files.len(), 2);
    assert_eq!(listed.template.file.as_deref(), Some(Path::new("my/own.jinja")));
    assert_eq!(
        Recipe::parse("model = \"m\"\n[data]\nfiles = \"a\"")
            .expect("valid")
            .data
            .files
            .len(),
        1
    );
}

#[test]
fn every_setting_survives_a_round_trip() {
    let mut recipe = Recipe::new("models/tiny", vec!["a.jsonl".into(), "b \"quoted\".jsonl".into()]);
    recipe.data.sha256 = vec!["00".into(), "ff".into()];
    recipe.data.mode = Mode::Flags;
    recipe.data.packing = true;
    recipe.data.seed = i64::MAX as u64;
    recipe.model.init = Init::Random;
    recipe.template.file = Some("t.jinja".into());
    recipe.method.kind = MethodKind::Full;
    recipe.optim.lr = 1.234_567_890_123e-5;
    recipe.optim.max_steps = 7;
    recipe.eval.prompts = vec!["Hi\nthere".into()];
    let text = recipe.to_toml().expect("writable");
    assert_eq!(Recipe::parse(&text).expect("readable"), recipe, "{text}");
    // Every key that is written is in the list of known ones: parse() refuses all others. And none is forgotten:
    for key in [
        "sha256",
        "init",
        "train_markers",
        "checkpointing",
        "prompts",
        "keep",
        "beta2",
    ] {
        assert!(text.contains(key), "{key}");
    }
}

#[test]
fn files_are_saved_whole_and_paths_count_from_their_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("tiny")).expect("a folder");
    let path = folder.path().join("recipe.toml");
    std::fs::write(
        &path,
        "model = \"tiny\"\ndata = [\"a.jsonl\", \"/data/b.jsonl\"]\ntemplate = \"./t.jinja\"\n",
    )
    .expect("written");
    let recipe = Recipe::load(&path, &[]).expect("valid");
    assert_eq!(Path::new(&recipe.model.path), folder.path().join("tiny"));
    assert_eq!(
        recipe.data.files,
        [folder.path().join("a.jsonl"), "/data/b.jsonl".into()]
    );
    assert_eq!(recipe.template.file, Some(folder.path().join("t.jinja")));
    recipe.save(&path).expect("writable");
    assert_eq!(Recipe::load(&path, &[]).expect("valid"), recipe);
    std::fs::write(&path, SHORT).expect("written");
    assert_eq!(Recipe::load(&path, &[]).expect("valid").model.path, "starter");
    assert!(matches!(
        recipe.save(Path::new("/nonexistent/recipe.toml")),
        Err(RecipeError::Io { .. })
    ));
    let missing = Recipe::load(Path::new("/nonexistent/recipe.toml"), &[])
        .expect_err("missing")
        .to_string();
    assert!(missing.contains("/nonexistent/recipe.toml"), "{missing}");
}

#[test]
fn unknown_keys_name_the_nearest_one_and_the_line() {
    for (text, key, nearest, line) in [
        ("[optim]\nlrate = 1", "optim.lrate", "optim.lr", 4),
        ("[optim]\n\nlearning_rate = 1", "optim.learning_rate", "optim.lr", 5),
        ("[method]\nrank = 8", "method.rank", "method.r", 4),
        ("[method]\nalhpa = 8", "method.alhpa", "method.alpha", 4),
        ("[metod]\nr = 8", "metod", "method", 3),
        ("[optim]\nsize = 8", "optim.size", "batch.size", 4),
        ("lr = 1e-4", "lr", "optim.lr", 3),
        ("epoch = 3", "epoch", "optim.epochs", 3),
        ("batch.sice = 3", "batch.sice", "batch.size", 3),
    ] {
        let message = error(&format!("{SHORT}{text}"));
        assert_eq!(
            message,
            format!("Unknown key \"{key}\". Did you mean \"{nearest}\"? (line {line})"),
            "{text}"
        );
    }
}

#[test]
fn values_out_of_range_name_key_value_and_range() {
    for (text, parts) in [
        ("[optim]\nlr = 5", ["\"optim.lr\" is 5,", "above 0 and up to 1"]),
        ("[optim]\nlr = -1e-4", ["\"optim.lr\" is -0.0001,", "above 0"]),
        ("[optim]\nlr = nan", ["\"optim.lr\" is nan,", "above 0"]),
        ("[optim]\nlr = \"high\"", ["\"optim.lr\" is \"high\",", "a number"]),
        ("[optim]\nepochs = 0", ["\"optim.epochs\" is 0,", "above 0"]),
        (
            "[optim]\nschedule = \"cosinus\"",
            ["\"cosinus\"", "\"constant\", \"linear\", \"cosine\""],
        ),
        ("[optim]\nname = \"adam\"", ["\"adam\"", "\"adamw\""]),
        ("[optim]\nbeta2 = 1", ["\"optim.beta2\" is 1,", "below 1"]),
        ("[method]\nr = 0", ["\"method.r\" is 0,", "1 to 4096"]),
        ("[method]\nr = 8.5", ["\"method.r\" is 8.5,", "whole number"]),
        ("[method]\nalpha = 0.0", ["\"method.alpha\" is 0.0,", "above 0"]),
        ("[method]\ndropout = 1.0", ["\"method.dropout\" is 1.0,", "below 1"]),
        ("[method]\ntargets = [\"q_prj\"]", ["q_prj", "\"q_proj\""]),
        ("[batch]\nsize = 0", ["\"batch.size\" is 0,", "1 to 4096"]),
        (
            "[batch]\naccumulation = -1",
            ["\"batch.accumulation\" is -1,", "1 to 65536"],
        ),
        (
            "[batch]\ncheckpointing = 1",
            ["\"batch.checkpointing\" is 1,", "true or false"],
        ),
        ("[save]\nkeep = 0", ["\"save.keep\" is 0,", "1 to 1000"]),
    ] {
        let message = error(&format!("{SHORT}{text}"));
        assert!(
            parts.iter().all(|part| message.contains(part)) && message.ends_with("(line 4)"),
            "{message}"
        );
    }
    let data = |text: &str| error(&format!("model = \"m\"\n[data]\nfiles = [\"a\"]\n{text}"));
    assert!(data("split = 60").contains("\"data.split\" is 60, but a number from 0 to 50"));
    assert!(data("max_length = 1").contains("\"data.max_length\" is 1,"));
    assert!(data("seed = -1").contains("\"data.seed\" is -1, but a whole number from 0 on"));
    assert!(data("mode = \"user\"").contains("\"user\""));
    assert!(error("model = \"m\"\ndata = []").contains("\"data.files\" is []"));
    assert!(error("model = 3\ndata = \"x\"").contains("\"model\" is 3"));
}

#[test]
fn what_is_missing_or_contradictory_is_said() {
    assert!(error("data = \"x\"").contains("no \"model.path\""));
    assert!(error("model = \"m\"").contains("no \"data.files\""));
    assert!(error("model = \"m\"\n[data]\nsplit = 5").contains("no \"data.files\""));
    assert!(
        error("model = \"m\"\ndata = ]").ends_with("(line 2)"),
        "{}",
        error("model = \"m\"\ndata = ]")
    );
    assert!(error("model = \"m\ndata").contains("not valid TOML"));
    assert!(error(&format!("{SHORT}[template]\nname = \"a\"\nfile = \"b\"")).contains("(line 5)"));
    assert!(error(&format!("{SHORT}[method]\ntargets = []")).contains("train nothing"));
    assert!(error("").contains("model.path"));
}

#[test]
fn errors_of_files_name_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, format!("{SHORT}[optim]\nlr = 7\n")).expect("written");
    let message = Recipe::load(&path, &[]).expect_err("out of range").to_string();
    assert!(message.ends_with(&format!("({}, line 4)", path.display())), "{message}");
    std::fs::write(&path, "").expect("written");
    let message = Recipe::load(&path, &[]).expect_err("no model").to_string();
    assert!(message.contains("recipe.toml"), "{message}");
}

#[test]
fn settings_of_the_command_line_win() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, format!("{SHORT}[optim]\nlr = 0.1\n")).expect("written");
    let load = |sets: &[&str]| Recipe::load(&path, &sets.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
    let recipe = load(&[
        "optim.lr=3e-5",
        "method.r = 4",
        "batch.size=2",
        "data.mode=all",
        "method.targets=[\"q_proj\"]",
        "model.device=cpu",
        "data.packing=true",
        "template=plain",
        "data.files=x.jsonl",
    ])
    .expect("valid");
    assert_eq!((recipe.optim.lr, recipe.method.r, recipe.batch.size), (3e-5, 4, 2));
    assert_eq!(
        (recipe.data.mode, recipe.data.packing, recipe.model.device.as_str()),
        (Mode::All, true, "cpu")
    );
    assert_eq!(
        (recipe.method.targets.as_slice(), recipe.template.name.as_deref()),
        (&["q_proj".to_owned()][..], Some("plain"))
    );
    assert_eq!(
        recipe.data.files,
        [std::env::current_dir().expect("a folder").join("x.jsonl")]
    );
    let message = |sets: &[&str]| load(sets).expect_err("an error").to_string();
    assert_eq!(
        message(&["optim.lr=7"]),
        "\"optim.lr\" is 7, but a number above 0 and up to 1 is needed. (--set optim.lr=7)"
    );
    assert_eq!(
        message(&["optim.lrr=7"]),
        "Unknown key \"optim.lrr\". Did you mean \"optim.lr\"? (--set optim.lrr=7)"
    );
    assert!(message(&["optim.lr"]).contains("table.key=value"));
    assert!(message(&["=3"]).contains("table.key=value"));
    assert_eq!(recipe.with("optim.lr=1e-3").expect("valid").optim.lr, 1e-3);
}

#[test]
fn a_recipe_from_a_form_is_checked_too() {
    let mut recipe = Recipe::new("m", vec!["a".into()]);
    assert!(recipe.check().is_ok());
    recipe.optim.lr = 0.0;
    let message = recipe.check().expect_err("no learning").to_string();
    assert_eq!(
        message,
        "\"optim.lr\" is 0.0, but a number above 0 and up to 1 is needed."
    );
    recipe.optim.lr = f64::NAN;
    assert!(recipe.check().is_err());
    let empty = Recipe::new("", vec![]);
    assert!(empty.check().is_err());
}

/// The shape of a Llama: hidden size, layers, heads, key heads, feed-forward size, ids.
fn llama(sizes: [usize; 6], tied: bool) -> ModelShape {
    let [hidden, layers, heads, kv, inner, vocab] = sizes;
    let config = json!({
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv, "intermediate_size": inner, "vocab_size": vocab, "tie_word_embeddings": tied
    });
    ModelShape::from(&ModelConfig::from_value(&config).expect("a configuration"))
}

/// SmolLM2-135M: tied, 134,515,008 parameters by its model card's safetensors header.
fn smollm2(tied: bool) -> ModelShape {
    llama([576, 30, 9, 3, 1536, 49_152], tied)
}

#[test]
fn parameters_are_counted() {
    let shape = smollm2(true);
    assert_eq!(shape.parameters, 134_515_008);
    assert_eq!(smollm2(false).parameters, 134_515_008 + 49_152 * 576);
    let mut recipe = Recipe::new("m", vec!["a".into()]);
    recipe.method.r = 8;
    // PEFT's print_trainable_parameters for r = 8 on all seven linears of this model.
    assert_eq!(trainable(&recipe, &shape), 2_442_240);
    let of = |target: &str| lora_parameters(&shape, &[target.to_owned()], 8);
    assert_eq!(of("q_proj"), 30 * 8 * (576 + 576));
    assert_eq!(of("mlp.down_proj"), 30 * 8 * (1536 + 576));
    assert_eq!(of("n_proj"), 0);
    recipe.method.modules_to_save = vec!["embed_tokens".into()];
    assert_eq!(trainable(&recipe, &shape), 2_442_240 + 49_152 * 576);
    recipe.method.kind = MethodKind::Full;
    assert_eq!(trainable(&recipe, &shape), shape.parameters);
}

#[test]
fn full_training_needs_sixteen_bytes_a_parameter() {
    let mut recipe = Recipe::new("m", vec!["a".into()]);
    let load = Load::full(8, 512);
    let lora = memory(&recipe, &smollm2(true), load);
    recipe.method.kind = MethodKind::Full;
    let full = memory(&recipe, &smollm2(true), load);
    assert_eq!(full.base + full.gradients + full.moments, 16 * smollm2(true).parameters);
    assert_eq!((full.adapter, full.moments), (0, 2 * full.gradients));
    assert!(lora.total() < full.total() && lora.adapter == lora.gradients);
    assert_eq!(
        lora.total(),
        lora.base + lora.adapter + lora.gradients + lora.moments + lora.activations + lora.workspace
    );
    recipe.batch.checkpointing = true;
    assert!(memory(&recipe, &smollm2(true), load).activations < full.activations / 10);
    let half = memory(&recipe, &smollm2(true), Load::full(4, 512));
    assert!(half.activations * 2 == memory(&recipe, &smollm2(true), load).activations);
}

#[test]
fn the_length_of_a_run_is_that_of_its_order() {
    let batch = BatchPart {
        size: 3,
        accumulation: 2,
        ..BatchPart::default()
    };
    for (rows, epochs, max_steps, expected) in [
        (31, 1.0, 0, 6),
        (31, 3.0, 0, 18),
        (31, 0.5, 0, 3),
        (31, 2.1, 0, 13),
        (31, 9.0, 5, 5),
        (0, 3.0, 5, 0),
        (1, 0.1, 0, 1),
        (180, 0.1, 0, 3),
    ] {
        let optim = OptimPart {
            epochs,
            max_steps,
            ..OptimPart::default()
        };
        assert_eq!(steps_of(rows, &batch, &optim), expected, "{rows} rows, {epochs} epochs");
    }
    for rows in 0..40 {
        let options = OrderOptions {
            batch_size: 3,
            accumulation: 2,
            packing: None,
            seed: None,
            by_length: false,
        };
        let optim = OptimPart {
            epochs: 1.0,
            ..OptimPart::default()
        };
        assert_eq!(
            steps_of(rows, &batch, &optim),
            Order::new(&vec![5; rows], options).steps_per_epoch()
        );
    }
    let recipe = Recipe::new("m", vec!["a".into()]);
    assert_eq!(
        (
            recipe.eval.interval(800),
            recipe.save.interval(800),
            recipe.save.interval(1)
        ),
        (80, 160, 1)
    );
}

/// Peak resident memory of `burnish train --device cpu` on the starter's shape, as its `train_end` event said it:
/// method, rows of a micro-batch, tokens of every row (all supervised), bytes.
const MEASURED: [(MethodKind, usize, usize, u64); 5] = [
    (MethodKind::Full, 4, 326, 224_247_808),
    (MethodKind::Full, 16, 326, 632_123_392),
    (MethodKind::Lora, 4, 326, 193_265_664),
    (MethodKind::Lora, 16, 326, 598_065_152),
    (MethodKind::Lora, 4, 256, 163_880_960),
];

#[test]
fn the_estimate_is_within_a_tenth_of_measured_peaks() {
    let starter = llama([192, 6, 6, 3, 512, 3072], true);
    for (kind, rows, len, bytes) in MEASURED {
        let mut recipe = Recipe::new("starter", vec!["a".into()]);
        recipe.method.kind = kind;
        let ratio = memory(&recipe, &starter, Load::full(rows, len)).total() as f64 / bytes as f64;
        assert!((0.9..1.1).contains(&ratio), "{kind:?}, {rows} x {len}: {ratio:.3}");
    }
}
