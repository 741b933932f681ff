// Chosen rows of a packed weight, one number per thread; zeros for rows that it does not have. Follows blocks.wgsl.
@group(0) @binding(1) var<storage, read_write> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
// numbers, columns, from row to row (bytes; in NF4 numbers), number of the first row, rows
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;

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
    // Rows before the first one, and negative ids, become large numbers.
    let row = u32(ids[i / sizes[1]]) - sizes[3];
    var value = 0.0;
    if (row < sizes[4]) {
        value = weight(row * sizes[2], i % sizes[1]);
    }
    values[i] = value;
}
