//! Conversations rendered to text with spans, by Jinja templates as transformers runs them.
//! Knows nothing of tokens or tensors.
mod builtin;
mod ending;
mod filters;
mod guard;
mod jinja;
mod json;
mod lazy;
mod limits;
mod locate;
mod marks;
mod ops;
mod paint;
mod pytext;
mod python;
mod render;
mod rewrite;
mod strings;
mod turns;
mod types;
mod values;
mod words;

pub use render::render;
pub use types::{Clock, Mode, RenderOptions, Rendered, Span, Template, TemplateError, Vars, Why};
