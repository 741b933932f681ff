// The nearest bf16 of each number, ties to even, as f32. One thread per number.
@group(0) @binding(0) var<storage, read_write> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> rounded: array<u32>;
// numbers
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
    let bits = values[i];
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        // A number that is none stays one: its mark must not be carried away.
        rounded[i] = (bits & 0xffff0000u) | 0x00400000u;
        return;
    }
    let half = 0x7fffu + ((bits >> 16u) & 1u);
    rounded[i] = (bits + half) & 0xffff0000u;
}
