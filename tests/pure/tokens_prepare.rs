//! One path from a conversation to ids: prompts are prefixes of training rows, overlong rows lose whole turns.
use std::time::Instant;

use burnish::data::{Conversation, Kind, Role};
use burnish::template::{Mode, RenderOptions, Template};
use burnish::tokens::{FitError, fit, pieces, prepare, prompt};

use crate::template_spans::{TWO_TURNS, chat};
use crate::tokens_fixture::tokenizer;

/// The same conversation before the answer at `index`.
fn before(row: &Conversation, index: usize) -> Conversation {
    Conversation {
        messages: row.messages[..index].to_vec(),
        ..row.clone()
    }
}

#[test]
fn a_prompt_is_a_prefix_of_the_training_row() {
    let tokenizer = tokenizer();
    let options = RenderOptions::default();
    let row = chat(&TWO_TURNS);
    for name in Template::builtin_names() {
        let template = Template::builtin(name).unwrap();
        let (_, trained) = prepare(&template, &row, &tokenizer, &options).unwrap();
        for answer in [2, 4] {
            let asked = prompt(&template, &before(&row, answer), &tokenizer, &options).unwrap();
            assert_eq!(
                asked.ids,
                trained.ids[..asked.ids.len()],
                "{name} before message {answer}"
            );
            assert!(!trained.mask[asked.ids.len() - 1], "{name}: the header is context");
            assert!(
                trained.mask[asked.ids.len()],
                "{name}: the first answer token is learned"
            );
        }
    }
    let asked = prompt(
        &Template::builtin("chatml").unwrap(),
        &before(&row, 2),
        &tokenizer,
        &options,
    )
    .unwrap();
    assert_eq!(asked.end_of_turn.as_deref(), Some("<|im_end|>"));
    assert_eq!(asked.end_id, tokenizer.id_of("<|im_end|>"));
    let asked = prompt(
        &Template::builtin("llama3").unwrap(),
        &before(&row, 2),
        &tokenizer,
        &options,
    )
    .unwrap();
    assert_eq!((asked.end_of_turn.as_deref(), asked.end_id), (Some("<|eot_id|>"), None));
}

#[test]
fn exactly_these_ids_are_learned() {
    let tokenizer = tokenizer();
    let template = Template::builtin("chatml").unwrap();
    let (rendered, encoded) = prepare(&template, &chat(&TWO_TURNS), &tokenizer, &RenderOptions::default()).unwrap();
    let shown = pieces(&encoded, &tokenizer);
    let learned: String = shown.iter().filter(|p| p.supervised).map(|p| p.text.as_str()).collect();
    assert_eq!(learned, "Hello!<|im_end|>Blue<|im_end|>");
    assert_eq!(shown.iter().map(|p| p.text.as_str()).collect::<String>(), rendered.text);
    let ends = shown.iter().filter(|p| p.special && p.supervised).count();
    assert_eq!(ends, 2);
    // The caller's variables win over the tokenizer's own.
    let plain = Template::builtin("plain").unwrap();
    let options = RenderOptions {
        vars: [("eos_token".to_owned(), "END".to_owned())].into(),
        ..RenderOptions::default()
    };
    assert!(
        prepare(&plain, &chat(&TWO_TURNS), &tokenizer, &options)
            .unwrap()
            .0
            .text
            .contains("Hello!END")
    );
}

#[test]
fn overlong_rows_lose_their_oldest_turns() {
    let tokenizer = tokenizer();
    let template = Template::builtin("chatml").unwrap();
    let options = RenderOptions {
        mode: Mode::Assistant,
        ..RenderOptions::default()
    };
    let row = chat(&TWO_TURNS);
    let whole = prepare(&template, &row, &tokenizer, &options).unwrap().1.ids.len();
    let same = fit(&template, &row, &tokenizer, &options, whole).unwrap();
    assert_eq!((same.dropped, same.encoded.ids.len()), (0, whole));
    let cut = fit(&template, &row, &tokenizer, &options, whole - 1).unwrap();
    assert_eq!(cut.dropped, 2);
    assert!(cut.rendered.text.contains("Be brief.") && cut.rendered.text.contains("Blue<|im_end|>"));
    assert!(!cut.rendered.text.contains("Hello!"));
    match fit(&template, &row, &tokenizer, &options, 5) {
        Err(FitError::Overlong(problem)) => {
            assert_eq!((problem.row, problem.limit), (0, 5));
            assert_eq!(problem.tokens, cut.encoded.ids.len());
            assert!(problem.to_string().contains("maximum length is 5"));
        }
        other => panic!("{other:?}"),
    }
    // A question after the last answer: dropping that answer would leave nothing to learn.
    let mut open = row.clone();
    open.messages.truncate(4);
    assert!(matches!(
        fit(&template, &open, &tokenizer, &options, whole / 2),
        Err(FitError::Overlong(_))
    ));
    let mut raw = chat(&[(Role::Assistant, "the colour of the sky is blue")]);
    raw.kind = Kind::Text;
    assert!(matches!(
        fit(&template, &raw, &tokenizer, &options, 3),
        Err(FitError::Overlong(_))
    ));
}

#[test]
fn a_row_of_two_thousand_tokens_is_ready_at_once() {
    let tokenizer = tokenizer();
    let text = "What is the capital of France? The capital of France is Paris. ".repeat(7);
    let turns: Vec<(Role, &str)> = (0..20)
        .map(|i| (if i % 2 == 0 { Role::User } else { Role::Assistant }, text.as_str()))
        .collect();
    let row = chat(&turns);
    let source = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}";
    let foreign = Template {
        name: "foreign".to_owned(),
        source: source.to_owned(),
    };
    for template in [Template::builtin("chatml").unwrap(), foreign] {
        let start = Instant::now();
        let (_, encoded) = prepare(&template, &row, &tokenizer, &RenderOptions::default()).unwrap();
        let shown = pieces(&encoded, &tokenizer);
        let took = start.elapsed();
        println!("{}: {} tokens in {took:?}", template.name, encoded.ids.len());
        assert!(shown.len() >= 2000, "{}", shown.len());
        // A loose bound against work that grows with the whole; speed itself is measured in benchmarks.
        assert!(took.as_millis() < 1000, "{took:?}");
    }
}
