//! Running one Jinja source: parsed once, with limits on work and output so that no template hangs the window. Knows
//! nothing of what the variables mean.
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use super::ending::Shape;
use super::python;
use super::words::fault;
use super::{Template, TemplateError, Vars, filters, limits, ops, pytext, rewrite};

/// Steps of the template engine for one render: at most about a second of work, and a hundred times what 2,000 messages take.
const FUEL: u64 = 8_000_000;
/// Frames of loops and macros in one another (a macro counts four).
const RECURSION: usize = 200;
/// Parsed templates that are kept.
const KEPT: usize = 16;
/// Name of the only template in an environment.
const MAIN: &str = "chat";

/// A parsed template.
pub(super) struct Compiled {
    env: Environment<'static>,
    /// Has the source `{% generation %}` blocks?
    pub marked: bool,
    /// What is known of the template's form under some variables, newest last.
    pub shapes: RwLock<Vec<(Vars, Arc<Shape>)>>,
}

/// A failure without the template's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// Does not parse or run.
    Jinja { line: usize, message: String },
    /// raise_exception.
    Refused { message: String },
}

impl Fault {
    /// The public error.
    pub fn named(self, name: &str) -> TemplateError {
        let name = name.to_owned();
        match self {
            Fault::Jinja { line, message } => TemplateError::Jinja { name, line, message },
            Fault::Refused { message } => TemplateError::Refused { name, message },
        }
    }
}

/// The parsed form of a template: kept for the last few sources, so that a row costs no parsing.
pub(super) fn compiled(template: &Template) -> Result<Arc<Compiled>, TemplateError> {
    // Readers do not wait for one another, so that all cores render at once.
    static CACHE: RwLock<Vec<(String, Arc<Compiled>)>> = RwLock::new(Vec::new());
    let known = CACHE.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, found)) = known.iter().find(|(source, _)| *source == template.source) {
        return Ok(found.clone());
    }
    drop(known);
    let new = Arc::new(Compiled::new(&template.source).map_err(|fault| fault.named(&template.name))?);
    let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= KEPT {
        cache.remove(0);
    }
    cache.push((template.source.clone(), new.clone()));
    Ok(new)
}

impl Compiled {
    /// Parses a source.
    fn new(source: &str) -> Result<Self, Fault> {
        let rewritten = rewrite::rewrite(source).map_err(|line| Fault::Jinja {
            line,
            message: "This part is too long or too deeply nested for a chat template.".to_owned(),
        })?;
        let mut env = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(fault)?);
        env.set_debug(true);
        env.set_fuel(Some(FUEL));
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_formatter(write_value);
        env.add_filter(rewrite::FILTER, |body: String, open: &str, close: &str| {
            format!("{open}{body}{close}")
        });
        python::install(&mut env);
        filters::install(&mut env);
        ops::install(&mut env);
        env.set_recursion_limit(RECURSION);
        if let Err(error) = env.add_template_owned(MAIN, rewritten.source) {
            let unbalanced = rewritten.unbalanced.filter(|_| error.kind() == ErrorKind::SyntaxError);
            return Err(unbalanced.map_or_else(|| fault(error), |(line, message)| Fault::Jinja { line, message }));
        }
        if let Some(line) = rewritten.unknown {
            let message = "This part is written in a way that Burnish does not know.".to_owned();
            return Err(Fault::Jinja { line, message });
        }
        Ok(Self {
            env,
            marked: rewritten.blocks > 0,
            shapes: RwLock::new(Vec::new()),
        })
    }

    /// Renders with these variables; `input` is the size of the conversation in bytes.
    pub fn run(&self, context: Value, input: usize) -> Result<String, Fault> {
        let template = self.env.get_template(MAIN).map_err(fault)?;
        limits::begin(input);
        let text = template
            .render(context)
            .and_then(|text| limits::in_time().map(|()| text));
        text.map_err(fault)
    }
}

/// Writes what `{{ ... }}` gives, within the limits.
fn write_value(out: &mut Output, _state: &mut State, value: &Value) -> Result<(), Error> {
    let shown;
    let text = match value.as_str() {
        Some(text) => text,
        None => {
            shown = pytext::text(value);
            &shown
        }
    };
    limits::written(text.len())?;
    out.write_str(text).map_err(Error::from)
}
