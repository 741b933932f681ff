//! Several recipes from one: every combination of some values of some settings. Knows recipes, not when they run.

use crate::recipe::Recipe;

/// One setting and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// `optim.lr`, as `--set` names it.
    pub key: String,
    /// As they are written.
    pub values: Vec<String>,
}

/// One combination: the settings, and what tells it from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// `optim.lr=1e-4`, as `--set` takes them.
    pub sets: Vec<String>,
    /// `lr1e-4-r16`
    pub name: String,
}

impl Axis {
    /// Reads `optim.lr=1e-4,2e-4`.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is no sweep. Write it as table.key=value,value, such as optim.lr=1e-4,2e-4.");
        let (key, values) = text.split_once('=').ok_or_else(wrong)?;
        let axis = Self {
            key: key.trim().into(),
            values: values.split(',').map(|v| v.trim().to_owned()).collect(),
        };
        if axis.key.is_empty() || axis.values.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(axis)
    }

    /// The last part of the key, shortened where it is long: `lr`, `r`, `e` for epochs.
    fn short(&self) -> &str {
        match self.key.rsplit('.').next().unwrap_or_default() {
            "epochs" => "e",
            key => key,
        }
    }
}

/// All combinations, the last axis changing fastest; one empty combination without axes.
pub fn combinations(axes: &[Axis]) -> Vec<Combination> {
    let mut all = vec![Combination {
        sets: vec![],
        name: String::new(),
    }];
    for axis in axes {
        let longer = |before: &Combination, value: &String| {
            let dash = if before.name.is_empty() { "" } else { "-" };
            Combination {
                sets: [&before.sets[..], &[format!("{}={value}", axis.key)]].concat(),
                name: format!("{}{dash}{}{value}", before.name, axis.short()),
            }
        };
        all = all
            .iter()
            .flat_map(|before| axis.values.iter().map(move |value| longer(before, value)))
            .collect();
    }
    all
}

/// What the form of the window holds: values of the three settings most often tried, as the user types them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepForm {
    /// Learning rates.
    pub rates: String,
    /// Ranks.
    pub ranks: String,
    /// Epochs.
    pub epochs: String,
}

impl SweepForm {
    /// The recipes that it makes of one, with what each is called beside the run's name.
    ///
    /// # Errors
    /// A sentence that names the value that is no number, or out of range.
    pub fn recipes(&self, recipe: &Recipe) -> Result<Vec<(String, Recipe)>, String> {
        let fields = [
            ("optim.lr", &self.rates),
            ("method.r", &self.ranks),
            ("optim.epochs", &self.epochs),
        ];
        let filled = fields.into_iter().filter(|(_, text)| !text.trim().is_empty());
        let axes: Vec<Axis> = filled
            .map(|(key, text)| Axis::parse(&format!("{key}={}", text.trim_matches([',', ' ']))))
            .collect::<Result<_, _>>()?;
        combinations(&axes)
            .into_iter()
            .map(|combination| Ok((combination.name.clone(), changed(recipe, &combination)?)))
            .collect()
    }
}

fn changed(recipe: &Recipe, combination: &Combination) -> Result<Recipe, String> {
    let mut recipe = recipe.clone();
    for set in &combination.sets {
        let (key, value) = set.split_once('=').unwrap_or((set, ""));
        let wrong = || format!("\"{value}\" is no value of {key}.");
        match key {
            "optim.lr" => recipe.optim.lr = value.parse().map_err(|_| wrong())?,
            "method.r" => recipe.method.r = value.parse().map_err(|_| wrong())?,
            _ => recipe.optim.epochs = value.parse().map_err(|_| wrong())?,
        }
    }
    recipe.check().map_err(|e| e.to_string())?;
    Ok(recipe)
}
