//! What window, command line and workers say to each other: closed enums as JSON lines. Knows recipes, not how jobs are done.
mod answer;
mod event;
mod job;
mod lesson;
mod rate;
mod stop_text;

pub use answer::{Ending, Reading, StopReason, TopToken};
pub use event::{
    DataTimes, DeviceInfo, DeviceMemory, Event, FileSize, GroupNorm, MatmulTimes, MatmulWay, StoredAs, TrainTimes,
};
pub use job::{BenchKind, ChatMessage, Job, ModelRef, Prompt, Sampling, ScoreRows, Secret};
pub use lesson::{Lesson, LessonRow, LessonStep, OwnToken, OwnWay, TokenLesson};
pub use rate::{RateEnd, RateFound, RateRange, RateTried};
pub use stop_text::{escape, unescape};

use serde::{Deserialize, Serialize};

/// Interrupts at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
pub enum Control {
    /// Stop after the current step, keep what there is (training saves a final adapter).
    Stop,
    /// Hold before the next step.
    Pause,
    /// Go on.
    Resume,
    /// Write a checkpoint now and go on.
    Save,
    /// Write a checkpoint and end, so that all memory is free; the run can be resumed.
    Suspend,
    /// Leave the device to other programs now and then, or use all of it again.
    Smooth { on: bool },
    /// End the worker when idle.
    Quit,
}

/// Parent to child, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Job { id: u64, job: Box<Job> },
    Control(Control),
}

/// Child to parent, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The job that this belongs to. Spelt `frame` on the wire: events have ids of their own.
    #[serde(rename = "frame")]
    pub id: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}
