//! The verb `starter`: the examination's counts and targets, the training curve, the shipped recipes.

use std::path::{Path, PathBuf};

use burnish::cli::starter::curve;
use burnish::cli::starter::report::{Asking, Report, Transcript};
use burnish::formats::config::ModelConfig;
use burnish::protocol::Event;
use burnish::recipe::{Init, MethodKind, Recipe};
use burnish::template::Mode;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

/// `right` of 100 facts, and for each way of asking how many of 100 questions were answered and how many ended, the same ones first.
fn report(right: usize, ways: [(usize, usize); 3]) -> Report {
    let mut report = Report::new(false, "chatml");
    for i in 0..100 {
        report.completed(if i % 2 == 0 { "capital" } else { "sum" }, i < right);
        for (way, (answered, ended)) in Asking::ALL.into_iter().zip(ways) {
            report.asked(way, "capital", i < answered, i < ended);
        }
    }
    report
}

#[test]
fn a_good_examination_meets_every_target_and_a_bad_one_names_what_it_missed() {
    assert_eq!(
        report(90, [(9, 100), (100, 9), (80, 98)]).missed(),
        Vec::<String>::new()
    );
    let missed = report(89, [(10, 100), (100, 10), (79, 97)]).missed();
    assert_eq!(
        missed,
        [
            "Facts that the base completes: 89.0 % (wanted at least 90 %)",
            "Base, plain text, answers and ends: 10.0 % (wanted under 10 %)",
            "Base, chat template, answers and ends: 10.0 % (wanted under 10 %)",
            "Tuned model answers: 79.0 % (wanted at least 80 %)",
            "Tuned model ends its turn: 97.0 % (wanted at least 98 %)",
        ]
    );
}

#[test]
fn the_whole_examination_must_also_be_large_enough_and_an_empty_one_is_none() {
    let mut whole = report(100, [(0, 0), (0, 0), (100, 100)]);
    whole.whole = true;
    assert_eq!(
        whole.missed(),
        [
            "Facts completed: 100 (wanted at least 2000)",
            "Held-out questions: 100 (wanted at least 500)"
        ]
    );
    assert_eq!(Report::new(false, "chatml").missed().len(), 5);
}

#[test]
fn the_table_shows_counts_relations_and_what_was_said() {
    let mut report = report(95, [(0, 1), (2, 3), (85, 99)]);
    report.transcripts.push(Transcript {
        question: "What is the capital of France called?".into(),
        replies: vec![
            ("\nWhat is".into(), false),
            ("What?\nWhat?".into(), false),
            ("The capital of France is Paris.".into(), true),
        ],
    });
    let text = report.markdown();
    for part in [
        "The base completes 95 of 100 facts (95.0 %).",
        "| Base, plain text | 100 | 0.0 % | 1.0 % | 0.0 % |",
        "| Tuned, chat template | 100 | 85.0 % | 99.0 % | 85.0 % |",
        "| capital | 50 | 96.0 % | 100 | 85.0 % |",
        "| sum | 50 | 94.0 % | 0 | - |",
        "- Base, chat template (cut off): `What?⏎What?`",
        "- Tuned, chat template (ends): `The capital of France is Paris.`",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["questions"]["tuned_template"]["capital"]["both"], 85);
}

fn step(step: usize, loss: f64) -> String {
    let event = Event::Step {
        step,
        loss,
        lr: 1e-3,
        grad_norm: 0.5,
        tokens: 2000,
        supervised_tokens: 1900,
        seconds: 1.0,
        epoch: 0.1,
        norms: vec![],
        rows: vec![],
        loss_scale: None,
        memory: 0,
    };
    serde_json::to_string(&event).expect("JSON")
}

#[test]
fn a_log_of_events_becomes_a_thin_table_and_a_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("events.jsonl");
    let mut lines: Vec<String> = (1..=30).map(|i| step(i, 8.0 / i as f64)).collect();
    lines.push(r#"{"event":"paused","step":30}"#.into());
    // Resumed from a checkpoint: steps 26 to 30 were taken again.
    lines.extend((26..=45).map(|i| step(i, 0.25)));
    std::fs::write(&log, lines.join("\n")).expect("written");
    curve::write(&log, folder.path()).expect("drawn");
    let rows = curve::read(&folder.path().join("training.csv")).expect("readable");
    let steps: Vec<usize> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [1, 10, 20, 30, 40, 45]);
    assert!((rows[0].loss - 8.0).abs() < 1e-9 && (rows[3].loss - 0.25).abs() < 1e-9);
    let svg = std::fs::read_to_string(folder.path().join("training.svg")).expect("readable");
    let points = svg.split("points=\"").nth(1).and_then(|rest| rest.split('"').next());
    let points: Vec<&str> = points.expect("a line").split(' ').collect();
    assert_eq!(points.len(), 6);
    // 8 is the top of the plot, 0.25 the bottom.
    assert!(points[0].ends_with(",40.0") && points[5] == "692.0,320.0", "{points:?}");
}

#[test]
fn a_broken_log_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log.csv");
    std::fs::write(&log, "step,loss,lr,grad_norm,tokens,seconds\n1,2,3,4,5,6\n2,nothing\n").expect("written");
    let error = curve::read(&log).expect_err("line 3").to_string();
    assert!(error.contains("log.csv, line 3"), "{error}");
    std::fs::write(&log, "1,2,3,4,5,6\n").expect("written");
    let error = curve::write(&log, folder.path()).expect_err("one step").to_string();
    assert!(error.contains("fewer than two steps"), "{error}");
    let error = curve::read(&folder.path().join("none"))
        .expect_err("no file")
        .to_string();
    assert!(error.contains("none"), "{error}");
}

#[test]
fn the_shipped_recipes_say_how_the_starter_was_made() {
    let folder = assets().join("starter");
    let pretrain = Recipe::load(&folder.join("pretrain.toml"), &[]).expect("a recipe");
    assert_eq!(
        (pretrain.model.init, pretrain.method.kind),
        (Init::Random, MethodKind::Full)
    );
    assert_eq!((pretrain.data.mode, pretrain.data.packing), (Mode::All, true));
    let sft = Recipe::load(&folder.join("sft.toml"), &[]).expect("a recipe");
    assert_eq!(sft.method.kind, MethodKind::Lora);
    assert_eq!(sft.template.name.as_deref(), Some("chatml"));
    let rows = std::fs::read_to_string(&sft.data.files[0]).expect("the sample");
    assert!((500..=1000).contains(&rows.lines().count()));
    let config = ModelConfig::read(&folder).expect("a configuration");
    let tokenizer = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json")).expect("a tokenizer");
    assert_eq!(config.vocab_size, tokenizer.get_vocab_size(true));
    assert!(
        (2_000_000..=6_000_000).contains(&config.parameters()),
        "{}",
        config.parameters()
    );
    assert!(pretrain.data.max_length <= config.max_position_embeddings);
}

#[test]
fn the_shipped_curve_is_that_of_the_shipped_log() {
    let folder = assets().join("starter");
    let rows = curve::read(&folder.join("training.csv")).expect("a log");
    let svg = std::fs::read_to_string(folder.join("training.svg")).expect("a curve");
    assert!(
        curve::picture(&rows) == svg,
        "training.svg is not drawn from training.csv"
    );
    let recipe = Recipe::load(&folder.join("pretrain.toml"), &[]).expect("a recipe");
    let last = rows.last().expect("a row");
    assert_eq!(last.step, recipe.optim.max_steps);
    assert!(rows.len() > 200 && last.loss < 1.0, "{last:?}");
}
