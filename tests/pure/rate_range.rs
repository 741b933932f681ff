//! The learning-rate range test on made-up curves: what it suggests, when it ends, and when it keeps quiet.

use burnish::protocol::{RateEnd, RateFound, RateRange};
use burnish::train::RangeTest;

const STEPS: usize = 100;

/// A test over 1e-6 to 1 with losses by the rate's decimal logarithm and the step; ends as the job does. Gives the last step too.
fn tested(loss: impl Fn(f64, usize) -> f64) -> (RangeTest, usize) {
    let mut test = RangeTest::new(1e-6, 1.0, STEPS);
    for step in 0..STEPS {
        test.add(loss(test.rate(step).log10(), step));
        if test.diverged() {
            return (test, step);
        }
    }
    (test, STEPS)
}

/// Between -1 and 1 without a pattern, the same every time.
fn luck(step: usize) -> f64 {
    let mixed = (step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    (mixed.wrapping_mul(0xD1B5_4A32_D192_ED03) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// 4 at first, falls to 1 around `middle`, rises steeply from `wall` on.
fn bath(middle: f64, wall: f64) -> impl Fn(f64, usize) -> f64 {
    move |rate, _| 1.0 + 3.0 / (1.0 + ((rate - middle) * 6.0).exp()) + ((rate - wall) * 12.0).exp()
}

#[test]
fn rates_rise_by_the_same_factor_from_low_to_high() {
    let test = RangeTest::new(1e-6, 1.0, STEPS);
    assert!((test.rate(0) / 1e-6 - 1.0).abs() < 1e-12);
    assert!((test.rate(STEPS - 1) - 1.0).abs() < 1e-12);
    let factor = test.rate(1) / test.rate(0);
    assert!((test.rate(51) / test.rate(50) - factor).abs() < 1e-9);
}

#[test]
fn the_first_smoothed_loss_is_the_loss_itself() {
    let mut test = RangeTest::new(1e-6, 1.0, STEPS);
    assert!((test.add(4.0) - 4.0).abs() < 1e-12);
    // 0.9 and 1 as weights: a mean of what came so far.
    assert!((test.add(2.0) - (0.9 * 4.0 + 2.0) / 1.9).abs() < 1e-12);
}

#[test]
fn a_bath_tub_suggests_a_rate_on_its_way_down() {
    let (test, end) = tested(bath(-3.5, -1.0));
    assert!(end < STEPS, "the wall ends the test");
    let found = test.suggestion().unwrap();
    // The smoothed loss lags a little behind.
    assert!((3e-4..2e-3).contains(&found.steepest), "{found:?}");
    assert!((2e-2..3e-1).contains(&found.lowest), "{found:?}");
    assert!(!found.still_falling);
    assert!(
        found.rate() <= found.steepest * 1.05 && found.rate() > found.steepest * 0.9,
        "{found:?}"
    );
}

#[test]
fn a_wall_close_behind_the_slope_calls_for_a_tenth_of_the_lowest() {
    let (test, _) = tested(bath(-2.0, -1.6));
    let found = test.suggestion().unwrap();
    assert!(found.lowest / 10.0 < found.steepest, "{found:?}");
    assert!((found.rate() / (found.lowest / 10.0) - 1.0).abs() < 0.05, "{found:?}");
}

#[test]
fn one_lucky_batch_does_not_move_the_steepest_place() {
    let calm = tested(bath(-3.0, -0.5)).0.suggestion().unwrap();
    let lucky = |rate: f64, step: usize| bath(-3.0, -0.5)(rate, step) - if step == 20 { 2.5 } else { 0.0 };
    let found = tested(lucky).0.suggestion().unwrap();
    assert!(
        (0.5..2.0).contains(&(found.steepest / calm.steepest)),
        "{found:?} {calm:?}"
    );
}

#[test]
fn losses_that_only_scatter_suggest_nothing() {
    let (test, end) = tested(|_, step| 4.0 + luck(step));
    assert_eq!(end, STEPS);
    assert_eq!(test.suggestion(), None);
    assert_eq!(tested(|_, _| 4.0).0.suggestion(), None);
    assert_eq!(tested(|rate, _| 4.0 + 0.5 * (rate + 6.0)).0.suggestion(), None);
}

#[test]
fn what_falls_to_the_end_says_so() {
    let (test, end) = tested(|rate, step| 4.0 - 0.3 * (rate + 6.0) + 0.05 * luck(step));
    assert_eq!(end, STEPS);
    let found = test.suggestion().unwrap();
    assert!(found.still_falling && found.lowest == test.rate(STEPS - 1), "{found:?}");
    assert!(found.rate() <= 0.1);
}

#[test]
fn four_times_the_best_loss_ends_it_and_so_does_none() {
    let mut test = RangeTest::new(1e-6, 1.0, STEPS);
    test.add(1.0);
    assert!(!test.diverged());
    test.add(5.0);
    assert!(!test.diverged(), "the smoothed loss is 3.1");
    test.add(9.0);
    assert!(test.diverged());
    let mut test = RangeTest::new(1e-6, 1.0, STEPS);
    test.add(1.0);
    test.add(f64::NAN);
    assert!(test.diverged());
    assert_eq!(test.suggestion(), None);
}

#[test]
fn a_test_that_was_stopped_early_suggests_nothing_wild() {
    let mut test = RangeTest::new(1e-6, 1.0, STEPS);
    for step in 0..12 {
        test.add(4.0 + 0.1 * luck(step));
    }
    assert_eq!(test.suggestion(), None);
}

#[test]
fn ranges_that_cannot_be_are_refused_in_words() {
    let range = RateRange::default();
    assert_eq!(range.refused(), None);
    for wrong in [
        RateRange { low: 0.0, ..range },
        RateRange { low: f64::NAN, ..range },
        RateRange {
            high: f64::INFINITY,
            ..range
        },
        RateRange { low: 0.5, ..range },
    ] {
        assert!(wrong.refused().unwrap().contains("a tenth of the highest"), "{wrong:?}");
    }
    let few = RateRange { steps: 3, ..range };
    assert!(few.refused().unwrap().contains("from 20 to 10000"));
}

#[test]
fn words_name_the_rate_and_where_the_loss_broke_away() {
    let found = RateFound {
        suggested: Some(9.3e-4),
        steepest: Some(9.3e-4),
        lowest: Some(0.015),
        still_falling: false,
        end: RateEnd::Diverged,
        last: 0.035,
    };
    let words = found.in_words();
    assert!(
        words.contains("9.3e-4") && words.contains("broke away at 3.5e-2"),
        "{words}"
    );
    let nothing = RateFound {
        suggested: None,
        steepest: None,
        lowest: None,
        ..found
    };
    assert!(nothing.in_words().contains("nothing to suggest"));
}
