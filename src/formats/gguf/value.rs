//! Metadata values of GGUF: scalars, strings and arrays, strings left where they are in the file. Knows types, not keys.

use std::ops::Range;

use super::cursor::Cursor;

/// The type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    U64,
    I64,
    F64,
}

/// A value: where it is in the file, checked to lie inside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    One(Scalar, Range<usize>),
    Text(Range<usize>),
    Many(Scalar, Range<usize>),
    /// Strings one after the other, each with its length in front; and their number.
    Texts(Range<usize>, usize),
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Number of a whole-number or floating-point scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Float(f64),
}

impl Scalar {
    fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The number in the first bytes of `bytes`, which are as many as [`Self::size`] or more.
    pub fn number(self, bytes: &[u8]) -> Option<Number> {
        let mut wide = [0_u8; 8];
        wide[..self.size()].copy_from_slice(bytes.get(..self.size())?);
        let bits = u64::from_le_bytes(wide);
        Some(match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::Bool => Number::Whole(bits.into()),
            Self::I8 => Number::Whole((bits as i8).into()),
            Self::I16 => Number::Whole((bits as i16).into()),
            Self::I32 => Number::Whole((bits as i32).into()),
            Self::I64 => Number::Whole((bits as i64).into()),
            // The shortest decimal of the f32: 1e-5 is meant where 9.999999747e-6 is stored.
            Self::F32 => Number::Float(f32::from_bits(bits as u32).to_string().parse().unwrap_or(f64::NAN)),
            Self::F64 => Number::Float(f64::from_bits(bits)),
        })
    }
}

/// Reads a value with its type in front.
pub(super) fn read(cursor: &mut Cursor<'_>, key: &str) -> Result<Value, String> {
    let what = format!("the value of \"{key}\"");
    match cursor.u32(&what)? {
        STRING => cursor.string(&what).map(Value::Text),
        ARRAY => array(cursor, &what),
        id => {
            let scalar = scalar(id, &what)?;
            let range = cursor.skip(scalar.size() as u64, &what)?;
            Ok(Value::One(scalar, range))
        }
    }
}

fn scalar(id: u32, what: &str) -> Result<Scalar, String> {
    Scalar::from_id(id).ok_or_else(|| format!("{what} has the unknown type {id}"))
}

fn array(cursor: &mut Cursor<'_>, what: &str) -> Result<Value, String> {
    let id = cursor.u32(what)?;
    let count = cursor.u64(what)?;
    if id == ARRAY {
        return Err(format!("{what} is an array of arrays, which no model file needs"));
    }
    if id != STRING {
        let scalar = scalar(id, what)?;
        let range = cursor.skip(count.saturating_mul(scalar.size() as u64), what)?;
        return Ok(Value::Many(scalar, range));
    }
    // Each string takes at least the eight bytes of its length.
    if count > cursor.left() as u64 / 8 {
        return Err(format!(
            "{what} should hold {count} strings, but {} bytes are left of the file",
            cursor.left()
        ));
    }
    let start = cursor.at();
    for _ in 0..count {
        cursor.string(what)?;
    }
    Ok(Value::Texts(start..cursor.at(), count as usize))
}
