//! The WGSL shaders of `shaders/` with their template variables. Knows no operation and no device.
use burn::cubecl::prelude::KernelId;
use burn_wgpu::{KernelSource, SourceTemplate};

/// A WGSL template and the values of its `{{ variables }}`.
#[derive(Clone, Debug)]
pub struct Shader {
    /// File name below `shaders/`.
    pub file: &'static str,
    /// The file whose text comes first, where several shaders share functions.
    pub shared: Option<&'static str>,
    template: &'static str,
    variables: Vec<(&'static str, u32)>,
}

/// A shader of `shaders/` by file name; `"shared" + "file"` puts the text of a file of functions in front.
macro_rules! shader {
    ($shared:literal + $file:literal, $($name:literal = $value:expr),* $(,)?) => {
        $crate::kernels::shader::Shader::new(
            $file,
            Some($shared),
            concat!(
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $shared)),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file)),
            ),
            vec![$(($name, $value)),*],
        )
    };
    ($file:literal, $($name:literal = $value:expr),* $(,)?) => {
        $crate::kernels::shader::Shader::new(
            $file,
            None,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file)),
            vec![$(($name, $value)),*],
        )
    };
}
pub(super) use shader;

impl Shader {
    pub(super) fn new(
        file: &'static str,
        shared: Option<&'static str>,
        template: &'static str,
        variables: Vec<(&'static str, u32)>,
    ) -> Self {
        Self {
            file,
            shared,
            template,
            variables,
        }
    }

    /// The WGSL text with every variable filled in.
    pub fn wgsl(&self) -> String {
        self.source().complete()
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        let template = SourceTemplate::new(self.template);
        self.variables.iter().fold(template, |template, (name, value)| {
            template.register(*name, value.to_string())
        })
    }

    fn id(&self) -> KernelId {
        // All that shapes the text: two launches with different variables must never share a compiled kernel.
        KernelId::new::<Self>().info((self.file, self.variables.clone()))
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Every shader that the operations of this room launch, for checks that need no GPU.
pub fn shaders() -> Vec<Shader> {
    let mut all = super::cross_entropy::shaders().to_vec();
    all.extend(super::adamw8bit::shaders());
    all.extend(super::attention::shaders());
    all.extend(super::compute::shaders());
    all.extend(super::packed_linear::shaders());
    all.extend(super::rms_norm::shaders());
    all.extend(super::rope::shaders());
    all.extend(super::swiglu::shaders());
    all.extend(super::tile_product::shaders());
    all
}
