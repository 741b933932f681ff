//! `burnish models`: the starter, the models that were opened in the window, those in the hub's cache, and a short list of the hub's.

use std::path::PathBuf;

use serde::Serialize;

use super::{console::Console, failure::Failure};
use crate::formats::config::ModelConfig;
use crate::formats::describe::describe;
use crate::formats::hub_cache;
use crate::formats::places::{self, STARTER};
use crate::hub::curated::{self, Curated, Variant};
use crate::session::{Fits, Needs, Settings, Use, effects::Home, machine_memory};

/// A model on this machine.
#[derive(Serialize)]
struct Model {
    /// What `--model` takes.
    model: String,
    /// `here` (a path or the starter) or `cache` (of the hub).
    source: &'static str,
    path: PathBuf,
    architecture: String,
    parameters: u64,
    context: usize,
    vocab: usize,
    /// Does it hold a chat template?
    template: bool,
}

/// A model of the short list that is not on this machine.
#[derive(Serialize)]
struct Listed {
    /// What `burnish fetch` takes.
    model: &'static str,
    source: &'static str,
    name: &'static str,
    kind: &'static str,
    parameters: u64,
    /// Bytes of the weight files, about.
    bytes: u64,
    licence: &'static str,
    gated: bool,
    fits: FitsHere,
}

/// `yes`, `no` or `unknown`, for the memory of this machine.
#[derive(Serialize)]
struct FitsHere {
    chat: &'static str,
    lora: &'static str,
    qlora: &'static str,
}

/// Lists them; what cannot be read is named.
///
/// # Errors
/// None: what cannot be read is a warning.
pub fn run(console: &Console) -> Result<(), Failure> {
    let home = Home::of_user();
    let cached = hub_cache::list(&home.hub);
    let mut opened = vec![STARTER.to_string()];
    opened.extend(
        settings(&home, console)
            .models
            .into_iter()
            .filter(|m| m != STARTER && !cached.contains(m)),
    );
    let opened = opened.into_iter().map(|name| (name, "here"));
    for (name, source) in opened.chain(cached.iter().cloned().map(|name| (name, "cache"))) {
        match described(&name, source) {
            Ok(model) => console.result(&model, &line(&model)),
            Err(message) => console.warn(&format!("{name}: {message}")),
        }
    }
    let memory = machine_memory();
    for model in curated::models() {
        for variant in model.variants.iter().filter(|v| !cached.contains(&v.repo)) {
            let listed = listed(model, variant, memory);
            console.result(&listed, &listed_line(&listed));
        }
    }
    Ok(())
}

fn settings(home: &Home, console: &Console) -> Settings {
    let path = home.settings();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    toml::from_str(&text).unwrap_or_else(|e| {
        console.warn(&format!(
            "{}: {}. The models that were opened before are not listed.",
            path.display(),
            e.message()
        ));
        Settings::default()
    })
}

fn described(name: &str, source: &'static str) -> Result<Model, String> {
    let path = places::find_model(name).map_err(|e| e.to_string())?;
    let found = describe(&path).map_err(|e| e.to_string())?;
    let config = ModelConfig::from_value(&found.config).map_err(|m| format!("{}: {m}", path.display()))?;
    Ok(Model {
        model: name.into(),
        source,
        architecture: config.model_type.clone(),
        parameters: found.parameters,
        context: config.max_position_embeddings,
        vocab: config.vocab_size,
        template: found.has_template,
        path,
    })
}

fn listed(model: &'static Curated, variant: &'static Variant, memory: Option<u64>) -> Listed {
    let needs = Needs::of(&model.config);
    let fits = |wanted| match needs.fits(wanted, memory) {
        Fits::Yes => "yes",
        Fits::No => "no",
        Fits::Unknown => "unknown",
    };
    Listed {
        model: &variant.repo,
        source: "hub",
        name: &model.name,
        kind: variant.kind.word(),
        parameters: model.parameters,
        bytes: variant.bytes,
        licence: &model.licence,
        gated: model.gated,
        fits: FitsHere {
            chat: fits(Use::Chat),
            lora: fits(Use::Lora),
            qlora: fits(Use::Qlora),
        },
    }
}

fn line(model: &Model) -> String {
    let template = if model.template { "own template" } else { "no template" };
    format!(
        "{:<12} {}, {:.1} M parameters, context {}, vocabulary {}, {template} ({})",
        model.model,
        model.architecture,
        model.parameters as f64 / 1e6,
        model.context,
        model.vocab,
        model.path.display()
    )
}

fn listed_line(listed: &Listed) -> String {
    let gated = if listed.gated { ", gated" } else { "" };
    let FitsHere { chat, lora, qlora } = &listed.fits;
    format!(
        "{:<50} {} {}, {:.1} GB, {}{gated}; fits: chat {chat}, LoRA {lora}, QLoRA {qlora} (burnish fetch {})",
        listed.model,
        listed.name,
        listed.kind,
        listed.bytes as f64 / 1e9,
        listed.licence,
        listed.model
    )
}
