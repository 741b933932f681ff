//! Every key of a recipe with its type and range: the one list behind unknown-key and value checks.

use toml::Value;

use super::{ALL_LINEAR, target_names};

/// One key.
pub(super) struct Field {
    pub table: &'static str,
    pub key: &'static str,
    pub form: Form,
}

/// What a value may be.
pub(super) enum Form {
    /// Any text but the empty one.
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A whole number in a range, both ends included.
    Whole(i64, i64),
    /// A number in a range, both ends included.
    Number(f64, f64),
    /// A number above the first and up to the second.
    Above(f64, f64),
    /// A number from the first and below the second.
    Below(f64, f64),
    /// true or false.
    Flag,
    /// A list of texts.
    Texts,
    /// A list of file names, or one.
    Files,
    /// A list of some of these texts.
    Some(&'static [&'static str]),
    /// A list of names of linear layers, or what stands for all of them.
    Targets,
}

const MANY: i64 = 1_000_000_000;
const MODULES: &[&str] = &["embed_tokens", "lm_head"];

/// All keys, in the order of the tables in a recipe.
#[rustfmt::skip]
pub(super) const FIELDS: &[Field] = &[
    field("model", "path", Form::Text),
    field("model", "device", Form::Text),
    field("model", "dtype", Form::Choice(&["auto", "f32", "f16"])),
    field("model", "compute", Form::Choice(&["f32", "f16", "bf16"])),
    field("model", "init", Form::Choice(&["weights", "random"])),
    field("data", "files", Form::Files),
    field("data", "sha256", Form::Texts),
    field("data", "split", Form::Number(0.0, 50.0)),
    field("data", "seed", Form::Whole(0, i64::MAX)),
    field("data", "mode", Form::Choice(&["assistant", "last", "flags", "completion", "all", "template"])),
    field("data", "max_length", Form::Whole(2, 1_048_576)),
    field("data", "packing", Form::Flag),
    field("data", "replay", Form::Texts),
    field("data", "replay_sha256", Form::Texts),
    field("data", "replay_share", Form::Number(0.0, 90.0)),
    field("template", "name", Form::Text),
    field("template", "file", Form::Text),
    field("method", "kind", Form::Choice(&["lora", "full", "bottleneck", "prefix", "prompt"])),
    field("method", "r", Form::Whole(1, 4096)),
    field("method", "alpha", Form::Above(0.0, 65_536.0)),
    field("method", "dropout", Form::Below(0.0, 1.0)),
    field("method", "targets", Form::Targets),
    field("method", "rslora", Form::Flag),
    field("method", "adapter_dtype", Form::Choice(&["f32", "bf16"])),
    field("method", "dora", Form::Flag),
    field("method", "quant", Form::Choice(&["none", "nf4", "q8"])),
    field("method", "double_quant", Form::Flag),
    field("method", "width", Form::Whole(1, 65_536)),
    field("method", "virtual_tokens", Form::Whole(1, 4096)),
    field("method", "modules_to_save", Form::Some(MODULES)),
    field("method", "train_markers", Form::Choice(&["auto", "on", "off"])),
    field("optim", "name", Form::Choice(&["adamw", "adamw8bit", "adafactor", "lion", "sgd"])),
    field("optim", "lr", Form::Above(0.0, 1.0)),
    field("optim", "schedule", Form::Choice(&["constant", "linear", "cosine", "inverse_sqrt", "wsd"])),
    field("optim", "warmup", Form::Number(0.0, MANY as f64)),
    field("optim", "decay", Form::Above(0.0, MANY as f64)),
    field("optim", "weight_decay", Form::Number(0.0, 10.0)),
    field("optim", "beta1", Form::Below(0.0, 1.0)),
    field("optim", "beta2", Form::Below(0.0, 1.0)),
    field("optim", "clip", Form::Number(0.0, 1e6)),
    field("optim", "neftune", Form::Number(0.0, 1000.0)),
    field("optim", "kl", Form::Number(0.0, 1000.0)),
    field("optim", "epochs", Form::Above(0.0, 10_000.0)),
    field("optim", "max_steps", Form::Whole(0, MANY)),
    field("batch", "size", Form::Whole(1, 4096)),
    field("batch", "accumulation", Form::Whole(1, 65_536)),
    field("batch", "order", Form::Choice(&["shuffled", "length"])),
    field("batch", "checkpointing", Form::Flag),
    field("eval", "every", Form::Whole(0, MANY)),
    field("eval", "rows", Form::Whole(0, MANY)),
    field("eval", "prompts", Form::Texts),
    field("eval", "patience", Form::Whole(0, MANY)),
    field("save", "every", Form::Whole(0, MANY)),
    field("save", "keep", Form::Whole(1, 1000)),
    field("save", "best", Form::Flag),
];

/// What other tools call our keys, for hints.
#[rustfmt::skip]
pub(super) const FOREIGN: &[(&str, &str)] = &[
    ("learning_rate", "optim.lr"), ("lora_alpha", "method.alpha"), ("lora_r", "method.r"), ("rank", "method.r"),
    ("lora_dropout", "method.dropout"), ("target_modules", "method.targets"), ("use_rslora", "method.rslora"),
    ("batch_size", "batch.size"), ("per_device_train_batch_size", "batch.size"), ("micro_batch_size", "batch.size"),
    ("gradient_accumulation_steps", "batch.accumulation"), ("gradient_checkpointing", "batch.checkpointing"),
    ("num_train_epochs", "optim.epochs"), ("num_epochs", "optim.epochs"), ("warmup_ratio", "optim.warmup"),
    ("warmup_steps", "optim.warmup"), ("max_grad_norm", "optim.clip"), ("lr_scheduler_type", "optim.schedule"),
    ("optimizer", "optim.name"), ("optim", "optim.name"), ("use_dora", "method.dora"), ("load_in_4bit", "method.quant"), ("bf16", "model.compute"), ("fp16", "model.compute"),
    ("torch_dtype", "model.compute"), ("bnb_4bit_compute_dtype", "model.compute"),
    ("neftune_noise_alpha", "optim.neftune"), ("num_virtual_tokens", "method.virtual_tokens"), ("group_by_length", "batch.order"),
    ("early_stopping_patience", "eval.patience"), ("load_best_model_at_end", "save.best"), ("bnb_4bit_use_double_quant", "method.double_quant"),
    ("max_seq_length", "data.max_length"), ("sequence_len", "data.max_length"),
    ("val_size", "data.split"), ("dataset", "data.files"), ("base_model", "model.path"), ("save_steps", "save.every"),
    ("eval_steps", "eval.every"), ("save_total_limit", "save.keep"), ("chat_template", "template.name"),
];

const fn field(table: &'static str, key: &'static str, form: Form) -> Field {
    Field { table, key, form }
}

/// The field of a table and key.
pub(super) fn find(table: &str, key: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.table == table && field.key == key)
}

impl Form {
    /// Does the value fit?
    pub fn fits(&self, value: &Value) -> bool {
        let number = || value.as_float().or(value.as_integer().map(|whole| whole as f64));
        let all = |fits: &dyn Fn(&str) -> bool| {
            value
                .as_array()
                .is_some_and(|list| list.iter().all(|item| item.as_str().is_some_and(fits)))
        };
        match self {
            Form::Text => value.as_str().is_some_and(|text| !text.trim().is_empty()),
            Form::Choice(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Form::Whole(least, most) => value
                .as_integer()
                .is_some_and(|whole| (*least..=*most).contains(&whole)),
            Form::Number(least, most) => number().is_some_and(|number| (*least..=*most).contains(&number)),
            Form::Above(least, most) => number().is_some_and(|number| number > *least && number <= *most),
            Form::Below(least, most) => number().is_some_and(|number| number >= *least && number < *most),
            Form::Flag => value.as_bool().is_some(),
            Form::Texts => all(&|_| true),
            Form::Files => {
                all(&|text| !text.trim().is_empty()) && value.as_array().is_some_and(|list| !list.is_empty())
            }
            Form::Some(choices) => all(&|text| choices.contains(&text)),
            Form::Targets => {
                let names = target_names();
                all(&|text| text == ALL_LINEAR || text.rsplit('.').next().is_some_and(|last| names.contains(&last)))
            }
        }
    }

    /// What is allowed, in words that follow "but" and precede "is needed".
    pub fn allowed(&self) -> String {
        match self {
            Form::Text => "a text in quotes".into(),
            Form::Choice([only]) => format!("\"{only}\""),
            Form::Choice(choices) => format!("one of {}", listed(choices)),
            Form::Whole(least, i64::MAX) => format!("a whole number from {least} on"),
            Form::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Form::Number(least, most) => format!("a number from {least} to {most}"),
            Form::Above(least, most) => format!("a number above {least} and up to {most}"),
            Form::Below(least, most) => format!("a number from {least} to below {most}"),
            Form::Flag => "true or false".into(),
            Form::Texts => "a list of texts".into(),
            Form::Files => "a file name or a list of them".into(),
            Form::Some(choices) => format!("a list of some of {}", listed(choices)),
            Form::Targets => format!("[\"{ALL_LINEAR}\"] or a list of some of {}", listed(&target_names())),
        }
    }
}

fn listed(choices: &[&str]) -> String {
    choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect::<Vec<_>>()
        .join(", ")
}
