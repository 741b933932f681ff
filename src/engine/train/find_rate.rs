//! The FindRate job: a recipe's first steps with a rate that rises from step to step. Keeps nothing of what was learned; what the losses
//! speak for is `train`'s to say.

use std::path::Path;

use super::setting::prepare;
use super::start::make_trainer;
use crate::engine::batches::Batches;
use crate::engine::{EngineError, Flags, Sink, stage};
use crate::protocol::{Event, RateEnd, RateFound, RateRange, RateTried};
use crate::recipe::Recipe;
use crate::train::{RangeTest, Suggestion, TrainError};

/// Tries the rates one after the other; tells every step, and at the end what to take.
///
/// # Errors
/// The recipe or the rates cannot be used, or the device failed.
pub fn run(
    recipe: &Recipe,
    init_adapter: Option<&Path>,
    range: RateRange,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(), EngineError> {
    if let Some(message) = range.refused() {
        return Err(EngineError::RateRange(message));
    }
    let setting = prepare(recipe, init_adapter, false, sink, flags)?;
    let mut batches = Batches::of(&setting);
    let mut trainer = make_trainer(&setting, init_adapter, range.steps, sink, flags)?;
    stage(sink, "Trying rates", 0, range.steps as u64);
    let mut test = RangeTest::new(range.low, range.high, range.steps);
    let mut last = range.low;
    let mut end = RateEnd::AllTried;
    for step in 0..range.steps {
        if flags.stopped() {
            end = RateEnd::Stopped;
            break;
        }
        last = test.rate(step);
        let report = match trainer.step_at(&batches.at(step), last) {
            Ok(report) => report,
            // With a rate that is high enough this comes at last.
            Err(TrainError::NotFinite { .. }) => {
                end = RateEnd::Diverged;
                break;
            }
            Err(error) => return Err(error.into()),
        };
        sink(Event::RateTried(RateTried {
            step: step + 1,
            lr: last,
            loss: report.loss,
            smoothed: test.add(report.loss),
            seconds: report.seconds,
        }));
        if test.diverged() {
            end = RateEnd::Diverged;
            break;
        }
    }
    sink(Event::RateFound(found(test.suggestion(), end, last)));
    Ok(())
}

fn found(suggestion: Option<Suggestion>, end: RateEnd, last: f64) -> RateFound {
    RateFound {
        suggested: suggestion.map(|s| s.rate()),
        steepest: suggestion.map(|s| s.steepest),
        lowest: suggestion.map(|s| s.lowest),
        still_falling: suggestion.is_some_and(|s| s.still_falling),
        end,
        last,
    }
}
