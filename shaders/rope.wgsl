// The pairs (i, i + d/2) of x [b, heads, s, d] rotated by the angles of [b or 1, 1, s, d]; one pair per thread.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> cosines: array<f32>;
@group(0) @binding(2) var<storage, read_write> sines: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
// pairs, heads, s, d, 1 where all rows share one table, 1 for the transposed rotation
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let pair = (group.y * groups.x + group.x) * {{ workgroup }}u + thread;
    if (pair >= sizes[0]) {
        return;
    }
    let heads = sizes[1];
    let s = sizes[2];
    let d = sizes[3];
    let half = d / 2u;
    let vector = pair / half;
    let i = pair % half;
    let position = vector % s;
    let row = select(vector / s / heads, 0u, sizes[4] == 1u);

    let first = vector * d + i;
    let second = first + half;
    let angle_first = (row * s + position) * d + i;
    let angle_second = angle_first + half;
    var sine_first = -sines[angle_first];
    var sine_second = sines[angle_second];
    if (sizes[5] == 1u) {
        sine_first = sines[angle_second];
        sine_second = -sines[angle_first];
    }
    let a = x[first];
    let b = x[second];
    out[first] = a * cosines[angle_first] + b * sine_first;
    out[second] = b * cosines[angle_second] + a * sine_second;
}
