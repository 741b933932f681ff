//! Keys and values kept between questions: the same answers as with a fresh memory, and only what is new is read.

use burn::tensor::Device;
use burnish::infer::{Context, Ended, Generation, Progress, Request, Sampling, generate, generate_in};
use burnish::model::Decoder;

use super::golden::{close, tiny_llama};

fn model() -> Decoder {
    tiny_llama("untied", &Device::flex())
}

fn request<'a>(prompt: &'a [u32], max_tokens: usize) -> Request<'a> {
    Request {
        prompt,
        sampling: Sampling::default(),
        max_tokens,
        stop_ids: &[],
        alternatives: 0,
    }
}

/// Some ids of the tiny vocabulary.
fn ids(from: u32, count: u32) -> Vec<u32> {
    (0..count).map(|i| (from + i * 37) % 255).collect()
}

fn go(context: &mut Context, model: &Decoder, prompt: &[u32]) -> (Generation, Vec<usize>) {
    let mut read = vec![];
    let made = generate_in(context, model, &request(prompt, 10), &mut |progress| {
        if let Progress::Reading { done, .. } = progress {
            read.push(done);
        }
        true
    });
    (made.expect("generation"), read)
}

fn same_as_fresh(model: &Decoder, kept: &Generation, prompt: &[u32], what: &str) {
    let fresh = generate(model, &request(prompt, 10), &mut |_| true).expect("generation");
    assert_eq!(kept.ids, fresh.ids, "{what}");
    let gaps = kept.first_logits.iter().zip(&fresh.first_logits);
    let worst = gaps.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    close(what, worst, 1e-4);
}

#[test]
fn a_second_turn_reads_only_its_new_tokens_and_answers_as_a_fresh_pass() {
    let model = model();
    let mut context = Context::new();
    let first = ids(5, 20);
    let (answer, read) = go(&mut context, &model, &first);
    assert_eq!((answer.reused, read), (0, vec![0]));
    same_as_fresh(&model, &answer, &first, "kv reuse, first turn");
    // The last token of an answer was chosen but never read.
    assert_eq!(context.ids(), [&first[..], &answer.ids[..9]].concat());

    let second = [&first[..], &answer.ids, &ids(90, 7)].concat();
    let (next, read) = go(&mut context, &model, &second);
    assert_eq!(
        (next.reused, read),
        (29, vec![29]),
        "20 of the question, 9 of the answer"
    );
    same_as_fresh(&model, &next, &second, "kv reuse, second turn");
}

#[test]
fn another_beginning_is_forgotten_from_where_it_differs() {
    let model = model();
    let mut context = Context::new();
    let first = ids(5, 20);
    go(&mut context, &model, &first);
    let mut other = first.clone();
    other[12] = 254;
    let (edited, _) = go(&mut context, &model, &other);
    assert_eq!(edited.reused, 12);
    same_as_fresh(&model, &edited, &other, "kv reuse, edited");
    let (again, _) = go(&mut context, &model, &other);
    assert_eq!(again.reused, 19, "the last token is read again for its scores");
    same_as_fresh(&model, &again, &other, "kv reuse, regenerated");
    let shorter = &other[..8];
    let (short, _) = go(&mut context, &model, shorter);
    assert_eq!(short.reused, 7);
    same_as_fresh(&model, &short, shorter, "kv reuse, shorter");
    let strange = ids(200, 6);
    let (none, _) = go(&mut context, &model, &strange);
    assert_eq!(none.reused, 0);
    same_as_fresh(&model, &none, &strange, "kv reuse, nothing in common");
    // Longer than all that was read before: the buffers have to grow with nothing to keep.
    let long = ids(60, 200);
    let (none, _) = go(&mut context, &model, &long);
    assert_eq!(none.reused, 0);
    same_as_fresh(&model, &none, &long, "kv reuse, nothing in common and longer");
}

#[test]
fn a_failed_pass_leaves_nothing_behind() {
    let model = model();
    let mut context = Context::new();
    let first = ids(5, 8);
    go(&mut context, &model, &first);
    let bad = [&first[..], &[9999]].concat();
    assert!(generate_in(&mut context, &model, &request(&bad, 4), &mut |_| true).is_err());
    let (after, _) = go(&mut context, &model, &first);
    same_as_fresh(&model, &after, &first, "kv reuse, after a failure");
}

#[test]
fn a_stop_is_heard_at_the_next_token_and_while_reading() {
    let model = model();
    let prompt = ids(5, 8);
    let mut told = 0;
    let made = generate(&model, &request(&prompt, 50), &mut |progress| {
        told += usize::from(matches!(progress, Progress::Token(_)));
        told < 3
    });
    let made = made.expect("generation");
    assert_eq!((made.ids.len(), made.ended), (3, Ended::Caller));
    let before = generate(&model, &request(&prompt, 50), &mut |_| false).expect("generation");
    assert_eq!((before.ids.len(), before.ended), (0, Ended::Caller));
}

#[test]
fn the_same_seed_gives_the_same_text_and_the_context_ends_an_answer() {
    let model = model();
    let prompt = ids(5, 8);
    let run = |seed, max_tokens| {
        let sampling = Sampling {
            temperature: 1.5,
            seed,
            ..Sampling::default()
        };
        let request = Request {
            sampling,
            ..request(&prompt, max_tokens)
        };
        generate(&model, &request, &mut |_| true).expect("generation")
    };
    assert_eq!(run(3, 40).ids, run(3, 40).ids);
    assert_ne!(run(3, 40).ids, run(4, 40).ids);
    let limit = model.config.max_position_embeddings;
    let full = run(3, limit * 2);
    assert_eq!((full.ids.len(), full.ended), (limit - 8, Ended::Context));
    assert_eq!(run(3, 5).ended, Ended::Length);
}

#[test]
fn alternatives_hold_the_chosen_token_and_its_share() {
    let model = model();
    let prompt = ids(5, 8);
    let request = Request {
        alternatives: 4,
        ..request(&prompt, 6)
    };
    let mut seen = 0;
    generate(&model, &request, &mut |progress| {
        if let Progress::Token(picked) = progress {
            seen += 1;
            assert_eq!(picked.likely.len(), 4);
            assert_eq!(picked.likely[0].id, picked.id, "greedy takes the likeliest");
            assert_eq!(picked.probability(), Some(picked.likely[0].probability));
            assert!(picked.likely.windows(2).all(|w| w[0].probability >= w[1].probability));
        }
        true
    })
    .expect("generation");
    assert_eq!(seen, 6);
}
