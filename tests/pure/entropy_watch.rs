//! When a run only sharpens: the held-out loss stands still while the entropy falls.

use burnish::engine::EntropyWatch;

/// The steps at which the watch speaks.
fn spoken(evaluations: &[(f64, f64)]) -> Vec<usize> {
    let mut watch = EntropyWatch::default();
    let each = evaluations.iter().enumerate();
    each.filter_map(|(i, (loss, entropy))| watch.see(i * 10, *loss, *entropy).map(|_| i * 10))
        .collect()
}

#[test]
fn a_run_that_learns_is_left_alone() {
    // Surer, but better too.
    assert_eq!(spoken(&[(2.0, 2.0), (1.5, 1.4), (1.2, 1.0), (1.1, 0.8)]), [0; 0]);
    // Worse, but not surer.
    assert_eq!(
        spoken(&[(2.0, 2.0), (1.5, 1.4), (1.6, 1.4), (1.7, 1.35), (1.8, 1.3)]),
        [0; 0]
    );
    // A single worse evaluation is chance.
    assert_eq!(
        spoken(&[(2.0, 2.0), (1.5, 1.4), (1.6, 1.0), (1.4, 1.0), (1.3, 0.9)]),
        [0; 0]
    );
}

#[test]
fn a_run_that_only_sharpens_is_told_once_with_its_best_step() {
    let run = [(2.0, 2.0), (1.5, 1.4), (1.5, 1.3), (1.55, 1.2), (1.6, 1.0), (1.7, 0.8)];
    assert_eq!(spoken(&run), [30]);
    let mut watch = EntropyWatch::default();
    let said: Vec<String> = run
        .iter()
        .enumerate()
        .filter_map(|(i, (loss, entropy))| watch.see(i * 10, *loss, *entropy))
        .collect();
    assert!(
        said[0].contains("step 10") && said[0].contains("1.400") && said[0].contains("1.200"),
        "{}",
        said[0]
    );
}
