//! The open project as `project.toml` keeps it: model, data, template and recipe. Knows the values, not the file.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::{DataCommand, State, data, recipe_form::RecipeState};
use crate::recipe::Recipe;

/// What `project.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// The name in the breadcrumb.
    pub name: String,
    /// The recipe of the next run; names model, data files and template.
    pub recipe: Recipe,
}

impl Project {
    /// The project as the state has it.
    pub fn of(state: &State) -> Self {
        Self {
            name: state.project.name.clone(),
            recipe: state.recipe.recipe.clone(),
        }
    }

    /// A project that nothing was done in yet.
    pub fn empty(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            recipe: RecipeState::default().recipe,
        }
    }

    /// Puts the project into the state; the effects read what it names.
    pub fn open(self, state: &mut State) -> Vec<Effect> {
        state.project.name = self.name;
        let mut effects: Vec<Effect> = state.settings.models.iter().cloned().map(Effect::ListModel).collect();
        let model = self.recipe.model.path.clone();
        effects.push(Effect::ListModel("starter".into()));
        if !model.is_empty() {
            state.model.reading.push(model.clone());
            effects.push(Effect::ReadModel(model));
        }
        let files = self.recipe.data.files.clone();
        state.recipe.recipe = self.recipe;
        effects.extend(data::apply(state, DataCommand::Reopen(files)));
        effects
    }
}
