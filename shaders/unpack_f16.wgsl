// Two half-precision numbers per word (the lower half first) to f32, one word per thread.
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
// words, values (one less than twice as many where their number is odd)
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
    let pair = unpack2x16float(words[i]);
    values[2u * i] = pair.x;
    if (2u * i + 1u < sizes[1]) {
        values[2u * i + 1u] = pair.y;
    }
}
