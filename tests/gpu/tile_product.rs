//! Products by tiles: plainly on the CPU, and by the shader, whose cooperative matrices are spelt out as loops for a software device that
//! has none. A device that has them is asked itself.
use crate::devices;
use crate::kernels_kit::{assert_close, read, tensor};
use burn::tensor::Device;
use burnish::kernels::{Shader, Tiles, shaders, tile_product, tile_product_reference};
use wgpu::util::DeviceExt;

const TILES: Tiles = Tiles { size: 8, subgroup: 32 };

#[test]
fn products_by_tiles_equal_plain_ones() {
    let cpu = Device::flex();
    let (a, b) = (tensor([64, 96], 1.0, 1, &cpu), tensor([96, 32], 1.0, 2, &cpu));
    let expected = read(tile_product_reference(a.clone(), b.clone()));
    assert_close("cpu", &read(tile_product(a.clone(), b.clone(), TILES)), &expected, 1e-6);
    // Rounding the factors is seen, so it was made.
    let fine = read(a.matmul(b));
    assert!(fine.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-5));
}

#[test]
#[should_panic(expected = "multiples of 32")]
fn sides_must_be_whole_tiles() {
    let cpu = Device::flex();
    tile_product(tensor([64, 40], 1.0, 1, &cpu), tensor([40, 32], 1.0, 2, &cpu), TILES);
}

#[test]
fn the_shader_takes_every_tile_from_its_place() {
    // The lock of the other tests' device: software devices are opened once.
    if devices::gpu().is_none() {
        return;
    }
    let cpu = Device::flex();
    let shader = shaders()
        .into_iter()
        .find(|s| s.file == "tile_product.wgsl")
        .expect("shader");
    // More than one workgroup in each direction, and all three sides different.
    let [m, k, n] = [64, 96, 128];
    let (a, b) = (tensor([m, k], 1.0, 1, &cpu), tensor([k, n], 1.0, 2, &cpu));
    let expected = read(a.clone().matmul(b.clone()));
    let groups = (m / TILES.step() * (n / TILES.step())) as u32;
    let found = run(
        &spelt_out(&shader),
        [&read(a), &read(b)],
        m * n,
        [groups, n as u32, k as u32],
    );
    assert_close("spelt out", &found, &expected, 1e-5);
}

/// The shader with a thread for each number of a tile, single precision, and a loop for each operation on a tile.
fn spelt_out(shader: &Shader) -> String {
    let mut text = shader.wgsl();
    for (from, to) in [
        ("enable f16;", ""),
        ("enable wgpu_cooperative_matrix;", ""),
        ("@workgroup_size(32, 1, 1)", "@workgroup_size(64, 1, 1)"),
        ("fn main(", "fn main(@builtin(local_invocation_index) here: u32, "),
        ("let index = ", "thread = here; let index = "),
        ("array<f16>", "array<f32>"),
        ("coopLoadT<coop_mat8x8<f16, A>>(&a[", "a[place("),
        ("coopLoadT<coop_mat8x8<f16, B>>(&b[", "b[place("),
        ("coop_mat8x8<f32, C>", "f32"),
        ("coop_mat8x8<f16, A>", "f32"),
        ("coopMultiplyAdd(", "multiply_add("),
        ("let place = ", "let to = "),
        ("coopStoreT(sum, &out[place], n);", "out[place(to, n)] = sum;"),
        ("at], k);", "at, k)];"),
        (
            "right = b[place(at * n + column + j * TILE], n);",
            "right = b[place(at * n + column + j * TILE, n)];",
        ),
    ] {
        assert!(text.contains(from), "{from} is not in the shader");
        text = text.replace(from, to);
    }
    text + LOOPS
}

const LOOPS: &str = "
var<private> thread: u32;
var<workgroup> x: array<f32, 64>;
var<workgroup> y: array<f32, 64>;
fn place(at: u32, stride: u32) -> u32 {
    return at + thread / 8u * stride + thread % 8u;
}
fn multiply_add(left: f32, right: f32, sum: f32) -> f32 {
    x[thread] = left;
    y[thread] = right;
    workgroupBarrier();
    var result = sum;
    for (var j = 0u; j < 8u; j++) {
        result += x[thread / 8u * 8u + j] * y[j * 8u + thread % 8u];
    }
    workgroupBarrier();
    return result;
}
";

/// What a shader writes into its third buffer, on the software device.
fn run(text: &str, [a, b]: [&[f32]; 2], count: usize, sizes: [u32; 3]) -> Vec<f32> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = now(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).expect("adapter");
    let (device, queue) = now(adapter.request_device(&wgpu::DeviceDescriptor::default())).expect("device");
    let buffer = |bytes: &[u8]| {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: bytes,
            usage,
        })
    };
    let zeros = vec![0f32; count];
    let buffers = [
        bytemuck::cast_slice(a),
        bytemuck::cast_slice(b),
        bytemuck::cast_slice(&zeros),
        bytemuck::cast_slice(&sizes),
    ];
    let buffers = buffers.map(buffer);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: None,
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let entries: Vec<_> = buffers
        .iter()
        .zip(0..)
        .map(|(buffer, binding)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    let bound = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bound, &[]);
        pass.dispatch_workgroups(sizes[0], 1, 1);
    }
    let bytes = (count * 4) as u64;
    let back = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    encoder.copy_buffer_to_buffer(&buffers[2], 0, &back, 0, bytes);
    queue.submit([encoder.finish()]);
    back.slice(..)
        .map_async(wgpu::MapMode::Read, |mapped| mapped.expect("mapped"));
    device.poll(wgpu::PollType::wait_indefinitely()).expect("done");
    bytemuck::pod_collect_to_vec(&back.slice(..).get_mapped_range().expect("mapped"))
}

/// The result of a future that is ready at once, as all of wgpu's are outside a browser.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(found) => found,
        std::task::Poll::Pending => panic!("not ready"),
    }
}
