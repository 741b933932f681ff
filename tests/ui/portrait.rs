//! Charts as pictures: triangles become pixels without seams, and what is saved has names, axes and legend in it.

use std::path::Path;

use burnish::session::{Command, Dialog, Effect, PictureCommand, PictureOf, RunState, ThemeChoice, apply};
use burnish::ui::portrait::raster::Canvas;
use egui::epaint::{ClippedPrimitive, ColorImage, Mesh, Primitive, Vertex};
use egui::{Color32, Rect, pos2, vec2};

use crate::kit::Window;
use crate::run::running;

/// The points in a mesh of triangles of one colour, clipped.
fn drawn(points: &[(f32, f32)], indices: &[u32], colour: Color32, clip: Rect) -> Vec<u8> {
    let vertices = points.iter().map(|(x, y)| Vertex::untextured(pos2(*x, *y), colour));
    let mesh = Mesh {
        indices: indices.to_vec(),
        vertices: vertices.collect(),
        ..Mesh::default()
    };
    let primitive = ClippedPrimitive {
        clip_rect: clip,
        primitive: Primitive::Mesh(mesh),
    };
    let atlas = ColorImage::filled([1, 1], Color32::WHITE);
    let mut canvas = Canvas::new([40, 40], Color32::BLACK);
    canvas.draw(&[primitive], 2.0, &atlas);
    canvas.bytes()
}

fn red(bytes: &[u8], x: usize, y: usize) -> u8 {
    bytes[(y * 40 + x) * 4]
}

#[test]
fn triangles_that_share_sides_leave_no_seam() {
    // A square of four triangles around a crooked middle; half transparent, so that a pixel drawn twice would show.
    let points = [(1.0, 1.0), (18.5, 1.0), (18.5, 18.5), (1.0, 18.5), (7.3, 11.1)];
    let indices = [0, 1, 4, 1, 2, 4, 3, 4, 2, 0, 4, 3];
    let half = Color32::from_rgba_premultiplied(100, 0, 0, 128);
    let everything = Rect::from_min_size(pos2(0.0, 0.0), vec2(20.0, 20.0));
    let bytes = drawn(&points, &indices, half, everything);
    for (y, x) in (0..40).flat_map(|y| (0..40).map(move |x| (y, x))) {
        let inside = (2..37).contains(&x) && (2..37).contains(&y);
        assert_eq!(red(&bytes, x, y), if inside { 100 } else { 0 }, "pixel {x}, {y}");
    }
    let clipped = drawn(
        &points,
        &indices,
        half,
        Rect::from_min_max(pos2(5.0, 5.0), pos2(10.0, 20.0)),
    );
    assert_eq!((red(&clipped, 9, 12), red(&clipped, 10, 12)), (0, 100));
    assert_eq!((red(&clipped, 19, 12), red(&clipped, 20, 12)), (100, 0));
}

#[test]
fn colours_run_between_corners_and_the_atlas_is_read() {
    let corner = |x, y, colour, u| Vertex {
        pos: pos2(x, y),
        uv: pos2(u, 0.5),
        color: colour,
    };
    let mesh = Mesh {
        indices: vec![0, 1, 2, 1, 2, 3],
        vertices: vec![
            corner(0.0, 0.0, Color32::WHITE, 0.25),
            corner(20.0, 0.0, Color32::WHITE, 0.75),
            corner(0.0, 20.0, Color32::WHITE, 0.25),
            corner(20.0, 20.0, Color32::WHITE, 0.75),
        ],
        ..Mesh::default()
    };
    let primitive = ClippedPrimitive {
        clip_rect: Rect::EVERYTHING,
        primitive: Primitive::Mesh(mesh),
    };
    // From black to white along the atlas.
    let atlas = ColorImage::new([2, 1], vec![Color32::BLACK, Color32::WHITE]);
    let mut canvas = Canvas::new([40, 40], Color32::BLACK);
    canvas.draw(&[primitive], 2.0, &atlas);
    let bytes = canvas.bytes();
    assert!(red(&bytes, 0, 20) < 8 && red(&bytes, 39, 20) > 247);
    assert!((120..136).contains(&red(&bytes, 20, 20)), "{}", red(&bytes, 20, 20));
}

/// Saves a picture as the window does; gives it.
fn saved(window: &mut Window, of: PictureOf, path: &Path) -> image::RgbaImage {
    window.send(Command::Picture(PictureCommand::SaveAs(of, path.into())));
    window.wait_for("Saved the picture as");
    image::open(path).expect("a picture").to_rgba8()
}

#[test]
fn the_charts_of_a_run_become_a_picture_twice_as_fine() {
    let mut window = running(140);
    assert!(window.has_button("Save a picture of the charts..."));
    let path = window.home.path().join("curves.png");
    let picture = saved(&mut window, PictureOf::Run, &path);
    assert_eq!(picture.width(), 2080);
    assert!(picture.height() > 1000, "{}", picture.height());
    egui_kittest::image_snapshot(&picture, "picture_run_dark");
}

#[test]
fn the_curves_of_runs_become_a_picture_in_the_windows_theme() {
    let mut window = crate::runs_room::compared();
    window.shell().state.settings.theme = ThemeChoice::Light;
    window.settle();
    assert!(window.has_button("Save a picture of the curves..."));
    let path = window.home.path().join("curves.PNG");
    let picture = saved(&mut window, PictureOf::Runs, &path);
    egui_kittest::image_snapshot(&picture, "picture_runs_light");
}

#[test]
fn the_user_says_where_and_is_told_when_it_fails() {
    let mut window = running(20);
    let state = &mut window.shell().state;
    let asked = apply(state, Command::Picture(PictureCommand::Ask(PictureOf::Run)));
    let dialog = asked
        .iter()
        .any(|e| matches!(e, Effect::Dialog(Dialog::SavePicture(PictureOf::Run))));
    assert!(dialog, "{asked:?}");
    // A name without an ending gets one.
    let effects = apply(
        state,
        Command::Picture(PictureCommand::SaveAs(PictureOf::Run, "charts.v2".into())),
    );
    let path = effects.iter().find_map(|e| match e {
        Effect::SavePicture { path, .. } => Some(path.clone()),
        _ => None,
    });
    assert_eq!(path.as_deref(), Some(Path::new("charts.v2.png")));
    let nowhere = window.home.path().join("no/such/folder/run.png");
    window.send(Command::Picture(PictureCommand::SaveAs(PictureOf::Run, nowhere)));
    window.wait_for("Could not save the picture as");
    // Nothing to draw is no reason to fall over.
    window.shell().state.run = RunState::default();
    let path = window.home.path().join("nothing.png");
    saved(&mut window, PictureOf::Run, &path);
}
