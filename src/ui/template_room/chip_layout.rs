//! Where each token's chip stands: rows that wrap at the width and after a newline token. Knows sizes, not drawing.

use egui::{Rect, pos2, vec2};

/// Height of a chip in points.
pub const CHIP_HEIGHT: f32 = 34.0;
/// Space between chips.
pub const GAP: f32 = 4.0;
/// Space between rows.
pub const ROW_GAP: f32 = 6.0;

/// What the layout needs of a chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub width: f32,
    /// Does the row end after it?
    pub breaks: bool,
}

/// Chips in rows, relative to the top left corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChipLayout {
    rects: Vec<Rect>,
    /// Index of the first chip of each row.
    rows: Vec<usize>,
    width: f32,
}

impl ChipLayout {
    /// Puts chips into rows of at most `width`; a chip that is wider than that gets a row of its own, cut to the width.
    pub fn new(chips: impl IntoIterator<Item = Place>, width: f32) -> Self {
        let mut layout = ChipLayout {
            width,
            ..ChipLayout::default()
        };
        let (mut x, mut broken) = (0.0, true);
        for (index, chip) in chips.into_iter().enumerate() {
            let chip_width = chip.width.min(width);
            if broken || x + chip_width > width {
                layout.rows.push(index);
                x = 0.0;
            }
            let y = (layout.rows.len() - 1) as f32 * (CHIP_HEIGHT + ROW_GAP);
            layout
                .rects
                .push(Rect::from_min_size(pos2(x, y), vec2(chip_width, CHIP_HEIGHT)));
            x += chip_width + GAP;
            broken = chip.breaks;
        }
        layout
    }

    /// Width that it was made for.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// Height of all rows.
    pub fn height(&self) -> f32 {
        self.rects.last().map_or(0.0, |r| r.bottom())
    }

    /// The rectangle of a chip.
    pub fn rect(&self, index: usize) -> Option<Rect> {
        self.rects.get(index).copied()
    }

    /// Indices of the chips whose rows touch a vertical range.
    pub fn visible(&self, top: f32, bottom: f32) -> std::ops::Range<usize> {
        let pitch = CHIP_HEIGHT + ROW_GAP;
        let row = |y: f32| (y / pitch).floor().max(0.0) as usize;
        let start = self.rows.get(row(top)).copied().unwrap_or(self.rects.len());
        let end = self.rows.get(row(bottom) + 1).copied().unwrap_or(self.rects.len());
        start..end.max(start)
    }
}
