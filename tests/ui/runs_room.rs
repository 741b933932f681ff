//! The Runs room: the table, several runs over each other, notes, the bin, a log of another program.

use std::path::PathBuf;

use burnish::session::runs::RunsCommand;
use burnish::session::{Along, Command, Room, ShellCommand, ThemeChoice};
use egui::Modifiers;
use egui_kittest::kittest::Queryable;

use crate::history_kit::{checkpoint, events, finished, recipe, write};
use crate::kit::Window;

/// The folder of runs of a window's project.
fn runs_folder(window: &Window) -> PathBuf {
    window.home.path().join("projects/my-project/runs")
}

/// A window of this size in the Runs room of a project with four runs.
fn four_runs(size: [f32; 2]) -> Window {
    let mut window = Window::in_home(tempfile::tempdir().expect("temporary folder"), size);
    let runs = runs_folder(&window);
    finished(&runs, "2026-11-19-174500-manners", &recipe(&[]), 0.9);
    finished(&runs, "2026-11-20-090000-pirate", &recipe(&["optim.lr=5e-4"]), 0.7);
    finished(
        &runs,
        "2026-11-21-100000-pirate-2",
        &recipe(&["method.r=64", "optim.lr=1e-3", "method.quant=nf4"]),
        0.5,
    );
    let broken = write(
        &runs,
        "2026-11-21-113000-haiku",
        &recipe(&["method.r=8"]),
        &events(50, 1.0),
    );
    checkpoint(&broken, 40);
    window.click("Runs");
    window.wait_for("Run: haiku");
    window
}

/// Ticks a run beside the others.
fn tick(window: &mut Window, name: &str) {
    window.harness.get_by_label(&format!("Compare {name}")).click();
    window.settle();
}

#[test]
fn an_empty_room_says_what_it_is_for() {
    let mut window = Window::new();
    window.click("Runs");
    window.wait_for("No runs yet");
    window.snapshot("runs_empty_dark");
    window.click("Set up a run");
    assert_eq!(window.shell().state.nav.room, Room::Train);
}

#[test]
fn the_history_is_a_table_that_is_searched_and_sorted() {
    let mut window = four_runs([1280.0, 800.0]);
    assert!(window.shows("4 runs"));
    window.snapshot("runs_table_dark");
    window.click("Sort by held out");
    let first = |window: &mut Window| window.shell().state.runs.visible()[0].name.clone();
    assert_eq!(first(&mut window), "pirate-2");
    window.click("Sort by held out");
    assert_eq!(first(&mut window), "haiku");
    window.harness.get_by_label("Search the runs").focus();
    window.settle();
    window.harness.get_by_label("Search the runs").type_text("nf4");
    window.settle();
    assert!(window.shows("1 of 4 runs"));
    assert!(window.has_button("Run: pirate-2") && !window.has_button("Run: haiku"));
}

#[test]
fn a_selected_run_shows_its_figures_and_takes_notes() {
    let mut window = four_runs([1280.0, 800.0]);
    window.click("Run: pirate");
    window.wait_for("Losses of the selected runs");
    assert!(window.shows("120\u{a0}steps") && window.has_button("Chat with pirate"));
    window.harness.get_by_label("Notes").focus();
    window.settle();
    window.harness.get_by_label("Notes").type_text("Speaks well.");
    window.settle();
    window.harness.get_by_label("Tags").focus();
    window.settle();
    window.harness.get_by_label("Tags").type_text("keep, demo");
    window.settle();
    window.harness.get_by_label("Notes").focus();
    window.settle();
    let notes = runs_folder(&window).join("2026-11-20-090000-pirate/notes.toml");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let kept = || std::fs::read_to_string(&notes).unwrap_or_default();
    while !(kept().contains("Speaks well.") && kept().contains("\"demo\"")) {
        assert!(std::time::Instant::now() < end, "{}", kept());
        std::thread::sleep(std::time::Duration::from_millis(10));
        window.harness.step();
    }
    // A cursor that blinks is no picture.
    window.harness.key_press(egui::Key::Escape);
    window.settle();
    window.snapshot("runs_details_dark");
}

/// A window in the Runs room with three runs over each other.
pub fn compared() -> Window {
    let mut window = four_runs([1280.0, 800.0]);
    for name in ["manners", "pirate", "pirate-2"] {
        tick(&mut window, name);
        window.wait_for(&format!("Curve: {name}"));
    }
    window
}

#[test]
fn several_runs_lie_over_each_other_with_their_differences() {
    let mut window = compared();
    for text in ["method.quant", "optim.lr", "Losses of the selected runs"] {
        assert!(window.shows(text), "{text}");
    }
    assert!(!window.shows("optim.epochs"), "what is the same is left out");
    window.snapshot("runs_compared_dark");
    window.send(Command::Shell(ShellCommand::Theme(ThemeChoice::Light)));
    window.snapshot("runs_compared_light");
    window.click("Time");
    assert_eq!(window.shell().state.runs.along, Along::Time);
    window.click("Curve: manners");
    window.snapshot("runs_time_light");
}

#[test]
fn the_smallest_window_holds_the_room() {
    let mut window = four_runs([1000.0, 640.0]);
    for name in ["pirate", "haiku"] {
        tick(&mut window, name);
        window.wait_for(&format!("Curve: {name}"));
    }
    window.snapshot("runs_smallest_dark");
    assert!(window.has_button("Resume from step 40"));
}

#[test]
fn a_deleted_run_comes_back() {
    let mut window = four_runs([1280.0, 800.0]);
    window.click("Run: pirate");
    window.wait_for("Losses of the selected runs");
    window.click("Delete");
    window.wait_for("pirate in the bin");
    assert!(!window.has_button("Run: pirate"));
    window.click("Undo");
    window.wait_for("Run: pirate-2");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !window.has_button("Run: pirate") {
        assert!(std::time::Instant::now() < end, "it comes back");
        std::thread::sleep(std::time::Duration::from_millis(10));
        window.harness.step();
    }
    assert!(runs_folder(&window).join("2026-11-20-090000-pirate").is_dir());
}

#[test]
fn shift_selects_a_run_beside_the_others() {
    let mut window = four_runs([1280.0, 800.0]);
    window.click("Run: pirate");
    window
        .harness
        .get_by_label("Run: haiku")
        .click_modifiers(Modifiers::SHIFT);
    window.settle();
    assert_eq!(window.shell().state.runs.picked.len(), 2);
    window.click("Run: manners");
    assert_eq!(window.shell().state.runs.picked.len(), 1);
    window.click("Run: manners");
    assert!(window.shell().state.runs.picked.is_empty());
}

#[test]
fn a_past_run_opens_in_the_train_room_and_its_recipe_can_be_edited() {
    let mut window = four_runs([1280.0, 800.0]);
    window.click("Run: pirate-2");
    window.wait_for("Losses of the selected runs");
    window.click("Open in Train");
    assert_eq!(window.shell().state.nav.room, Room::Train);
    assert!(window.shows("Step 120 / 120"));
    window.click("Runs");
    window.click("Duplicate and edit");
    assert_eq!(window.shell().state.nav.room, Room::Train);
    assert_eq!(window.shell().state.recipe.recipe.method.r, 64);
}

#[test]
fn a_dropped_log_is_a_run_to_compare_with() {
    let mut window = four_runs([1280.0, 800.0]);
    let log = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs/trainer_state.json");
    window.drop_file(&log);
    window.wait_for("Run: logs");
    window.wait_for("Losses of the selected runs");
    assert!(window.shows("imported"));
    assert!(!window.has_button("Open in Train") && !window.has_button("Duplicate and edit"));
    window.send(Command::Runs(RunsCommand::Along(Along::Tokens)));
    assert!(window.shows("logs: tokens are not recorded."));
}
