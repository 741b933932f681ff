//! The frame: rail, palette, theme, text size, problems, closing.

use burnish::session::{Command, Dialog, Room, ShellCommand, ThemeChoice};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::kit::{Window, write_rows};

#[test]
fn the_rail_opens_rooms_and_says_why_others_are_closed() {
    let mut window = Window::new();
    for room in [Room::Data, Room::Template, Room::Train, Room::Chat, Room::Model] {
        window.click(room.name());
        assert_eq!(window.shell().state.nav.room, room);
    }
    window.harness.get_by_label("Export").click();
    window.settle();
    assert_eq!(window.shell().state.nav.room, Room::Model, "Export is closed");
}

#[test]
fn digits_with_control_open_rooms() {
    let mut window = Window::new();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    window.settle();
    assert_eq!(window.shell().state.nav.room, Room::Train);
}

#[test]
fn the_palette_finds_a_command_by_letters_and_runs_it() {
    let mut window = Window::new();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.settle();
    assert!(window.shows("Go to Template"));
    window.harness.event(egui::Event::Text("light".into()));
    window.settle();
    assert!(!window.shows("Go to Template"));
    window.snapshot("palette");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert_eq!(window.shell().state.settings.theme, ThemeChoice::Light);
    assert!(!window.shell().state.nav.palette);
}

#[test]
fn where_no_dialog_can_be_shown_the_path_is_typed() {
    let mut window = Window::new();
    let file = write_rows(window.home.path(), 12, None);
    window.send(Command::Shell(ShellCommand::NoDialog(Dialog::DataFile)));
    assert!(window.shows("no desktop portal"));
    window.send(Command::Shell(ShellCommand::TypedPath("/home/me/rows.jsonl".into())));
    window.snapshot("typed_path");
    window.send(Command::Shell(ShellCommand::TypedPath(file.display().to_string())));
    window.send(Command::Shell(ShellCommand::TypedPathDone));
    window.wait_for("Line 5");
    assert!(!window.shows("no desktop portal"));
    window.send(Command::Shell(ShellCommand::NoDialog(Dialog::ModelFolder)));
    window.harness.key_press(Key::Escape);
    window.settle();
    assert!(!window.shows("no desktop portal"));
}

#[test]
fn escape_closes_the_palette() {
    let mut window = Window::new();
    window.send(Command::Shell(ShellCommand::TogglePalette));
    window.harness.key_press(Key::Escape);
    window.settle();
    assert!(!window.shell().state.nav.palette);
}

#[test]
fn a_problem_stays_in_the_list_with_its_way_out() {
    let mut window = Window::new();
    window.drop_file(std::path::Path::new("/nowhere/rows.jsonl"));
    window.wait_for("/nowhere/rows.jsonl does not exist");
    window.click("Put this into the list of problems");
    assert!(!window.shows("/nowhere/rows.jsonl does not exist"));
    window.click("Problems: 1");
    assert!(window.shows("/nowhere/rows.jsonl does not exist"));
    window.snapshot("problems");
    window.click("Open data");
    assert_eq!(window.shell().state.nav.room, Room::Data);
    assert!(window.shell().state.problems.list.is_empty());
}

#[test]
fn theme_text_size_room_and_data_survive_a_restart() {
    let mut window = Window::new();
    let file = write_rows(window.home.path(), 30, None);
    window.click("Use the light theme");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    window.settle();
    window.drop_file(&file);
    window.wait_for("Line 10");
    window.click("Train");
    let Window { harness, home } = window;
    harness.into_state().shell.finish();
    let mut again = Window::in_home(home, [1280.0, 800.0]);
    again.wait_for("rows.jsonl 30");
    let state = &again.shell().state;
    assert_eq!(state.settings.theme, ThemeChoice::Light);
    assert_eq!(state.settings.text_scale, 110);
    assert_eq!(state.nav.room, Room::Train);
}

#[test]
fn broken_settings_are_kept_aside_and_said() {
    let home = tempfile::tempdir().expect("temporary folder");
    std::fs::write(home.path().join("settings.toml"), "theme = 7").expect("write");
    let mut window = Window::in_home(home, [1280.0, 800.0]);
    window.wait_for("settings.toml is not valid");
    assert!(window.home.path().join("settings.toml.broken").is_file());
}
