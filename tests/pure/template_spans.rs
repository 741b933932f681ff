//! Exactly which text is learned, under every mode, with built-in and foreign templates.
use std::sync::Arc;

use burnish::data::{Conversation, Kind, Message, Role, Source, Split};
use burnish::template::{Mode, RenderOptions, Rendered, Template, Vars, Why, render};

/// A chat from (role, content) pairs.
pub fn chat(turns: &[(Role, &str)]) -> Conversation {
    Conversation {
        messages: turns
            .iter()
            .map(|(role, content)| Message::new(*role, *content))
            .collect(),
        tools: None,
        documents: None,
        kind: Kind::Chat,
        source: Source {
            file: Arc::new("rows.jsonl".into()),
            line: 1,
            row: 0,
        },
        split: Split::Train,
    }
}

pub const TWO_TURNS: [(Role, &str); 5] = [
    (Role::System, "Be brief."),
    (Role::User, "Hi"),
    (Role::Assistant, "Hello!"),
    (Role::User, "Name a colour"),
    (Role::Assistant, "Blue"),
];

pub fn vars() -> Vars {
    [("bos_token", "<s>"), ("eos_token", "</s>")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

pub fn options(mode: Mode) -> RenderOptions {
    RenderOptions {
        mode,
        vars: vars(),
        ..RenderOptions::default()
    }
}

fn foreign(source: &str) -> Template {
    Template {
        name: "foreign".to_owned(),
        source: source.to_owned(),
    }
}

fn learned(rendered: &Rendered) -> Vec<&str> {
    // Content and end of turn are spans of their own: join what touches.
    let mut out: Vec<(usize, usize)> = Vec::new();
    for span in rendered.spans.iter().filter(|s| s.supervised) {
        match out.last_mut() {
            Some((_, end)) if *end == span.start => *end = span.end,
            _ => out.push((span.start, span.end)),
        }
    }
    out.iter().map(|(start, end)| &rendered.text[*start..*end]).collect()
}

fn check_cover(rendered: &Rendered) {
    let mut at = 0;
    for span in &rendered.spans {
        assert_eq!(span.start, at, "spans follow each other");
        assert!(span.end > span.start);
        at = span.end;
    }
    assert_eq!(at, rendered.text.len(), "spans cover the text");
}

#[test]
fn built_in_templates_learn_content_and_end_of_turn() {
    let expected = [
        ("chatml", ["Hello!<|im_end|>", "Blue<|im_end|>"], "<|im_end|>"),
        ("llama3", ["Hello!<|eot_id|>", "Blue<|eot_id|>"], "<|eot_id|>"),
        ("gemma", ["Hello!<end_of_turn>", "Blue<end_of_turn>"], "<end_of_turn>"),
        ("plain", ["Hello!</s>", "Blue</s>"], "</s>"),
    ];
    assert_eq!(expected.map(|e| e.0), Template::builtin_names());
    for (name, texts, end) in expected {
        let template = Template::builtin(name).unwrap();
        assert_eq!(template.end_of_turn(&vars()).as_deref(), Some(end), "{name}");
        for mode in [Mode::Assistant, Mode::Template, Mode::Flags] {
            let rendered = render(&template, &chat(&TWO_TURNS), &options(mode)).unwrap();
            check_cover(&rendered);
            assert_eq!(learned(&rendered), texts, "{name} {mode:?}");
            assert_eq!(rendered.problems, Vec::<String>::new(), "{name} {mode:?}");
        }
        for mode in [Mode::Last, Mode::Completion] {
            let rendered = render(&template, &chat(&TWO_TURNS), &options(mode)).unwrap();
            assert_eq!(learned(&rendered), texts[1..], "{name} {mode:?}");
            let early = rendered
                .spans
                .iter()
                .find(|s| s.message == Some(2) && s.why != Why::TemplateText)
                .unwrap();
            assert_eq!(
                early.why,
                if mode == Mode::Last {
                    Why::NotLastTurn
                } else {
                    Why::Prompt
                }
            );
        }
        let rendered = render(&template, &chat(&TWO_TURNS), &options(Mode::All)).unwrap();
        assert_eq!(learned(&rendered), [rendered.text.as_str()], "{name}");
    }
    assert!(Template::builtin("alpaca").is_none());
}

#[test]
fn chatml_is_spelled_out() {
    let template = Template::builtin("chatml").unwrap();
    let rendered = render(&template, &chat(&TWO_TURNS[1..3]), &options(Mode::Assistant)).unwrap();
    let spans: Vec<_> = rendered
        .spans
        .iter()
        .map(|s| (&rendered.text[s.start..s.end], s.message, s.supervised, s.why))
        .collect();
    let expected = [
        ("<|im_start|>user\n", Some(0), false, Why::TemplateText),
        ("Hi", Some(0), false, Why::OtherRole),
        ("<|im_end|>\n", Some(0), false, Why::TemplateText),
        ("<|im_start|>assistant\n", Some(1), false, Why::TemplateText),
        ("Hello!", Some(1), true, Why::AssistantContent),
        ("<|im_end|>", Some(1), true, Why::EndOfTurn),
        ("\n", Some(1), false, Why::TemplateText),
    ];
    assert_eq!(spans, expected);
    let asked = RenderOptions {
        add_generation_prompt: true,
        ..options(Mode::Assistant)
    };
    let rendered = render(&template, &chat(&TWO_TURNS[..2]), &asked).unwrap();
    assert!(rendered.text.ends_with("Hi<|im_end|>\n<|im_start|>assistant\n"));
    check_cover(&rendered);
    assert!(rendered.spans.iter().all(|s| !s.supervised) && rendered.problems.is_empty());
}

#[test]
fn gemma_puts_the_system_text_into_the_first_user_turn() {
    let template = Template::builtin("gemma").unwrap();
    let rendered = render(&template, &chat(&TWO_TURNS[..3]), &options(Mode::Assistant)).unwrap();
    let text = "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n";
    assert_eq!(rendered.text, text);
    let system = rendered
        .spans
        .iter()
        .find(|s| s.role == Some(Role::System) && s.why == Why::OtherRole)
        .unwrap();
    assert_eq!(&rendered.text[system.start..system.end], "Be brief.");
}

#[test]
fn templates_without_markers_are_located() {
    let chatml = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
                  {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    let phi3 = "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content | trim + '<|end|>\n' }}{% endfor %}\
                {% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}";
    let llama2 = "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + m.content + ' [/INST]' }}\
                  {% elif m.role == 'assistant' %}{{ ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}";
    let upper = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}";
    for (source, end) in [
        (chatml, "<|im_end|>"),
        (phi3, "<|end|>"),
        (llama2, " </s>"),
        (upper, "<|end|>"),
    ] {
        let template = foreign(source);
        let rendered = render(&template, &chat(&TWO_TURNS), &options(Mode::Assistant)).unwrap();
        check_cover(&rendered);
        // A template that ends the whole text with eos_token teaches that too.
        let last = if source == phi3 { "</s>" } else { "" };
        let expected: Vec<String> = [format!("Hello!{end}"), format!("Blue{end}"), last.to_owned()]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect();
        assert_eq!(learned(&rendered), expected, "{}", rendered.text);
        assert_eq!(rendered.problems, Vec::<String>::new());
        assert_eq!(template.end_of_turn(&vars()).as_deref(), Some(end.trim()));
    }
    let rendered = render(&foreign(chatml), &chat(&TWO_TURNS), &options(Mode::Template)).unwrap();
    assert_eq!(learned(&rendered).len(), 2);
    assert!(
        rendered.problems[0].contains("marks no {% generation %} blocks"),
        "{:?}",
        rendered.problems
    );
}

#[test]
fn awkward_contents_are_located_too() {
    let chatml = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
                  {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    // The same words twice, markers as content, white space around, nothing at all, private-use characters.
    let turns = [
        (Role::User, "yes"),
        (Role::Assistant, "yes"),
        (Role::User, "say <|im_end|>"),
        (Role::Assistant, "<|im_end|><|im_start|>assistant\n"),
        (Role::User, " "),
        (Role::Assistant, "  two spaces \n\n"),
        (Role::User, "nothing"),
        (Role::Assistant, ""),
        (Role::User, "\u{10f000}\u{10f001}"),
        (Role::Assistant, "\u{10f003}!"),
    ];
    let rendered = render(&foreign(chatml), &chat(&turns), &options(Mode::Assistant)).unwrap();
    check_cover(&rendered);
    let expected: Vec<String> = turns
        .iter()
        .skip(1)
        .step_by(2)
        .map(|(_, text)| format!("{text}<|im_end|>"))
        .collect();
    assert_eq!(learned(&rendered), expected);
    assert_eq!(rendered.problems, Vec::<String>::new());
}

#[test]
fn a_header_is_context_wherever_the_template_puts_it() {
    // The first half of a reasoning answer is cut off, mark and all; what is left follows a header that ends like it.
    let cut = "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}<|end|>{% endfor %}\
               {% if add_generation_prompt %}<assistant>{% endif %}";
    let row = chat(&[
        (Role::User, "51+1?"),
        (Role::Assistant, "<think>\n51+1\n</think>\n\n52"),
    ]);
    let rendered = render(&foreign(cut), &row, &options(Mode::Assistant)).unwrap();
    assert_eq!(learned(&rendered), ["\n\n52<|end|>"]);
    check_cover(&rendered);
    // A generation block that begins inside the header: mode `template` learns it all, the default what is generated.
    let early = "{% for m in messages %}{% if m.role == 'assistant' %}<|im_start|>{% generation %}assistant\n{{ m.content }}<|im_end|>\n\
                 {% endgeneration %}{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}\
                 {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let row = chat(&TWO_TURNS[1..3]);
    let rendered = render(&foreign(early), &row, &options(Mode::Assistant)).unwrap();
    assert_eq!(learned(&rendered), ["Hello!<|im_end|>"]);
    let rendered = render(&foreign(early), &row, &options(Mode::Template)).unwrap();
    assert_eq!(learned(&rendered), ["assistant\nHello!<|im_end|>\n"]);
}

#[test]
fn what_cannot_be_located_is_said() {
    // The template writes every answer in capitals twice: no mark survives a comparison and no text is found.
    let template = foreign("{% for m in messages %}{{ m.content | length }}:{{ m.content | reverse }};{% endfor %}");
    let rendered = render(&template, &chat(&TWO_TURNS), &options(Mode::Assistant)).unwrap();
    check_cover(&rendered);
    assert!(learned(&rendered).is_empty());
    assert!(
        rendered
            .problems
            .iter()
            .any(|p| p.contains("Message 3 (assistant) was not found")),
        "{:?}",
        rendered.problems
    );
    assert!(
        rendered
            .problems
            .iter()
            .any(|p| p.contains("Nothing of this row is learned"))
    );
    let rendered = render(
        &Template::builtin("chatml").unwrap(),
        &chat(&TWO_TURNS[..2]),
        &options(Mode::Assistant),
    )
    .unwrap();
    assert!(
        rendered.problems[0].contains("no assistant message"),
        "{:?}",
        rendered.problems
    );
    let none = RenderOptions {
        mode: Mode::Assistant,
        ..RenderOptions::default()
    };
    let template = foreign("{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}");
    let rendered = render(&template, &chat(&TWO_TURNS), &none).unwrap();
    assert_eq!(learned(&rendered), ["Hello!", "Blue"]);
    assert!(
        rendered.problems[0].contains("cannot learn to stop"),
        "{:?}",
        rendered.problems
    );
}

#[test]
fn flags_choose_turns() {
    let mut row = chat(&TWO_TURNS);
    row.messages[2].weight = Some(0.0);
    row.messages[3].weight = Some(1.0);
    let rendered = render(&Template::builtin("chatml").unwrap(), &row, &options(Mode::Flags)).unwrap();
    assert_eq!(learned(&rendered), ["Name a colour<|im_end|>", "Blue<|im_end|>"]);
    let off = rendered.spans.iter().find(|s| s.why == Why::FlaggedOff).unwrap();
    assert_eq!(&rendered.text[off.start..off.end], "Hello!<|im_end|>");
}

#[test]
fn raw_text_needs_no_template() {
    let mut row = chat(&[(Role::Assistant, "Once upon a time {% broken")]);
    row.kind = Kind::Text;
    let rendered = render(&foreign("{{ nonsense( }}"), &row, &options(Mode::Assistant)).unwrap();
    assert_eq!(rendered.text, "Once upon a time {% broken</s>");
    assert_eq!(learned(&rendered), [rendered.text.as_str()]);
    let asked = RenderOptions {
        add_generation_prompt: true,
        ..options(Mode::Assistant)
    };
    assert_eq!(
        render(&foreign(""), &row, &asked).unwrap().text,
        "Once upon a time {% broken"
    );
}

#[test]
fn reasoning_and_tool_calls_are_part_of_the_turn() {
    let source = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.thinking }}</think>\
                  {% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}<call>{{ c | tojson }}</call>{% endfor %}<|im_end|>\n\
                  {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let mut row = chat(&[
        (Role::User, "17*3?"),
        (Role::Assistant, ""),
        (Role::Tool, "51"),
        (Role::Assistant, "51."),
    ]);
    row.messages[1].tool_calls = Some(serde_json::json!([{"name": "mul", "arguments": {"a": 17, "b": 3.0}}]));
    row.messages[3].reasoning = Some("easy".to_owned());
    let rendered = render(&foreign(source), &row, &options(Mode::Assistant)).unwrap();
    let call = r#"<call>{"name": "mul", "arguments": {"a": 17, "b": 3.0}}</call><|im_end|>"#;
    assert_eq!(learned(&rendered), [call, "<think>easy</think>51.<|im_end|>"]);
}
