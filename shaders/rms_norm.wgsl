// out = x / sqrt(mean(x^2) + eps) * weight, one workgroup per row.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// rows, width, eps as bits
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;

var<workgroup> squares: array<f32, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.y * groups.x + group.x;
    let width = sizes[1];
    // No early return: every thread must reach the barriers.
    let end = select(0u, width, row < sizes[0]);
    let start = row * width;

    var sum = 0.0;
    for (var j = thread; j < end; j += {{ workgroup }}u) {
        let value = x[start + j];
        sum += value * value;
    }
    squares[thread] = sum;
    workgroupBarrier();
    for (var half = {{ workgroup }}u / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            squares[thread] += squares[thread + half];
        }
        workgroupBarrier();
    }

    let r = inverseSqrt(squares[0] / f32(width) + bitcast<f32>(sizes[2]));
    for (var j = thread; j < end; j += {{ workgroup }}u) {
        out[start + j] = x[start + j] * r * weight[j];
    }
}
