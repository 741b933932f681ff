//! The recipe of the next run as the Train room edits it. Knows recipes, not runs.

use super::{Command, DataCommand, Effect, ModelCommand, State, TrainCommand, apply};
use crate::recipe::{MethodPart, OptimPart, Recipe};

/// The recipe and how its form is folded.
#[derive(Clone, Debug)]
pub struct RecipeState {
    pub recipe: Recipe,
    /// Are the advanced settings unfolded?
    pub advanced: bool,
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
            name: String::new(),
            journey: false,
        }
    }
}

impl RecipeState {
    /// The recipe with every setting at what suits a model of this size; model, data and template stay.
    pub fn with_defaults(&self, parameters: Option<u64>) -> Recipe {
        let mut fresh = Self::default().recipe;
        (fresh.method, fresh.optim) = suggested(parameters);
        fresh.model.clone_from(&self.recipe.model);
        fresh.data.files.clone_from(&self.recipe.data.files);
        fresh.data.mode = self.recipe.data.mode;
        fresh.template.clone_from(&self.recipe.template);
        fresh
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

/// Method and optimizer settings that suit a model of this size: small models need larger steps and more rounds.
fn suggested(parameters: Option<u64>) -> (MethodPart, OptimPart) {
    let (mut method, mut optim) = (MethodPart::default(), OptimPart::default());
    if parameters.is_some_and(|p| p < SMALL) {
        (method.r, method.alpha) = (16, 32.0);
        (optim.lr, optim.epochs) = (2e-3, 6.0);
    }
    (method, optim)
}

/// Another model was selected: settings that nobody touched follow its size.
pub fn model_changed(state: &mut State, before: Option<u64>) {
    let after = state.model.card().map(|card| card.parameters);
    let recipe = &mut state.recipe.recipe;
    if (&recipe.method, &recipe.optim) == (&suggested(before).0, &suggested(before).1) {
        (recipe.method, recipe.optim) = suggested(after);
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
