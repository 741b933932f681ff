// Softmax of scale * scores over the keys that each query sees, starts[b, i] ..= past + i, and 0 for the others, in the place of the
// scores; with its logsumexp. One workgroup per query of a head.
@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> starts: array<i32>;
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;
// rows (b * heads * s), heads, s, keys, scale as bits
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;

const LOWEST: f32 = -3.4e38;

// Per thread: the largest score so far, and the sum of exponentials relative to it.
var<workgroup> tops: array<f32, {{ workgroup }}>;
var<workgroup> sums: array<f32, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.y * groups.x + group.x;
    let heads = sizes[1];
    let s = sizes[2];
    let keys = sizes[3];
    let scale = bitcast<f32>(sizes[4]);
    // No early return: every thread must reach the barriers.
    var first = 0u;
    var end = 0u;
    if (row < sizes[0]) {
        let i = row % s;
        end = keys - s + i + 1u;
        first = min(u32(max(starts[row / (heads * s) * s + i], 0)), end - 1u);
    }
    let base = row * keys;

    var top = LOWEST;
    var sum = 0.0;
    for (var j = first + thread; j < end; j += {{ workgroup }}u) {
        let x = scores[base + j] * scale;
        if (x > top) {
            sum = sum * exp(top - x) + 1.0;
            top = x;
        } else {
            sum += exp(x - top);
        }
    }
    tops[thread] = top;
    sums[thread] = sum;
    workgroupBarrier();
    for (var half = {{ workgroup }}u / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            let a = tops[thread];
            let b = tops[thread + half];
            let both = max(a, b);
            sums[thread] = sums[thread] * exp(a - both) + sums[thread + half] * exp(b - both);
            tops[thread] = both;
        }
        workgroupBarrier();
    }
    // From here on scores are overwritten, each by the thread that reads it last.
    storageBarrier();

    if (row >= sizes[0]) {
        return;
    }
    let value = tops[0] + log(sums[0]);
    if (thread == 0u) {
        lse[row] = value;
    }
    for (var j = thread; j < keys; j += {{ workgroup }}u) {
        var weight = 0.0;
        if (j >= first && j < end) {
            weight = exp(scores[base + j] * scale - value);
        }
        scores[base + j] = weight;
    }
}
