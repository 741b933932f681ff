//! What every drawing function gets: the state to read, the commands to send, the colours.

use super::Theme;
use crate::session::{Command, State};

/// The read view of a frame and its outgoing commands.
pub struct Ctx<'a> {
    /// What to draw.
    pub state: &'a State,
    /// What the user wants; applied after the frame.
    pub out: &'a mut Vec<Command>,
    /// Semantic colours, spacing and fonts.
    pub theme: &'a Theme,
}

impl Ctx<'_> {
    /// Sends a command.
    pub fn send(&mut self, command: Command) {
        self.out.push(command);
    }
}
