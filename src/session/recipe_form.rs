//! The recipe of the next run as the Train room edits it. Knows recipes, not runs.

use super::{Command, DataCommand, Effect, ModelCard, ModelCommand, State, TrainCommand, apply};
use crate::recipe::{BatchPart, MethodPart, OptimPart, Recipe};

/// The recipe and how its form is folded.
#[derive(Clone, Debug)]
pub struct RecipeState {
    pub recipe: Recipe,
    /// Are the advanced settings unfolded?
    pub advanced: bool,
    /// Are the cards of all methods shown?
    pub choosing: bool,
    /// Name of the next run; empty = made from data and time.
    pub name: String,
    /// Is the one-click journey under way? Then each step starts the next.
    pub journey: bool,
}

impl Default for RecipeState {
    fn default() -> Self {
        let recipe = Recipe::new("", Vec::new());
        Self {
            recipe,
            advanced: false,
            choosing: false,
            name: String::new(),
            journey: false,
        }
    }
}

impl RecipeState {
    /// The recipe with every setting at what suits the model; model, data and template stay.
    pub fn with_defaults(&self, card: Option<&ModelCard>) -> Recipe {
        let mut fresh = Self::default().recipe;
        suggested(card).put_into(&mut fresh);
        fresh.model.clone_from(&self.recipe.model);
        fresh.data.files.clone_from(&self.recipe.data.files);
        fresh.data.mode = self.recipe.data.mode;
        fresh.template.clone_from(&self.recipe.template);
        fresh
    }

    /// What the next run is called.
    pub fn run_name(&self) -> String {
        match self.name.trim() {
            "" => self.default_name(),
            _ => self.name.clone(),
        }
    }

    /// What a run is called when the user gave no name: the data file's name.
    pub fn default_name(&self) -> String {
        let stem = self.recipe.data.files.first().and_then(|f| f.file_stem());
        stem.map(|s| s.to_string_lossy().into_owned())
            .unwrap_or_else(|| "run".into())
    }
}

/// Below this a model counts as small.
const SMALL: u64 = 50_000_000;

/// The settings that depend on the model's size.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    method: MethodPart,
    optim: OptimPart,
    batch: BatchPart,
}

impl Learning {
    fn of(recipe: &Recipe) -> Self {
        Self {
            method: recipe.method.clone(),
            optim: recipe.optim.clone(),
            batch: recipe.batch.clone(),
        }
    }

    fn put_into(self, recipe: &mut Recipe) {
        (recipe.method, recipe.optim, recipe.batch) = (self.method, self.optim, self.batch);
    }
}

/// Settings that suit a model: those of the recipe that comes with it, else by its size, for small models need larger
/// steps and more rounds.
pub fn suggested(card: Option<&ModelCard>) -> Learning {
    if let Some(tried) = card.and_then(|card| card.tried.as_ref()) {
        return Learning::of(tried);
    }
    let mut usual = Learning::of(&Recipe::new("", Vec::new()));
    if card.is_some_and(|card| card.parameters < SMALL) {
        usual.optim.lr = 2e-3;
    }
    usual
}

/// Another model was selected: settings that nobody touched follow it.
pub fn model_changed(state: &mut State, before: &Learning) {
    if Learning::of(&state.recipe.recipe) == *before {
        suggested(state.model.card()).put_into(&mut state.recipe.recipe);
    }
}

/// The journey waits for model, data and tokenizer; when all are there, training starts.
pub fn journey_goes_on(state: &mut State) -> Vec<Effect> {
    let waits = !state.recipe.journey
        || state.run.is_active()
        || state.data.reading.is_some()
        || !state.model.reading.is_empty()
        || super::missing(state).is_some();
    if waits {
        Vec::new()
    } else {
        apply(state, Command::Train(TrainCommand::Start))
    }
}

/// Begins the whole journey with the starter and the first sample set.
pub fn try_it(state: &mut State) -> Vec<Effect> {
    state.recipe.journey = true;
    let mut effects = apply(state, Command::Model(ModelCommand::Open("starter".into())));
    effects.extend(apply(
        state,
        Command::Data(DataCommand::OpenSample("manners.jsonl".into())),
    ));
    effects
}
