//! Holds a recipe's tables against the list of fields. Does not read files.

use std::collections::HashMap;

use toml::{Table, Value};

use super::error::{Place, RecipeError};
use super::fields::{FIELDS, FOREIGN, find};
use super::{MethodKind, Precision, Quant, Recipe};

/// Where each `table` and `table.key` was written.
pub(super) type Places = HashMap<String, Place>;

impl Recipe {
    /// Checks every value against its type and range and the settings against each other; the first error is returned.
    /// A loaded recipe has passed this already; one that was changed in a form or a program has not.
    pub fn check(&self) -> Result<(), RecipeError> {
        let table = Table::try_from(self).map_err(|error| RecipeError::Syntax {
            message: format!("a value cannot be written ({error})."),
            place: Place::Nowhere,
        })?;
        check_table(&table, &Places::new())?;
        self.check_together(&Places::new())
    }

    /// Settings that are fine alone but not together.
    pub(super) fn check_together(&self, places: &Places) -> Result<(), RecipeError> {
        let conflict = |key: &str, message: &str| {
            let place = places.get(key).cloned().unwrap_or_default();
            Err(RecipeError::Conflict {
                message: message.to_owned(),
                place,
            })
        };
        if self.template.name.is_some() && self.template.file.is_some() {
            return conflict(
                "template.file",
                "\"template.name\" and \"template.file\" are both set. Keep one.",
            );
        }
        let nothing = self.method.targets.is_empty() && self.method.modules_to_save.is_empty();
        if self.method.kind == MethodKind::Lora && nothing {
            let message = "\"method.targets\" is empty, so LoRA would train nothing. Name at least one layer.";
            return conflict("method.targets", message);
        }
        if let Some((key, message)) = self.method_conflict() {
            return conflict(key, message);
        }
        let data = &self.data;
        if !data.sha256.is_empty() && data.sha256.len() != data.files.len() {
            return conflict(
                "data.sha256",
                "\"data.sha256\" must hold one hash for each file, or be left out.",
            );
        }
        if !data.replay_sha256.is_empty() && data.replay_sha256.len() != data.replay.len() {
            return conflict(
                "data.replay_sha256",
                "\"data.replay_sha256\" must hold one hash for each file of \"data.replay\", or be left out.",
            );
        }
        Ok(())
    }
}

impl Recipe {
    /// A setting of the method that would do nothing, or that its kind cannot have.
    fn method_conflict(&self) -> Option<(&'static str, &'static str)> {
        let m = &self.method;
        let lora = m.kind == MethodKind::Lora;
        let learned_in_front = matches!(m.kind, MethodKind::Prefix | MethodKind::Prompt);
        let conflicts = [
            (
                m.quant != Quant::None && m.kind == MethodKind::Full,
                "method.quant",
                "\"method.quant\" rounds weights that are never trained, and \"method.kind\" = \"full\" trains all of them. Leave it out.",
            ),
            (
                self.optim.kl > 0.0 && m.kind == MethodKind::Full,
                "optim.kl",
                "\"optim.kl\" compares with the base, and \"method.kind\" = \"full\" leaves none to compare with. Leave it out.",
            ),
            (
                m.adapter_dtype != Precision::F32 && m.kind == MethodKind::Full,
                "method.adapter_dtype",
                "\"method.adapter_dtype\" is of an adapter, and \"method.kind\" = \"full\" trains none. Leave it out.",
            ),
            (
                m.dora && !lora,
                "method.dora",
                "\"method.dora\" is a kind of LoRA. Leave it out, or set \"method.kind\" = \"lora\".",
            ),
            (
                !m.modules_to_save.is_empty() && !lora,
                "method.modules_to_save",
                "\"method.modules_to_save\" goes with \"method.kind\" = \"lora\" alone. Leave it out.",
            ),
            (
                self.data.packing && learned_in_front,
                "data.packing",
                "\"data.packing\" puts several conversations into one row, and only the first would see the virtual tokens. Leave it out.",
            ),
        ];
        let found = conflicts.into_iter().find(|(wrong, ..)| *wrong);
        found.map(|(_, key, message)| (key, message))
    }
}

/// Checks that every table and key is known and every value fits.
pub(super) fn check_table(recipe: &Table, places: &Places) -> Result<(), RecipeError> {
    for (table, content) in recipe {
        let place = |key: &str| places.get(key).cloned().unwrap_or_default();
        if !FIELDS.iter().any(|field| field.table == table) {
            return Err(unknown(table, place(table)));
        }
        let Value::Table(content) = content else {
            let allowed = format!("a table ([{table}])");
            return Err(RecipeError::Value {
                key: table.clone(),
                value: content.to_string(),
                allowed,
                place: place(table),
            });
        };
        for (key, value) in content {
            let full = format!("{table}.{key}");
            let Some(field) = find(table, key) else {
                return Err(unknown(&full, place(&full)));
            };
            if !field.form.fits(value) {
                let (value, allowed) = (value.to_string(), field.form.allowed());
                return Err(RecipeError::Value {
                    key: full.clone(),
                    value,
                    allowed,
                    place: place(&full),
                });
            }
        }
    }
    Ok(())
}

/// The error of an unknown key, with the nearest known one.
pub(super) fn unknown(key: &str, place: Place) -> RecipeError {
    RecipeError::Unknown {
        key: key.to_owned(),
        nearest: nearest(key),
        place,
    }
}

/// The known table or `table.key` most similar to `key`.
fn nearest(key: &str) -> String {
    let (table, name) = key
        .split_once('.')
        .map_or((None, key), |(table, name)| (Some(table), name));
    if let Some((_, ours)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
        return (*ours).to_owned();
    }
    // A key may stand in the wrong table, so its own name counts most and its table a little.
    let similar = |field_table: &str, field_key: &str| {
        let tables = table.map_or(0.0, |table| strsim::jaro_winkler(table, field_table));
        strsim::jaro_winkler(name, field_key) + 0.3 * tables
    };
    let keys = FIELDS
        .iter()
        .map(|f| (similar(f.table, f.key), format!("{}.{}", f.table, f.key)));
    let tables = FIELDS
        .iter()
        .filter(|_| table.is_none())
        .map(|f| (similar("", f.table), f.table.to_owned()));
    let best = keys.chain(tables).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, name)| name).unwrap_or_default()
}
