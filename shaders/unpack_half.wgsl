// All numbers of a packed weight in half precision, two per thread and word. Follows blocks.wgsl. No optional type is needed.
@group(0) @binding(1) var<storage, read_write> values: array<u32>;
// words, columns, from row to row (bytes; in NF4 numbers), numbers
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;

fn number(i: u32) -> f32 {
    if (i >= sizes[3]) {
        return 0.0;
    }
    return weight(i / sizes[1] * sizes[2], i % sizes[1]);
}

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
    values[i] = pack2x16float(vec2<f32>(number(2u * i), number(2u * i + 1u)));
}
