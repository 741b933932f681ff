//! What is kept between starts, apart from the project. Knows the values, not the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Room;

/// Light, dark, or what the system uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    #[default]
    System,
    Light,
    Dark,
}

/// Settings of the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: ThemeChoice,
    /// Text size in percent of normal, 70 to 200.
    pub text_scale: u16,
    /// The device for jobs; `None` is `auto`.
    pub device: Option<String>,
    /// Bytes of memory that the user entered for devices that do not tell, by what they are called.
    pub device_memory: BTreeMap<String, u64>,
    /// The room that was open.
    pub room: Room,
    /// The folder of the open project; `None` is the default one.
    pub project: Option<std::path::PathBuf>,
    /// Tokens per second of the last run, for forecasts.
    pub pace: Option<f64>,
    /// Should training leave the device to other programs now and then?
    pub smooth: bool,
    /// Width and height of the window, in points.
    pub window: Option<[f32; 2]>,
    /// Widths of side panels that the user changed, in points.
    pub panels: BTreeMap<String, f32>,
    /// Model folders and `.gguf` files that were opened before.
    pub models: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            text_scale: 100,
            device: None,
            device_memory: BTreeMap::new(),
            room: Room::Model,
            project: None,
            pace: None,
            smooth: false,
            window: None,
            panels: BTreeMap::new(),
            models: Vec::new(),
        }
    }
}

impl Settings {
    /// One step larger or smaller; 0 goes back to normal.
    pub fn scale_text(&mut self, by: i8) {
        self.text_scale = match by {
            0 => 100,
            by => (i32::from(self.text_scale) + i32::from(by.signum()) * 10).clamp(70, 200) as u16,
        };
    }
}
