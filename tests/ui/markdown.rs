//! Markdown of answers: structure, places in the text, text that still comes, a whole page as a picture.

use burnish::ui::markdown::{Block, Look, Span, markdown_ui, parse, settled};
use burnish::ui::{Theme, style};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

fn plain(spans: &[Span]) -> String {
    spans.iter().map(|s| s.text.as_str()).collect()
}

/// Every span of a tree.
fn spans(blocks: &[Block]) -> Vec<Span> {
    let of = |block: &Block| match block {
        Block::Paragraph(s) | Block::Heading(_, s) | Block::Code { spans: s, .. } => s.clone(),
        Block::List { items, .. } => items.iter().flat_map(|i| spans(i)).collect(),
        Block::Quote(inner) => spans(inner),
        Block::Table(rows) => rows.iter().flatten().flatten().cloned().collect(),
        Block::Rule => Vec::new(),
    };
    blocks.iter().flat_map(of).collect()
}

const PAGE: &str = "# Soup\n\nA **good** soup needs *time*, `salt` and ~~luck~~ [care](https://example.org/care).\n\
Line two &amp; more.\n\n1. Onions\n2. Carrots\n   - orange\n   - purple\n\n> Slowly.\n\n\
```python\ndef boil(water):\n    return water + 100\n```\n\n\
| Thing | Minutes |\n|---|---|\n| Onions | 5 |\n| **Carrots** | 12 |\n\n---\n\nThe end, grüße.";

#[test]
fn structure_is_read() {
    let blocks = parse(PAGE);
    let [
        Block::Heading(1, soup),
        Block::Paragraph(first),
        Block::List { first: Some(1), items },
        Block::Quote(_),
        Block::Code { language, spans: code },
        Block::Table(rows),
        Block::Rule,
        Block::Paragraph(end),
    ] = &blocks[..]
    else {
        panic!("{blocks:#?}");
    };
    assert_eq!(plain(soup), "Soup");
    let styled = |text: &str| {
        first
            .iter()
            .find(|s| s.text == text)
            .unwrap_or_else(|| panic!("{first:#?}"))
    };
    assert!(styled("good").style.bold && styled("time").style.italic);
    assert!(styled("salt").style.code && styled("luck").style.strike);
    assert_eq!(styled("care").link.as_deref(), Some("https://example.org/care"));
    assert!(
        plain(first).contains("care.\nLine two & more."),
        "line breaks stay: {}",
        plain(first)
    );
    assert!(matches!(
        items[1][..],
        [Block::Paragraph(_), Block::List { first: None, .. }]
    ));
    assert_eq!(
        (language.as_str(), plain(code).as_str()),
        ("python", "def boil(water):\n    return water + 100")
    );
    assert_eq!((rows.len(), plain(&rows[2][0]).as_str()), (3, "Carrots"));
    assert_eq!(plain(end), "The end, grüße.");
}

#[test]
fn every_character_knows_its_place() {
    for span in spans(&parse(PAGE)) {
        if span.text.len() == span.range.len() {
            assert_eq!(&PAGE[span.range.clone()], span.text);
        } else {
            assert_eq!(span.text, "&", "only an entity is shorter than its source");
        }
        assert!(span.source(span.text.len()) < PAGE.len());
    }
}

#[test]
fn any_beginning_of_a_text_can_be_drawn_and_loses_nothing_but_marks() {
    for (cut, _) in PAGE.char_indices() {
        let text = settled(&PAGE[..cut]);
        assert!(PAGE[text.len()..cut].chars().all(|c| "-=*_#`~>+|: \t\n".contains(c)));
        let shown: String = spans(&parse(text)).iter().map(|s| s.text.as_str()).collect();
        let letters = |t: &str| t.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        // Until its bracket closes, a link is shown as it was written.
        if !text.contains("&a") && !text.contains("](") && !text.contains("```") {
            assert_eq!(letters(&shown), letters(text), "{text:?}");
        }
    }
    // A dash that may begin a list must not turn the line above into a heading.
    assert_eq!(parse(settled("Fruits:\n-")), parse("Fruits:"));
    let open = parse("```rust\nlet a = 1;");
    assert!(matches!(&open[..], [Block::Code { language, .. }] if language == "rust"));
}

#[test]
fn only_web_addresses_are_links_and_markup_of_others_is_text() {
    let blocks = parse("[a](javascript:alert) [b](file:///etc/passwd) <b>x</b> <|im_end|>");
    assert!(spans(&blocks).iter().all(|s| s.link.is_none()));
    let text = plain(&spans(&blocks));
    assert!(text.contains("<b>x</b>") && text.contains("<|im_end|>"), "{text}");
}

#[test]
fn what_is_nested_without_end_does_no_harm() {
    let deep = format!("{}words", "> ".repeat(50_000));
    assert_eq!(plain(&spans(&parse(&deep))), "words");
    let lists: String = (0..400).map(|i| format!("{}- x{i}\n", "  ".repeat(i))).collect();
    assert!(plain(&spans(&parse(&lists))).contains("x399"));
    parse(&"[".repeat(20_000));
    parse(&"*a_".repeat(5_000));
}

/// A page on a stage; holds the byte that was clicked.
fn page(text: &'static str, dark: bool, marked: Option<std::ops::Range<usize>>) -> Harness<'static, Option<usize>> {
    let theme = Theme::new(dark);
    let mut installed = false;
    let draw = move |ui: &mut egui::Ui, clicked: &mut Option<usize>| {
        if !installed {
            style::install(ui.ctx());
            ui.ctx()
                .set_theme(if dark { egui::Theme::Dark } else { egui::Theme::Light });
            installed = true;
            ui.ctx().request_repaint();
            return;
        }
        let frame = egui::Frame::new().fill(theme.raised()).inner_margin(12);
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            let look = Look {
                theme: &theme,
                marked: marked.clone(),
            };
            if let Some(byte) = markdown_ui(ui, &look, text, false) {
                *clicked = Some(byte);
            }
        });
    };
    let mut harness = Harness::builder()
        .with_size([420.0, 520.0])
        .with_pixels_per_point(1.0)
        .wgpu()
        .build_ui_state(draw, None);
    harness.run_ok();
    harness
}

#[test]
fn a_dark_page_with_a_marked_word_as_a_picture() {
    let at = PAGE.find("needs").expect("word");
    page(PAGE, true, Some(at..at + 5)).snapshot("markdown_dark");
}

#[test]
fn a_light_page_as_a_picture() {
    page(PAGE, false, None).snapshot("markdown_light");
}

#[test]
fn a_click_leads_to_the_character_under_the_pointer() {
    const TEXT: &str = "**Hello** blue sky";
    let mut harness = page(TEXT, true, None);
    let rect = harness.get_by_label("Hello blue sky").rect();
    let click = |harness: &mut Harness<'static, Option<usize>>, share: f32| {
        *harness.state_mut() = None;
        let at = egui::pos2(rect.left() + rect.width() * share, rect.center().y);
        harness.hover_at(at);
        harness.drag_at(at);
        harness.drop_at(at);
        harness.run_ok();
        harness.state().expect("a place")
    };
    let first = click(&mut harness, 0.01);
    assert_eq!(&TEXT[first..=first], "H");
    let middle = click(&mut harness, 0.55);
    assert!("blue".contains(&TEXT[middle..=middle]) && middle >= 10, "{middle}");
    let last = click(&mut harness, 0.995);
    assert_eq!(&TEXT[last..=last], "y");
}

#[test]
fn code_is_copied_by_a_button() {
    let mut harness = page(PAGE, true, None);
    harness.get_by_label("Copy code").click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter().find_map(|c| match c {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("def boil(water):\n    return water + 100"));
}
