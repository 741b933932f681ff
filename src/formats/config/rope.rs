//! Settings of rotary positions in both spellings: `rope_theta` with `rope_scaling`, and `rope_parameters`. Computes no angles.

use serde_json::{Map, Value};

use super::keys::{Keys, positive, whole};

/// One set of rotary angles.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Base of the wavelengths.
    pub theta: f64,
    /// Leading numbers of each head that are rotated; even.
    pub dims: usize,
    /// How the frequencies are stretched for longer contexts.
    pub scaling: Scaling,
}

/// How rotary frequencies are stretched, as transformers' `ROPE_INIT_FUNCTIONS` define it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// Divided by a factor.
    Linear(f64),
    /// Long wavelengths divided, short ones kept, those between mixed (Llama 3.1).
    Llama3 {
        /// The divisor of long wavelengths.
        factor: f64,
        /// Wavelengths above `original / low` are long.
        low: f64,
        /// Wavelengths below `original / high` are short.
        high: f64,
        /// Context of the pretraining.
        original: f64,
    },
    /// As Llama 3, mixed by dimension, and attention sharpened (YaRN, Peng et al. 2023).
    Yarn {
        /// The divisor of long wavelengths.
        factor: f64,
        /// Multiplies cosines and sines.
        attention: f64,
        /// Rotations in the original context from which a dimension is kept.
        fast: f64,
        /// Rotations in the original context up to which a dimension is divided.
        slow: f64,
        /// Context of the pretraining.
        original: f64,
        /// Are the bounds rounded to whole dimensions?
        truncate: bool,
    },
    /// A divisor for each frequency (LongRoPE, Ding et al. 2024), as used inside the original context.
    PerFrequency {
        /// The divisors.
        divisors: Vec<f64>,
        /// Multiplies cosines and sines.
        attention: f64,
    },
}

/// What the rope settings say.
pub(super) struct Ropes {
    /// Distinct sets: the general one, then that of layers with a window if it is another.
    pub sets: Vec<Rope>,
    /// Positions from here on would need other angles than those before: the context ends here.
    pub limit: Option<usize>,
}

/// Reads the settings; `head_dim` and `context` are known by then.
pub(super) fn read(keys: &Keys<'_>, head_dim: usize, context: usize) -> Result<Ropes, String> {
    let Some(theta) = keys.number("rope_theta")? else {
        return Ok(Ropes {
            sets: vec![],
            limit: None,
        });
    };
    let share = keys.number("partial_rotary_factor")?.unwrap_or(1.0);
    let (key, map) = match (keys.given("rope_scaling"), keys.given("rope_parameters")) {
        (Some(v), _) => ("rope_scaling", object("rope_scaling", v)?),
        (None, Some(v)) => ("rope_parameters", object("rope_parameters", v)?),
        (None, None) => ("rope_parameters", Map::new()),
    };
    let original = keys.size_or_none("original_max_position_embeddings")?;
    let one = |key: &str, map: &Map<String, Value>, theta: f64| {
        let reader = Reader {
            key,
            map,
            context,
            original,
        };
        reader.rope(theta, share, head_dim)
    };
    // Models with local layers have a second set, which no scaling reaches in the older spelling.
    let Some(local) = keys.number("rope_local_base_freq")? else {
        let (rope, limit) = one(key, &map, theta)?;
        return Ok(Ropes {
            sets: vec![rope],
            limit,
        });
    };
    let by_type = map.contains_key("full_attention") || map.contains_key("sliding_attention");
    if by_type && let Some(other) = map.keys().find(|k| *k != "full_attention" && *k != "sliding_attention") {
        return Err(format!(
            "\"{key}\" has settings for layers of type \"{other}\", which are not implemented"
        ));
    }
    let part = |name: &str| {
        map.get(name)
            .filter(|v| !v.is_null())
            .map_or(Ok(Map::new()), |v| object(name, v))
    };
    let (general, windowed) = match by_type {
        true => (part("full_attention")?, part("sliding_attention")?),
        false => (map.clone(), Map::new()),
    };
    let (general, limit) = one(key, &general, theta)?;
    let (windowed, other) = one(key, &windowed, local)?;
    Ok(Ropes {
        sets: vec![general, windowed],
        limit: limit.into_iter().chain(other).min(),
    })
}

fn object(key: &str, value: &Value) -> Result<Map<String, Value>, String> {
    value
        .as_object()
        .cloned()
        .ok_or_else(|| format!("\"{key}\" is {value}; an object is needed"))
}

/// One object of rope settings.
struct Reader<'a> {
    key: &'a str,
    map: &'a Map<String, Value>,
    /// `max_position_embeddings`.
    context: usize,
    /// `original_max_position_embeddings` beside the object.
    original: Option<usize>,
}

impl Reader<'_> {
    fn rope(&self, theta: f64, share: f64, head_dim: usize) -> Result<(Rope, Option<usize>), String> {
        let theta = self.optional("rope_theta")?.unwrap_or(theta);
        let share = self.optional("partial_rotary_factor")?.unwrap_or(share);
        if share > 1.0 {
            return Err(format!("\"partial_rotary_factor\" is {share}; it cannot be above 1"));
        }
        let dims = (head_dim as f64 * share) as usize;
        if dims < 2 || !dims.is_multiple_of(2) {
            return Err(format!(
                "rotary positions turn {dims} of {head_dim} numbers of a head; an even number is needed"
            ));
        }
        let (scaling, limit) = self.scaling(dims)?;
        Ok((Rope { theta, dims, scaling }, limit))
    }

    fn kind(&self) -> Result<&str, String> {
        match self.map.get("rope_type").or(self.map.get("type")) {
            None | Some(Value::Null) => Ok("default"),
            Some(v) => v
                .as_str()
                .ok_or_else(|| format!("\"{}\" has the type {v}; a text is needed", self.key)),
        }
    }

    fn scaling(&self, dims: usize) -> Result<(Scaling, Option<usize>), String> {
        let kind = self.kind()?;
        let (known, result): (&[&str], _) = match kind {
            "default" => (&[], (Scaling::None, None)),
            "linear" => (&["factor"], (Scaling::Linear(self.needed("factor")?), None)),
            // Inside its context it changes nothing; beyond, angles would depend on the length of the row.
            "dynamic" => (
                &["factor", "original_max_position_embeddings"],
                (Scaling::None, Some(self.context)),
            ),
            "llama3" => (
                &[
                    "factor",
                    "low_freq_factor",
                    "high_freq_factor",
                    "original_max_position_embeddings",
                ],
                (self.llama3()?, None),
            ),
            "yarn" => (
                &[
                    "factor",
                    "attention_factor",
                    "mscale",
                    "mscale_all_dim",
                    "beta_fast",
                    "beta_slow",
                    "truncate",
                    "original_max_position_embeddings",
                ],
                (self.yarn()?, None),
            ),
            "longrope" | "su" => (
                &[
                    "factor",
                    "attention_factor",
                    "short_factor",
                    "long_factor",
                    "original_max_position_embeddings",
                ],
                self.longrope(dims)?,
            ),
            other => {
                return Err(format!(
                    "\"{}\" of type \"{other}\" is not implemented. Implemented: default, linear, dynamic, llama3, \
                     yarn, longrope.",
                    self.key
                ));
            }
        };
        let general = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
        let strange = self
            .map
            .iter()
            .find(|(k, v)| !general.contains(&k.as_str()) && !known.contains(&k.as_str()) && !v.is_null());
        match strange {
            Some((k, v)) => Err(format!(
                "\"{}\" of type \"{kind}\" has an unknown setting \"{k}\": {v}",
                self.key
            )),
            None => Ok(result),
        }
    }

    fn llama3(&self) -> Result<Scaling, String> {
        let (low, high) = (self.needed("low_freq_factor")?, self.needed("high_freq_factor")?);
        if low >= high {
            return Err(format!(
                "\"low_freq_factor\" {low} must be below \"high_freq_factor\" {high}"
            ));
        }
        Ok(Scaling::Llama3 {
            factor: self.needed("factor")?,
            low,
            high,
            original: self.original()? as f64,
        })
    }

    fn yarn(&self) -> Result<Scaling, String> {
        let original = self.original()? as f64;
        let factor = self.optional("factor")?.unwrap_or(self.context as f64 / original);
        let sharpen = |m: f64| {
            if factor <= 1.0 {
                1.0
            } else {
                0.1 * m * factor.ln() + 1.0
            }
        };
        let attention = match (self.optional("mscale")?, self.optional("mscale_all_dim")?) {
            (Some(one), Some(all)) => sharpen(one) / sharpen(all),
            _ => sharpen(1.0),
        };
        Ok(Scaling::Yarn {
            factor,
            attention: self.optional("attention_factor")?.unwrap_or(attention),
            fast: self.optional("beta_fast")?.unwrap_or(32.0),
            slow: self.optional("beta_slow")?.unwrap_or(1.0),
            original,
            truncate: self.map.get("truncate").and_then(Value::as_bool).unwrap_or(true),
        })
    }

    /// Short factors up to the original context, which is where the context ends: beyond it all angles would change,
    /// those of cached keys included.
    fn longrope(&self, dims: usize) -> Result<(Scaling, Option<usize>), String> {
        let original = self.original()?;
        let list = self.map.get("short_factor").and_then(Value::as_array);
        let list = list.ok_or_else(|| format!("\"{}\" has no list \"short_factor\"", self.key))?;
        let divisors: Result<Vec<f64>, String> = list.iter().map(|v| positive("short_factor", v)).collect();
        let divisors = divisors?;
        if divisors.len() != dims / 2 {
            return Err(format!(
                "\"short_factor\" has {} entries; {} are needed",
                divisors.len(),
                dims / 2
            ));
        }
        let factor = self
            .optional("factor")?
            .unwrap_or(self.context as f64 / original as f64);
        let attention = match self.optional("attention_factor")? {
            Some(given) => given,
            None if factor <= 1.0 => 1.0,
            None => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
        };
        let scaling = Scaling::PerFrequency { divisors, attention };
        Ok((scaling, Some(original)))
    }

    /// The context of the pretraining: beside the object, in it, or the whole context.
    fn original(&self) -> Result<usize, String> {
        let inside = self
            .map
            .get("original_max_position_embeddings")
            .filter(|v| !v.is_null());
        match (self.original, inside) {
            (Some(original), _) => Ok(original),
            (None, Some(v)) => whole("original_max_position_embeddings", v),
            (None, None) => Ok(self.context),
        }
    }

    fn optional(&self, name: &str) -> Result<Option<f64>, String> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(v) => positive(name, v).map(Some),
        }
    }

    fn needed(&self, name: &str) -> Result<f64, String> {
        self.optional(name)?
            .ok_or_else(|| format!("\"{}\" has no \"{name}\"", self.key))
    }
}
