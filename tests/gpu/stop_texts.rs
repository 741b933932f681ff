//! Stop texts in streamed text, however the text is cut into pieces.

use burnish::engine::StopTexts;

fn stops(list: &[&str]) -> StopTexts {
    StopTexts::new(list.iter().map(|s| (*s).to_owned()))
}

/// Feeds pieces; what came out, and the stop text that came.
fn feed(list: &[&str], pieces: &[&str]) -> (String, Option<String>) {
    let mut watch = stops(list);
    let mut out = String::new();
    for piece in pieces {
        let (sure, stopped) = watch.push(piece);
        out.push_str(&sure);
        if stopped.is_some() {
            return (out, stopped);
        }
    }
    out.push_str(&watch.finish());
    (out, None)
}

#[test]
fn text_ends_before_the_stop_text_wherever_the_pieces_are_cut() {
    let text = "Grüße, Welt.\nFrage: und?";
    let cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    for first in &cuts {
        for second in cuts.iter().filter(|c| *c >= first) {
            let pieces = [&text[..*first], &text[*first..*second], &text[*second..]];
            let found = feed(&["\nFrage:", "###"], &pieces);
            assert_eq!(found, ("Grüße, Welt.".into(), Some("\nFrage:".into())), "{pieces:?}");
        }
    }
}

#[test]
fn the_first_of_several_counts_then_the_longest() {
    let found = |text| feed(&["User:", "</s>", "User: you"], &[text]);
    assert_eq!(found("a</s>User:"), ("a".into(), Some("</s>".into())));
    assert_eq!(found("aUser: you"), ("a".into(), Some("User: you".into())));
    assert_eq!(feed(&[], &["all ", "of it"]), ("all of it".into(), None));
    assert_eq!(feed(&["", ""], &["all"]), ("all".into(), None), "empty ones never come");
}

#[test]
fn only_what_may_begin_a_stop_text_is_held_back() {
    let mut watch = stops(&["ENDE", "DONE"]);
    assert_eq!(watch.push("word EN"), ("word ".into(), None));
    assert_eq!(watch.push("D"), (String::new(), None));
    assert_eq!(watch.push("LESS"), ("ENDLESS".into(), None));
    assert_eq!(watch.push(" DO"), (" ".into(), None));
    assert_eq!(watch.finish(), "DO", "at the end it was text after all");
}
