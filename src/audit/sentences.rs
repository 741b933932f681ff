//! A count to a finding: how serious it is, what people read, which change would help. Knows numbers and settings, not rows.

use super::collect::{Setting, Trains};
use super::finding::{AuditSummary, Finding, FindingKind, Fix, RowRef, Severity, mode_name};
use crate::template::Mode;

/// A share of padding that is worth a word.
const MUCH_PADDING: f64 = 0.25;

/// Rows of one finding.
#[derive(Default)]
pub(super) struct Tally {
    pub count: usize,
    pub rows: Vec<RowRef>,
    /// The last row that was counted.
    pub last: Option<RowRef>,
    /// Texts that the sentence names.
    pub words: Vec<String>,
}

/// The finding of a tally; `longest` is the longest row before shortening, in tokens.
pub(super) fn finding(
    kind: FindingKind,
    tally: Tally,
    setting: &Setting<'_>,
    summary: &AuditSummary,
    longest: usize,
) -> Finding {
    let (severity, message) = words(kind, &tally, setting, summary);
    Finding {
        kind,
        severity,
        fix: fix(kind, setting, longest).filter(|_| severity != Severity::Note || kind == FindingKind::Padding),
        count: tally.count,
        rows: tally.rows,
        message,
    }
}

/// The finding about padding, where there is much of it and packing would help.
pub(super) fn padding(summary: &AuditSummary) -> Option<Finding> {
    let p = summary.padding;
    let helps = !p.packing && p.unpacked > MUCH_PADDING && p.packed < p.unpacked / 2.0;
    helps.then(|| Finding {
        kind: FindingKind::Padding,
        severity: Severity::Note,
        count: summary.rows.kept,
        rows: Vec::new(),
        message: format!(
            "{:.0} % of the places in micro-batches are padding; with packing it would be {:.0} %.",
            p.unpacked * 100.0,
            p.packed * 100.0
        ),
        fix: Some(Fix::SetPacking(true)),
    })
}

fn words(kind: FindingKind, tally: &Tally, setting: &Setting<'_>, summary: &AuditSummary) -> (Severity, String) {
    use Severity::{Note, Serious, Warning};
    let n = Rows(tally.count);
    let named = tally.words.join(", ");
    let mode = mode_name(setting.mode);
    let limit = setting.max_length;
    match kind {
        FindingKind::NothingLearned => (
            Serious,
            format!(
                "{n} {} nothing to learn in mode \"{mode}\" and would be skipped.",
                n.verb("has", "have")
            ),
        ),
        FindingKind::OthersLearned => (
            Serious,
            format!(
                "{n} {} the words of the system, the user or a tool although mode \"{mode}\" should not.",
                n.verb("learns", "learn")
            ),
        ),
        FindingKind::EndNotLearned => (
            Serious,
            format!("In {n} the token that ends an answer is not learned: the model would not know when to stop."),
        ),
        FindingKind::UntrainedTokens => untrained(n, &named, setting),
        FindingKind::Broken => (Warning, format!("{n} cannot be read or rendered and would be skipped.")),
        FindingKind::TooLong => (
            if summary.rows.kept == 0 { Serious } else { Warning },
            format!(
                "{n} {} longer than {limit} tokens even when cut to the last turn, and would be skipped.",
                n.verb("is", "are")
            ),
        ),
        FindingKind::Shortened => (
            Warning,
            format!(
                "{n} {} longer than {limit} tokens and would lose the oldest turns: {} messages, {} tokens.",
                n.verb("is", "are"),
                summary.tokens.dropped_messages,
                summary.tokens.dropped
            ),
        ),
        FindingKind::Unsure => (
            Warning,
            format!("In {n} it is not certain what the template made of a message; look at the spans."),
        ),
        FindingKind::DoubleBos => (
            Warning,
            format!(
                "{n} {} with bos_token twice. Take it out of the template or out of the data.",
                n.verb("begins", "begin")
            ),
        ),
        FindingKind::MissingBos => (
            Note,
            format!(
                "{n} {} without the bos_token that this model's tokenizer puts before a text.",
                n.verb("begins", "begin")
            ),
        ),
        FindingKind::SpecialText => (
            Warning,
            format!(
                "In {n} a message itself spells a special token ({named}), which ends or opens a turn where none is meant."
            ),
        ),
        FindingKind::SystemDropped => (
            Warning,
            format!("In {n} the template leaves the system prompt out: the model would not see it."),
        ),
        FindingKind::SplitMarker => (
            Warning,
            format!(
                "In {n} the template writes {named}, which this tokenizer splits into several tokens: template and model may not belong together."
            ),
        ),
        FindingKind::UnknownTokens => (
            Warning,
            format!(
                "{n} {} text that this tokenizer does not know: the model would see the unknown token.",
                n.verb("has", "have")
            ),
        ),
        FindingKind::ByteTokens => (
            Note,
            format!(
                "{n} {} characters that are spelt byte by byte, which costs tokens.",
                n.verb("has", "have")
            ),
        ),
        FindingKind::Straddling => (
            Warning,
            format!("In {n} a token covers both learned and other text; its first character decides."),
        ),
        FindingKind::FractionalWeight => (
            Note,
            format!(
                "{n} {} a weight that is neither 0 nor 1; every weight above 0 counts as 1.",
                n.verb("has", "have")
            ),
        ),
        FindingKind::Duplicates => (
            Note,
            format!(
                "{n} {} an earlier row word for word and would be learned again.",
                n.verb("repeats", "repeat")
            ),
        ),
        // Its sentence is made from the summary.
        FindingKind::Padding => (Note, String::new()),
    }
}

/// Tokens without meaning to the base: no harm where the run trains them.
fn untrained(n: Rows, named: &str, setting: &Setting<'_>) -> (Severity, String) {
    let what = format!(
        "{n} {} special tokens that the base never learned ({named})",
        n.verb("has", "have")
    );
    match setting.trains {
        Trains::Nothing => (
            Severity::Serious,
            format!(
                "{what}, and the run does not train them: the model would not know what they mean or when to stop."
            ),
        ),
        Trains::Markers => (Severity::Note, format!("{what}; the run trains their embedding rows.")),
        Trains::Everything => (Severity::Note, format!("{what}; full training trains them too.")),
    }
}

/// The change that would settle a finding.
fn fix(kind: FindingKind, setting: &Setting<'_>, longest: usize) -> Option<Fix> {
    let back = (setting.mode != Mode::Assistant).then_some(Fix::SetMode(Mode::Assistant));
    match kind {
        FindingKind::NothingLearned | FindingKind::OthersLearned => back,
        FindingKind::EndNotLearned => {
            let name = "chatml";
            back.or_else(|| (setting.template != name).then(|| Fix::SetTemplate(name.into())))
        }
        FindingKind::UntrainedTokens => Some(Fix::TrainMarkers),
        FindingKind::TooLong | FindingKind::Shortened => {
            // Room for the longest row, a multiple of 64.
            Some(Fix::SetMaxLength(longest.next_multiple_of(64)))
        }
        _ => None,
    }
}

/// A number of rows in words.
#[derive(Clone, Copy)]
struct Rows(usize);

impl Rows {
    fn verb(self, one: &'static str, many: &'static str) -> &'static str {
        if self.0 == 1 { one } else { many }
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("1 row"),
            n => write!(f, "{n} rows"),
        }
    }
}
