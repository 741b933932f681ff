//! What templates written for Python's Jinja expect beyond the engine's own: functions, tests, methods of lists and dicts. Knows
//! values, not conversations.
use minijinja::value::{Rest, Tuple, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::lazy::Lazy;
use super::limits::{self, refusal};
use super::{Clock, strings};

/// The source of errors made by `raise_exception`, to tell a refusal from a mistake.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refusal(pub String);

/// Adds everything to an environment.
pub(super) fn install(env: &mut Environment<'static>) {
    env.set_unknown_method_callback(method);
    env.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        let error = Error::new(ErrorKind::InvalidOperation, message.clone());
        Err(error.with_source(Refusal(message)))
    });
    env.add_function("namespace", |state: &mut State, args: Rest<ValueOrKwargs>| {
        let args = args.into_values();
        for arg in &args {
            let names = arg.as_object().and_then(|o| o.try_iter_pairs()).into_iter().flatten();
            names
                .map(|(name, _)| name)
                .try_for_each(|name| visible(name.as_str().unwrap_or_default()))?;
        }
        Value::from_function(minijinja::functions::namespace).call(state, &args)
    });
    // Python's strings and dicts have a length and items, which is all that Jinja's own test asks for.
    env.add_test("sequence", |v: &Value| match v.kind() {
        ValueKind::Seq | ValueKind::String | ValueKind::Map => true,
        ValueKind::Iterable => v.downcast_object_ref::<Lazy>().is_none(),
        _ => false,
    });
    env.add_test("iterable", |v: &Value| {
        v.as_str().is_some() || !v.is_none() && v.try_iter().is_ok()
    });
}

/// Refuses the names that transformers keeps out of namespaces.
pub(super) fn visible(name: &str) -> Result<(), Error> {
    match name.starts_with('_') {
        true => Err(refusal(format!(
            "a namespace takes no name that begins with an underscore, as {name} does"
        ))),
        false => Ok(()),
    }
}

/// `strftime_now(format)` for one render.
pub(super) fn strftime_now(clock: Clock) -> Value {
    Value::from_function(move |format: &str| {
        let now = match clock {
            Clock::System => jiff::Zoned::now().datetime(),
            Clock::At(time) => time,
        };
        jiff::fmt::strtime::format(plain_locale(format), now).map_err(|e| {
            refusal(format!(
                "the format \"{format}\" of strftime_now cannot be written: {e}"
            ))
        })
    })
}

/// Date and time in the one form that the plain locale has.
fn plain_locale(format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, c == '%') {
            (_, true) => match chars.next() {
                Some('c') => out += "%a %b %e %H:%M:%S %Y",
                Some('x') => out += "%m/%d/%y",
                Some('X') => out += "%H:%M:%S",
                other => out.extend(std::iter::once('%').chain(other)),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

/// Python methods: those of minijinja-contrib and some that it lacks.
fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        limits::made(text.len())?;
        if let Some(result) = strings::method(text, name, args) {
            return result;
        }
    }
    if let Some(result) = container_method(value, name, args) {
        return result;
    }
    if value.kind() == ValueKind::Map
        && let Some(view) = dict_view(value, name)
    {
        return from_args::<()>(args).map(|()| view);
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

/// `items()`, `keys()` and `values()` of a dict.
fn dict_view(value: &Value, name: &str) -> Option<Value> {
    let pairs = || value.as_object()?.try_iter_pairs();
    Some(match name {
        "items" => Lazy::view(
            "dict_items",
            pairs()?.map(|(k, v)| Value::from(Tuple::from([k, v]))).collect(),
        ),
        "keys" => Lazy::view("dict_keys", pairs()?.map(|(k, _)| k).collect()),
        "values" => Lazy::view("dict_values", pairs()?.map(|(_, v)| v).collect()),
        _ => return None,
    })
}

/// `list.index(x)` and the copies of lists and dicts; None for another name.
fn container_method(value: &Value, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    Some(match (name, value.kind()) {
        ("copy", ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) => {
            from_args::<()>(args).map(|()| value.clone())
        }
        ("index", ValueKind::Seq | ValueKind::Iterable) => from_args::<(&Value,)>(args).and_then(|(wanted,)| {
            let found = value.try_iter()?.position(|item| item == *wanted);
            found
                .map(Value::from)
                .ok_or_else(|| refusal("the list does not hold what index() looks for"))
        }),
        _ => return None,
    })
}
