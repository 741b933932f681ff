// The weights w = exp(scale * scores - lse) of the keys that each query sees, again, and the gradient of the scores,
// scale * w * (dweights - sum(w * dweights)), in the places of the scores and of dweights. One workgroup per query of a head.
@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> starts: array<i32>;
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweights: array<f32>;
// rows (b * heads * s), heads, s, keys, scale as bits
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;

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
    var shift = 0.0;
    if (row < sizes[0]) {
        let i = row % s;
        end = keys - s + i + 1u;
        first = min(u32(max(starts[row / (heads * s) * s + i], 0)), end - 1u);
        shift = lse[row];
    }
    let base = row * keys;

    var sum = 0.0;
    for (var j = first + thread; j < end; j += {{ workgroup }}u) {
        sum += exp(scores[base + j] * scale - shift) * dweights[base + j];
    }
    sums[thread] = sum;
    workgroupBarrier();
    for (var half = {{ workgroup }}u / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            sums[thread] += sums[thread + half];
        }
        workgroupBarrier();
    }
    // From here on scores and dweights are overwritten, each by the thread that reads it last.
    storageBarrier();

    if (row >= sizes[0]) {
        return;
    }
    for (var j = thread; j < keys; j += {{ workgroup }}u) {
        var weight = 0.0;
        if (j >= first && j < end) {
            weight = exp(scores[base + j] * scale - shift);
        }
        scores[base + j] = weight;
        dweights[base + j] = scale * weight * (dweights[base + j] - sums[0]);
    }
}
