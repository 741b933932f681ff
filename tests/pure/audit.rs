//! Each kind of finding on a few rows, as `tests/golden/audit/findings.md` tells it, and the numbers of the summary.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use burnish::audit::{AuditSummary, Bucket, Finding, FindingKind, RowCounts};
use burnish::engine::{Engine, Flags};
use burnish::formats::weights::{HostTensor, StoreType, write};
use burnish::protocol::{Control, Event, Job};
use burnish::recipe::Recipe;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::tokens_fixture::write_tokenizer;
use crate::fetched::asset;

/// A model folder and the rows beside it.
struct World(tempfile::TempDir);

impl World {
    fn new(tokenizer: &str) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let model = world.path("model");
        std::fs::create_dir_all(&model).unwrap();
        let config = match tokenizer {
            "plain" => {
                write_tokenizer(&model);
                r#"{"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"}"#
            }
            other => {
                letters(other == "bytes")
                    .save(model.join("tokenizer.json"), false)
                    .unwrap();
                r#"{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}"#
            }
        };
        std::fs::write(model.join("tokenizer_config.json"), config).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn recipe(&self, rows: &str) -> Recipe {
        let file = self.path("rows.jsonl");
        std::fs::write(&file, rows).unwrap();
        let mut recipe = Recipe::new(self.path("model").to_string_lossy(), vec![file]);
        recipe.data.split = 0.0;
        recipe.method.train_markers = "off".into();
        recipe
    }
}

/// A tokenizer of single letters with `<s>` before every text.
fn letters(byte_fallback: bool) -> Tokenizer {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".into(), "</s>".into(), " ".into()];
    tokens.extend(('a'..='z').map(String::from));
    if byte_fallback {
        tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    }
    let vocab: Vocab = (0u32..).zip(tokens).map(|(id, token)| (token, id)).collect();
    let model = BPE::builder()
        .vocab_and_merges(vocab, vec![])
        .unk_token("<unk>".into())
        .byte_fallback(byte_fallback)
        .build()
        .unwrap();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .add_special_tokens(["<unk>", "<s>", "</s>"].map(|t| AddedToken::from(t, true)))
        .unwrap();
    tokenizer.with_decoder(Some(tokenizers::decoders::byte_fallback::ByteFallback::default()));
    let processor = TemplateProcessing::builder()
        .try_single("<s> $A")
        .unwrap()
        .special_tokens(vec![("<s>", 1)])
        .build()
        .unwrap();
    tokenizer.with_post_processor(Some(processor));
    tokenizer
}

fn audit(recipe: &Recipe) -> (Vec<Finding>, AuditSummary) {
    let (findings, summary) = (RefCell::new(vec![]), RefCell::new(None));
    let sink = |event: Event| match event {
        Event::Finding(finding) => findings.borrow_mut().push(finding),
        Event::Audited { summary: found } => *summary.borrow_mut() = Some(*found),
        _ => {}
    };
    let job = Job::Audit {
        recipe: Box::new(recipe.clone()),
    };
    Engine::new().run(job, &sink, &Flags::default()).unwrap();
    (
        findings.into_inner(),
        summary.into_inner().expect("an audit ends with its summary"),
    )
}

/// `severity kind count [rows]: sentence -> fix`
fn spelt(finding: &Finding) -> String {
    let rows: Vec<usize> = finding.rows.iter().map(|row| row.row).collect();
    let (severity, kind) = (finding.severity.name(), finding.kind.name());
    let fix = finding.fix.as_ref().map(|fix| format!(" -> {}", fix.setting()));
    format!(
        "{severity} {kind} {} {rows:?}: {}{}",
        finding.count,
        finding.message,
        fix.unwrap_or_default()
    )
}

/// The text of a fenced block of a case.
fn block<'a>(case: &'a str, kind: &str) -> Option<&'a str> {
    let (_, rest) = case.split_once(&format!("```{kind}\n"))?;
    rest.split_once("```").map(|(text, _)| text)
}

/// What differs from the page, if anything does.
fn check(case: &str) -> Option<String> {
    let settings = block(case, "recipe").unwrap_or_default();
    let tokenizer = settings.lines().find_map(|line| line.strip_prefix("tokenizer="));
    let world = World::new(tokenizer.unwrap_or("plain"));
    let mut recipe = world.recipe(block(case, "jsonl").unwrap());
    for setting in settings.lines().filter(|line| !line.starts_with("tokenizer=")) {
        recipe = recipe.with(setting).unwrap();
    }
    if let Some(source) = block(case, "jinja") {
        let file = world.path("case.jinja");
        std::fs::write(&file, source.trim_end()).unwrap();
        recipe.template.file = Some(file);
    }
    let found: Vec<String> = audit(&recipe).0.iter().map(spelt).collect();
    let expected: Vec<&str> = block(case, "findings").unwrap().lines().collect();
    let name = case.lines().next().unwrap_or_default();
    (found != expected).then(|| format!("{name}\n  found    {found:#?}\n  expected {expected:#?}"))
}

#[test]
fn each_case_of_the_page_is_found_with_its_rows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/audit/findings.md");
    let page = std::fs::read_to_string(page).unwrap();
    let cases: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(cases.len() > 15);
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const TWO_ROWS: &str = r#"{"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."}]}
{"messages": [{"role": "user", "content": "Three?"}, {"role": "assistant", "content": "Four."}]}
"#;

/// What the embedding rows of ids that were never trained look like.
#[derive(Clone, Copy, Debug)]
enum Looks {
    /// All but zero.
    Zero,
    /// As each other.
    Same,
    /// As the rows that no token has.
    Unused,
    /// As the mean of all others.
    Middle,
}

/// Weights with an embedding in which some rows were never trained.
fn write_weights(model: &Path, rows_of: &[usize], looks: Looks) {
    std::fs::write(model.join("config.json"), r#"{"model_type": "llama"}"#).unwrap();
    let tokens = burnish::tokens::Tokenizer::load(model).unwrap().vocab_size();
    let (rows, width) = (tokens + 4, 16);
    let trained = |row: usize, column: usize| 0.5 + ((row * 31 + column * 7) as f32).sin();
    let wave = |column: usize| (column as f32 * 0.7).cos();
    let value = |row: usize, column: usize| match (rows_of.contains(&row), looks) {
        (false, Looks::Unused) if row >= tokens => wave(column),
        (false, _) => trained(row, column),
        (true, Looks::Zero) => 1e-6,
        (true, Looks::Same | Looks::Unused) => wave(column),
        (true, Looks::Middle) => (0..tokens).map(|row| trained(row, column)).sum::<f32>() / tokens as f32,
    };
    let values = (0..rows * width).map(|at| value(at / width, at % width)).collect();
    let tensor = HostTensor {
        shape: vec![rows, width],
        values,
    };
    let name = "model.embed_tokens.weight".to_owned();
    write(&model.join("model.safetensors"), &[(name, tensor)], StoreType::F32, &[]).unwrap();
}

fn untrained(rows: &[usize], looks: Looks, markers: &str) -> Vec<String> {
    let world = World::new("plain");
    write_weights(&world.path("model"), rows, looks);
    let mut recipe = world.recipe(TWO_ROWS);
    recipe.method.train_markers = markers.into();
    audit(&recipe).0.iter().map(spelt).collect()
}

#[test]
fn markers_that_the_base_never_trained_are_serious_unless_the_run_trains_them() {
    // <|im_start|> and <|im_end|> are ids 1 and 2.
    for looks in [Looks::Zero, Looks::Same, Looks::Unused, Looks::Middle] {
        assert_eq!(untrained(&[], looks, "off"), Vec::<String>::new(), "{looks:?}");
        assert_eq!(untrained(&[1, 2], looks, "off").len(), 1, "{looks:?}");
    }
    for looks in [Looks::Zero, Looks::Unused, Looks::Middle] {
        let found = untrained(&[2], looks, "off");
        assert!(found[0].contains("(<|im_end|>)"), "{looks:?}: {found:?}");
    }
    let found = untrained(&[1, 2], Looks::Same, "off");
    assert_eq!(
        found,
        [
            "serious untrained-tokens 2 [0, 1]: 2 rows have special tokens that the base never learned (<|im_start|>, <|im_end|>), and the run does not train them: the model would not know what they mean or when to stop. -> method.train_markers=on"
        ]
    );
    let found = untrained(&[1, 2], Looks::Same, "on");
    assert!(found[0].starts_with("note untrained-tokens 2"), "{found:?}");
}

#[test]
fn the_summary_counts_rows_tokens_and_ends() {
    let world = World::new("plain");
    let rows = format!("{TWO_ROWS}broken\n{{\"messages\": [{{\"role\": \"user\", \"content\": \"Who?\"}}]}}\n");
    let (_, summary) = audit(&world.recipe(&rows));
    let expected = RowCounts {
        read: 4,
        kept: 2,
        skipped: 2,
        shortened: 0,
        held_out: 0,
    };
    assert_eq!(summary.rows, expected);
    let rows = |buckets: &[Bucket]| buckets.iter().map(|b| b.rows).sum::<usize>();
    // The row without an answer was rendered, the broken one was not.
    assert_eq!((rows(&summary.lengths), rows(&summary.shares)), (3, 2));
    let ends: Vec<(&str, usize, usize)> = summary
        .ends
        .iter()
        .map(|e| (e.role.as_str(), e.seen, e.learned))
        .collect();
    assert_eq!(ends, [("user", 2, 0), ("assistant", 2, 2)]);
    assert!(summary.tokens.supervised > 4 && summary.tokens.supervised < summary.tokens.all);
    assert_eq!(summary.template, "chatml");
}

#[test]
fn raw_text_has_no_template_to_be_wrong() {
    let world = World::new("plain");
    let (findings, summary) =
        audit(&world.recipe("{\"text\": \"The sky is blue.\"}\n{\"text\": \"So is the sea.\"}\n"));
    assert_eq!(findings, vec![]);
    assert_eq!((summary.template.as_str(), summary.rows.kept), ("", 2));
    assert!(summary.ends.is_empty());
}

#[test]
fn rows_of_a_second_file_say_which_file() {
    let world = World::new("plain");
    let mut recipe = world.recipe(TWO_ROWS);
    let second = world.path("second.jsonl");
    std::fs::write(&second, TWO_ROWS.replace("One", "Ten")).unwrap();
    recipe.data.files.push(second);
    let (findings, _) = audit(&recipe);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].kind, FindingKind::Duplicates);
    let places: Vec<(usize, usize)> = findings[0].rows.iter().map(|r| (r.file, r.row)).collect();
    assert_eq!(places, [(1, 1)]);
}

#[test]
fn a_stopped_audit_ends_at_once() {
    let world = World::new("plain");
    let flags = Flags::default();
    flags.apply(Control::Stop);
    let job = Job::Audit {
        recipe: Box::new(world.recipe(TWO_ROWS)),
    };
    let error = Engine::new().run(job, &|_| {}, &flags).unwrap_err();
    assert!(error.to_string().contains("Stopped"), "{error}");
}

/// What is said of untrained tokens for the model at `path`, with its own template.
fn untrained_of(path: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    std::fs::write(&file, TWO_ROWS).unwrap();
    let (findings, _) = audit(&Recipe::new(path.to_string_lossy(), vec![file]));
    let findings = findings.iter().filter(|f| f.kind == FindingKind::UntrainedTokens);
    findings.map(spelt).collect()
}

#[test]
fn the_starter_never_saw_its_markers() {
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/starter");
    let found = untrained_of(&starter);
    assert!(found[0].starts_with("note untrained-tokens 2"), "{found:?}");
    assert!(found[0].contains("(<|im_start|>, <|im_end|>)"), "{found:?}");
}

#[test]
fn a_chat_model_knows_its_markers() {
    // Their rows moved only a little from those that were never used.
    if let Some(file) = asset("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf") {
        assert_eq!(untrained_of(&file), Vec::<String>::new());
    }
}
