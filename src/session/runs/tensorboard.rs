//! A run's numbers as TensorBoard's event files. Knows the numbers, not the file format.

use std::fs;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::formats::tensorboard::{EventWriter, Scalar};
use crate::session::{Along, Curves, Measure, RunState};

/// Measures of a step and their tags, as transformers' Trainer names them where it has them.
const TAGS: [(Measure, &str); 7] = [
    (Measure::Loss, "train/loss"),
    (Measure::Smoothed, "train/loss_smoothed"),
    (Measure::Rate, "train/learning_rate"),
    (Measure::Norm, "train/grad_norm"),
    (Measure::Speed, "train/tokens_per_second"),
    (Measure::Share, "train/supervised_percent"),
    (Measure::Memory, "train/memory_bytes"),
];

/// Writes the run's numbers as one event file into a folder, which is made; gives the file. The same run has the same file.
///
/// # Errors
/// A sentence that names the folder.
pub fn write(run: &RunState, folder: &Path) -> Result<PathBuf, String> {
    let begin = run.dir.as_deref().map_or(0.0, begin_of);
    let path = folder.join(format!("events.out.tfevents.{:010}.burnish", begin as u64));
    let failed = |error: io::Error| {
        format!(
            "Could not write TensorBoard files to {}: {error}. Free some space or choose another folder.",
            folder.display()
        )
    };
    let written = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let file = tempfile::NamedTempFile::new_in(folder)?;
        let mut writer = EventWriter::new(BufWriter::new(file), begin)?;
        numbers(&run.curves, begin, &mut writer)?;
        let file = writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&path).map_err(|e| e.error)?;
        Ok(())
    };
    written().map_err(failed)?;
    Ok(path)
}

fn numbers<W: io::Write>(curves: &Curves, begin: f64, writer: &mut EventWriter<W>) -> io::Result<()> {
    let groups: Vec<String> = curves
        .groups()
        .map(|group| format!("train/grad_norm/{group}"))
        .collect();
    let groups = groups
        .iter()
        .enumerate()
        .map(|(i, tag)| (Measure::GroupNorm(i), tag.as_str()));
    let tags: Vec<(Measure, &str)> = TAGS.into_iter().chain(groups).collect();
    for (at, step) in curves.steps.iter().enumerate() {
        for (measure, tag) in &tags {
            if let Some(value) = curves.value(*measure, at) {
                writer.scalar(&Scalar {
                    tag,
                    step: step.step as u64,
                    wall_time: begin + step.seconds_so_far,
                    value: value as f32,
                })?;
            }
        }
    }
    for eval in &curves.evals {
        let mut scalar = |tag, value: f64| {
            writer.scalar(&Scalar {
                tag,
                step: eval.step as u64,
                wall_time: begin + curves.eval_position(Along::Time, eval),
                value: value as f32,
            })
        };
        scalar("eval/loss", eval.loss)?;
        if let Some(entropy) = eval.entropy {
            scalar("eval/entropy", entropy)?;
        }
    }
    Ok(())
}

/// Seconds since 1970 at which the run began, as its folder says it; 0 where it does not.
fn begin_of(dir: &Path) -> f64 {
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let Some(stamp) = name.get(..17) else { return 0.0 };
    let parsed = jiff::civil::DateTime::strptime("%Y-%m-%d-%H%M%S", stamp);
    let zoned = parsed.and_then(|at| at.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or(0.0, |at| at.timestamp().as_second() as f64)
}
