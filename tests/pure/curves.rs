//! Curves of runs: thinned out without losing extremes, cut on a resume, spikes, rows of steps, CSV.

use burnish::protocol::{Event, GroupNorm};
use burnish::session::{Along, Curves, EvalPoint, Measure, Pyramid, StepPoint};

fn wave(len: usize) -> Vec<f64> {
    (0..len)
        .map(|i| ((i * 7919) % 10_007) as f64 + i as f64 / 1e3)
        .collect()
}

fn pyramid(values: &[f64]) -> Pyramid {
    let mut pyramid = Pyramid::default();
    values.iter().for_each(|value| pyramid.push(*value));
    pyramid
}

/// Smallest and largest value.
fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}

#[test]
fn few_points_keep_the_extremes_and_the_ends_of_every_length() {
    for len in [1, 3, 4, 5, 63, 64, 65, 1000, 4097, 100_000] {
        let values = wave(len);
        let points = pyramid(&values).reduced(0..len, 500);
        assert!(points.len() <= 1100, "{len}: {} points", points.len());
        assert!(
            points.windows(2).all(|w| w[0].0 < w[1].0),
            "{len}: in order, none twice"
        );
        assert!(
            points.iter().all(|(at, value)| values[*at] == *value),
            "{len}: true values"
        );
        assert_eq!(
            extremes(points.iter().map(|p| p.1)),
            extremes(values.iter().copied()),
            "{len}: extremes"
        );
        assert_eq!(points.last().map(|p| p.0), Some(len - 1), "{len}: the end");
    }
}

#[test]
fn a_short_part_of_a_long_series_is_drawn_whole() {
    let values = wave(100_000);
    let points = pyramid(&values).reduced(70_001..70_301, 500);
    assert_eq!(points.len(), 300);
    assert_eq!(points[0], (70_001, values[70_001]));
    let part = pyramid(&values).reduced(20_000..60_000, 300);
    let inside = part.iter().filter(|(at, _)| (20_000..60_000).contains(at));
    assert_eq!(
        extremes(inside.map(|p| p.1)),
        extremes(values[20_000..60_000].iter().copied())
    );
}

#[test]
fn numbers_that_are_not_finite_leave_gaps_only() {
    let mut values = wave(1000);
    values[400..500].fill(f64::NAN);
    values[7] = f64::INFINITY;
    let points = pyramid(&values).reduced(0..1000, 20);
    assert!(points.iter().all(|p| p.1.is_finite()));
    assert!(points.iter().all(|p| !(400..500).contains(&p.0)));
    let nothing = pyramid(&[f64::NAN; 64]);
    assert!(nothing.reduced(0..64, 4).is_empty());
}

#[test]
fn a_series_that_was_cut_goes_on_as_if_it_had_never_been_longer() {
    let values = wave(5000);
    let mut cut = pyramid(&values);
    cut.truncate(1234);
    values[..777].iter().for_each(|v| cut.push(*v));
    let whole: Vec<f64> = values[..1234].iter().chain(&values[..777]).copied().collect();
    assert_eq!(cut.reduced(0..2011, 50), pyramid(&whole).reduced(0..2011, 50));
}

fn event(step: usize, loss: f64) -> Event {
    Event::Step {
        step,
        loss,
        lr: 0.1,
        grad_norm: 1.0,
        tokens: 100,
        supervised_tokens: 25,
        seconds: 2.0,
        epoch: 0.5,
        norms: vec![GroupNorm {
            group: "attention".into(),
            norm: step as f64,
        }],
        rows: vec![(0, step), (1, 2 * step)],
        loss_scale: None,
        memory: 0,
    }
}

#[test]
fn events_become_figures_rows_and_positions() {
    let mut curves = Curves::default();
    (1..=10).for_each(|i| curves.take(&event(i, 2.0)));
    assert_eq!(curves.value(Measure::Share, 3), Some(25.0));
    assert_eq!(curves.value(Measure::Speed, 3), Some(50.0));
    assert_eq!(curves.value(Measure::GroupNorm(0), 3), Some(4.0));
    assert_eq!(curves.value(Measure::Memory, 3), None, "0 is unknown");
    assert!(!curves.has(Measure::Memory) && curves.has(Measure::Speed));
    assert_eq!(curves.rows(3).collect::<Vec<_>>(), [(0, 4), (1, 8)]);
    assert_eq!(curves.position(Along::Tokens, 9), 1000.0);
    assert_eq!(curves.position(Along::Time, 9), 20.0);
    assert_eq!(curves.nearest(Along::Tokens, 440.0), Some(3));
    assert_eq!(curves.nearest(Along::Steps, 99.0), Some(9));
    assert_eq!(Curves::default().nearest(Along::Steps, 1.0), None);
}

#[test]
fn going_on_from_a_checkpoint_replaces_rows_and_norms_too() {
    let mut curves = Curves::default();
    (1..=50).for_each(|i| curves.take(&event(i, 2.0)));
    curves.add_eval(EvalPoint {
        step: 20,
        loss: 1.5,
        entropy: Some(0.5),
    });
    curves.take(&event(21, 9.0));
    assert_eq!((curves.steps.len(), curves.evals.len()), (21, 1));
    assert_eq!(curves.rows(20).collect::<Vec<_>>(), [(0, 21), (1, 42)]);
    assert_eq!(curves.rows(4).collect::<Vec<_>>(), [(0, 5), (1, 10)]);
    assert_eq!(curves.value(Measure::GroupNorm(0), 20), Some(21.0));
    assert_eq!(curves.value(Measure::Loss, 20), Some(9.0));
    assert_eq!(curves.position(Along::Tokens, 20), 2100.0);
}

#[test]
fn a_loss_far_above_the_usual_is_a_spike_and_ordinary_noise_is_none() {
    let noisy = |i: usize| 2.0 + 0.3 * (((i * 7919) % 97) as f64 / 97.0 - 0.5);
    let mut curves = Curves::default();
    for i in 1..=300 {
        let loss = if i == 150 { 4.0 } else { noisy(i) };
        curves.take(&event(i, loss));
    }
    let found: Vec<usize> = curves.spikes.list.iter().map(|s| curves.steps[s.at].step).collect();
    assert_eq!(found, [150]);
    let usual = curves.spikes.list[0].usual;
    assert!((usual - 2.0).abs() < 0.2, "{usual}");
}

#[test]
fn a_spike_soon_after_a_steep_fall_is_found() {
    let mut curves = Curves::default();
    for i in 1..=100 {
        let fallen = 4.0 * (-(i as f64) / 12.0).exp() + 0.1 + 0.01 * ((i * 7) % 5) as f64;
        curves.take(&event(i, if i == 60 { 1.5 } else { fallen }));
    }
    let found: Vec<usize> = curves.spikes.list.iter().map(|s| curves.steps[s.at].step).collect();
    assert_eq!(found, [60]);
}

#[test]
fn the_beginning_of_a_run_has_no_spikes() {
    let mut curves = Curves::default();
    (1..=100).for_each(|i| curves.take(&event(i, 10.0 * (-(i as f64) / 10.0).exp() + 1.0)));
    assert!(curves.spikes.list.is_empty(), "a falling loss is no spike");
}

#[test]
fn csv_has_a_column_for_each_series_and_nothing_where_nothing_is_known() {
    let mut curves = Curves::default();
    curves.take(&event(1, 2.0));
    curves.add(StepPoint {
        step: 2,
        loss: f64::NAN,
        grad_norm: f64::NAN,
        ..StepPoint::default()
    });
    let text = curves.to_csv();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("seconds,memory,grad_norm_attention"), "{}", lines[0]);
    assert_eq!(lines[1], "1,0.5,2,2,,0.1,1,100,25,50,2,,1");
    assert_eq!(lines[2], "2,0,,2,,0,,0,0,,0,,");
}
