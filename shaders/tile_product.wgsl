enable f16;
enable wgpu_cooperative_matrix;

// out = a b for a [m, k] and b [k, n] in f16, sums in f32: a workgroup is one subgroup and makes four by four tiles, which the device
// multiplies as one each. Sizes are multiples of four tiles.
@group(0) @binding(0) var<storage, read_write> a: array<f16>;
@group(0) @binding(1) var<storage, read_write> b: array<f16>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// workgroups, n, k
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;

const TILE = {{ tile }}u;

@compute @workgroup_size({{ workgroup }}, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    // Tiles must be multiplied in uniform control flow: instead of leaving, workgroups too many make the last tiles once more.
    let index = min(group.y * groups.x + group.x, sizes[0] - 1u);
    let n = sizes[1];
    let k = sizes[2];
    let across = n / (4u * TILE);
    let row = index / across * 4u * TILE;
    let column = index % across * 4u * TILE;

    var sums: array<coop_mat{{ tile }}x{{ tile }}<f32, C>, 16>;
    var left: array<coop_mat{{ tile }}x{{ tile }}<f16, A>, 4>;
    for (var at = 0u; at < k; at += TILE) {
        for (var i = 0u; i < 4u; i++) {
            left[i] = coopLoadT<coop_mat{{ tile }}x{{ tile }}<f16, A>>(&a[(row + i * TILE) * k + at], k);
        }
        for (var j = 0u; j < 4u; j++) {
            let right = coopLoadT<coop_mat{{ tile }}x{{ tile }}<f16, B>>(&b[at * n + column + j * TILE], n);
            for (var i = 0u; i < 4u; i++) {
                sums[i * 4u + j] = coopMultiplyAdd(left[i], right, sums[i * 4u + j]);
            }
        }
    }
    for (var i = 0u; i < 4u; i++) {
        for (var j = 0u; j < 4u; j++) {
            // Naga 30 writes what stands inside the call only after it: value and place must have names.
            let sum = sums[i * 4u + j];
            let place = (row + i * TILE) * n + column + j * TILE;
            coopStoreT(sum, &out[place], n);
        }
    }
}
