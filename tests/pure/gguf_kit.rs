//! Small GGUF files made in memory, as sound or as broken as a test wants them.

/// A file in the making: metadata and tensors, written in order.
#[derive(Clone, Default)]
pub struct Maker {
    entries: Vec<(String, Vec<u8>)>,
    tensors: Vec<Tensor>,
}

#[derive(Clone)]
struct Tensor {
    name: String,
    /// Innermost first, as files store them.
    shape: Vec<u64>,
    kind: u32,
    offset: u64,
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text].concat()
}

impl Maker {
    /// Metadata with its value's type and bytes as they stand in the file.
    pub fn raw(mut self, key: &str, kind: u32, bytes: &[u8]) -> Self {
        self.entries
            .push((key.into(), [&kind.to_le_bytes()[..], bytes].concat()));
        self
    }

    /// Without a metadata key.
    pub fn without(mut self, key: &str) -> Self {
        self.entries.retain(|(name, _)| name != key);
        self
    }

    /// Without tensors.
    pub fn without_tensors(mut self) -> Self {
        self.tensors.clear();
        self
    }

    pub fn text(self, key: &str, text: &str) -> Self {
        self.raw(key, 8, &string(text.as_bytes()))
    }

    pub fn number(self, key: &str, number: u32) -> Self {
        self.raw(key, 4, &number.to_le_bytes())
    }

    pub fn flag(self, key: &str, flag: bool) -> Self {
        self.raw(key, 7, &[flag.into()])
    }

    pub fn texts(self, key: &str, texts: &[&str]) -> Self {
        let items: Vec<u8> = texts.iter().flat_map(|t| string(t.as_bytes())).collect();
        let head = [&8_u32.to_le_bytes()[..], &(texts.len() as u64).to_le_bytes()].concat();
        self.raw(key, 9, &[head, items].concat())
    }

    pub fn floats(self, key: &str, floats: &[f32]) -> Self {
        let items: Vec<u8> = floats.iter().flat_map(|f| f.to_le_bytes()).collect();
        let head = [&6_u32.to_le_bytes()[..], &(floats.len() as u64).to_le_bytes()].concat();
        self.raw(key, 9, &[head, items].concat())
    }

    pub fn kinds(self, key: &str, kinds: &[i32]) -> Self {
        let items: Vec<u8> = kinds.iter().flat_map(|k| k.to_le_bytes()).collect();
        let head = [&5_u32.to_le_bytes()[..], &(kinds.len() as u64).to_le_bytes()].concat();
        self.raw(key, 9, &[head, items].concat())
    }

    /// A tensor of a type by its number, at an offset of the data.
    pub fn tensor_at(mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        self.tensors.push(Tensor {
            name: name.into(),
            shape: shape.iter().rev().copied().collect(),
            kind,
            offset,
        });
        self
    }

    /// An f32 tensor behind the ones before it.
    pub fn tensor(self, name: &str, shape: &[u64]) -> Self {
        let size = |t: &Tensor| (t.shape.iter().product::<u64>() * 4).next_multiple_of(32);
        let offset = self.tensors.iter().map(size).sum();
        self.tensor_at(name, shape, 0, offset)
    }

    /// The header alone.
    pub fn header(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.entries.len() as u64).to_le_bytes());
        for (key, value) in &self.entries {
            out.extend(string(key.as_bytes()));
            out.extend(value);
        }
        for tensor in &self.tensors {
            out.extend(string(tensor.name.as_bytes()));
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            out.extend(tensor.shape.iter().flat_map(|n| n.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend(tensor.offset.to_le_bytes());
        }
        out
    }

    /// Header and data: f32 tensors hold 0, 1, 2 ... each.
    pub fn file(&self) -> Vec<u8> {
        let mut out = self.header();
        for tensor in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            let count: u64 = tensor.shape.iter().product();
            out.extend((0..count).flat_map(|n| (n as f32).to_le_bytes()));
        }
        out
    }
}

/// A Llama of one layer: 8 ids, width 8, 2 query heads on 1 key head, feed-forward 16, with a tokenizer of 8 pieces.
pub fn tiny_llama() -> Maker {
    let pieces = ["<unk>", "<s>", "</s>", "a", "b", "ab", "▁", "<0x0A>"];
    Maker::default()
        .text("general.architecture", "llama")
        .number("llama.block_count", 1)
        .number("llama.context_length", 64)
        .number("llama.embedding_length", 8)
        .number("llama.feed_forward_length", 16)
        .number("llama.attention.head_count", 2)
        .number("llama.attention.head_count_kv", 1)
        .raw("llama.attention.layer_norm_rms_epsilon", 6, &1e-5_f32.to_le_bytes())
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &pieces)
        .floats("tokenizer.ggml.scores", &[0.0, 0.0, 0.0, -3.0, -4.0, -1.0, -2.0, 0.0])
        .kinds("tokenizer.ggml.token_type", &[2, 3, 3, 1, 1, 1, 1, 6])
        .number("tokenizer.ggml.bos_token_id", 1)
        .number("tokenizer.ggml.eos_token_id", 2)
        .text(
            "tokenizer.chat_template",
            "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}",
        )
        .tensor("token_embd.weight", &[8, 8])
        .tensor("output_norm.weight", &[8])
        .tensor("blk.0.attn_norm.weight", &[8])
        .tensor("blk.0.attn_q.weight", &[8, 8])
        .tensor("blk.0.attn_k.weight", &[4, 8])
        .tensor("blk.0.attn_v.weight", &[4, 8])
        .tensor("blk.0.attn_output.weight", &[8, 8])
        .tensor("blk.0.ffn_norm.weight", &[8])
        .tensor("blk.0.ffn_gate.weight", &[16, 8])
        .tensor("blk.0.ffn_up.weight", &[16, 8])
        .tensor("blk.0.ffn_down.weight", &[8, 16])
}
