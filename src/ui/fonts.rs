//! The fonts that come with the app, and the system's for characters that they lack.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::epaint::text::{FallbackRequest, FontInsert, FontPriority, InsertFontFamily};
use egui::{FontData, FontDefinitions, FontFamily};

/// The family of headings and buttons that matter.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Inter, JetBrains Mono and Phosphor before egui's own faces (which cover emoji and symbols).
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
    };
    add("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf"));
    add(
        "inter-semibold",
        include_bytes!("../../assets/fonts/Inter-SemiBold.otf"),
    );
    add(
        "jetbrains-mono",
        include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"),
    );
    add("phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf"));
    let proportional = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let monospace = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    let chain = |first: &str, rest: &[String]| {
        let mut names = vec![first.to_string(), "phosphor".to_string()];
        names.extend_from_slice(rest);
        names
    };
    fonts
        .families
        .insert(FontFamily::Proportional, chain("inter", &proportional));
    fonts.families.insert(strong(), chain("inter-semibold", &proportional));
    fonts.families.insert(
        FontFamily::Monospace,
        chain("jetbrains-mono", &[&monospace[..], &proportional[..]].concat()),
    );
    fonts
}

/// Where systems keep faces with many scripts, widest first.
const SYSTEM_FACES: [&str; 16] = [
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "C:\\Windows\\Fonts\\msyh.ttc",
    "C:\\Windows\\Fonts\\YuGothR.ttc",
    "C:\\Windows\\Fonts\\malgun.ttf",
    "C:\\Windows\\Fonts\\seguisym.ttf",
];

/// Answers egui's search for a character that no installed face has, from the system's faces.
pub fn system_font(request: &FallbackRequest<'_>) -> Option<FontInsert> {
    let wanted = request.cluster.chars().next()?;
    SYSTEM_FACES
        .iter()
        .map(PathBuf::from)
        .find_map(|path| load(&path, wanted))
}

fn load(path: &Path, wanted: char) -> Option<FontInsert> {
    let bytes = std::fs::read(path).ok()?;
    if !covers(&bytes, wanted) {
        return None;
    }
    let families = [FontFamily::Proportional, FontFamily::Monospace, strong()];
    let families = families.map(|family| InsertFontFamily {
        family,
        priority: FontPriority::Lowest,
    });
    Some(FontInsert {
        name: path.display().to_string(),
        data: FontData::from_owned(bytes),
        families: families.to_vec(),
    })
}

/// Has the face a glyph? Asked of a scratch set of fonts that holds this face alone.
fn covers(bytes: &[u8], wanted: char) -> bool {
    let mut alone = FontDefinitions::empty();
    alone
        .font_data
        .insert("face".into(), Arc::new(FontData::from_owned(bytes.to_vec())));
    alone.families.insert(FontFamily::Proportional, vec!["face".into()]);
    let mut fonts = egui::epaint::text::Fonts::new(Default::default(), alone);
    fonts.has_glyph(&egui::FontId::proportional(14.0), wanted)
}
