//! Widgets that all rooms share. Each has an accessible name without its icon.
mod bars;
mod bits;
mod buttons;
mod fields;
mod layout;
mod shares;

pub use bars::bars;
pub use bits::{badge, caption, figure, heading, muted, path_field, progress, strong};
pub use buttons::{button, icon_button, link, primary, quiet, segmented};
pub use fields::{choice, number, row, switch};
pub use layout::{Empty, Side, card, empty, footer, group, room, selectable_card, side_panel};
pub use shares::{percent, quoted, share_line};
