//! How GGUF codes values: plain floats and blocks of quantised ones. Knows sizes and names, not how a block is read.

/// Tensor types that can be read. Block layouts are those of ggml's `ggml-common.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GgufType {
    /// 4 bytes a value.
    F32,
    /// 2 bytes, IEEE half.
    F16,
    /// 2 bytes, brain float.
    Bf16,
    /// 32 values: scale, 4-bit codes around 8.
    Q4_0,
    /// 32 values: scale, minimum, 4-bit codes.
    Q4_1,
    /// 32 values: scale, 5-bit codes around 16.
    Q5_0,
    /// 32 values: scale, minimum, 5-bit codes.
    Q5_1,
    /// 32 values: scale, signed bytes.
    Q8_0,
    /// 256 values in 16 groups: 4-bit scales and minima, 2-bit codes.
    Q2K,
    /// 256 values in 16 groups: 6-bit scales, 3-bit codes.
    Q3K,
    /// 256 values in 8 groups: 6-bit scales and minima, 4-bit codes.
    Q4K,
    /// 256 values in 8 groups: 6-bit scales and minima, 5-bit codes.
    Q5K,
    /// 256 values in 16 groups: 8-bit scales, 6-bit codes.
    Q6K,
}

/// Type, number in files, name, values and bytes of a block.
const TABLE: [(GgufType, u32, &str, usize, usize); 13] = [
    (GgufType::F32, 0, "F32", 1, 4),
    (GgufType::F16, 1, "F16", 1, 2),
    (GgufType::Bf16, 30, "BF16", 1, 2),
    (GgufType::Q4_0, 2, "Q4_0", 32, 18),
    (GgufType::Q4_1, 3, "Q4_1", 32, 20),
    (GgufType::Q5_0, 6, "Q5_0", 32, 22),
    (GgufType::Q5_1, 7, "Q5_1", 32, 24),
    (GgufType::Q8_0, 8, "Q8_0", 32, 34),
    (GgufType::Q2K, 10, "Q2_K", 256, 84),
    (GgufType::Q3K, 11, "Q3_K", 256, 110),
    (GgufType::Q4K, 12, "Q4_K", 256, 144),
    (GgufType::Q5K, 13, "Q5_K", 256, 176),
    (GgufType::Q6K, 14, "Q6_K", 256, 210),
];

/// Types that other programs write and that cannot be read here, so that a message can name them.
const UNREADABLE: [(u32, &str); 18] = [
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
];

impl GgufType {
    /// All types that can be read.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The type with this number in a file.
    ///
    /// # Errors
    /// The name of the type (or its number), when it cannot be read.
    pub fn from_id(id: u32) -> Result<Self, String> {
        if let Some(row) = TABLE.iter().find(|row| row.1 == id) {
            return Ok(row.0);
        }
        let known = UNREADABLE.iter().find(|(number, _)| *number == id);
        Err(known.map_or_else(|| format!("number {id}"), |(_, name)| (*name).to_string()))
    }

    fn row(self) -> &'static (Self, u32, &'static str, usize, usize) {
        // The table is in the order of the variants.
        &TABLE[self as usize]
    }

    /// Its number in files.
    pub fn id(self) -> u32 {
        self.row().1
    }

    /// `Q4_K` and the like.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Values of a block.
    pub fn block_values(self) -> usize {
        self.row().3
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.row().4
    }

    /// Bytes of a row of `values` values; `None` when the row is not made of whole blocks or is absurdly long.
    pub fn row_bytes(self, values: usize) -> Option<usize> {
        if !values.is_multiple_of(self.block_values()) {
            return None;
        }
        (values / self.block_values()).checked_mul(self.block_bytes())
    }
}
