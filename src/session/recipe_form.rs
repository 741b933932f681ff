//! The recipe of the next run as the Train room edits it. Knows recipes, not runs.

use super::{Command, DataCommand, Effect, ModelCommand, State, apply};
use crate::recipe::{DataPart, ModelPart, Recipe};

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
        let recipe = Recipe {
            model: ModelPart {
                path: String::new(),
                device: "auto".into(),
                dtype: "auto".into(),
            },
            data: DataPart {
                files: Vec::new(),
                split: 5.0,
                seed: 0,
                mode: Default::default(),
                max_length: 0,
                packing: false,
            },
            template: Default::default(),
            method: Default::default(),
            optim: Default::default(),
            batch: Default::default(),
            eval: Default::default(),
            save: Default::default(),
        };
        Self {
            recipe,
            advanced: false,
            name: String::new(),
            journey: false,
        }
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
