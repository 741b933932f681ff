//! What differs from block to block: the attention window and the rotary positions. Knows no weights.

use serde_json::Value;

use super::family::WindowRule;
use super::keys::Keys;

/// One block's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Tokens that a token sees, itself included; `None` is all before it.
    pub window: Option<usize>,
    /// Which of the config's rotary sets turns queries and keys; `None` leaves them as they are.
    pub rope: Option<usize>,
}

/// One entry per block; `ropes` is the number of rotary sets.
pub(super) fn read(keys: &Keys<'_>, count: usize, ropes: usize) -> Result<Vec<Layer>, String> {
    let turned = turned(keys, count)?;
    let size = window_size(keys)?;
    let windowed = windowed(keys, count, &turned, size)?;
    (0..count)
        .map(|i| {
            let window = match (windowed[i], size) {
                (false, _) => None,
                (true, Some(size)) => Some(size),
                (true, None) => {
                    return Err(format!(
                        "layer {i} is of type \"sliding_attention\", but \"sliding_window\" is not set"
                    ));
                }
            };
            let local = usize::from(window.is_some() && ropes > 1);
            let rope = (turned[i] && ropes > 0).then_some(local);
            Ok(Layer { window, rope })
        })
        .collect()
}

/// Which blocks have rotary positions.
fn turned(keys: &Keys<'_>, count: usize) -> Result<Vec<bool>, String> {
    let Some(interval) = keys.size_or_none("no_rope_layer_interval")? else {
        return Ok(vec![true; count]);
    };
    let Some(list) = keys.given("no_rope_layers") else {
        return Ok((1..=count).map(|i| !i.is_multiple_of(interval)).collect());
    };
    let entry = |v: &Value| v.as_u64().filter(|n| *n < 2).map(|n| n == 1).or(v.as_bool());
    let flags: Option<Vec<bool>> = list.as_array().and_then(|l| l.iter().map(entry).collect());
    flags
        .filter(|f| f.len() == count)
        .ok_or_else(|| format!("\"no_rope_layers\" is {list}; a list of {count} entries of 0 or 1 is needed"))
}

/// The window; an explicit `null` is none.
fn window_size(keys: &Keys<'_>) -> Result<Option<usize>, String> {
    if keys.is_written("sliding_window") && keys.given("sliding_window").is_none() {
        return Ok(None);
    }
    let switched = matches!(keys.family.window, WindowRule::FromLayer | WindowRule::WithoutRope);
    if switched && !keys.flag("use_sliding_window")? {
        return Ok(None);
    }
    keys.size_or_none("sliding_window")
}

/// Which blocks have the window.
fn windowed(keys: &Keys<'_>, count: usize, turned: &[bool], size: Option<usize>) -> Result<Vec<bool>, String> {
    if let Some(types) = keys.given("layer_types") {
        return by_type(types, count);
    }
    let first = keys.size_or_none("max_window_layers")?.unwrap_or(0);
    let pattern = keys.size_or_none("sliding_window_pattern")?.unwrap_or(1);
    Ok((0..count)
        .map(|i| match keys.family.window {
            WindowRule::Never => false,
            WindowRule::Every => size.is_some(),
            WindowRule::FromLayer => size.is_some() && i >= first,
            WindowRule::Pattern => !(i + 1).is_multiple_of(pattern),
            WindowRule::WithoutRope => size.is_some() && !turned[i],
        })
        .collect())
}

fn by_type(types: &Value, count: usize) -> Result<Vec<bool>, String> {
    let list = types.as_array().filter(|l| l.len() == count);
    let list = list.ok_or_else(|| format!("\"layer_types\" must be a list of {count} entries"))?;
    list.iter()
        .map(|v| match v.as_str() {
            Some("full_attention") => Ok(false),
            Some("sliding_attention") => Ok(true),
            _ => Err(format!(
                "\"layer_types\" holds {v}, which is not implemented. Implemented: full_attention, sliding_attention."
            )),
        })
        .collect()
}
