//! What the Template room offers besides rendering: trying changes, finding tokens, comparing templates, saving them, and the
//! prompt that chat sends beside the training row.

use burnish::session::preview::{
    self, LineChange, LookCommand, PreviewEffect, Source, TemplateCommand, Trial, compare, matches,
};
use burnish::session::{Command, Dialog, Effect, State, apply};
use burnish::template::{Mode, RenderOptions, Template};
use burnish::tokens::{Difference, agreement};

use super::room_kit::ready;
use super::tokens_fixture::{load_with, tokenizer};

fn template(state: &mut State, command: TemplateCommand) -> Vec<Effect> {
    apply(state, Command::Template(command))
}

fn learned(state: &State) -> String {
    let shown = state.preview.shown.as_ref().unwrap();
    shown
        .pieces
        .iter()
        .filter(|p| p.supervised)
        .map(|p| p.text.as_str())
        .collect()
}

#[test]
fn a_tried_change_shows_what_would_be_learned_and_leaves_the_row() {
    let mut state = ready(tokenizer());
    let before = preview::row(&state).into_owned();
    template(&mut state, TemplateCommand::Try(2, Trial::Text("Four.".into())));
    assert_eq!(learned(&state), "Four.<|im_end|>");
    assert_eq!(preview::original(&state), before);
    assert!(state.preview.tried.of(&before).is_some());
    template(
        &mut state,
        TemplateCommand::Try(2, Trial::Text(before.messages[2].content.clone())),
    );
    assert!(state.preview.tried.of(&before).is_none(), "typed back to what it was");
    template(&mut state, TemplateCommand::Try(9, Trial::Text("nobody".into())));
    assert_eq!(preview::row(&state).into_owned(), before, "there is no tenth message");
    template(&mut state, TemplateCommand::Try(1, Trial::Text("2 + 3?".into())));
    template(&mut state, TemplateCommand::GiveUpTrial);
    assert_eq!(preview::row(&state).into_owned(), before);
}

#[test]
fn flags_are_tried_per_message() {
    let mut state = ready(tokenizer());
    template(&mut state, TemplateCommand::Mode(Mode::Flags));
    assert_eq!(learned(&state), "2 + 2 is 4.<|im_end|>");
    template(&mut state, TemplateCommand::Try(2, Trial::Learn(Some(false))));
    assert_eq!(learned(&state), "");
    template(&mut state, TemplateCommand::Try(1, Trial::Learn(Some(true))));
    assert_eq!(learned(&state), "What is 2 + 2?<|im_end|>");
}

#[test]
fn words_and_ids_are_found_in_the_tokens() {
    let mut state = ready(tokenizer());
    let shown = state.preview.shown.clone().unwrap();
    let covered = |(start, end): (usize, usize)| -> String {
        let (first, last) = (shown.pieces[start].start, shown.pieces[end - 1].end);
        shown.rendered.text[first..last].to_owned()
    };
    let found = matches(&shown, "WHAT is");
    assert_eq!(found.len(), 1);
    assert!(covered(found[0]).contains("What is"), "{}", covered(found[0]));
    let marker = shown.pieces.iter().filter(|p| p.id == 1).count();
    assert!(marker >= 3);
    assert_eq!(matches(&shown, "<|im_start|>").len(), marker);
    assert!(matches(&shown, "1").len() >= marker, "an id is found too");
    assert!(matches(&shown, "").is_empty() && matches(&shown, "no such words").is_empty());

    template(
        &mut state,
        TemplateCommand::Look(LookCommand::Search("<|im_start|>".into())),
    );
    template(&mut state, TemplateCommand::Look(LookCommand::SearchStep(-1)));
    assert_eq!(state.preview.look.found_at, marker - 1, "around the beginning");
    template(&mut state, TemplateCommand::Look(LookCommand::SearchStep(1)));
    assert_eq!(state.preview.look.found_at, 0);
}

#[test]
fn letters_that_grow_in_lower_case_are_found_where_they_stand() {
    let mut state = ready(tokenizer());
    template(&mut state, TemplateCommand::Try(1, Trial::Text("İstanbul İyi".into())));
    let shown = state.preview.shown.clone().unwrap();
    let found = matches(&shown, "iyi");
    assert!(found.is_empty(), "a dotted capital I is another letter: {found:?}");
    let found = matches(&shown, "İyi");
    assert_eq!(found.len(), 1);
    let at = shown.rendered.text.find("İyi").unwrap();
    let (start, end) = found[0];
    assert!(shown.pieces[start].start <= at && at < shown.pieces[end - 1].end);
}

#[test]
fn an_edited_template_is_compared_line_by_line() {
    let lines = compare("a\nb\nc\n", "a\nB\nc\nd\n");
    let shown: Vec<_> = lines.iter().map(|l| (l.change, l.number, l.text.as_str())).collect();
    let expected = [
        (LineChange::Same, 1, "a"),
        (LineChange::Removed, 2, "b"),
        (LineChange::Added, 2, "B"),
        (LineChange::Same, 3, "c"),
        (LineChange::Added, 4, "d"),
    ];
    assert_eq!(shown, expected);
    let own = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}";
    let (_folder, with_own) = load_with(&[("chat_template.jinja", own)]);
    let mut state = ready(with_own);
    assert_eq!(preview::compared_with(&state), None);
    template(&mut state, TemplateCommand::UseBuiltin("chatml".into()));
    assert_eq!(preview::compared_with(&state), Some(("the model's own", own)));
}

#[test]
fn a_template_is_saved_to_a_file_that_is_used_from_then_on() {
    let home = tempfile::tempdir().unwrap();
    let mut state = ready(tokenizer());
    template(&mut state, TemplateCommand::UseBuiltin("plain".into()));
    let edited = format!("{{# mine #}}{}", state.preview.editor.text);
    template(&mut state, TemplateCommand::Edit(edited.clone()));
    let effects = template(&mut state, TemplateCommand::SaveDialog);
    assert!(matches!(effects[..], [Effect::Dialog(Dialog::SaveTemplate)]));
    let effects = template(&mut state, TemplateCommand::SaveAs(home.path().join("mine")));
    let [Effect::Preview(save)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let effects = preview::absorb(&mut state, preview::perform(save.clone()));
    let path = home.path().join("mine.jinja");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), edited);
    assert_eq!(state.recipe.recipe.template.file.as_ref(), Some(&path));
    let read = effects.iter().find_map(|e| match e {
        Effect::Preview(read @ PreviewEffect::ReadTemplate(_)) => Some(read.clone()),
        _ => None,
    });
    preview::absorb(&mut state, preview::perform(read.expect("it is read")));
    assert_eq!(state.preview.editor.source, Source::File(path));
    assert_eq!(state.preview.editor.text, edited);
    assert!(!state.preview.editor.is_edited());

    let nowhere = PreviewEffect::SaveAs {
        path: home.path().join("no/such/folder/x.jinja"),
        text: edited,
    };
    preview::absorb(&mut state, preview::perform(nowhere));
    assert!(state.problems.list[0].message.contains("no/such/folder/x.jinja"));
}

#[test]
fn the_prompt_of_chat_is_held_against_the_training_row() {
    let mut state = ready(tokenizer());
    let asked = state.preview.asked.clone().unwrap().unwrap();
    assert_eq!((asked.message, asked.difference), (2, None));
    assert!(
        asked.prompt.text.ends_with("<|im_start|>assistant\n"),
        "{}",
        asked.prompt.text
    );
    let shown = state.preview.shown.clone().unwrap();
    assert!(shown.rendered.text.starts_with(&asked.prompt.text));

    // A template that opens a thought for generation that training never shows.
    let thinking = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                    {% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
    template(&mut state, TemplateCommand::Edit(thinking.into()));
    let asked = state.preview.asked.clone().unwrap().unwrap();
    let at = asked.training.len();
    assert_eq!(asked.difference, Some(Difference::Text(at)));
    assert_eq!(&asked.prompt.text[at..], "<think>\n");
}

#[test]
fn the_same_text_in_other_tokens_is_noticed() {
    // The prompt ends in a space that the answer's first token takes in training.
    let template = Template {
        name: "colon".into(),
        source: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
            .into(),
    };
    let mut row = preview::example();
    row.messages[2].content = "Paris".into();
    let found = agreement(&template, &row, 2, &tokenizer(), &RenderOptions::default());
    let found = found.unwrap().unwrap();
    assert_eq!(found.training, found.prompt.text);
    assert!(matches!(found.difference, Some(Difference::Tokens(_))), "{found:?}");
    let nothing = agreement(&template, &row, 1, &tokenizer(), &RenderOptions::default());
    assert_eq!(nothing.unwrap(), None, "a question is no answer");
}
