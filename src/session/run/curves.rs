//! The numbers of a run step by step, ready to be drawn at any length. Knows no drawing.

use std::ops::Range;

use super::measures::{Along, EvalPoint, Measure, SkippedStep, StepPoint, Tracks, position};
use super::pyramid::Pyramid;
use super::spikes::Spikes;
use crate::protocol::Event;

/// Weight of the past in the smoothed loss.
const MEMORY: f64 = 0.9;
/// Steps whose pace tells the time left.
const PACE: usize = 20;

/// All steps and evaluations so far.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    pub steps: Vec<StepPoint>,
    pub evals: Vec<EvalPoint>,
    /// Steps that were left out.
    pub skipped: Vec<SkippedStep>,
    /// Steps whose loss is far above the usual.
    pub spikes: Spikes,
    /// Names of the groups of weights whose gradient norms are known, and the norms.
    groups: Vec<(String, Pyramid)>,
    tracks: Tracks,
    /// The rows of all steps, one after the other; step `i` ends at `row_ends[i]`.
    rows: Vec<(u32, u32)>,
    row_ends: Vec<usize>,
    average: f64,
    weight: f64,
}

impl Curves {
    /// Takes in a step, one that was left out, or an evaluation; other events are passed over.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Step {
                step,
                loss,
                lr,
                grad_norm,
                tokens,
                supervised_tokens,
                seconds,
                epoch,
                norms,
                rows,
                memory,
                loss_scale,
            } => {
                self.add(StepPoint {
                    step: *step,
                    loss: *loss,
                    lr: *lr,
                    grad_norm: *grad_norm,
                    tokens: *tokens,
                    supervised: *supervised_tokens,
                    seconds: *seconds,
                    epoch: *epoch,
                    memory: *memory,
                    loss_scale: loss_scale.unwrap_or_default(),
                    ..StepPoint::default()
                });
                self.add_norms(norms.iter().map(|n| (n.group.as_str(), n.norm)));
                self.add_rows(rows);
            }
            Event::Eval {
                step, loss, entropy, ..
            } => self.add_eval(EvalPoint {
                step: *step,
                loss: *loss,
                entropy: *entropy,
            }),
            Event::Skipped { step, reason, rows } => {
                self.skipped.retain(|s| s.step < *step);
                self.skipped.push(SkippedStep {
                    step: *step,
                    reason: reason.clone(),
                    rows: rows.clone(),
                });
            }
            _ => {}
        }
    }

    /// Adds a step; what depends on the steps before is worked out here. A step that was made before (after going on from a
    /// checkpoint) replaces what followed it.
    pub fn add(&mut self, mut point: StepPoint) {
        self.skipped.retain(|s| s.step < point.step);
        if self.steps.last().is_some_and(|last| last.step >= point.step) {
            self.cut_at(point.step);
        }
        let usual = self.steps.last().map_or(point.loss, |last| last.smoothed);
        self.spikes.look(self.steps.len(), point.loss, usual);
        if point.loss.is_finite() {
            self.average = MEMORY * self.average + (1.0 - MEMORY) * point.loss;
            self.weight = MEMORY * self.weight + (1.0 - MEMORY);
        }
        point.smoothed = if self.weight > 0.0 {
            self.average / self.weight
        } else {
            point.loss
        };
        let before = self
            .steps
            .last()
            .map_or((0, 0.0), |s| (s.tokens_so_far, s.seconds_so_far));
        point.tokens_so_far = before.0 + point.tokens as u64;
        point.seconds_so_far = before.1 + point.seconds.max(0.0);
        self.tracks.push(&point);
        self.steps.push(point);
        self.row_ends.push(self.rows.len());
    }

    /// The gradient norms of groups of weights in the step that was added last.
    pub fn add_norms<'a>(&mut self, norms: impl IntoIterator<Item = (&'a str, f64)>) {
        let at = self.steps.len().saturating_sub(1);
        for (group, norm) in norms {
            let known = self.groups.iter().position(|(name, _)| name == group);
            let index = known.unwrap_or_else(|| {
                self.groups.push((group.to_owned(), Pyramid::default()));
                self.groups.len() - 1
            });
            let track = &mut self.groups[index].1;
            track.pad(at);
            if track.len() == at {
                track.push(norm);
            }
        }
    }

    /// The rows of the step that was added last: number of the file in the recipe, row in the file.
    pub fn add_rows(&mut self, rows: &[(usize, usize)]) {
        let small = |n: usize| u32::try_from(n).ok();
        let fitting = rows
            .iter()
            .filter_map(|(file, row)| Some((small(*file)?, small(*row)?)));
        self.rows.extend(fitting);
        if let Some(end) = self.row_ends.last_mut() {
            *end = self.rows.len();
        }
    }

    /// Adds an evaluation.
    pub fn add_eval(&mut self, eval: EvalPoint) {
        self.evals.retain(|e| e.step < eval.step);
        self.evals.push(eval);
    }

    /// Forgets what came after a step: it is done again.
    pub fn cut_after(&mut self, step: usize) {
        self.cut_at(step + 1);
    }

    fn cut_at(&mut self, step: usize) {
        let kept = self.steps.partition_point(|s| s.step < step);
        self.evals.retain(|e| e.step < step);
        self.row_ends.truncate(kept);
        self.rows.truncate(self.row_ends.last().copied().unwrap_or(0));
        self.groups.iter_mut().for_each(|(_, track)| track.truncate(kept));
        // The averages depend on everything before: going on from a checkpoint is rare.
        let (rows, row_ends) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.row_ends));
        let steps = std::mem::take(&mut self.steps);
        (self.tracks, self.spikes) = (Tracks::default(), Spikes::default());
        (self.average, self.weight) = (0.0, 0.0);
        for point in &steps[..kept] {
            self.add(*point);
        }
        (self.rows, self.row_ends) = (rows, row_ends);
    }

    /// Names of the groups of weights whose gradient norms are known.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &str> {
        self.groups.iter().map(|(name, _)| name.as_str())
    }

    /// The rows of the step at a place: number of the file in the recipe, row in the file. Empty where they were not recorded.
    pub fn rows(&self, at: usize) -> impl ExactSizeIterator<Item = (usize, usize)> {
        let begin = at
            .checked_sub(1)
            .and_then(|i| self.row_ends.get(i))
            .copied()
            .unwrap_or(0);
        let end = self.row_ends.get(at).copied().unwrap_or(begin);
        self.rows[begin..end]
            .iter()
            .map(|(file, row)| (*file as usize, *row as usize))
    }

    /// The place of a step among all, where it was made.
    pub fn place(&self, step: usize) -> Option<usize> {
        self.steps.binary_search_by_key(&step, |s| s.step).ok()
    }

    /// A measure of the step at a place; `None` where it is not known.
    pub fn value(&self, measure: Measure, at: usize) -> Option<f64> {
        self.track(measure)?.get(at).filter(|value| value.is_finite())
    }

    /// Was the measure recorded at all?
    pub fn has(&self, measure: Measure) -> bool {
        self.track(measure)
            .is_some_and(|track| !track.reduced(0..track.len(), 1).is_empty())
    }

    fn track(&self, measure: Measure) -> Option<&Pyramid> {
        Some(match measure {
            Measure::Loss => &self.tracks.loss,
            Measure::Smoothed => &self.tracks.smoothed,
            Measure::Rate => &self.tracks.rate,
            Measure::Norm => &self.tracks.norm,
            Measure::GroupNorm(group) => &self.groups.get(group)?.1,
            Measure::Speed => &self.tracks.speed,
            Measure::Share => &self.tracks.share,
            Measure::Memory => &self.tracks.memory,
        })
    }

    /// Where the step at a place stands along an axis: its number, tokens so far, or seconds so far.
    pub fn position(&self, along: Along, at: usize) -> f64 {
        self.steps.get(at).map_or(0.0, |s| position(along, s))
    }

    /// The place of the step next to a position along an axis; `None` without steps.
    pub fn nearest(&self, along: Along, x: f64) -> Option<usize> {
        let after = self.steps.partition_point(|s| position(along, s) < x);
        let before = after.checked_sub(1)?;
        let near = |at: usize| (self.position(along, at) - x).abs();
        let at = if after < self.steps.len() && near(after) < near(before) {
            after
        } else {
            before
        };
        Some(at)
    }

    /// Points of a measure between two positions of an axis and one beyond each end, about two for each of `pixels`.
    pub fn line(&self, measure: Measure, along: Along, (from, to): (f64, f64), pixels: usize) -> Vec<[f64; 2]> {
        let Some(track) = self.track(measure) else {
            return Vec::new();
        };
        let points = track.reduced(self.between(along, from, to), pixels);
        points
            .into_iter()
            .map(|(at, value)| [self.position(along, at), value])
            .collect()
    }

    fn between(&self, along: Along, from: f64, to: f64) -> Range<usize> {
        let first = self.steps.partition_point(|s| position(along, s) < from);
        let end = self.steps.partition_point(|s| position(along, s) <= to);
        first.saturating_sub(1)..(end + 1).min(self.steps.len())
    }

    /// The largest position along an axis.
    pub fn end(&self, along: Along) -> f64 {
        self.steps.last().map_or(0.0, |s| position(along, s))
    }

    /// Where an evaluation stands along an axis: with the last step before it.
    pub fn eval_position(&self, along: Along, eval: &EvalPoint) -> f64 {
        if along == Along::Steps {
            return eval.step as f64;
        }
        let made = self.steps.partition_point(|s| s.step <= eval.step);
        made.checked_sub(1).map_or(0.0, |at| self.position(along, at))
    }

    /// Seconds of the middle one of the last steps, which one long step (a machine asleep, a checkpoint) does not change; `None` before
    /// three steps.
    pub fn seconds_per_step(&self) -> Option<f64> {
        let last = &self.steps[self.steps.len().saturating_sub(PACE)..];
        let mut seconds: Vec<f64> = last.iter().map(|s| s.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        (last.len() >= 3).then(|| seconds[seconds.len() / 2])
    }

    /// Mean tokens per second of the last steps; 0 before the first.
    pub fn tokens_per_second(&self) -> f64 {
        let last = &self.steps[self.steps.len().saturating_sub(PACE)..];
        let speeds = last.iter().map(StepPoint::speed).filter(|speed| speed.is_finite());
        speeds.sum::<f64>() / last.len().max(1) as f64
    }
}
