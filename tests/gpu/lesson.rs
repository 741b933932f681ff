//! The lesson on one row: the same losses as scoring gives, the same words as generation gives, and a step that learns.

use std::cell::RefCell;
use std::path::PathBuf;

use burnish::engine::{Engine, Flags};
use burnish::protocol::{Event, Job, Lesson, LessonRow, ModelRef, OwnWay, Prompt, Sampling, ScoreRows};
use burnish::recipe::Recipe;

fn run(engine: &mut Engine, job: Job) -> Vec<Event> {
    let events = RefCell::new(vec![]);
    engine
        .run(job, &|event| events.borrow_mut().push(event), &Flags::default())
        .expect("the job");
    events.into_inner()
}

fn starter() -> ModelRef {
    ModelRef {
        model: "starter".into(),
        adapter: None,
        template: None,
        device: "cpu".into(),
    }
}

/// "The capital of France is Paris." in the starter's own tokens; the last three are learned.
fn row(engine: &mut Engine) -> LessonRow {
    let tokenizer =
        burnish::tokens::Tokenizer::load(&burnish::formats::places::model_dir("starter")).expect("tokenizer");
    let (ids, _) = tokenizer.encode("The capital of France is Paris.").expect("ids");
    let mask = (0..ids.len()).map(|i| i + 3 >= ids.len()).collect();
    // The model is in memory from here on.
    run(engine, Job::Load { model: starter() });
    LessonRow { ids, mask }
}

fn lesson(engine: &mut Engine, row: &LessonRow, from: usize, step: Option<Recipe>) -> Lesson {
    let job = Job::Lesson {
        model: starter(),
        row: row.clone(),
        own: OwnWay {
            from,
            tokens: 6,
            stop_ids: vec![],
        },
        alternatives: 4,
        step: step.map(Box::new),
    };
    let found = run(engine, job).into_iter().find_map(|event| match event {
        Event::Lesson { lesson } => Some(lesson),
        _ => None,
    });
    found.expect("a lesson")
}

#[test]
fn a_row_has_the_losses_of_scoring_and_the_words_of_generation() {
    let mut engine = Engine::new();
    let row = row(&mut engine);
    let from = row.ids.len() - 2;
    let lesson = lesson(&mut engine, &row, from, None);
    let score = Job::Score {
        model: starter(),
        rows: ScoreRows::Ids(vec![row.ids.clone()]),
        full_logits: None,
    };
    let scored = run(&mut engine, score).into_iter().find_map(|event| match event {
        Event::Scored { nll, .. } => Some(nll),
        _ => None,
    });
    let losses: Vec<Option<f32>> = lesson.tokens.iter().map(|t| t.as_ref().map(|t| t.nll)).collect();
    assert_eq!(Some(losses), scored);
    for (token, id) in lesson.tokens.iter().zip(&row.ids).skip(1) {
        let token = token.as_ref().expect("all but the first");
        assert!(token.likely.len() == 4 || token.likely.len() == 5);
        let own = token.likely.iter().find(|l| l.id == *id).expect("the token itself");
        assert!((own.probability - token.probability()).abs() < 1e-5);
        let best = &token.likely[0];
        assert!(token.likely[..4].iter().all(|l| l.probability <= best.probability));
    }
    let generate = Job::Generate {
        model: starter(),
        prompt: Prompt::Ids(row.ids[..from].to_vec()),
        sampling: Sampling {
            max_tokens: 6,
            ..Sampling::default()
        },
        logits_top: 0,
        alternatives: 0,
    };
    let generated = run(&mut engine, generate).into_iter().find_map(|event| match event {
        Event::Generated { ids, .. } => Some(ids),
        _ => None,
    });
    let generated = generated.expect("an answer");
    let own: Vec<u32> = lesson.own.iter().map(|t| t.id).collect();
    // A generation ends at the end of the text; the lesson was given no such id.
    assert_eq!(own[..generated.len()], generated);
    assert_eq!(own.len(), 6);
}

#[test]
fn a_step_lowers_the_loss_of_what_is_learned_and_leaves_the_model() {
    let mut engine = Engine::new();
    let row = row(&mut engine);
    let mut recipe = Recipe::new("starter", vec![PathBuf::from("none.jsonl")]);
    recipe.optim.lr = 1e-3;
    let before = lesson(&mut engine, &row, 0, None);
    let with_step = lesson(&mut engine, &row, 0, Some(recipe));
    let step = with_step.step.as_ref().expect("a step");
    assert!(step.after < step.before, "{} to {}", step.before, step.after);
    assert_eq!(step.lr, 1e-3);
    assert!(step.grad_norm > 0.0 && step.trainable > 0);
    assert_eq!(step.nll.len(), row.ids.len());
    let learned: Vec<f64> = before
        .tokens
        .iter()
        .zip(&row.mask)
        .filter(|(_, learned)| **learned)
        .map(|(t, _)| f64::from(t.as_ref().expect("a loss").nll))
        .collect();
    let mean = learned.iter().sum::<f64>() / learned.len() as f64;
    assert!((mean - step.before).abs() < 1e-6, "{mean} against {}", step.before);
    let again = lesson(&mut engine, &row, 0, None);
    assert_eq!(again.tokens, before.tokens, "the loaded model is as it was");
    assert!(
        again.own.is_empty(),
        "from the first token on there is nothing to go on from"
    );
}
