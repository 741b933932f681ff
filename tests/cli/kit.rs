//! A tiny random model, sample rows, and the program run with arguments.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use burnish::formats::config::ModelConfig;
use burnish::formats::weights::{HostTensor, StoreType, write};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

/// Ids of the tiny model.
pub const VOCAB: usize = 270;

/// A folder with a model (`model/`) and room for the rest.
pub struct World {
    folder: TempDir,
}

/// What the program answered.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// The JSON objects on stdout.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Fails with this code and says all of `words` on stderr.
    #[track_caller]
    pub fn refuses(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

impl World {
    pub fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        write_model(&world.path("model"));
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Chat rows about doubled numbers.
    pub fn rows(&self, name: &str, count: usize) {
        let row = |i: usize| {
            let (question, answer) = (format!("{i}+{i}?"), format!("{}", 2 * i));
            json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})
                .to_string()
        };
        let lines: Vec<String> = (0..count).map(row).collect();
        self.write(name, &(lines.join("\n") + "\n"));
    }

    /// A recipe over `rows.jsonl`, changed by `more` (TOML tables).
    pub fn recipe(&self, name: &str, more: &str) -> String {
        let text = format!(
            "{more}\n[model]\npath = \"model\"\ndevice = \"cpu\"\n[data]\nfiles = [\"rows.jsonl\"]\nmax_length = 64\n"
        );
        self.write(name, &text);
        self.text(name)
    }

    /// The program with arguments, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_burnish"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("BURNISH_HOME", self.path("home"))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            // No test shows a notification on a real desktop.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).output().unwrap())
    }
}

pub fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Two layers, 32 wide, weights from a fixed sequence, with a byte-level tokenizer and no template.
pub fn write_model(folder: &Path) {
    write_model_of(folder, VOCAB);
}

/// [`write_model`] with another number of ids; those above the tokenizer's never come up.
pub fn write_model_of(folder: &Path, vocab: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": vocab,
        "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
        "hidden_act": "silu", "bos_token_id": 0, "eos_token_id": 0
    });
    let parsed = ModelConfig::from_value(&config).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    let tensors: Vec<(String, HostTensor)> = parsed
        .weight_shapes()
        .into_iter()
        .map(|(name, shape)| {
            let count = shape.iter().product();
            let mut values: Vec<f32> = match shape.len() {
                1 => vec![1.0; count],
                _ => (0..count).map(|_| random() * 0.4).collect(),
            };
            if name.contains("embed_tokens") {
                // The end of text is never the best token: generations run to their limit.
                values[..parsed.hidden_size].fill(0.0);
            }
            (name, HostTensor { shape, values })
        })
        .collect();
    write(
        &folder.join("model.safetensors"),
        &tensors,
        StoreType::F32,
        &[("format", "pt")],
    )
    .unwrap();
    write_tokenizer(folder);
}

fn write_tokenizer(folder: &Path) {
    let mut tokenizer = Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
    let mut trainer = TrainerWrapper::BpeTrainer(
        BpeTrainer::builder()
            .vocab_size(VOCAB)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(special.iter().map(|t| AddedToken::from(*t, true)).collect())
            .build(),
    );
    let lines = [
        "user assistant system one two three",
        "the answer is four, the question was two",
    ];
    tokenizer
        .train(&mut trainer, lines.iter().map(|l| l.to_string()))
        .unwrap();
    assert!(tokenizer.get_vocab_size(true) <= VOCAB);
    tokenizer.save(folder.join("tokenizer.json"), false).unwrap();
    let config = r#"{"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}"#;
    std::fs::write(folder.join("tokenizer_config.json"), config).unwrap();
}
