// With r = 1 / sqrt(mean(x^2) + eps) and g = grad * weight: d x = r g - x r^3 mean(g x), and each row's share of the weight's
// gradient, grad * x * r. One workgroup per row.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> grad: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight: array<f32>;
// rows, width, eps as bits
@group(0) @binding(5) var<storage, read_write> sizes: array<u32>;

// Per thread: sums of x^2 and of g x.
var<workgroup> sums: array<vec2<f32>, {{ workgroup }}>;

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

    var sum = vec2<f32>(0.0, 0.0);
    for (var j = thread; j < end; j += {{ workgroup }}u) {
        let value = x[start + j];
        sum += vec2<f32>(value * value, value * grad[start + j] * weight[j]);
    }
    sums[thread] = sum;
    workgroupBarrier();
    for (var half = {{ workgroup }}u / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            sums[thread] += sums[thread + half];
        }
        workgroupBarrier();
    }

    let means = sums[0] / f32(width);
    let r = inverseSqrt(means.x + bitcast<f32>(sizes[2]));
    let back = means.y * r * r * r;
    for (var j = thread; j < end; j += {{ workgroup }}u) {
        let value = x[start + j];
        let incoming = grad[start + j];
        dx[start + j] = incoming * weight[j] * r - value * back;
        dweight[start + j] = incoming * value * r;
    }
}
