//! Puts prompts to a model in a worker, one after the other, and collects what it says. Judges nothing.

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{console::Console, failure::Failure, jobs::Worker};
use crate::protocol::{ChatMessage, Event, Job, ModelRef, Prompt, Sampling, StopReason};

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The new text, without a marker that ends the turn.
    pub text: String,
    /// Whether it ended its turn by itself.
    pub ended: bool,
}

/// A worker with the model in memory, and a bar over all prompts of the examination.
pub struct Exam<'a> {
    worker: Worker<'a>,
    bar: ProgressBar,
    console: &'a Console,
}

impl<'a> Exam<'a> {
    /// Starts a worker for `prompts` prompts.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn start(prompts: usize, console: &'a Console) -> Result<Self, Failure> {
        let bar = ProgressBar::new(prompts as u64);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos} of {len}, {eta} left") {
            bar.set_style(style);
        }
        Ok(Self {
            worker: Worker::start(console)?,
            bar,
            console,
        })
    }

    /// Names what is asked from now on.
    pub fn begin(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Asks through the model's chat template.
    pub fn ask(&mut self, model: &ModelRef, question: &str, max_tokens: usize) -> Result<Reply, Failure> {
        let message = ChatMessage {
            role: "user".into(),
            content: question.to_owned(),
        };
        self.go_on(model, Prompt::Messages(vec![message]), max_tokens)
    }

    /// Gives the text as it is to be continued.
    pub fn complete(&mut self, model: &ModelRef, text: &str, max_tokens: usize) -> Result<Reply, Failure> {
        self.go_on(model, Prompt::Raw(text.to_owned()), max_tokens)
    }

    /// The most likely continuation: nothing is left to chance.
    fn go_on(&mut self, model: &ModelRef, prompt: Prompt, max_tokens: usize) -> Result<Reply, Failure> {
        let job = Job::Generate {
            model: model.clone(),
            prompt,
            sampling: Sampling {
                max_tokens,
                ..Sampling::default()
            },
            logits_top: 0,
            alternatives: 0,
        };
        let mut said = None;
        self.worker.run(job, &mut |event| {
            if let Event::Generated { text, stop, .. } = event {
                said = Some((text, stop));
            }
        })?;
        self.count();
        match said {
            Some((text, stop)) if stop != StopReason::Cancelled => Ok(Reply {
                text,
                ended: matches!(stop, StopReason::EndOfTurn | StopReason::StopString),
            }),
            _ => Err(Failure::Failed("Stopped before the end of the examination.".into())),
        }
    }
}

impl Exam<'_> {
    /// One prompt is done. Where no bar is seen (no terminal), every tenth part is told in a line.
    fn count(&self) {
        self.bar.inc(1);
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0).max(1));
        if self.bar.is_hidden() && done * 10 / all > (done - 1) * 10 / all {
            self.console.say(&format!("{done} of {all} prompts"));
        }
    }
}

impl Drop for Exam<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
