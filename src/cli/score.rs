//! `burnish score`: losses of rows.

use serde_json::Value;

use super::{args::ScoreArgs, console::Console, failure::Failure, generate::read_ids, jobs};
use crate::protocol::{Event, Job, ScoreRows};

/// Prints the loss of each row, and for people the mean over all supervised tokens.
///
/// # Errors
/// A file cannot be read, the job failed, or no row could be scored.
pub fn run(args: &ScoreArgs, console: &Console) -> Result<(), Failure> {
    let rows = match (&args.ids, &args.data) {
        (Some(path), _) => ScoreRows::Ids(read_ids(path)?),
        (None, Some(path)) => ScoreRows::File(path.clone()),
        // Clap asks for one of both.
        (None, None) => return Err(Failure::usage("Name a data file or --ids FILE.")),
    };
    let job = Job::Score {
        model: args.model.model_ref(),
        rows,
        full_logits: args.full_logits.clone(),
    };
    let mut total = Total::default();
    jobs::run_once(job, console, &mut |event| total.take(event, console))?;
    if total.rows == 0 {
        return Err(Failure::Failed("No row could be scored.".into()));
    }
    if !console.json() && total.rows > 1 {
        console.say(&format!(
            "{} rows, {} supervised tokens, mean loss {:.4}",
            total.rows,
            total.supervised,
            total.sum / total.supervised.max(1) as f64
        ));
    }
    Ok(())
}

#[derive(Default)]
struct Total {
    rows: usize,
    supervised: usize,
    sum: f64,
}

impl Total {
    fn take(&mut self, event: Event, console: &Console) {
        let Event::Scored {
            row,
            tokens,
            supervised,
            loss,
            ..
        } = &event
        else {
            return;
        };
        self.rows += 1;
        self.supervised += supervised;
        self.sum += loss.unwrap_or(0.0) * *supervised as f64;
        let shown = loss.map_or("-".to_string(), |l| format!("{l:.4}"));
        let text = format!("row {row:>5}  {tokens:>5} tokens  {supervised:>5} supervised  loss {shown}");
        if let Ok(Value::Object(mut object)) = serde_json::to_value(&event) {
            object.shift_remove("event");
            console.result(&object, &text);
        }
    }
}
