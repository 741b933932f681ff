// loss = weight * (logsumexp(logits) - logits[target]), one workgroup per row of logits.
// Rows of weight 0 read no logits: their loss and logsumexp are 0.
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
// rows, vocab
@group(0) @binding(5) var<storage, read_write> sizes: array<u32>;

const LOWEST: f32 = -3.4e38;

// Per thread: the largest logit so far, and the sum of exponentials relative to it.
var<workgroup> tops: array<f32, {{ workgroup }}>;
var<workgroup> sums: array<f32, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.y * groups.x + group.x;
    let vocab = sizes[1];
    var weight = 0.0;
    if (row < sizes[0]) {
        weight = weights[row];
    }
    // No early return: every thread must reach the barriers.
    let end = select(0u, vocab, weight != 0.0);
    let start = row * vocab;

    var top = LOWEST;
    var sum = 0.0;
    for (var j = thread; j < end; j += {{ workgroup }}u) {
        let x = logits[start + j];
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

    if (thread == 0u && row < sizes[0]) {
        if (weight != 0.0) {
            let value = tops[0] + log(sums[0]);
            lse[row] = value;
            loss[row] = weight * (value - logits[start + u32(targets[row])]);
        } else {
            lse[row] = 0.0;
            loss[row] = 0.0;
        }
    }
}
