//! What templates written for Python's Jinja expect beyond the engine's own: string methods, tests and functions. Knows
//! values, not conversations.
use minijinja::value::{ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::Clock;

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
    env.add_filter("tojson", super::json::tojson);
    // Python's strings and dicts have a length and items, which is all that Jinja's own test asks for.
    env.add_test("sequence", |v: &Value| {
        matches!(v.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    env.add_test("iterable", |v: &Value| {
        v.as_str().is_some() || !v.is_none() && v.try_iter().is_ok()
    });
}

/// `strftime_now(format)` for one render.
pub(super) fn strftime_now(clock: Clock) -> Value {
    Value::from_function(move |format: &str| {
        let now = match clock {
            Clock::System => jiff::Zoned::now().datetime(),
            Clock::At(time) => time,
        };
        jiff::fmt::strtime::format(format, now)
            .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("strftime_now(\"{format}\"): {e}")))
    })
}

/// Python methods: those of minijinja-contrib and some that it lacks.
fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if let Some(text) = value.as_str()
        && let Some(result) = string_method(text, name, args)
    {
        return result;
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

/// String methods of Python; None for a name that is not here.
fn string_method(text: &str, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    let one = || from_args::<(&str,)>(args).map(|(a,)| a);
    let part = |found: Option<usize>, sep: &str, from_left: bool| match found {
        Some(at) => list(&[&text[..at], sep, &text[at + sep.len()..]]),
        None if from_left => list(&[text, "", ""]),
        None => list(&["", "", text]),
    };
    Some(match name {
        "removeprefix" => one().map(|p| Value::from(text.strip_prefix(p).unwrap_or(text))),
        "removesuffix" => one().map(|p| Value::from(text.strip_suffix(p).unwrap_or(text))),
        "partition" => one().map(|sep| part(text.find(sep), sep, true)),
        "rpartition" => one().map(|sep| part(text.rfind(sep), sep, false)),
        "rsplit" => rsplit(text, args),
        "swapcase" => {
            let swap = |c: char| {
                if c.is_uppercase() {
                    c.to_lowercase().to_string()
                } else {
                    c.to_uppercase().to_string()
                }
            };
            Ok(Value::from(text.chars().map(swap).collect::<String>()))
        }
        "casefold" => Ok(Value::from(text.to_lowercase())),
        "index" => one().and_then(|p| match text.find(p) {
            Some(at) => Ok(Value::from(text[..at].chars().count())),
            None => Err(Error::new(ErrorKind::InvalidOperation, "substring not found")),
        }),
        _ => return None,
    })
}

/// `str.rsplit(sep, maxsplit)`.
fn rsplit(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (sep, limit): (Option<&str>, Option<i64>) = from_args(args)?;
    let pieces = usize::try_from(limit.unwrap_or(-1)).map_or(usize::MAX, |n| n.saturating_add(1));
    let mut parts: Vec<&str> = match sep {
        Some(sep) => text.rsplitn(pieces, sep).collect(),
        None => text.split_whitespace().rev().collect(),
    };
    parts.reverse();
    Ok(list(&parts))
}

/// A list of strings.
fn list(parts: &[&str]) -> Value {
    parts.iter().map(|p| Value::from(*p)).collect()
}
