//! Choosing tokens: against transformers' logits processors (tests/golden/sampling.json), by hand, and by drawing many times.

use burnish::infer::{Sampler, Sampling, likeliest};
use serde_json::Value;

use super::golden::json;

fn number(case: &Value, key: &str, or: f64) -> f32 {
    case[key].as_f64().unwrap_or(or) as f32
}

fn sampling(case: &Value) -> Sampling {
    Sampling {
        temperature: number(case, "temperature", 1.0),
        top_k: number(case, "top_k", 0.0) as usize,
        top_p: number(case, "top_p", 1.0),
        min_p: number(case, "min_p", 0.0),
        repetition_penalty: number(case, "repetition_penalty", 1.0),
        seed: 0,
    }
}

fn plain(temperature: f32) -> Sampling {
    Sampling {
        temperature,
        ..Sampling::default()
    }
}

#[test]
fn the_same_tokens_survive_as_in_transformers_with_the_same_probabilities() {
    let golden = json("sampling.json");
    let scores: Vec<f32> = serde_json::from_value(golden["scores"].clone()).expect("scores");
    let seen: Vec<u32> = serde_json::from_value(golden["seen"].clone()).expect("ids");
    for case in golden["cases"].as_array().expect("cases") {
        let mut found = Sampler::new(sampling(case), &seen).candidates(&scores);
        found.sort_by_key(|(id, _)| *id);
        let kept: Vec<(u32, f64)> = serde_json::from_value(case["kept"].clone()).expect("kept");
        let ids = |list: &[(u32, f64)]| list.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&kept), "{case}");
        for ((id, p), (_, expected)) in found.iter().zip(&kept) {
            assert!((p - expected).abs() < 1e-6, "{case}: id {id} has {p}, not {expected}");
        }
    }
}

#[test]
fn cuts_by_hand() {
    // Probabilities 0.5, 0.25, 0.125, 0.125.
    let scores: Vec<f32> = [0.5f32, 0.25, 0.125, 0.125].iter().map(|p| p.ln()).collect();
    let kept = |sampling: Sampling| Sampler::new(sampling, &[]).candidates(&scores).len();
    assert_eq!(kept(plain(1.0)), 4);
    for (top_p, expected) in [(0.01, 1), (0.5, 1), (0.51, 2), (0.75, 2), (0.8, 3), (1.0, 4)] {
        assert_eq!(kept(Sampling { top_p, ..plain(1.0) }), expected, "top-p {top_p}");
    }
    for (min_p, expected) in [(0.0, 4), (0.24, 4), (0.26, 2), (0.49, 2), (0.51, 1), (1.0, 1)] {
        assert_eq!(kept(Sampling { min_p, ..plain(1.0) }), expected, "min-p {min_p}");
    }
    for (top_k, expected) in [(0, 4), (1, 1), (3, 3), (9, 4)] {
        assert_eq!(kept(Sampling { top_k, ..plain(1.0) }), expected, "top-k {top_k}");
    }
    // Of equals the lower id stays.
    let three = Sampler::new(Sampling { top_k: 3, ..plain(1.0) }, &[]).candidates(&scores);
    assert!(three.iter().all(|(id, _)| *id < 3));
}

#[test]
fn a_penalty_moves_greedy_choice_to_what_did_not_occur() {
    let repeat = |penalty| Sampling {
        repetition_penalty: penalty,
        ..Sampling::default()
    };
    let scores = [2.0, 1.9, -1.0];
    assert_eq!(Sampler::new(repeat(1.0), &[0]).pick(&scores), Some(0));
    let mut sampler = Sampler::new(repeat(1.5), &[0]);
    assert_eq!(sampler.pick(&scores), Some(1), "the prompt counts");
    assert_eq!(
        sampler.pick(&scores),
        Some(0),
        "and the answer: 2.0 / 1.5 against 1.9 / 1.5"
    );
    // A negative score becomes more negative: -1.0 * 1.5 against -1.2.
    assert_eq!(Sampler::new(repeat(1.5), &[0]).pick(&[-1.0, -1.2]), Some(1));
}

#[test]
fn draws_follow_the_probabilities_and_the_seed() {
    let scores: Vec<f32> = [0.6f32, 0.3, 0.1].iter().map(|p| p.ln()).collect();
    let run = |seed| {
        let sampling = Sampling { seed, ..plain(1.0) };
        let mut sampler = Sampler::new(sampling, &[]);
        (0..4000)
            .map(|_| sampler.pick(&scores).expect("an id"))
            .collect::<Vec<u32>>()
    };
    let first = run(7);
    assert_eq!(first, run(7), "same seed, same choices");
    assert_ne!(first, run(8));
    for (id, expected) in [(0u32, 0.6), (1, 0.3), (2, 0.1)] {
        let share = first.iter().filter(|x| **x == id).count() as f64 / 4000.0;
        assert!((share - expected).abs() < 0.03, "id {id}: {share}");
    }
}

#[test]
fn scores_that_are_no_numbers_are_refused_and_impossible_ids_never_drawn() {
    let mut sampler = Sampler::new(plain(1.0), &[]);
    assert_eq!(sampler.pick(&[0.0, f32::NAN]), None);
    assert_eq!(sampler.pick(&[f32::NEG_INFINITY; 3]), None);
    assert_eq!(sampler.pick(&[]), None);
    for _ in 0..200 {
        assert_eq!(sampler.pick(&[f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]), Some(1));
    }
}

#[test]
fn the_likeliest_are_in_order_with_the_chosen_one_among_them() {
    let scores: Vec<f32> = [0.1f32, 0.4, 0.1, 0.35, 0.05].iter().map(|p| p.ln()).collect();
    let ids = |count, also| likeliest(&scores, count, also).iter().map(|l| l.id).collect::<Vec<_>>();
    assert_eq!(ids(3, None), [1, 3, 0], "of equals the lower id");
    assert_eq!(ids(2, Some(4)), [1, 3, 4]);
    assert_eq!(ids(2, Some(3)), [1, 3]);
    assert_eq!(ids(9, None), [1, 3, 0, 2, 4]);
    assert!(ids(0, Some(1)).is_empty());
    let best = likeliest(&scores, 1, None)[0];
    assert!((best.probability - 0.4).abs() < 1e-6 && best.logit == scores[1]);
}
