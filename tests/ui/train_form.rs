//! The form of the Train room: cards of methods, mistakes with their way out, the memory bar and what fits.

use burnish::recipe::{MethodKind, Precision, Quant};
use burnish::session::{Command, Room, TrainCommand};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;

use crate::kit::{Window, write_rows};

/// A window with the starter and forty rows, in the Train room.
fn window() -> Window {
    window_of([1280.0, 800.0])
}

/// [`window`] of another size.
fn window_of(size: [f32; 2]) -> Window {
    let mut window = Window::in_home(tempfile::tempdir().expect("temporary folder"), size);
    let file = write_rows(window.home.path(), 40, None);
    window.click("Starter");
    window.wait_for("Base: Starter");
    window.drop_file(&file);
    window.wait_for("Data: rows.jsonl 40");
    window.send(Command::Go(Room::Train));
    window.settle();
    window
}

#[test]
fn a_method_is_chosen_by_its_card() {
    let mut window = window();
    window.click("Compare methods");
    for name in ["rsLoRA", "DoRA", "QLoRA", "Full fine-tuning", "Prompt tuning"] {
        assert!(window.has_button(&format!("Use {name}")), "{name}");
    }
    window.snapshot("train_methods_dark");
    window.click("Use QLoRA");
    let recipe = window.shell().state.recipe.recipe.clone();
    assert_eq!(
        (recipe.method.kind, recipe.method.quant),
        (MethodKind::Lora, Quant::Nf4)
    );
    assert!(window.shows("What will happen"), "the forecast is back");
    window.click("Compare methods");
    window.click("Use Prefix tuning");
    let recipe = window.shell().state.recipe.recipe.clone();
    assert_eq!(recipe.method.kind, MethodKind::Prefix);
    assert!(window.shows("Learned tokens"), "the form asks for its size");
}

#[test]
fn mistakes_and_a_lack_of_memory_show_a_way_out() {
    let mut window = window();
    let settings = [
        "optim.epochs=9",
        "batch.size=32",
        "batch.accumulation=4",
        "data.max_length=512",
    ];
    let set = settings.map(String::from).to_vec();
    window.send(Command::Train(TrainCommand::Set(set)));
    window.send(Command::Train(TrainCommand::DeviceMemory(90_000_000)));
    window.settle();
    assert!(window.shows("9 epochs show every row"));
    assert!(window.shows("too little"), "the bar goes beyond the device");
    assert!(window.shows("What fits"));
    window.snapshot("train_beyond_dark");
    window.click("Set epochs to 3");
    assert_eq!(window.shell().state.recipe.recipe.optim.epochs, 3.0);
    let way = window.shell().state.plan.clone().expect("a forecast").ways[0].clone();
    window.send(Command::Train(TrainCommand::Set(way.settings.clone())));
    window.settle();
    let plan = window.shell().state.plan.clone().expect("a forecast");
    assert_eq!(plan.memory, way.memory, "as it was promised");
    assert!(plan.ways.is_empty() && !window.shows("What fits"), "now it fits");
    let batch = window.shell().state.recipe.recipe.batch.clone();
    assert_eq!(batch.size * batch.accumulation, 128, "the same rows a step");
}

/// Opens a field that offers several values; its name stands beside it, too.
fn open_choice(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::ComboBox, name).click();
    window.settle();
}

#[test]
fn precision_is_chosen_among_what_the_device_computes_in() {
    let mut window = window_of([1280.0, 1900.0]);
    window.click("More settings");
    open_choice(&mut window, "Compute in");
    for name in ["bf16", "f16"] {
        assert!(window.has_button(name), "{name}");
    }
    window.click("bf16");
    window.settle();
    open_choice(&mut window, "Adapter in");
    window.click("bf16");
    window.settle();
    window.snapshot("train_precision_dark");
    let recipe = window.shell().state.recipe.recipe.clone();
    assert_eq!(recipe.model.compute, Precision::Bf16);
    assert_eq!(recipe.method.adapter_dtype, Precision::Bf16);
    window.click("Compare methods");
    window.click("Use Full fine-tuning");
    window.settle();
    assert!(!window.shows("Adapter in"), "nothing is stored beside the model");
    let recipe = window.shell().state.recipe.recipe.clone();
    assert_eq!(recipe.method.adapter_dtype, Precision::F32);
    recipe.check().expect("nothing is left that full training cannot have");
}

#[test]
fn general_examples_are_chosen_and_taken_out() {
    let mut window = window_of([1280.0, 1900.0]);
    window.send(Command::Train(TrainCommand::ToggleAdvanced));
    assert!(window.has_button("Choose files..."));
    let files = ["/data/general.jsonl", "/data/more.jsonl", "/data/general.jsonl"].map(Into::into);
    window.send(Command::Train(TrainCommand::AddReplay(files.to_vec())));
    let replay = |window: &mut Window| window.shell().state.recipe.recipe.data.replay.clone();
    assert!(window.shows("general.jsonl") && window.shows("Replay share"));
    window.click("Take general.jsonl out");
    assert_eq!(replay(&mut window), [std::path::PathBuf::from("/data/more.jsonl")]);
    window.click("Take more.jsonl out");
    assert!(replay(&mut window).is_empty() && !window.shows("Replay share"));
    let asked = burnish::session::apply(&mut window.shell().state, Command::Train(TrainCommand::ReplayDialog));
    let dialog = |e: &burnish::session::Effect| {
        matches!(
            e,
            burnish::session::Effect::Dialog(burnish::session::Dialog::ReplayFiles)
        )
    };
    assert!(asked.iter().any(dialog), "{asked:?}");
}
