//! The base models that are known, and the selected one. Knows what a card says, not how a folder is read.

use super::problems::Way;
use super::{Command, Effect, Room, Slot, State, preview, recipe_form};
use crate::formats::config::ModelConfig;
use crate::protocol::{Event, Job};
use crate::recipe::Recipe;

/// What is known of a base model without loading its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// `starter`, the folder or the `.gguf` file.
    pub path: String,
    /// What people call it.
    pub name: String,
    /// `Llama`, `Qwen3` ...
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Longest context in tokens.
    pub context: usize,
    /// Number of token ids.
    pub vocab: usize,
    /// Size of the weight files in bytes.
    pub bytes: u64,
    /// What the decoder's size depends on; `None` when the architecture cannot be trained here.
    pub config: Option<ModelConfig>,
    /// A recipe that comes with the model (`sft.toml` in its folder) because it was tried on it.
    pub tried: Option<Box<Recipe>>,
    /// Does it ship a chat template?
    pub has_template: bool,
    /// Names and values of the configuration worth showing.
    pub details: Vec<(String, String)>,
}

/// Models in the order of their cards.
#[derive(Clone, Debug, Default)]
pub struct ModelState {
    pub cards: Vec<ModelCard>,
    /// Path of the selected card.
    pub selected: Option<String>,
    /// Paths that are being read.
    pub reading: Vec<String>,
    /// The path field (where there are no dialogs).
    pub path_text: String,
    /// How the model that was loaded last is kept in memory, by its path.
    pub loaded: Option<(String, String)>,
    /// Is the details panel open?
    pub details: bool,
}

impl ModelState {
    /// The selected card, once it was read.
    pub fn card(&self) -> Option<&ModelCard> {
        self.cards.iter().find(|c| Some(&c.path) == self.selected.as_ref())
    }
}

/// What can be done in the Model room.
#[derive(Clone, Debug)]
pub enum ModelCommand {
    /// Read a model folder, a `.gguf` file or `starter`, and select it.
    Open(String),
    /// Select a card by its path.
    Select(String),
    /// Pick a folder with the system's dialog.
    OpenDialog,
    /// Pick a `.gguf` file with the system's dialog.
    OpenFileDialog,
    /// What stands in the path field.
    PathText(String),
    /// Show or hide the details.
    ToggleDetails,
    /// List the devices of this machine.
    FindDevices,
    /// Use this device for jobs; `None` is `auto`.
    Device(Option<String>),
}

/// Carries out a command.
pub fn apply(state: &mut State, command: ModelCommand) -> Vec<Effect> {
    match command {
        ModelCommand::Open(path) => {
            state.nav.room = Room::Model;
            state.model.reading.push(path.clone());
            vec![Effect::ReadModel(path)]
        }
        ModelCommand::Select(path) => select(state, path),
        ModelCommand::OpenDialog => vec![Effect::Dialog(super::Dialog::ModelFolder)],
        ModelCommand::OpenFileDialog => vec![Effect::Dialog(super::Dialog::ModelFile)],
        ModelCommand::PathText(text) => {
            state.model.path_text = text;
            Vec::new()
        }
        ModelCommand::ToggleDetails => {
            state.model.details = !state.model.details;
            Vec::new()
        }
        ModelCommand::FindDevices => {
            let id = state.next_job();
            let job = Job::Devices { check: false };
            vec![Effect::Job {
                slot: Slot::Devices,
                id,
                job,
            }]
        }
        ModelCommand::Device(device) => {
            state.settings.device = device;
            state.recipe.recipe.model.device = state.device();
            vec![Effect::Save]
        }
    }
}

fn select(state: &mut State, path: String) -> Vec<Effect> {
    let before = recipe_form::suggested(state.model.card());
    state.recipe.recipe.model.path.clone_from(&path);
    state.model.selected = Some(path);
    recipe_form::model_changed(state, &before);
    let mut effects = preview::model_changed(state);
    effects.push(Effect::Save);
    effects
}

/// Takes in a card that was read, and selects it.
pub fn absorb(state: &mut State, path: String, result: Result<ModelCard, String>) -> Vec<Effect> {
    state.model.reading.retain(|p| *p != path);
    match result {
        Ok(card) => {
            listed(state, card);
            if path != "starter" && !state.settings.models.contains(&path) {
                state.settings.models.push(path.clone());
            }
            let mut effects = select(state, path);
            effects.extend(recipe_form::journey_goes_on(state));
            effects
        }
        Err(message) => {
            state.recipe.journey = false;
            let way = Way::new("Open folder...", Command::Model(ModelCommand::OpenDialog));
            state.problems.report(message, vec![way]);
            Vec::new()
        }
    }
}

/// Adds a card or replaces it; the starter stays first.
pub fn listed(state: &mut State, card: ModelCard) -> Vec<Effect> {
    let cards = &mut state.model.cards;
    match cards.iter().position(|c| c.path == card.path) {
        Some(at) => cards[at] = card,
        None if card.path == "starter" => cards.insert(0, card),
        None => cards.push(card),
    }
    Vec::new()
}

/// Takes in the list of devices.
pub fn on_devices(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Devices { devices } => state.devices = devices,
        Event::Failed { message } => state.problems.report(message, Vec::new()),
        _ => {}
    }
    Vec::new()
}
