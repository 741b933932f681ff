//! `burnish audit`: what is wrong with the supervision of a data set. Exit code 1 on something serious.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{args::AuditArgs, console::Console, failure::Failure, jobs};
use crate::audit::{AuditSummary, Finding, Severity};
use crate::protocol::{Event, Job};
use crate::recipe::Recipe;

/// Rows named for people.
const NAMED: usize = 10;

/// Prints each finding, then the numbers.
///
/// # Errors
/// The data, model or template cannot be used, or something serious was found.
pub fn run(args: &AuditArgs, console: &Console) -> Result<(), Failure> {
    let recipe = recipe(args)?;
    let mut serious = 0;
    jobs::run_once(
        Job::Audit {
            recipe: Box::new(recipe),
        },
        console,
        &mut |event| match event {
            Event::Finding(finding) => {
                serious += usize::from(finding.severity == Severity::Serious);
                console.result(&Printed::new(&finding), &in_words(&finding));
            }
            Event::Audited { summary } => {
                console.clear();
                console.result(&serde_json::json!({ "summary": summary }), &numbers(&summary));
            }
            _ => {}
        },
    )?;
    match serious {
        0 => Ok(()),
        1 => Err(Failure::Failed("One finding is serious.".into())),
        n => Err(Failure::Failed(format!("{n} findings are serious."))),
    }
}

/// What the arguments come to.
fn recipe(args: &AuditArgs) -> Result<Recipe, Failure> {
    let recipe = recipe_for(&args.model, &args.data, args.template.as_deref(), args.max_length)?;
    recipe.with(&format!("data.mode={}", args.mode)).map_err(Failure::usage)
}

/// A recipe for a look at one file of rows.
///
/// # Errors
/// A setting that recipes do not take.
pub fn recipe_for(
    model: &str,
    data: &Path,
    template: Option<&str>,
    max_length: Option<usize>,
) -> Result<Recipe, Failure> {
    let data = std::path::absolute(data).map_err(Failure::failed)?;
    let mut recipe = Recipe::new(model, vec![data]);
    let template = template.map(|template| format!("template={template}"));
    let length = max_length.map(|tokens| format!("data.max_length={tokens}"));
    for set in template.into_iter().chain(length) {
        recipe = recipe.with(&set).map_err(Failure::usage)?;
    }
    Ok(recipe)
}

/// A finding of the one file, as scripts read it.
#[derive(Serialize)]
pub struct Printed {
    finding: &'static str,
    severity: &'static str,
    count: usize,
    rows: Vec<usize>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Printed {
    /// With rows by their numbers.
    pub fn new(finding: &Finding) -> Self {
        Self {
            finding: finding.kind.name(),
            severity: finding.severity.name(),
            count: finding.count,
            rows: finding.rows.iter().map(|row| row.row).collect(),
            message: finding.message.clone(),
            fix: finding.fix.as_ref().map(|fix| fix.setting()),
        }
    }
}

/// `Serious: 3 rows ... (rows 1, 5, 9). Fix: data.mode=assistant`
pub fn in_words(finding: &Finding) -> String {
    let mut text = match finding.severity {
        Severity::Serious => "Serious: ".to_owned(),
        Severity::Warning => "Warning: ".to_owned(),
        Severity::Note => "Note: ".to_owned(),
    };
    text += &finding.message;
    if !finding.rows.is_empty() {
        let rows: Vec<String> = finding.rows.iter().take(NAMED).map(|r| r.row.to_string()).collect();
        let more = if finding.count > NAMED { ", ..." } else { "" };
        text += &format!("\n    Rows: {}{more}", rows.join(", "));
    }
    if let Some(fix) = &finding.fix {
        text += &format!("\n    Fix: {} ({})", fix.label(), fix.setting());
    }
    text
}

fn numbers(summary: &AuditSummary) -> String {
    let (rows, tokens, pace) = (&summary.rows, &summary.tokens, &summary.pace);
    let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    let mut text = format!(
        "{} rows: {} kept ({} shortened, {} held out), {} skipped\n{} tokens, {:.1} % of them learned; the longest row has {}\n\
         Padding: {:.0} % without packing, {:.0} % with it",
        rows.read,
        rows.kept,
        rows.shortened,
        rows.held_out,
        rows.skipped,
        tokens.all,
        percent(tokens.supervised, tokens.all),
        tokens.longest,
        summary.padding.unpacked * 100.0,
        summary.padding.packed * 100.0,
    );
    for ends in &summary.ends {
        let (role, seen, learned) = (ends.role.as_str(), ends.seen, ends.learned);
        text += &format!("\nEnds of turns, {role}: {learned} of {seen} learned");
    }
    let again = if pace.cached { ", kept from before" } else { "" };
    text += &format!(
        "\n{:.1} s, {:.0} rows/s, {:.0} tokens/s{again}",
        pace.seconds, pace.rows_per_second, pace.tokens_per_second
    );
    text
}

/// The serious findings of a recipe's data, and what the audit calls the data that it saw.
///
/// # Errors
/// The data, model or template cannot be used.
pub fn serious(recipe: &Recipe, console: &Console) -> Result<(Vec<Finding>, String), Failure> {
    let (mut found, mut seen) = (vec![], String::new());
    let job = Job::Audit {
        recipe: Box::new(recipe.clone()),
    };
    // Training itself tells what it skips.
    jobs::run_quietly(job, console, &mut |event| match event {
        Event::Finding(finding) => found.push(finding),
        Event::Audited { summary } => seen = summary.seen,
        _ => {}
    })?;
    found.retain(|finding| finding.severity == Severity::Serious);
    Ok((found, seen))
}

/// A finding as an event of a run.
pub fn as_event(finding: &Finding) -> Option<Value> {
    serde_json::to_value(Event::Finding(finding.clone())).ok()
}
