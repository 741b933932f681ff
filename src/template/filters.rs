//! The engine's filters with Python's results and our limits: generators, `indent`, `trim`, `string`; what makes large values
//! out of small ones is counted first. Knows values, not conversations.
use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value, filters};

use super::lazy::Lazy;
use super::limits::{self, refusal};
use super::{ops, pytext, strings};

/// The largest number that a filter takes (a width, a count): what is larger only serves to make values grow.
const LARGEST_NUMBER: i64 = 10_000;

/// Adds the filters to an environment.
pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("tojson", super::json::tojson);
    env.add_filter("string", |v: &Value| pytext::text(v));
    env.add_filter("indent", indent);
    env.add_filter("trim", trim);
    env.add_filter("int", int);
    env.add_filter("float", |v: &Value, default: Option<f64>| {
        number(v).or(default).unwrap_or(0.0)
    });
    for name in ["e", "escape"] {
        env.add_filter(name, |v: &Value| -> Result<Value, Error> {
            limits::made(limits::weight(v).saturating_mul(2))?;
            Ok(Value::from_safe_string(ops::escaped(v)))
        });
    }
    env.add_filter("wordcount", |text: &str| text.split_whitespace().count());
    let items = [
        ("batch", Value::from_function(filters::batch)),
        ("slice", Value::from_function(filters::slice)),
        ("chain", Value::from_function(filters::chain)),
        ("groupby", Value::from_function(filters::groupby)),
        ("list", Value::from_function(filters::list)),
        ("reverse", Value::from_function(filters::reverse)),
        ("sort", Value::from_function(filters::sort)),
        ("dictsort", Value::from_function(filters::dictsort)),
        ("unique", Value::from_function(filters::unique)),
        ("zip", Value::from_function(filters::zip)),
    ];
    for (name, filter) in items {
        counted(env, name, filter, false);
    }
    let lazy = [
        ("map", Value::from_function(filters::map)),
        ("select", Value::from_function(filters::select)),
        ("reject", Value::from_function(filters::reject)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
    ];
    for (name, filter) in lazy {
        counted(env, name, filter, true);
    }
    let texts = [
        ("capitalize", Value::from_function(filters::capitalize)),
        ("format", Value::from_function(filters::format)),
        ("join", Value::from_function(filters::join)),
        ("length", Value::from_function(length)),
        ("count", Value::from_function(length)),
        ("lower", Value::from_function(filters::lower)),
        ("pprint", Value::from_function(filters::pprint)),
        ("replace", Value::from_function(filters::replace)),
        ("title", Value::from_function(filters::title)),
        ("upper", Value::from_function(filters::upper)),
    ];
    for (name, filter) in texts {
        counted(env, name, filter, false);
    }
}

/// A filter of the engine whose input and output are counted.
fn counted(env: &mut Environment<'static>, name: &'static str, filter: Value, lazy: bool) {
    env.add_filter(
        name,
        move |state: &mut State, args: Rest<ValueOrKwargs>| -> Result<Value, Error> {
            let args = args.into_values();
            for arg in &args {
                let number = i64::try_from(arg.clone()).ok().filter(|_| arg.is_integer());
                if number.is_some_and(|n| n > LARGEST_NUMBER) && args.len() > 1 {
                    return Err(refusal(format!(
                        "the filter {name} is given a number that is far too large"
                    )));
                }
            }
            limits::made(args.iter().map(limits::weight).sum::<usize>())?;
            grown(name, &args)?;
            let out = filter.call(state, &args)?;
            if lazy {
                return Ok(Lazy::generator(out.try_iter()?.collect()));
            }
            limits::made(limits::weight(&out))?;
            Ok(out)
        },
    );
}

/// Counts what a filter will make where that is far more than its input.
fn grown(name: &str, args: &[Value]) -> Result<(), Error> {
    let text = |at: usize| args.get(at).and_then(Value::as_str);
    match (name, args) {
        ("replace", _) => {
            let (whole, old, new) = (text(0), text(1), text(2).map_or(0, str::len));
            let found = whole.zip(old).map_or(0, |(whole, old)| whole.matches(old).count());
            limits::made(found.saturating_mul(new))
        }
        ("join", [items, more @ ..]) => {
            let between = more.first().map_or(0, limits::weight);
            let count = items.len().unwrap_or_default();
            let texts: usize = match items.downcast_object_ref::<Lazy>() {
                Some(_) => 0,
                None => items.try_iter().into_iter().flatten().map(|v| limits::weight(&v)).sum(),
            };
            limits::made(count.saturating_mul(between).saturating_add(texts))
        }
        ("format", _) => text(0).map_or(Ok(()), ops::modest_widths),
        (
            "list" | "batch" | "sort" | "reverse" | "unique" | "slice" | "chain" | "zip" | "map" | "select",
            [value, ..],
        ) => limits::listed(value.as_str().map_or(0, str::len)),
        _ => Ok(()),
    }
}

/// `indent(width=4, first=false, blank=false)` with Jinja's ways: the last line end goes only before another.
fn indent(
    text: &str,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    more: Kwargs,
) -> Result<String, Error> {
    let width = width.map_or_else(|| more.get::<Option<Value>>("width"), |w| Ok(Some(w)))?;
    let flag = |given: Option<bool>, name: &str| given.map_or_else(|| more.get::<Option<bool>>(name), |f| Ok(Some(f)));
    let (first, blank) = (
        flag(first, "first")?.unwrap_or(false),
        flag(blank, "blank")?.unwrap_or(false),
    );
    more.assert_all_used()?;
    let width = width.unwrap_or_else(|| Value::from(4));
    let by = match (width.as_str(), i64::try_from(width.clone())) {
        (Some(by), _) => by.to_owned(),
        (None, Ok(n)) if n > LARGEST_NUMBER => return Err(refusal("indent is given a width that is far too large")),
        (None, n) => " ".repeat(n.map_or(0, |n| usize::try_from(n).unwrap_or(0))),
    };
    let whole = format!("{text}\n");
    let lines = strings::lines(&whole, false);
    limits::made(text.len() + lines.len().saturating_mul(by.len()))?;
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        out += if i > 0 { "\n" } else { "" };
        out += if i == 0 && first || i > 0 && (blank || !line.is_empty()) {
            &by
        } else {
            ""
        };
        out += line;
    }
    Ok(out)
}

/// `length`: an undefined value has none, which is 0.
fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        Ok(0)
    } else {
        filters::length(value)
    }
}

/// A number, or a text that spells one.
fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => text.trim().replace('_', "").parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    }
}

/// `int(default=0, base=10)`: whole numbers, the whole part of others, the default for what is none.
fn int(value: &Value, default: Option<i64>, base: Option<u32>) -> Value {
    let base = base.filter(|b| (2..=36).contains(b)).unwrap_or(10);
    if value.is_integer() {
        return value.clone();
    }
    let digits = value.as_str().map(|text| text.trim().to_ascii_lowercase());
    let spelled = digits.as_deref().and_then(|text| {
        let prefix = match base {
            16 => "0x",
            8 => "0o",
            2 => "0b",
            _ => "",
        };
        i64::from_str_radix(text.strip_prefix(prefix).unwrap_or(text), base).ok()
    });
    let cut = || number(value).filter(|x| x.abs() < 9e18).map(|x| x.trunc() as i64);
    Value::from(spelled.or_else(cut).or(default).unwrap_or(0))
}

/// `trim(chars)`: str.strip() of anything.
fn trim(value: &Value, chars: Option<&str>) -> Result<String, Error> {
    let text = pytext::text(value);
    limits::made(text.len())?;
    let drop = |c: char| chars.map_or_else(|| strings::blank(c), |set| set.contains(c));
    Ok(text.trim_matches(drop).to_owned())
}
