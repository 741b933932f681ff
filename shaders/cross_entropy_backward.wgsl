// d logits = grad * weight * (softmax(logits) - onehot(target)), one workgroup per row of logits.
// Rows of factor 0 read no logits: their gradient is exactly 0.
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogits: array<f32>;
// rows, vocab
@group(0) @binding(6) var<storage, read_write> sizes: array<u32>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.y * groups.x + group.x;
    let vocab = sizes[1];
    if (row >= sizes[0]) {
        return;
    }
    let start = row * vocab;
    let factor = grad[row] * weights[row];
    if (factor == 0.0) {
        for (var j = thread; j < vocab; j += {{ workgroup }}u) {
            dlogits[start + j] = 0.0;
        }
        return;
    }
    let shift = lse[row];
    let target_id = u32(targets[row]);
    for (var j = thread; j < vocab; j += {{ workgroup }}u) {
        let softmax = exp(logits[start + j] - shift);
        dlogits[start + j] = factor * (softmax - select(0.0, 1.0, j == target_id));
    }
}
