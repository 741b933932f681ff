//! How much a template may do in one render: bytes written, bytes made on the way, time. Knows amounts, not templates.
use std::cell::Cell;
use std::time::{Duration, Instant};

use minijinja::{Error, ErrorKind, Value};

/// Bytes that one render may write (captured blocks count again), and times the size of its input on top.
const OUTPUT: usize = 32 << 20;
const OUTPUT_PER_INPUT: usize = 32;
/// Bytes of values that one render may make, and times the size of its input on top.
const WORK: usize = 256 << 20;
const WORK_PER_INPUT: usize = 256;
/// The largest value that it may make; the input's size comes on top as for the output.
const LARGEST: usize = 8 << 20;
/// What an item of a list costs beside its own text.
const ITEM: usize = 32;
/// How long the renders of one row may take together; real ones take microseconds.
const TIME: Duration = Duration::from_millis(600);
/// Where a window waits: steps and bytes, which a busy machine does not change, and a time that ends what still takes long.
const HURRIED_STEPS: u32 = 30_000;
const HURRIED_WORK: usize = 8 << 20;
const HURRIED_TIME: Duration = Duration::from_millis(200);
/// What counts of the time between two looks at the clock: the machine may have been busy with something else.
const COUNTED: Duration = Duration::from_millis(100);
/// Steps between two looks at the clock.
const STEPS: u32 = 4;

/// What is left to a render.
#[derive(Clone, Copy)]
struct Left {
    output: usize,
    work: usize,
    largest: usize,
    /// The last look at the clock, and the time counted so far.
    seen: Option<Instant>,
    spent: Duration,
    hurried: bool,
    steps: u32,
    /// Assignments of containers so far.
    kept: u32,
    late: bool,
}

thread_local! {
    /// Of the render on this thread.
    static LEFT: Cell<Left> = const { Cell::new(NOTHING) };
}

/// Before the first render.
const NOTHING: Left = Left {
    output: 0,
    work: 0,
    largest: 0,
    seen: None,
    spent: Duration::ZERO,
    hurried: false,
    steps: 0,
    kept: 0,
    late: false,
};

/// Begins a row: all its renders share one clock.
pub(super) fn start_clock(hurried: bool) {
    let mut left = LEFT.get();
    (left.hurried, left.steps) = (hurried, 0);
    left.seen = Some(Instant::now());
    left.spent = Duration::ZERO;
    left.late = false;
    LEFT.set(left);
}

/// Begins a render whose input has this many bytes.
pub(super) fn begin(input: usize) {
    let extra = OUTPUT_PER_INPUT.saturating_mul(input);
    let left = LEFT.get();
    LEFT.set(Left {
        output: OUTPUT.saturating_add(extra),
        work: if left.hurried {
            HURRIED_WORK
        } else {
            WORK.saturating_add(WORK_PER_INPUT.saturating_mul(input))
        },
        largest: LARGEST.saturating_add(extra),
        kept: 0,
        ..left
    });
}

/// Has the time run out? Looks at the clock now and then.
pub(super) fn late() -> bool {
    let mut left = LEFT.get();
    left.steps = left.steps.saturating_add(1);
    if left.steps.is_multiple_of(STEPS) {
        let now = Instant::now();
        let passed = left.seen.map_or(Duration::ZERO, |seen| now.duration_since(seen));
        left.spent += passed.min(COUNTED);
        left.seen = Some(now);
        let allowed = if left.hurried { HURRIED_TIME } else { TIME };
        left.late |= left.spent > allowed;
    }
    left.late |= left.hurried && left.steps > HURRIED_STEPS;
    LEFT.set(left);
    left.late
}

/// Did the time run out at the last look?
pub(super) fn was_late() -> bool {
    LEFT.get().late
}

/// A hurried render that has used up its bytes may still end well without hurry.
fn exhausted() {
    let mut left = LEFT.get();
    left.late |= left.hurried;
    LEFT.set(left);
}

/// An error when the time has run out.
pub(super) fn in_time() -> Result<(), Error> {
    if late() {
        Err(refusal("the template takes far longer than a conversation needs"))
    } else {
        Ok(())
    }
}

/// Counts bytes that are written.
pub(super) fn written(bytes: usize) -> Result<(), Error> {
    in_time()?;
    let mut left = LEFT.get();
    let Some(output) = left.output.checked_sub(bytes) else {
        exhausted();
        return Err(refusal("the template writes far more text than the conversation holds"));
    };
    left.output = output;
    LEFT.set(left);
    Ok(())
}

/// Counts bytes of a value that is about to be made.
pub(super) fn made(bytes: usize) -> Result<(), Error> {
    in_time()?;
    let mut left = LEFT.get();
    let Some(work) = left.work.checked_sub(bytes).filter(|_| bytes <= left.largest) else {
        exhausted();
        return Err(refusal(
            "the template makes far larger values than the conversation holds",
        ));
    };
    left.work = work;
    LEFT.set(left);
    Ok(())
}

/// Counts items of a list that is about to be made.
pub(super) fn listed(items: usize) -> Result<(), Error> {
    made(items.saturating_mul(ITEM))
}

/// Counts an assignment of a container and tells how many there have been.
pub(super) fn kept() -> u32 {
    let mut left = LEFT.get();
    left.kept = left.kept.saturating_add(1);
    LEFT.set(left);
    left.kept
}

/// What a value weighs: the length of a text, the items of a container.
pub(super) fn weight(value: &Value) -> usize {
    match value.as_str() {
        Some(text) => text.len(),
        None => value.len().unwrap_or(1).saturating_mul(ITEM),
    }
}

/// An error of ours in the engine's type.
pub(super) fn refusal(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}
