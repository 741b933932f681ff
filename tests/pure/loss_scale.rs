//! The scale of the loss: when it is halved and when doubled.

use burnish::train::LossScale;

#[test]
fn a_scale_is_halved_at_once_and_never_below_one() {
    let mut scale = LossScale::default();
    assert_eq!(scale.factor, 65_536.0);
    for halving in 1..=16 {
        assert!(scale.overflowed());
        assert_eq!(scale.factor, 65_536.0 / f64::from(1 << halving));
    }
    assert!(!scale.overflowed(), "1 cannot be the reason");
    assert_eq!(scale.factor, 1.0);
}

#[test]
fn two_thousand_sound_steps_in_a_row_double_a_scale() {
    let mut scale = LossScale::default();
    let pass = |scale: &mut LossScale, times| (0..times).for_each(|_| scale.passed());
    pass(&mut scale, 1999);
    assert!(scale.overflowed());
    pass(&mut scale, 1999);
    assert_eq!(scale.factor, 32_768.0);
    scale.passed();
    assert_eq!((scale.factor, scale.sound), (65_536.0, 0));
    pass(&mut scale, 2000 * 20);
    assert_eq!(scale.factor, 16_777_216.0, "there is an end to it");
}
