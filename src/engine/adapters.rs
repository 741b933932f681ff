//! A fresh adapter as a recipe asks for it. Knows no data but the ids that it begins with.

use burn::tensor::Device;

use super::EngineError;
use crate::adapter::{Adapter, Bottlenecks, Lora, LoraSpec, VirtualTokens};
use crate::formats::peft_virtual::VirtualKind;
use crate::model::Decoder;
use crate::recipe::{MethodKind, MethodPart, Recipe};

/// What of a recipe's method is trained beside a frozen base, at its beginning. Low-rank for a recipe that trains every weight.
///
/// `ids` are real text, which virtual tokens begin as; `markers` get trained embedding rows beside LoRA.
///
/// # Errors
/// A target or module does not exist in the model.
pub fn fresh(
    recipe: &Recipe,
    model: &Decoder,
    ids: impl Iterator<Item = u32>,
    markers: &[u32],
    device: &Device,
) -> Result<Adapter, EngineError> {
    let (method, seed) = (&recipe.method, recipe.data.seed);
    let kind = match method.kind {
        MethodKind::Prompt => VirtualKind::Prompt,
        MethodKind::Prefix => VirtualKind::Prefix,
        MethodKind::Bottleneck => {
            return Ok(Adapter::Bottleneck(Bottlenecks::new(model, method.width, seed, device)));
        }
        MethodKind::Lora | MethodKind::Full => {
            let lora = Lora::new(model, spec(method), markers, seed, device)?;
            return Ok(lora.with_modules(&method.modules_to_save, model)?.into());
        }
    };
    let ids = repeated(ids.take(method.virtual_tokens).collect(), method.virtual_tokens);
    Ok(VirtualTokens::new(kind, model, &ids, device)?.into())
}

/// Is an adapter of the kind that a recipe trains?
pub fn is_of(adapter: &Adapter, kind: MethodKind) -> bool {
    match adapter {
        Adapter::Lora(_) => kind == MethodKind::Lora,
        Adapter::Bottleneck(_) => kind == MethodKind::Bottleneck,
        Adapter::Virtual(tokens) => match tokens.kind {
            VirtualKind::Prompt => kind == MethodKind::Prompt,
            VirtualKind::Prefix => kind == MethodKind::Prefix,
        },
    }
}

fn spec(method: &MethodPart) -> LoraSpec {
    LoraSpec {
        r: method.r,
        alpha: method.alpha,
        dropout: method.dropout,
        targets: method.targets.clone(),
        rslora: method.rslora,
        dora: method.dora,
    }
}

/// So many ids, from the beginning again where there are fewer.
fn repeated(ids: Vec<u32>, count: usize) -> Vec<u32> {
    ids.iter().copied().cycle().take(count).collect()
}
