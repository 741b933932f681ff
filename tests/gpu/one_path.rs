//! Preview, training, chat and scoring make the same token ids of the same conversation, for every built-in template; and the template
//! of a run is kept with it and with its adapter.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burnish::data::{Conversation, Role, read_file};
use burnish::engine::{Engine, Flags};
use burnish::protocol::{ChatMessage, Event, Job, ModelRef, Prompt, Sampling, ScoreRows};
use burnish::recipe::Recipe;
use burnish::session::preview::Inputs;
use burnish::template::{Mode, Template};
use burnish::tokens::Tokenizer;

const ROWS: &str = r#"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is 2 + 2?"},{"role":"assistant","content":"2 + 2 is 4."},{"role":"user","content":"  And the colour of the sky? "},{"role":"assistant","content":"Blue."}]}
{"messages":[{"role":"user","content":"Name\na metal."},{"role":"assistant","content":"Iron."}]}
"#;

fn run(engine: &mut Engine, job: Job) -> Vec<Event> {
    let events = RefCell::new(vec![]);
    engine
        .run(job, &|event| events.borrow_mut().push(event), &Flags::default())
        .expect("the job");
    events.into_inner()
}

fn model(template: &str) -> ModelRef {
    ModelRef {
        model: "starter".into(),
        adapter: None,
        template: Some(template.into()),
        device: "cpu".into(),
    }
}

/// What the window shows of a row: ids and which of them are learned.
fn previewed(template: &Template, row: &Conversation, tokenizer: &Arc<Tokenizer>) -> (Vec<u32>, Vec<bool>) {
    let inputs = Inputs {
        template,
        conversation: row,
        mode: Mode::Assistant,
        tokenizer: Some(tokenizer),
    };
    let shown = inputs.build().expect("rendered");
    shown.pieces.iter().map(|p| (p.id, p.supervised)).unzip()
}

fn losses(engine: &mut Engine, name: &str, rows: ScoreRows) -> Vec<(usize, Vec<Option<f32>>, Option<f64>)> {
    let job = Job::Score {
        model: model(name),
        rows,
        full_logits: None,
    };
    let scored = run(engine, job).into_iter().filter_map(|event| match event {
        Event::Scored {
            supervised, nll, loss, ..
        } => Some((supervised, nll, loss)),
        _ => None,
    });
    scored.collect()
}

/// What chat sends for the last answer of a row.
fn asked(engine: &mut Engine, name: &str, row: &Conversation) -> Vec<u32> {
    let messages = row.messages[..row.messages.len() - 1].iter().map(|m| ChatMessage {
        role: m.role.as_str().into(),
        content: m.content.clone(),
    });
    let job = Job::Generate {
        model: model(name),
        prompt: Prompt::Messages(messages.collect()),
        sampling: Sampling {
            max_tokens: 1,
            ..Sampling::default()
        },
        logits_top: 0,
        alternatives: 0,
    };
    let found = run(engine, job).into_iter().find_map(|event| match event {
        Event::Generated { prompt_ids, .. } => Some(prompt_ids),
        _ => None,
    });
    found.expect("an answer")
}

/// The first step of full training over all rows at once: its loss, and the run's folder.
fn trained(name: &str, data: &Path, runs: &Path) -> (f64, usize, PathBuf) {
    let mut recipe = Recipe::new("starter", vec![data.into()]);
    recipe.model.device = "cpu".into();
    recipe.template.name = Some(name.into());
    recipe.data.split = 0.0;
    (recipe.batch.size, recipe.optim.max_steps) = (2, 1);
    recipe.optim.warmup = 0.0;
    recipe.method.train_markers = "off".into();
    let run_dir = runs.join(name);
    let job = Job::Train {
        recipe: Box::new(recipe),
        run_dir: run_dir.clone(),
        resume: false,
        init_adapter: None,
        unpacked: false,
        smooth: false,
        audited: None,
    };
    let step = run(&mut Engine::new(), job).into_iter().find_map(|event| match event {
        Event::Step {
            loss,
            supervised_tokens,
            ..
        } => Some((loss, supervised_tokens)),
        _ => None,
    });
    let (loss, tokens) = step.expect("a step");
    (loss, tokens, run_dir)
}

#[test]
fn every_room_makes_the_same_ids_of_a_conversation() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("rows.jsonl");
    std::fs::write(&data, ROWS).expect("rows");
    let set = read_file(&data).expect("rows");
    let tokenizer = Tokenizer::load(&burnish::formats::places::model_dir("starter")).expect("tokenizer");
    let tokenizer = Arc::new(tokenizer);
    let mut engine = Engine::new();
    for name in Template::builtin_names() {
        let template = Template::builtin(name).expect("built in");
        let shown: Vec<_> = set
            .conversations
            .iter()
            .map(|row| previewed(&template, row, &tokenizer))
            .collect();

        // Scoring: the losses of the file are those of the previewed ids.
        let of_file = losses(&mut engine, name, ScoreRows::File(data.clone()));
        let ids = shown.iter().map(|(ids, _)| ids.clone()).collect();
        let of_ids = losses(&mut engine, name, ScoreRows::Ids(ids));
        let mut sum = 0.0;
        let mut count = 0;
        for (((supervised, nll, _), (_, same, _)), (_, mask)) in of_file.iter().zip(&of_ids).zip(&shown) {
            assert_eq!(nll, same, "{name}: other ids are scored");
            assert_eq!(
                *supervised,
                mask.iter().skip(1).filter(|m| **m).count(),
                "{name}: another mask"
            );
            count += supervised;
            sum += nll
                .iter()
                .zip(mask)
                .filter(|(_, m)| **m)
                .filter_map(|(n, _)| *n)
                .map(f64::from)
                .sum::<f64>();
        }

        // Training: the first loss is the mean over the previewed mask.
        let (loss, tokens, run_dir) = trained(name, &data, folder.path());
        assert_eq!(tokens, count, "{name}: another number of tokens is learned");
        let mean = sum / count as f64;
        assert!(
            (loss - mean).abs() < 2e-5,
            "{name}: the first loss is {loss}, the preview's {mean}"
        );

        // Chat: what is sent stands at the beginning of the row.
        for (row, (ids, mask)) in set.conversations.iter().zip(&shown) {
            assert_eq!(row.messages.last().map(|m| m.role), Some(Role::Assistant));
            let prompt = asked(&mut engine, name, row);
            assert_eq!(prompt, ids[..prompt.len()], "{name}: chat sends other ids");
            let last = mask.iter().rposition(|m| *m).expect("learned");
            let start = mask[..=last].iter().rposition(|m| !*m).expect("context") + 1;
            assert_eq!(prompt.len(), start, "{name}: the prompt ends where the answer begins");
        }

        // The template goes with the run and the adapter.
        let shipped = std::fs::read_to_string(run_dir.join("final/chat_template.jinja")).expect("the template");
        assert_eq!(shipped, template.source, "{name}");
    }
}
