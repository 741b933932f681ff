//! Every shader, with its variables filled in, is valid WGSL. Needs no GPU.
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::collections::BTreeSet;

#[test]
fn shaders_are_valid_wgsl() {
    for shader in burnish::kernels::shaders() {
        let text = shader.wgsl();
        assert!(!text.contains("{{"), "{}: a variable without a value", shader.file);
        let module = naga::front::wgsl::parse_str(&text)
            .unwrap_or_else(|e| panic!("{}: {}", shader.file, e.emit_to_string(&text)));
        // What every WebGPU adapter has; packing halves into a word is missing on some that only speak OpenGL ES, which have no f16 at all.
        let capabilities = match shader.file {
            "unpack_half.wgsl" => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
            // Launched only where the adapter has both.
            "tile_product.wgsl" => Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX,
            _ => Capabilities::empty(),
        };
        let info = Validator::new(ValidationFlags::all(), capabilities)
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}: {}", shader.file, e.emit_to_string(&text)));
        // What Vulkan drivers are given; valid text is not always enough for it.
        let options = naga::back::spv::Options {
            lang_version: (1, 4),
            ..naga::back::spv::Options::default()
        };
        let words = naga::back::spv::write_vec(&module, &info, &options, None);
        words.unwrap_or_else(|e| panic!("{}: {e}", shader.file));
        let names: Vec<_> = module.entry_points.iter().map(|e| &e.name).collect();
        assert_eq!(names, ["main"], "{}", shader.file);
    }
}

#[test]
fn no_shader_file_is_unused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let used = burnish::kernels::shaders();
    let used: BTreeSet<String> = used
        .iter()
        .flat_map(|shader| [Some(shader.file), shader.shared])
        .flatten()
        .map(str::to_string)
        .collect();
    assert_eq!(files, used);
}
