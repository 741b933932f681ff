//! The templates that ship with Burnish. Knows their sources, not how they are run.
use super::Template;

/// Names and sources in the order of menus.
const BUILTIN: [(&str, &str); 4] = [
    ("chatml", include_str!("../../assets/templates/chatml.jinja")),
    ("llama3", include_str!("../../assets/templates/llama3.jinja")),
    ("gemma", include_str!("../../assets/templates/gemma.jinja")),
    ("plain", include_str!("../../assets/templates/plain.jinja")),
];

impl Template {
    /// `chatml`, `llama3`, `gemma` or `plain`.
    pub fn builtin(name: &str) -> Option<Template> {
        let (name, source) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Some(Template {
            name: (*name).to_owned(),
            source: (*source).to_owned(),
        })
    }

    /// Built-in names in the order of menus.
    pub fn builtin_names() -> &'static [&'static str] {
        const NAMES: [&str; BUILTIN.len()] = [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0, BUILTIN[3].0];
        &NAMES
    }
}
