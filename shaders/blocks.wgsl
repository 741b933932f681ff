// Numbers of packed weights, bytes as in GGUF (ggml's ggml-quants.c) or as NF4 (QLoRA). Everything is read from 32-bit words by shifts, so that no
// optional type is needed. `{{ layout }}` is the layout's number.
@group(0) @binding(0) var<storage, read_write> words: array<u32>;

const LAYOUT: u32 = {{ layout }}u;

// The byte at an address, 0 to 255.
fn byte(at: u32) -> u32 {
    return (words[at >> 2u] >> ((at & 3u) * 8u)) & 0xffu;
}

// The signed byte at an address.
fn signed_byte(at: u32) -> f32 {
    return f32(i32(byte(at) << 24u) >> 24u);
}

// The two bytes at an even address.
fn pair(at: u32) -> u32 {
    return (words[at >> 2u] >> ((at & 2u) * 8u)) & 0xffffu;
}

// The half-precision number at an even address; subnormal ones are exact.
fn half(at: u32) -> f32 {
    let bits = pair(at);
    let exponent = (bits >> 10u) & 31u;
    let mantissa = bits & 1023u;
    var magnitude = bitcast<f32>(((exponent + 112u) << 23u) | (mantissa << 13u));
    if (exponent == 0u) {
        magnitude = f32(mantissa) * 5.9604644775390625e-8;
    }
    if (exponent == 31u) {
        magnitude = bitcast<f32>(0x7f800000u | (mantissa << 13u));
    }
    return select(magnitude, -magnitude, (bits & 0x8000u) != 0u);
}

// Number `i` of the four-bit integers of 32 numbers in 16 bytes.
fn nibble(at: u32, i: u32) -> u32 {
    return (byte(at + (i & 15u)) >> ((i >> 4u) * 4u)) & 15u;
}

// Bit `i` of the bytes from `at` on.
fn bit(at: u32, i: u32) -> u32 {
    return (byte(at + (i >> 3u)) >> (i & 7u)) & 1u;
}

// Scale and minimum of part `j` of Q4_K and Q5_K.
fn scale_and_min(at: u32, j: u32) -> vec2<f32> {
    if (j < 4u) {
        return vec2<f32>(f32(byte(at + j) & 63u), f32(byte(at + j + 4u) & 63u));
    }
    let both = byte(at + j + 4u);
    let scale = (both & 15u) | ((byte(at + j - 4u) >> 6u) << 4u);
    let least = (both >> 4u) | ((byte(at + j) >> 6u) << 4u);
    return vec2<f32>(f32(scale), f32(least));
}

fn q2_k(at: u32, i: u32) -> f32 {
    let scales = byte(at + (i >> 4u));
    let q = (byte(at + 16u + (i >> 7u) * 32u + (i & 31u)) >> (((i & 127u) >> 5u) * 2u)) & 3u;
    return half(at + 80u) * f32(scales & 15u) * f32(q) - half(at + 82u) * f32(scales >> 4u);
}

fn q3_k(at: u32, i: u32) -> f32 {
    let part = i >> 4u;
    let low = (byte(at + 96u + (part & 7u)) >> ((part >> 3u) * 4u)) & 15u;
    let high = (byte(at + 104u + (part & 3u)) >> ((part >> 2u) * 2u)) & 3u;
    let scale = half(at + 108u) * (f32(low | (high << 4u)) - 32.0);
    let q = (byte(at + 32u + (i >> 7u) * 32u + (i & 31u)) >> (((i & 127u) >> 5u) * 2u)) & 3u;
    let third = (byte(at + (i & 31u)) >> (i >> 5u)) & 1u;
    return scale * (f32(q | (third << 2u)) - 4.0);
}

fn q4_k(at: u32, i: u32) -> f32 {
    let scales = scale_and_min(at + 4u, i >> 5u);
    let q = (byte(at + 16u + (i >> 6u) * 32u + (i & 31u)) >> (((i >> 5u) & 1u) * 4u)) & 15u;
    return half(at) * scales.x * f32(q) - half(at + 2u) * scales.y;
}

fn q5_k(at: u32, i: u32) -> f32 {
    let scales = scale_and_min(at + 4u, i >> 5u);
    let q = (byte(at + 48u + (i >> 6u) * 32u + (i & 31u)) >> (((i >> 5u) & 1u) * 4u)) & 15u;
    let fifth = (byte(at + 16u + (i & 31u)) >> (i >> 5u)) & 1u;
    return half(at) * scales.x * f32(q | (fifth << 4u)) - half(at + 2u) * scales.y;
}

fn q6_k(at: u32, i: u32) -> f32 {
    let run = (i & 127u) >> 5u;
    let l = i & 31u;
    let low = (byte(at + (i >> 7u) * 64u + (run & 1u) * 32u + l) >> ((run >> 1u) * 4u)) & 15u;
    let high = (byte(at + 128u + (i >> 7u) * 32u + l) >> (run * 2u)) & 3u;
    let scale = half(at + 208u) * signed_byte(at + 192u + (i >> 4u));
    return scale * (f32(low | (high << 4u)) - 32.0);
}

// Eight bits of the signed dynamic map: seven decades, of which decade `d` is cut into 2^d parts; both signs, 0 and 1.
fn dynamic(place: u32) -> f32 {
    if (place == 127u) {
        return 0.0;
    }
    if (place == 255u) {
        return 1.0;
    }
    let positive = place > 127u;
    let k = select(127u - place, place - 127u, positive);
    let decade = firstLeadingBit(k);
    let parts = 1u << decade;
    let middle = 0.1 + 0.9 * (f32(k - parts) + 0.5) / f32(parts);
    var factor = 1.0;
    for (var i = decade; i < 6u; i++) {
        factor *= 10.0;
    }
    return select(-middle, middle, positive) / factor;
}

// What an NF4 code stands for: one of 16 numbers, chosen bit by bit.
fn normal(code: u32) -> f32 {
    let even_low = vec4<f32>(-1.0, -0.5250730514526367, -0.28444138169288635, -0.09105003625154495);
    let odd_low = vec4<f32>(-0.6961928009986877, -0.39491748809814453, -0.18477343022823334, 0.0);
    let even_high = vec4<f32>(0.07958029955625534, 0.24611230194568634, 0.44070982933044434, 0.7229568362236023);
    let odd_high = vec4<f32>(0.16093020141124725, 0.33791524171829224, 0.5626170039176941, 1.0);
    let odd = (code & 1u) != 0u;
    let four = select(select(even_low, odd_low, odd), select(even_high, odd_high, odd), (code & 8u) != 0u);
    let two = select(four.xy, four.zw, (code & 4u) != 0u);
    return select(two.x, two.y, (code & 2u) != 0u);
}

// Number `at` of an NF4 weight: its words begin with the numbers of the first block that belong to earlier rows, and the addresses of
// the blocks' magnitudes and of the magnitudes' scales; then codes, then magnitudes.
fn nf4(at: u32, double: bool) -> f32 {
    let i = words[0] + at;
    let block = i >> 6u;
    let code = (byte(12u + (i >> 1u)) >> ((1u - (i & 1u)) * 4u)) & 15u;
    if (double) {
        let outer = words[2];
        let scale = bitcast<f32>(words[outer + 1u + (block >> 8u)]);
        let magnitude = dynamic(byte(words[1] * 4u + block)) * scale + bitcast<f32>(words[outer]);
        return normal(code) * magnitude;
    }
    return normal(code) * bitcast<f32>(words[words[1] + block]);
}

// The number in one column of the row whose bytes (in NF4: numbers) begin at `row`.
fn weight(row: u32, column: u32) -> f32 {
    let small = column & 31u;
    let large = column & 255u;
    switch LAYOUT {
        case 0u: {
            return bitcast<f32>(words[(row >> 2u) + column]);
        }
        case 1u: {
            return half(row + 2u * column);
        }
        case 2u: {
            return bitcast<f32>(pair(row + 2u * column) << 16u);
        }
        case 3u: {
            let at = row + (column >> 5u) * 18u;
            return (f32(nibble(at + 2u, small)) - 8.0) * half(at);
        }
        case 4u: {
            let at = row + (column >> 5u) * 20u;
            return f32(nibble(at + 4u, small)) * half(at) + half(at + 2u);
        }
        case 5u: {
            let at = row + (column >> 5u) * 22u;
            return (f32(nibble(at + 6u, small) | (bit(at + 2u, small) << 4u)) - 16.0) * half(at);
        }
        case 6u: {
            let at = row + (column >> 5u) * 24u;
            return f32(nibble(at + 8u, small) | (bit(at + 4u, small) << 4u)) * half(at) + half(at + 2u);
        }
        case 7u: {
            let at = row + (column >> 5u) * 34u;
            return signed_byte(at + 2u + small) * half(at);
        }
        case 8u: {
            return q2_k(row + (column >> 8u) * 84u, large);
        }
        case 9u: {
            return q3_k(row + (column >> 8u) * 110u, large);
        }
        case 10u: {
            return q4_k(row + (column >> 8u) * 144u, large);
        }
        case 11u: {
            return q5_k(row + (column >> 8u) * 176u, large);
        }
        case 12u: {
            return q6_k(row + (column >> 8u) * 210u, large);
        }
        default: {
            return nf4(row + column, LAYOUT == 14u);
        }
    }
}
