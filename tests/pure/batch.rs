//! Packing, collation and ordering, against TRL's own bins and labels and by random input.

use burnish::batch::{BatchError, Example, Order, OrderOptions, check_ids, collate, pack_bfd};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/bins.json")).expect("golden file")
}

fn numbers(value: &Value) -> Vec<usize> {
    serde_json::from_value(value.clone()).expect("numbers")
}

fn bins(value: &Value) -> Vec<Vec<usize>> {
    serde_json::from_value(value.clone()).expect("bins")
}

fn example(ids: &[u32], learned_from: usize) -> Example {
    Example {
        ids: ids.to_vec(),
        mask: (0..ids.len()).map(|i| i >= learned_from).collect(),
        row: 0,
    }
}

#[test]
fn bins_are_those_of_trl() {
    for case in ["bins40", "overflow"] {
        let case = &golden()[case];
        let max_len = case["max_len"].as_u64().expect("max_len") as usize;
        assert_eq!(pack_bfd(&numbers(&case["lengths"]), max_len), bins(&case["trl_bfd"]));
    }
}

#[test]
fn every_example_is_in_one_bin_and_no_bin_is_too_long() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..300 {
        let max_len = rng.random_range(1..200);
        let lengths: Vec<usize> = (0..rng.random_range(0..120))
            .map(|_| rng.random_range(1..=max_len))
            .collect();
        let bins = pack_bfd(&lengths, max_len);
        assert!(
            bins.iter()
                .all(|bin| bin.iter().map(|i| lengths[*i]).sum::<usize>() <= max_len)
        );
        let mut seen: Vec<usize> = bins.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_packed_row_has_trls_labels_positions_and_segments() {
    let golden = &golden()["collator"];
    let ids: Vec<u32> = serde_json::from_value(golden["input_ids"].clone()).expect("ids");
    let packed = collate(&[example(&ids[..9], 4), example(&ids[9..], 5)], &[vec![0, 1]], 258);
    assert_eq!((packed.rows, packed.len), (1, 22));
    assert_eq!(packed.ids, ids);
    let positions: Vec<usize> = packed.positions.iter().map(|p| *p as usize).collect();
    assert_eq!(positions, numbers(&golden["position_ids"]));
    let segments: Vec<usize> = packed.segments.iter().map(|s| *s as usize - 1).collect();
    assert_eq!(segments, numbers(&golden["seq_idx"]));
    // TRL's labels are not shifted yet: the target at i is its label at i + 1.
    let labels: Vec<i64> = serde_json::from_value(golden["labels"].clone()).expect("labels");
    for i in 0..21 {
        let expected = (labels[i + 1] != -100).then_some(labels[i + 1]);
        assert_eq!(
            packed.mask[i].then_some(i64::from(packed.targets[i])),
            expected,
            "token {i}"
        );
    }
    assert!(!packed.mask[21]);
    assert_eq!((packed.supervised(), packed.tokens()), (13, 22));
}

#[test]
fn short_rows_are_padded_and_padding_is_never_learned() {
    let examples = [example(&[5, 6, 7], 0), example(&[8], 0), example(&[], 0)];
    let packed = collate(&examples, &[vec![0], vec![1], vec![2]], 99);
    assert_eq!((packed.rows, packed.len), (3, 3));
    assert_eq!(packed.ids, [5, 6, 7, 8, 99, 99, 99, 99, 99]);
    assert_eq!(packed.targets, [6, 7, 99, 99, 99, 99, 99, 99, 99]);
    assert_eq!(
        packed.mask,
        [true, true, false, false, false, false, false, false, false]
    );
    assert_eq!(packed.positions, [0, 1, 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(packed.segments, [1, 1, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(packed.sources, [0, 1]);
    assert_eq!(collate(&[], &[], 0).tokens(), 0);
}

#[test]
fn what_is_learned_does_not_depend_on_packing() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let examples: Vec<Example> = (0..40)
        .map(|_| {
            let ids: Vec<u32> = (0..rng.random_range(1..30)).map(|_| rng.random_range(0..50)).collect();
            let learned = rng.random_range(0..=ids.len());
            example(&ids, learned)
        })
        .collect();
    let lengths: Vec<usize> = examples.iter().map(|e| e.ids.len()).collect();
    let packed = collate(&examples, &pack_bfd(&lengths, 64), 0);
    let alone: usize = (0..examples.len())
        .map(|i| collate(&examples, &[vec![i]], 0).supervised())
        .sum();
    assert_eq!(packed.supervised(), alone);
    assert_eq!(alone, examples.iter().map(Example::supervised).sum::<usize>());
    assert_eq!(packed.tokens(), lengths.iter().sum::<usize>());
}

#[test]
fn an_id_outside_the_vocabulary_names_row_and_id() {
    let mut bad = example(&[1, 2, 300], 0);
    bad.row = 17;
    let error = check_ids(&[example(&[0, 255], 0), bad], 256).expect_err("300 is too large");
    assert_eq!(
        error,
        BatchError::IdOutsideVocabulary {
            row: 17,
            position: 2,
            id: 300,
            vocab: 256
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("Row 17") && text.contains("300") && text.contains("256"),
        "{text}"
    );
    assert_eq!(check_ids(&[example(&[0, 255], 0)], 256), Ok(()));
}

fn options(packing: Option<usize>, seed: Option<u64>) -> OrderOptions {
    OrderOptions {
        batch_size: 3,
        accumulation: 2,
        packing,
        seed,
        by_length: false,
    }
}

#[test]
fn rows_of_like_length_stand_together_and_every_one_counts_once() {
    let lengths: Vec<usize> = (0..31).map(|i| 10 + (i * 37) % 90).collect();
    let sorted = OrderOptions {
        by_length: true,
        ..options(None, Some(7))
    };
    let (sorted, shuffled) = (
        Order::new(&lengths, sorted),
        Order::new(&lengths, options(None, Some(7))),
    );
    let padding = |order: &Order| -> usize {
        let batches = order.epoch(0).into_iter().flat_map(|step| step.micro_batches);
        let waste = |batch: Vec<Vec<usize>>| {
            let lens: Vec<usize> = batch.iter().map(|row| lengths[row[0]]).collect();
            let longest = lens.iter().max().copied().unwrap_or(0);
            lens.iter().map(|len| longest - len).sum::<usize>()
        };
        batches.map(waste).sum()
    };
    assert!(
        padding(&sorted) * 3 < padding(&shuffled),
        "{} and {}",
        padding(&sorted),
        padding(&shuffled)
    );
    for epoch in 0..2 {
        let steps = sorted.epoch(epoch);
        assert_eq!(steps.len(), sorted.steps_per_epoch());
        let mut seen: Vec<usize> = steps
            .into_iter()
            .flat_map(|s| s.micro_batches)
            .flatten()
            .flatten()
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..31).collect::<Vec<_>>());
    }
    assert_ne!(sorted.epoch(0), sorted.epoch(1), "epochs differ");
    assert_eq!(sorted.epoch(1), sorted.epoch(1), "and repeat");
    let longest = sorted.longest();
    let mut by_length = lengths.clone();
    by_length.sort_unstable();
    let found: Vec<usize> = longest.iter().map(|row| lengths[row[0]]).collect();
    assert_eq!(found, by_length.iter().rev().take(3).copied().collect::<Vec<_>>());
}

#[test]
fn an_epoch_sees_every_example_once() {
    let lengths: Vec<usize> = (0..50).map(|i| i % 9).collect();
    for packing in [None, Some(16)] {
        let order = Order::new(&lengths, options(packing, Some(1)));
        let plans = order.epoch(4);
        assert_eq!(plans.len(), order.steps_per_epoch());
        assert_eq!(plans.len(), order.rows().div_ceil(3).div_ceil(2));
        assert!(
            plans
                .iter()
                .all(|p| p.micro_batches.len() <= 2 && p.micro_batches.iter().all(|m| m.len() <= 3))
        );
        let mut seen: Vec<usize> = plans.iter().flat_map(|p| p.micro_batches.concat().concat()).collect();
        seen.sort_unstable();
        let expected: Vec<usize> = (0..50).filter(|i| lengths[*i] > 0).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn the_order_is_seeded_and_can_be_taken_up_anywhere() {
    let lengths = vec![4; 31];
    let order = Order::new(&lengths, options(None, Some(7)));
    let all: Vec<_> = order.steps_from(0).take(20).collect();
    let same: Vec<_> = Order::new(&lengths, options(None, Some(7)))
        .steps_from(0)
        .take(20)
        .collect();
    assert_eq!(all, same);
    for cursor in [1, 5, 6, 7, 13] {
        let rest: Vec<_> = order.steps_from(cursor).take(20 - cursor).collect();
        assert_eq!(rest, all[cursor..]);
    }
    assert_eq!(all[6].step, 6);
    assert_eq!((all[5].epoch, all[6].epoch), (0, 1));
    let epoch = |order: &Order, n| order.epoch(n).into_iter().map(|p| p.micro_batches).collect::<Vec<_>>();
    assert_ne!(epoch(&order, 0), epoch(&order, 1));
    assert_ne!(
        epoch(&order, 0),
        epoch(&Order::new(&lengths, options(None, Some(8))), 0)
    );
}

#[test]
fn without_a_seed_the_order_is_that_of_the_data() {
    let order = Order::new(&[2, 0, 2, 2], options(None, None));
    let seen: Vec<usize> = order
        .epoch(3)
        .iter()
        .flat_map(|p| p.micro_batches.concat().concat())
        .collect();
    assert_eq!(seen, [0, 2, 3]);
    assert_eq!(Order::new(&[], options(None, None)).steps_from(0).next(), None);
}
