//! Charts as pictures of their own, twice as fine as a screen's usual, without the window around them. Knows how to draw what rooms hand it, no files
//! but the one it writes.
pub mod raster;

use std::path::Path;

use egui::epaint::{ClippedPrimitive, ColorImage};
use egui::{Color32, Frame, Margin, RawInput, Rect, Ui, Vec2, ViewportId, pos2, vec2};

use super::{Ctx, Theme, runs_room, style, train_room};
use crate::session::{PictureOf, State};

/// Pixels a point.
const SCALE: f32 = 2.0;
/// Width in points.
const WIDTH: f32 = 1040.0;
/// Height in points before it is known.
const FIRST_HEIGHT: f32 = 900.0;
/// Passes until everything has its place: charts find their bounds in the first, axes their width in the second.
const PASSES: usize = 3;

/// A drawn picture that has no pixels yet.
pub struct Portrait {
    size: Vec2,
    ground: Color32,
    primitives: Vec<ClippedPrimitive>,
    atlas: ColorImage,
}

impl Portrait {
    /// Draws charts as they are shown now; takes about as long as a frame.
    pub fn new(state: &State, theme: &Theme, of: PictureOf) -> Self {
        let context = egui::Context::default();
        style::install(&context);
        context.set_theme(if theme.dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        });
        let mut size = vec2(WIDTH, FIRST_HEIGHT);
        let mut shapes = Vec::new();
        for _ in 0..PASSES {
            let mut used = 0.0;
            let output = context.run_ui(input(size), |ui| used = draw(state, theme, of, ui));
            size.y = used;
            shapes = output.shapes.clone();
            // The whole atlas is taken at the end.
            output.drop_without_applying_deltas();
        }
        Self {
            size,
            ground: theme.surface(),
            primitives: context.tessellate(shapes, SCALE),
            atlas: context.fonts(|fonts| fonts.image()),
        }
    }

    /// Width and height in pixels, and red, green, blue and alpha of each.
    pub fn pixels(&self) -> ([usize; 2], Vec<u8>) {
        let size = [self.size.x, self.size.y].map(|side| (side * SCALE).ceil() as usize);
        let mut canvas = raster::Canvas::new(size, self.ground);
        canvas.draw(&self.primitives, SCALE, &self.atlas);
        (size, canvas.bytes())
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    /// A message for the user: the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let ([width, height], bytes) = self.pixels();
        image::save_buffer(path, &bytes, width as u32, height as u32, image::ColorType::Rgba8).map_err(|error| {
            format!(
                "Could not save the picture as {}: {error}. Choose another place.",
                path.display()
            )
        })
    }
}

fn input(size: Vec2) -> RawInput {
    let mut input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), size)),
        ..RawInput::default()
    };
    if let Some(viewport) = input.viewports.get_mut(&ViewportId::ROOT) {
        viewport.native_pixels_per_point = Some(SCALE);
    }
    input
}

/// Draws the charts; gives the height that they took, with a margin.
fn draw(state: &State, theme: &Theme, of: PictureOf, ui: &mut Ui) -> f32 {
    // Nobody clicks here.
    let mut out = Vec::new();
    let ctx = &mut Ctx {
        state,
        out: &mut out,
        theme,
    };
    let frame = Frame::new().inner_margin(Margin::same(20));
    let drawn = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        match of {
            PictureOf::Run => train_room::run_portrait(ctx, ui),
            PictureOf::Runs => runs_room::portrait(ctx, ui),
            PictureOf::Rates => train_room::rates_portrait(ctx, ui),
        }
    });
    drawn.response.rect.bottom()
}
