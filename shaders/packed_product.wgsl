// Products of the rows of a packed weight with a few vectors, one row per workgroup. Follows blocks.wgsl.
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// rows, columns, from row to row (bytes; in NF4 numbers)
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;

const VECTORS: u32 = {{ vectors }}u;

var<workgroup> partial: array<f32, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.y * groups.x + group.x;
    let columns = sizes[1];
    // No early return: every thread must reach the barriers.
    let end = select(0u, columns, row < sizes[0]);
    var sums: array<f32, VECTORS>;
    for (var column = thread; column < end; column += {{ workgroup }}u) {
        let w = weight(row * sizes[2], column);
        for (var v = 0u; v < VECTORS; v++) {
            sums[v] += w * x[v * columns + column];
        }
    }
    for (var v = 0u; v < VECTORS; v++) {
        partial[thread] = sums[v];
        workgroupBarrier();
        for (var half_width = {{ workgroup }}u / 2u; half_width > 0u; half_width /= 2u) {
            if (thread < half_width) {
                partial[thread] += partial[thread + half_width];
            }
            workgroupBarrier();
        }
        if (thread == 0u && row < sizes[0]) {
            out[v * sizes[0] + row] = partial[0];
        }
        workgroupBarrier();
    }
}
