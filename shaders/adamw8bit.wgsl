// One step of AdamW whose moments stay in eight bits: four values and one word of codes of each moment per thread, so that 64 threads
// share a block of 256 values. The words are laid out as src/kernels/adamw8bit tells.
@group(0) @binding(0) var<storage, read_write> value: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> new_value: array<f32>;
@group(0) @binding(4) var<storage, read_write> new_words: array<u32>;
// what the codes of the first and of the second moment stand for
@group(0) @binding(5) var<storage, read_write> maps: array<f32>;
// beta1, beta2, eps, rate, correction, share of the value that decay leaves, smallest magnitude
@group(0) @binding(6) var<storage, read_write> constants: array<f32>;
// values, blocks
@group(0) @binding(7) var<storage, read_write> sizes: array<u32>;

var<workgroup> entries: array<f32, 512>;
var<workgroup> largest: array<vec2<f32>, {{ workgroup }}>;

// The code nearest to a number, the lower of two that are equally near; `map` is where the entries of its map begin.
fn nearest(map: u32, x: f32) -> u32 {
    var code = 0u;
    for (var half = 128u; half > 0u; half = half >> 1u) {
        let below = map + code + half - 1u;
        if (x > (entries[below] + entries[below + 1u]) * 0.5) {
            code += half;
        }
    }
    return code;
}

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    for (var i = thread; i < 512u; i += {{ workgroup }}u) {
        entries[i] = maps[i];
    }
    workgroupBarrier();

    let count = sizes[0];
    let blocks = sizes[1];
    let word = (group.y * groups.x + group.x) * {{ workgroup }}u + thread;
    let block = word / 64u;
    let here = block < blocks;
    let second_codes = blocks * 64u;
    let first_magnitudes = 2u * second_codes;
    let second_magnitudes = first_magnitudes + blocks;

    var first: array<f32, 4>;
    var second: array<f32, 4>;
    var maxima = vec2<f32>(0.0, 0.0);
    if (here) {
        let codes = vec2<u32>(words[word], words[second_codes + word]);
        let scale = vec2<f32>(
            bitcast<f32>(words[first_magnitudes + block]),
            bitcast<f32>(words[second_magnitudes + block]),
        );
        for (var i = 0u; i < 4u; i++) {
            let at = word * 4u + i;
            if (at < count) {
                let code = (codes >> vec2<u32>(8u * i)) & vec2<u32>(255u);
                let g = grad[at];
                let mean = entries[code.x] * scale.x * constants[0] + g * (1.0 - constants[0]);
                let square = entries[256u + code.y] * scale.y * constants[1] + g * g * (1.0 - constants[1]);
                let root = sqrt(square) / constants[4] + constants[2];
                new_value[at] = value[at] * constants[5] - mean / root * constants[3];
                first[i] = mean;
                second[i] = square;
                maxima = max(maxima, vec2<f32>(abs(mean), square));
            }
        }
    }

    largest[thread] = maxima;
    workgroupBarrier();
    let place = thread & 63u;
    for (var half = 32u; half > 0u; half = half >> 1u) {
        if (place < half) {
            largest[thread] = max(largest[thread], largest[thread + half]);
        }
        workgroupBarrier();
    }
    if (!here) {
        return;
    }

    var scale = largest[thread - place];
    scale = select(scale, vec2<f32>(0.0), scale < vec2<f32>(constants[6]));
    var codes = vec2<u32>(0u);
    for (var i = 0u; i < 4u; i++) {
        // Codes behind the last value stay 0.
        if (word * 4u + i < count) {
            var x = vec2<f32>(0.0);
            if (scale.x > 0.0) {
                x.x = first[i] / scale.x;
            }
            if (scale.y > 0.0) {
                x.y = second[i] / scale.y;
            }
            codes |= vec2<u32>(nearest(0u, x.x), nearest(256u, x.y)) << vec2<u32>(8u * i);
        }
    }
    new_words[word] = codes.x;
    new_words[second_codes + word] = codes.y;
    if (place == 0u) {
        new_words[first_magnitudes + block] = bitcast<u32>(scale.x);
        new_words[second_magnitudes + block] = bitcast<u32>(scale.y);
    }
}
