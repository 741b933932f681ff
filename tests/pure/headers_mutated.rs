//! Headers of sound files, mutated at random a few thousand times: readers answer or refuse, and never panic or allocate what is not there.

use burnish::formats::gguf::Header;
use burnish::formats::source::Checkpoint;
use burnish::formats::weights::header;
use burnish::tokens::Tokenizer;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::allocations::largest;
use crate::gguf_kit::{Maker, tiny_llama};

/// Numbers that header readers trip over.
const ODD: [u64; 10] = [
    0,
    1,
    7,
    255,
    u32::MAX as u64,
    1 << 31,
    1 << 40,
    i64::MAX as u64,
    u64::MAX - 7,
    u64::MAX,
];

fn mutate(sound: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..6) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => overwrite(&mut bytes, at, &ODD[rng.random_range(0..ODD.len())].to_le_bytes()),
            3 => overwrite(
                &mut bytes,
                at,
                &(ODD[rng.random_range(0..ODD.len())] as u32).to_le_bytes(),
            ),
            4 => bytes.truncate(at.max(1)),
            _ => {
                let (from, length) = (rng.random_range(0..bytes.len()), rng.random_range(1..64));
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                overwrite(&mut bytes, at, &piece);
            }
        }
    }
    bytes
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    let end = (at + with.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&with[..end - at]);
}

/// A file with byte pair encoding and every type of value.
fn with_merges() -> Maker {
    tiny_llama()
        .without("tokenizer.ggml.model")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.merges", &["a b"])
        .flag("tokenizer.ggml.add_bos_token", true)
        .number("general.alignment", 32)
}

#[test]
fn mutated_gguf_headers_are_read_or_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut refused = 0;
    for sound in [tiny_llama().file(), with_merges().file()] {
        for _ in 0..4000 {
            let bytes = mutate(&sound, &mut rng);
            let (result, memory) = largest(|| Header::read(&bytes).is_err());
            refused += usize::from(result);
            assert!(memory <= 4 * sound.len(), "{memory} bytes asked for at once");
        }
    }
    assert!((1000..8000).contains(&refused), "{refused} refused");
}

#[test]
fn mutated_safetensors_headers_are_read_or_refused() {
    let json = r#"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#;
    let mut sound = (json.len() as u64).to_le_bytes().to_vec();
    sound.extend(json.as_bytes());
    sound.resize(sound.len() + 32, 0);
    assert!(header(&sound).is_ok());
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut refused = 0;
    for _ in 0..8000 {
        let bytes = mutate(&sound, &mut rng);
        let (result, memory) = largest(|| header(&bytes).is_err());
        refused += usize::from(result);
        assert!(memory <= 16 * sound.len(), "{memory} bytes asked for at once");
    }
    assert!((1000..8000).contains(&refused), "{refused} refused");
}

#[test]
fn mutated_files_open_as_models_and_tokenizers_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let (mut opened, mut tokenised) = (0, 0);
    for sound in [tiny_llama(), with_merges()] {
        let (whole, header) = (sound.file(), sound.header().len());
        for _ in 0..400 {
            let mut bytes = mutate(&whole[..header], &mut rng);
            // Cuts aside, the data stays where it was.
            if bytes.len() == header {
                bytes.extend(&whole[header..]);
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(model) = Checkpoint::open(&path) {
                opened += 1;
                for name in model.weights.names() {
                    model.weights.read(&name).unwrap();
                    model.weights.packed(&name);
                }
            }
            if let Ok(tokenizer) = Tokenizer::load(&path) {
                tokenised += 1;
                let (ids, _) = tokenizer.encode("abba ab\n").unwrap();
                tokenizer.decode(&ids);
            }
        }
    }
    assert!(opened > 50 && tokenised > 50, "{opened} opened, {tokenised} tokenised");
}
