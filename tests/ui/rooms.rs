//! Model and Data: empty states, drops, the table, row problems.

use burnish::session::{Command, DataCommand, ModelCommand, Room, ShellCommand, ThemeChoice};
use egui_kittest::kittest::Queryable;

use crate::kit::{Window, write_rows};

/// A model folder with a header-only weight file.
pub fn write_model(folder: &std::path::Path) -> std::path::PathBuf {
    let model = folder.join("tiny-base");
    std::fs::create_dir_all(&model).expect("model folder");
    let config = r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"intermediate_size":128,
        "num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":512,
        "max_position_embeddings":256,"rms_norm_eps":1e-5,"rope_theta":10000.0,"tie_word_embeddings":true,
        "torch_dtype":"bfloat16","hidden_act":"silu"}"#;
    std::fs::write(model.join("config.json"), config).expect("config");
    let tokenizer = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/starter/tokenizer.json");
    std::fs::copy(tokenizer, model.join("tokenizer.json")).expect("tokenizer");
    let header = r#"{"model.embed_tokens.weight":{"dtype":"BF16","shape":[512,64],"data_offsets":[0,65536]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + 65536, 0);
    std::fs::write(model.join("model.safetensors"), bytes).expect("weights");
    model
}

#[test]
fn a_dropped_data_file_opens_in_data_with_its_problems() {
    let mut window = Window::new();
    let file = write_rows(window.home.path(), 40, Some(16));
    window.drop_file(&file);
    window.wait_for("1 skipped");
    assert_eq!(window.shell().state.nav.room, Room::Data);
    window.harness.get_by_label_contains("1 skipped").click();
    window.settle();
    assert!(window.shows("Line 17"), "the broken line is named");
    window.click("Line 5");
    assert_eq!(window.shell().state.data.selected, 4);
    window.snapshot("data_dark");
    window.send(Command::Data(DataCommand::ShowRaw(true)));
    assert!(window.shows("\"role\": \"assistant\""));
    window.send(Command::Shell(ShellCommand::Theme(ThemeChoice::Light)));
    window.snapshot("data_json_light");
}

#[test]
fn files_dropped_together_are_one_set_and_what_is_none_is_told() {
    let mut window = Window::new();
    let folder = window.home.path().to_path_buf();
    let first = write_rows(&folder, 3, None);
    let more = folder.join("more.jsonl");
    std::fs::write(&more, "{\"prompt\": \"And?\", \"completion\": \"That is all.\"}\n").expect("write rows");
    let (gone, model) = (folder.join("gone.jsonl"), write_model(&folder));
    std::fs::write(&gone, [0xff, 0xfe, 0x00]).expect("write bytes");
    window.drop_files(&[&first, &gone, &model, &more]);
    window.wait_for("rows.jsonl and 1 more");
    window.wait_for("Base: tiny-base (33 k)");
    let state = &window.shell().state;
    assert_eq!(
        (state.data.len(), &state.recipe.recipe.data.files),
        (4, &vec![first, more])
    );
    assert_eq!(state.nav.room, Room::Data);
    let told = &state.problems.list;
    assert!(told.iter().any(|p| p.message.contains("gone.jsonl")), "{told:?}");
}

#[test]
fn a_dropped_model_folder_becomes_the_selected_card() {
    let mut window = Window::new();
    let model = write_model(window.home.path());
    window.drop_file(&model);
    window.wait_for("Base: tiny-base (33 k)");
    assert_eq!(window.shell().state.model.selected, Some(model.display().to_string()));
    assert!(window.has_button("tiny-base"), "the card has the model's name");
}

#[test]
fn a_folder_that_is_no_model_says_so() {
    let mut window = Window::new();
    let folder = window.home.path().join("empty");
    std::fs::create_dir_all(&folder).expect("folder");
    window.drop_file(&folder);
    window.wait_for("holds neither config.json");
}

#[test]
fn the_path_field_opens_a_model_without_a_dialog() {
    let mut window = Window::new();
    let model = write_model(window.home.path()).display().to_string();
    window.send(Command::Model(ModelCommand::PathText(model)));
    window.click("Open");
    window.wait_for("Base: tiny-base");
}

#[test]
fn a_hundred_thousand_rows_scroll_within_a_frame() {
    let mut window = Window::new();
    let file = write_rows(window.home.path(), 100_000, None);
    window.drop_file(&file);
    window.wait_for("100,000");
    window.send(Command::Data(DataCommand::Select(90_000)));
    assert!(window.shows("Line 90001"));
    let frames = 20;
    let start = std::time::Instant::now();
    for i in 0..frames {
        window.send(Command::Data(DataCommand::Select(90_000 - 1000 * i)));
        window.harness.step();
    }
    let frame = start.elapsed() / frames as u32;
    // A loose bound: it fails when a frame looks at all rows, not when the machine is busy.
    assert!(frame.as_millis() < 1000, "a frame took {frame:?}");
}

#[test]
fn empty_rooms_say_what_they_are_for() {
    let mut window = Window::new();
    window.snapshot("model_empty_dark");
    window.click("Data");
    assert!(window.shows("Examples to learn from"));
    window.snapshot("data_empty_dark");
    window.click("Train");
    assert!(window.shows("Nothing to train yet"));
    window.send(Command::Shell(ShellCommand::Theme(ThemeChoice::Light)));
    window.snapshot("train_empty_light");
}

#[test]
fn the_smallest_window_and_the_largest_text_fit() {
    let home = tempfile::tempdir().expect("temporary folder");
    let mut window = Window::in_home(home, [1000.0, 640.0]);
    let file = write_rows(window.home.path(), 40, Some(3));
    let model = write_model(window.home.path());
    window.drop_file(&model);
    window.wait_for("Base: tiny-base");
    window.drop_file(&file);
    window.wait_for("1 skipped");
    window.snapshot("data_smallest");
    window.click("Train");
    window.snapshot("train_smallest");
}
