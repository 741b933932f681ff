//! Any text as a chat template: rendered or refused, never a panic, an overflow or a render without end.
#![no_main]

use std::sync::Arc;

use burnish::data::{Conversation, Kind, Message, Role, Source, Split};
use burnish::template::{RenderOptions, Template, render};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let template = Template {
        name: "fuzzed".to_owned(),
        source: source.to_owned(),
    };
    let conversation = Conversation {
        messages: vec![
            Message::new(Role::System, "Be brief."),
            Message::new(Role::User, " Hi <|im_end|>"),
            Message::new(Role::Assistant, "Hello!\n"),
        ],
        tools: None,
        documents: None,
        kind: Kind::Chat,
        source: Source {
            file: Arc::new("fuzzed.jsonl".into()),
            line: 1,
            row: 0,
        },
        split: Split::Train,
    };
    if let Ok(rendered) = render(&template, &conversation, &RenderOptions::default()) {
        // The spans are whole characters and cover the text.
        let whole: String = rendered.spans.iter().map(|s| &rendered.text[s.start..s.end]).collect();
        assert_eq!(whole, rendered.text);
    }
});
