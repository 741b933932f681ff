// All numbers of a packed weight, one per thread. Follows blocks.wgsl.
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
// numbers, columns, from row to row (bytes; in NF4 numbers)
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.y * groups.x + group.x) * {{ workgroup }}u + thread;
    if (i >= sizes[0]) {
        return;
    }
    values[i] = weight(i / sizes[1] * sizes[2], i % sizes[1]);
}
