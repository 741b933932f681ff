//! What a run folder says of its run. Knows the layout, not the contents of checkpoints.

use std::path::Path;

use crate::recipe::Recipe;

/// The recipe of a run; `None` until it is written.
pub fn recipe(dir: &Path) -> Option<Box<Recipe>> {
    let text = std::fs::read_to_string(dir.join("recipe.toml")).ok()?;
    Some(Box::new(Recipe::parse(&text).ok()?))
}
