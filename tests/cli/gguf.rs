//! A GGUF file wherever a model is asked for: a tiny one, broken ones, and a real one.

use serde_json::Value;

use super::fetched::asset;
use super::gguf_kit::tiny_llama;
use super::kit::World;

fn ids(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap())
        .collect()
}

#[test]
fn a_gguf_file_answers_scores_and_is_inspected_with_its_own_tokenizer_and_template() {
    let world = World::new();
    std::fs::write(world.path("tiny.gguf"), tiny_llama().file()).unwrap();
    let generate = [
        "generate",
        "--model",
        "tiny.gguf",
        "--device",
        "cpu",
        "--prompt",
        "ab",
        "--max-tokens",
        "3",
        "--json",
    ];
    let answer = world.run(&generate).ok().lines();
    assert_eq!(
        ids(&answer[0]["prompt_ids"]),
        [1, 6, 5, 2],
        "by the file's own template"
    );
    let plain = tiny_llama().flag("tokenizer.ggml.add_bos_token", false);
    std::fs::write(world.path("plain.gguf"), plain.file()).unwrap();
    let raw = [&["generate", "--model", "plain.gguf", "--raw"][..], &generate[3..]].concat();
    assert_eq!(
        ids(&world.run(&raw).ok().lines()[0]["prompt_ids"]),
        [6, 5],
        "the text alone"
    );
    world.write(
        "rows.jsonl",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n",
    );
    let shown = world
        .run(&["inspect", "rows.jsonl", "--model", "tiny.gguf", "--json"])
        .ok()
        .lines();
    assert_eq!(ids(&shown[0]["ids"]), [1, 6, 3, 2, 6, 4, 2]);
    let scored = world
        .run(&[
            "score",
            "rows.jsonl",
            "--model",
            "tiny.gguf",
            "--device",
            "cpu",
            "--json",
        ])
        .ok()
        .lines();
    assert!(scored[0]["loss"].as_f64().unwrap().is_finite());
}

#[test]
fn broken_gguf_files_are_refused_in_words() {
    let world = World::new();
    let whole = tiny_llama().file();
    std::fs::write(world.path("cut.gguf"), &whole[..whole.len() - 100]).unwrap();
    std::fs::write(world.path("text.gguf"), "not a model").unwrap();
    let narrow = tiny_llama()
        .without("llama.feed_forward_length")
        .number("llama.feed_forward_length", 32);
    std::fs::write(world.path("narrow.gguf"), narrow.file()).unwrap();
    std::fs::write(world.path("vocabulary.gguf"), tiny_llama().without_tensors().file()).unwrap();
    for (file, words) in [
        ("cut.gguf", &["cut.gguf", "ffn_down", "cut off"][..]),
        ("text.gguf", &["text.gguf", "Not a GGUF file"]),
        (
            "narrow.gguf",
            &["narrow.gguf", "mlp.gate_proj.weight", "[16, 8]", "[32, 8]"],
        ),
        ("vocabulary.gguf", &["vocabulary.gguf", "vocabulary only"]),
        ("absent.gguf", &["absent.gguf"]),
    ] {
        let generate = ["generate", "--model", file, "--device", "cpu", "--prompt", "ab"];
        world.run(&generate).refuses(1, words);
    }
}

#[test]
fn smollm2_answers_from_its_gguf_as_transformers_does() {
    let Some(model) = asset("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/smollm2.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let expected = &golden["prompts"][0];
    let model = model.to_string_lossy().into_owned();
    let question = "What is the capital of France?";
    let generate = [
        "generate",
        "--model",
        &model,
        "--device",
        "cpu",
        "--prompt",
        question,
        "--max-tokens",
        "20",
        "--json",
    ];
    let answer = World::new().run(&generate).ok().lines();
    assert_eq!(answer[0]["prompt_ids"], expected["input_ids"]);
    assert_eq!(answer[0]["text"], "The capital of France is Paris.");
    assert_eq!(answer[0]["stop"], "end_of_turn");
    let found = ids(&answer[0]["ids"]);
    assert!(ids(&expected["greedy_ids"]).starts_with(&found[..7]), "{found:?}");
}

/// A value of `/proc/PID/status`, in bytes.
#[cfg(target_os = "linux")]
fn memory(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap();
    let kib: u64 = line
        .trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn loading_a_gguf_takes_little_more_memory_than_the_model_in_the_end() {
    use burnish::protocol::{Event, Job, ModelRef};
    use burnish::worker::{News, WorkerHandle, use_program};
    let Some(model) = asset("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    use_program(env!("CARGO_BIN_EXE_burnish").into());
    let worker = WorkerHandle::spawn(std::sync::Arc::new(|| ())).unwrap();
    let before = memory(worker.pid(), "VmRSS");
    let model = ModelRef {
        model: model.to_string_lossy().into_owned(),
        adapter: None,
        template: None,
        device: "cpu".into(),
    };
    worker.job(1, Job::Load { model });
    let mut told = vec![];
    loop {
        match worker.next(std::time::Duration::from_secs(60)).expect("an answer") {
            News::Frame(frame) if frame.event == Event::Done => break,
            News::Frame(frame) => match frame.event {
                Event::Failed { message } => panic!("{message}"),
                Event::Loaded { bytes, stored, .. } => {
                    assert_eq!(bytes, stored.iter().map(|s| s.bytes).sum::<u64>());
                    told = stored;
                }
                _ => {}
            },
            News::Problem(message) => panic!("{message}"),
            News::Exit(exit) => panic!("{}", exit.in_words()),
        }
    }
    let layouts: Vec<&str> = told.iter().map(|s| s.layout.as_str()).collect();
    assert_eq!(layouts[0], "Q4_1", "packed as in the file: {layouts:?}");
    assert!(told.iter().map(|s| s.bytes).sum::<u64>() < 110_000_000, "{told:?}");
    let (peak, end) = (
        memory(worker.pid(), "VmHWM") - before,
        memory(worker.pid(), "VmRSS") - before,
    );
    println!("loading SmolLM2: peak {peak} bytes, in the end {end}");
    assert!(end > 90_000_000, "the model is in memory: {end}");
    assert!((peak as f64) < 1.3 * end as f64, "peak {peak}, in the end {end}");
}
