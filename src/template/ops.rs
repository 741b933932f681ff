//! Operators as Python has them, with limits: the filters that `guard` writes in their place. Knows values, not conversations.
use std::sync::Arc;

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr, Rest, Tuple, ValueKind};
use minijinja::{Environment, Error, Value};

use super::guard;
use super::lazy::Lazy;
use super::limits::{self, refusal};
use super::{pytext, python};

/// Assignments of containers that are kept unseen; later ones are looked through.
const UNSEEN: u32 = 64;
/// Containers in one another that an assignment may keep.
const DEEPEST: usize = 200;
/// The longest run of digits in a text that is formatted: a width of 9,999.
const WIDTH_DIGITS: usize = 4;

/// Adds the operators to an environment.
pub(super) fn install(env: &mut Environment<'static>) {
    type More = Rest<Value>;
    env.add_filter(guard::ADD, |a: Value, more: More| sum(a, more));
    env.add_filter(guard::JOIN, |a: &Value, more: More| join(a, &more));
    env.add_filter(guard::MULTIPLY, |a: Value, more: More| fold(a, more, multiply));
    env.add_filter(guard::REMAINDER, |a: &Value, b: &Value| remainder(a, b));
    env.add_filter(guard::EACH, each);
    env.add_filter(guard::KEEP, keep);
}

fn fold(
    first: Value,
    more: Rest<Value>,
    mut step: impl FnMut(&Value, &Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    more.iter().try_fold(first, |a, b| step(&a, b))
}

/// `+` of several operands: texts at once, without the texts in between.
fn sum(first: Value, more: Rest<Value>) -> Result<Value, Error> {
    let texts = || std::iter::once(&first).chain(more.iter());
    if !texts().all(|v| v.as_str().is_some() && !v.is_safe()) {
        return fold(first, more, add);
    }
    let length = texts().map(limits::weight).sum();
    limits::made(length)?;
    let mut out = String::with_capacity(length);
    texts().filter_map(Value::as_str).for_each(|text| out.push_str(text));
    Ok(Value::from(out))
}

/// Two numbers of one kind.
enum Pair {
    Whole(i128, i128),
    Float(f64, f64),
}

/// Python's numbers, truth values among them.
fn numbers(a: &Value, b: &Value) -> Option<Pair> {
    let number = |v: &Value| matches!(v.kind(), ValueKind::Number | ValueKind::Bool);
    if !number(a) || !number(b) {
        return None;
    }
    let whole = |v: &Value| {
        i128::try_from(v.clone())
            .ok()
            .filter(|_| v.is_integer() || v.kind() == ValueKind::Bool)
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(Pair::Whole(a, b)),
        _ => Some(Pair::Float(float(a)?, float(b)?)),
    }
}

fn float(v: &Value) -> Option<f64> {
    f64::try_from(v.clone())
        .ok()
        .or_else(|| Some(f64::from(u8::from(v.is_true()))))
}

/// A whole number, as small as it fits.
fn whole(n: Option<i128>) -> Result<Value, Error> {
    let n = n.ok_or_else(|| refusal("a number is too large"))?;
    Ok(i64::try_from(n).map_or_else(|_| Value::from(n), Value::from))
}

/// The error of an operator that does not fit its operands.
fn unfit(sign: &str, a: &Value, b: &Value, hint: &str) -> Error {
    let name = |v: &Value| match v.kind() {
        ValueKind::Undefined => "an undefined value".to_owned(),
        ValueKind::Number => "a number".to_owned(),
        ValueKind::String => "text".to_owned(),
        ValueKind::Seq | ValueKind::Iterable => "a list".to_owned(),
        ValueKind::Map => "a dict".to_owned(),
        kind => kind.to_string(),
    };
    refusal(format!(
        "`{sign}` does not work between {} and {}{hint}",
        name(a),
        name(b)
    ))
}

/// `+`: sums, joined texts, joined lists.
fn add(a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(x), Some(y)) = (a.as_str(), b.as_str()) {
        limits::made(x.len() + y.len())?;
        if a.is_safe() || b.is_safe() {
            return Ok(Value::from_safe_string(escaped(a) + &escaped(b)));
        }
        return Ok(Value::from([x, y].concat()));
    }
    match numbers(a, b) {
        Some(Pair::Whole(x, y)) => return whole(x.checked_add(y)),
        Some(Pair::Float(x, y)) => return Ok(Value::from(x + y)),
        None => {}
    }
    if is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple() {
        let mut items = list(a)?;
        items.extend(list(b)?);
        return Ok(if a.is_tuple() {
            Value::from(Tuple::from(items))
        } else {
            Value::from(items)
        });
    }
    let hint = match (a.kind(), b.kind()) {
        (ValueKind::String, _) | (_, ValueKind::String) => "; `~` joins anything as text",
        _ => "",
    };
    Err(unfit("+", a, b, hint))
}

/// A text as Python's Markup takes it in: escaped unless it is called safe.
pub(super) fn escaped(value: &Value) -> String {
    let text = pytext::text(value);
    if value.is_safe() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) && value.downcast_object_ref::<Lazy>().is_none()
}

/// The items of a list.
fn list(value: &Value) -> Result<Vec<Value>, Error> {
    limits::listed(value.len().unwrap_or_default())?;
    Ok(value.try_iter()?.collect())
}

/// `~`: everything as text.
fn join(first: &Value, more: &[Value]) -> Result<Value, Error> {
    let all = || std::iter::once(first).chain(more);
    let mut out = String::new();
    for value in all() {
        match value.as_str() {
            Some(text) => {
                limits::made(out.len() + text.len())?;
                out += text;
            }
            None => out += &pytext::text(value),
        }
    }
    limits::made(out.len())?;
    Ok(Value::from(out))
}

/// `*`: products, repeated texts and lists.
fn multiply(a: &Value, b: &Value) -> Result<Value, Error> {
    match numbers(a, b) {
        Some(Pair::Whole(x, y)) => return whole(x.checked_mul(y)),
        Some(Pair::Float(x, y)) => return Ok(Value::from(x * y)),
        None => {}
    }
    let (many, times) = if matches!(a.kind(), ValueKind::Number | ValueKind::Bool) {
        (b, a)
    } else {
        (a, b)
    };
    let Some(Pair::Whole(times, _)) = numbers(times, times) else {
        return Err(unfit("*", a, b, ""));
    };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    if let Some(text) = many.as_str() {
        limits::made(text.len().saturating_mul(times))?;
        return Ok(Value::from(text.repeat(times)));
    }
    if !is_list(many) {
        return Err(unfit("*", a, b, ""));
    }
    let items = list(many)?;
    limits::listed(items.len().saturating_mul(times))?;
    let items: Vec<Value> = std::iter::repeat_n(items, times).flatten().collect();
    Ok(if many.is_tuple() {
        Value::from(Tuple::from(items))
    } else {
        Value::from(items)
    })
}

/// `%`: the remainder with the sign of the divisor, or a text with its places filled.
fn remainder(a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(text) = a.as_str() {
        modest_widths(text)?;
        let several: Vec<Value> = match b.is_tuple() {
            true => b.try_iter()?.collect(),
            false => vec![b.clone()],
        };
        limits::made(several.iter().map(limits::weight).sum::<usize>() + text.len())?;
        return format(FormatStyle::Printf, text, &several).map(Value::from);
    }
    let zero = || refusal("a number is divided by zero");
    match numbers(a, b) {
        Some(Pair::Whole(_, 0)) => Err(zero()),
        Some(Pair::Whole(x, y)) => whole(
            x.checked_rem(y)
                .map(|r| if r != 0 && (r < 0) != (y < 0) { r + y } else { r }),
        ),
        Some(Pair::Float(_, 0.0)) => Err(zero()),
        Some(Pair::Float(x, y)) => Ok(Value::from(x - y * (x / y).floor())),
        None => Err(unfit("%", a, b, "")),
    }
}

/// Refuses a format whose width or precision would make a text of its own.
pub(super) fn modest_widths(format: &str) -> Result<(), Error> {
    let longest = format.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    match longest.unwrap_or_default() > WIDTH_DIGITS && format.contains(['%', '{']) || format.contains("%*") {
        true => Err(refusal("a width in a format is far too large")),
        false => Ok(()),
    }
}

/// What a loop goes over: anything but none, and looked at against the clock.
fn each(value: Value) -> Result<Value, Error> {
    if value.is_none() {
        let hint = "`{% if ... %}` around the loop keeps it out";
        return Err(refusal(format!("the loop goes over something that is none; {hint}")));
    }
    limits::in_time()?;
    let items: Vec<Value> = match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            limits::listed(value.len().unwrap_or_default())?;
            value.try_iter()?.collect()
        }
        _ => return Ok(value),
    };
    Ok(Value::from_object(Timed(items)))
}

/// Items that stop coming when the render is late; what ends it is the check after the render.
#[derive(Debug)]
struct Timed(Vec<Value>);

impl Object for Timed {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_enumerator(|this| {
            let all = this.0.iter().cloned();
            Box::new(Counted(all))
        })
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }
}

/// An iterator that looks at the clock and still tells its length.
struct Counted<I>(I);

impl<I: Iterator<Item = Value>> Iterator for Counted<I> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if limits::late() { None } else { self.0.next() }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// What an assignment keeps; `hidden` is a name in a namespace that must not be. After many assignments containers are looked through, since they may hold one another.
fn keep(value: Value, hidden: Option<&str>) -> Result<Value, Error> {
    hidden.map_or(Ok(()), python::visible)?;
    limits::in_time()?;
    let container = matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map | ValueKind::Plain
    );
    if !container || limits::kept() <= UNSEEN {
        return Ok(value);
    }
    let value = match value.kind() {
        ValueKind::Iterable if is_list(&value) => Value::from(list(&value)?),
        _ => value,
    };
    shallow(&value, 0)?;
    Ok(value)
}

/// Refuses containers that hold one another too deeply, and macros, which hold what they see.
fn shallow(value: &Value, depth: usize) -> Result<(), Error> {
    limits::listed(1)?;
    if depth > DEEPEST {
        return Err(refusal(
            "a value holds itself, or values are kept in one another too deeply",
        ));
    }
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    if object.type_name().ends_with("Macro") {
        return Err(refusal("a macro is kept in a variable in a loop"));
    }
    if value.downcast_object_ref::<Lazy>().is_some() {
        return Err(refusal(
            "a generator is kept in a variable in a loop; `| list` makes it a list",
        ));
    }
    let pairs = object.try_iter_pairs().filter(|_| value.kind() == ValueKind::Map);
    if let Some(pairs) = pairs {
        for (key, item) in pairs {
            shallow(&key, depth + 1)?;
            shallow(&item, depth + 1)?;
        }
    } else {
        for item in object.try_iter().into_iter().flatten() {
            shallow(&item, depth + 1)?;
        }
    }
    Ok(())
}
