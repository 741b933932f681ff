//! From numbers to Q8_0, as ggml rounds (`quantize_row_q8_0_ref`). Knows nothing of rows.
use half::f16;

/// Blocks of 32 numbers; `values` are a whole number of them.
pub(in crate::kernels) fn q8_0(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() / 32 * 34);
    for block in values.chunks_exact(32) {
        let largest = block.iter().fold(0f32, |m, v| m.max(v.abs()));
        let scale = largest / 127.0;
        let factor = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        bytes.extend_from_slice(&f16::from_f32(scale).to_le_bytes());
        bytes.extend(block.iter().map(|v| ((v * factor).round() as i8) as u8));
    }
    bytes
}
