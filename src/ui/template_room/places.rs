//! Where bytes of a text stand in its layout, and which byte is under the pointer. Knows layouts, not texts' meaning.

use std::sync::Arc;

use egui::{Galley, Pos2, Rect, pos2};

/// The byte of the text under the pointer.
pub fn byte_at(galley: &Arc<Galley>, text: &str, pointer: Pos2, origin: Pos2) -> Option<usize> {
    let inside = pointer - origin;
    let row = galley.rows.iter().find(|r| r.rect().y_range().contains(inside.y))?;
    if inside.x > row.rect().right() + 12.0 {
        return None;
    }
    // The cursor stands between characters: the one to its left is meant unless the pointer is left of it.
    let cursor = galley.cursor_from_pos(inside);
    let edge = galley.pos_from_cursor(cursor).left();
    let index: usize = if inside.x < edge {
        cursor.index.saturating_sub(1)
    } else {
        cursor.index
    }
    .into();
    text.char_indices().nth(index).map(|(at, _)| at)
}

/// The rectangles that a byte range of the text takes, relative to the galley.
pub fn range_rects(galley: &Arc<Galley>, text: &str, start: usize, end: usize) -> Vec<Rect> {
    let index = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count();
    let (start, end) = (index(start), index(end));
    let mut rects = Vec::new();
    let mut first = 0;
    for row in &galley.rows {
        let length: usize = row.char_count_excluding_newline().into();
        let all = length + usize::from(row.ends_with_newline);
        if start < first + all && first < end {
            let x = |at: usize| row.pos.x + row.x_offset(at.saturating_sub(first).min(length).into());
            let (left, mut right) = (x(start), x(end));
            if right <= left {
                // A newline has no width of its own.
                right = left + 6.0;
            }
            rects.push(Rect::from_min_max(
                pos2(left, row.rect().top()),
                pos2(right, row.rect().bottom()),
            ));
        }
        first += all;
        if first >= end {
            break;
        }
    }
    rects
}
