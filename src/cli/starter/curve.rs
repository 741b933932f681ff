//! A training log, thinned, as a table and as a picture. Knows files of numbers, not models.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::protocol::Event;

/// Every how many steps are kept.
const THIN: usize = 10;
/// Rows on each side that the strong line is a mean of.
const SMOOTH: usize = 6;
/// The table's columns.
const HEAD: &str = "step,loss,lr,grad_norm,tokens,seconds";

/// Why the curve could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum CurveError {
    /// A file could not be read or written.
    #[error("Could not {action} {path}: {source}. Check that the folder exists and may be used.")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is neither an event nor a row of numbers.
    #[error("{path}, line {line}: a training event or a row of {HEAD} is needed.")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// Too few steps to draw a line.
    #[error("{path} holds fewer than two steps with a loss. Give the log of a run that has taken some.")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// One optimizer step of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// From 1.
    pub step: usize,
    /// Mean loss per learned token, in nats.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Gradient norm before clipping.
    pub grad_norm: f64,
    /// Tokens that are not padding.
    pub tokens: usize,
    /// Time taken.
    pub seconds: f64,
}

/// Reads a log and writes `training.csv` (every tenth step) and `training.svg` into a folder.
///
/// # Errors
/// A file cannot be read or written, or the log has no steps.
pub fn write(log: &Path, out: &Path) -> Result<(), CurveError> {
    let rows = thin(&read(log)?);
    if rows.len() < 2 {
        return Err(CurveError::Empty { path: log.into() });
    }
    let put = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|source| CurveError::Io {
            action: "write",
            path,
            source,
        })
    };
    put("training.csv", table(&rows))?;
    put("training.svg", picture(&rows))
}

/// Reads events.jsonl of a run, or a table with or without a head. A step that was taken again after a resume counts as last taken.
///
/// # Errors
/// The file cannot be read, or a line of it.
pub fn read(log: &Path) -> Result<Vec<Row>, CurveError> {
    let text = fs::read_to_string(log).map_err(|source| CurveError::Io {
        action: "read",
        path: log.into(),
        source,
    })?;
    let mut rows: Vec<Row> = vec![];
    for (i, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty() && *l != HEAD)
    {
        let row = parse(line).ok_or_else(|| CurveError::Line {
            path: log.into(),
            line: i + 1,
        })?;
        if let Some(row) = row.filter(|row| row.loss.is_finite()) {
            rows.retain(|known| known.step < row.step);
            rows.push(row);
        }
    }
    Ok(rows)
}

/// A line's step; an event of another kind has none.
fn parse(line: &str) -> Option<Option<Row>> {
    if !line.starts_with('{') {
        return parse_table(line).map(Some);
    }
    Some(match serde_json::from_str(line).ok()? {
        Event::Step {
            step,
            loss,
            lr,
            grad_norm,
            tokens,
            seconds,
            ..
        } => Some(Row {
            step,
            loss,
            lr,
            grad_norm,
            tokens,
            seconds,
        }),
        _ => None,
    })
}

fn parse_table(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[step, loss, lr, grad_norm, tokens, seconds] = cells.as_slice() else {
        return None;
    };
    Some(Row {
        step: step.parse().ok()?,
        loss: loss.parse().ok()?,
        lr: lr.parse().ok()?,
        grad_norm: grad_norm.parse().ok()?,
        tokens: tokens.parse().ok()?,
        seconds: seconds.parse().ok()?,
    })
}

/// The first step, every tenth, and the last.
pub fn thin(rows: &[Row]) -> Vec<Row> {
    let last = rows.len().saturating_sub(1);
    let kept = rows.iter().enumerate();
    kept.filter(|(i, row)| *i == 0 || *i == last || row.step.is_multiple_of(THIN))
        .map(|(_, row)| *row)
        .collect()
}

/// The rows as CSV.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{HEAD}\n");
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{:.5},{:.6},{:.4},{},{:.3}",
            row.step, row.loss, row.lr, row.grad_norm, row.tokens, row.seconds
        );
    }
    text
}

/// Where the plot lies in the picture, and what it spans.
struct Frame {
    steps: f64,
    low: f64,
    high: f64,
}

const LEFT: f64 = 52.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;

impl Frame {
    /// Whole doublings around all losses.
    fn around(rows: &[Row]) -> Self {
        let bounds = rows.iter().fold((f64::INFINITY, 0.0f64), |(low, high), row| {
            (low.min(row.loss), high.max(row.loss))
        });
        let low = bounds.0.max(1e-3).log2().floor();
        Self {
            steps: rows.last().map_or(1.0, |row| row.step as f64),
            low,
            high: bounds.1.max(1e-3).log2().ceil().max(low + 1.0),
        }
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + WIDTH * step / self.steps
    }

    /// The loss axis is logarithmic: the late, small gains are what one looks for.
    fn y(&self, loss: f64) -> f64 {
        TOP + HEIGHT * (self.high - loss.max(1e-3).log2()) / (self.high - self.low)
    }
}

/// The loss over the steps as an SVG: the measured values pale, their moving mean strong.
pub fn picture(rows: &[Row]) -> String {
    let frame = Frame::around(rows);
    let smooth: Vec<(usize, f64)> = (0..rows.len()).map(|i| (rows[i].step, mean_around(rows, i))).collect();
    let raw: Vec<(usize, f64)> = rows.iter().map(|row| (row.step, row.loss)).collect();
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 380\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"720\" height=\"380\" fill=\"#ffffff\"/>\n\
         <text x=\"52\" y=\"24\" font-size=\"14\" fill=\"#222222\">Pretraining loss (nats per token, logarithmic) by step</text>\n",
    );
    text += &grid(&frame);
    text += &line(&frame, &raw, "#b9c7e6", 1.0);
    text += &line(&frame, &smooth, "#2f5bb7", 2.0);
    text += "</svg>\n";
    text
}

/// Mean loss of the rows around the `at`th: as many after as before, but at the end, where nothing comes after, those before.
fn mean_around(rows: &[Row], at: usize) -> f64 {
    let before = SMOOTH.min(at);
    let after = before.min(rows.len() - 1 - at);
    let near = &rows[at - before..=at + after];
    near.iter().map(|row| row.loss).sum::<f64>() / near.len() as f64
}

fn grid(frame: &Frame) -> String {
    let mut text = String::new();
    let right = LEFT + WIDTH;
    for power in (frame.low as i32)..=(frame.high as i32) {
        let value = 2f64.powi(power);
        let y = frame.y(value);
        text += &format!(
            "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#dddddd\"/>\n\
             <text x=\"44\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444444\">{value}</text>\n",
            y + 4.0
        );
    }
    let step = nice(frame.steps / 6.0);
    for i in 0..=(frame.steps / step) as usize {
        let at = i as f64 * step;
        text += &format!(
            "<text x=\"{:.1}\" y=\"340\" text-anchor=\"middle\" fill=\"#444444\">{at}</text>\n",
            frame.x(at)
        );
    }
    text + &format!(
        "<text x=\"{:.1}\" y=\"362\" text-anchor=\"middle\" fill=\"#444444\">optimizer step</text>\n",
        LEFT + WIDTH / 2.0
    )
}

/// 1, 2 or 5 times a power of ten, at least `width`.
fn nice(width: f64) -> f64 {
    let power = 10f64.powf(width.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
    steps.into_iter().find(|step| *step >= width).unwrap_or(10.0 * power)
}

fn line(frame: &Frame, points: &[(usize, f64)], colour: &str, width: f64) -> String {
    let points: Vec<String> = points
        .iter()
        .map(|(step, loss)| format!("{:.1},{:.1}", frame.x(*step as f64), frame.y(*loss)))
        .collect();
    format!(
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" points=\"{}\"/>\n",
        points.join(" ")
    )
}
