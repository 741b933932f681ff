//! Conversations rendered to text with spans, by Jinja templates as transformers runs them.
//! Knows nothing of tokens or tensors.
mod builtin;
mod ending;
mod jinja;
mod json;
mod locate;
mod marks;
mod paint;
mod python;
mod render;
mod rewrite;
mod types;
mod values;

pub use render::render;
pub use types::{Clock, Mode, RenderOptions, Rendered, Span, Template, TemplateError, Vars, Why};
