//! The audit of the open data: asked of a worker, its findings in order, the rows of a finding to step through, its fixes to apply, and
//! the question before training. Knows findings, not how they are found.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::preview::TemplateCommand;
use super::{Command, DataCommand, Effect, Room, Slot, State, TrainCommand, preview};
use crate::audit::{AuditSummary, Finding, Fix, RowRef, Severity};
use crate::protocol::{Control, Event, Job};

/// What an audit stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A run starts.
    Train,
    /// The recipe, or every combination of the sweep's form, is put into the queue.
    Queue { sweep: bool },
}

/// The job that is under way.
#[derive(Clone, Debug)]
pub struct AuditFlight {
    pub job: u64,
    /// What it is about ([`key`]).
    of: u64,
    /// What the worker does, done and total (0 = unknown).
    pub stage: Option<(String, u64, u64)>,
    findings: Vec<Finding>,
    /// What is done when nothing serious is found.
    then: Option<Intent>,
    /// Was it cancelled?
    pub stopping: bool,
}

/// What an audit said.
#[derive(Clone, Debug)]
pub struct AuditReport {
    of: u64,
    pub findings: Vec<Finding>,
    pub summary: AuditSummary,
    /// Indices of findings by the row that they name: number of the file, row in it.
    rows: BTreeMap<(usize, usize), Vec<usize>>,
}

impl AuditReport {
    fn new(of: u64, findings: Vec<Finding>, summary: AuditSummary) -> Self {
        let mut rows: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (index, finding) in findings.iter().enumerate() {
            for row in &finding.rows {
                rows.entry((row.file, row.row)).or_default().push(index);
            }
        }
        Self {
            of,
            findings,
            summary,
            rows,
        }
    }

    /// What was found in a row, by the number of its file and its own in it.
    pub fn of_row(&self, file: usize, row: usize) -> impl Iterator<Item = &Finding> {
        let found = self.rows.get(&(file, row)).into_iter().flatten();
        found.filter_map(|index| self.findings.get(*index))
    }

    /// Findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }
}

/// The rows of a finding that are stepped through.
#[derive(Clone, Debug)]
pub struct FindingRows {
    /// What the finding is called, in a few words.
    pub name: String,
    /// Indices of conversations, in order.
    pub rows: Vec<usize>,
}

/// The audit of the open data.
#[derive(Clone, Debug, Default)]
pub struct AuditState {
    pub flight: Option<AuditFlight>,
    /// The last report, perhaps of other data or settings.
    pub report: Option<AuditReport>,
    /// Are the findings unfolded?
    pub open: bool,
    /// The rows that are stepped through; `None` = all.
    pub rows: Option<FindingRows>,
    /// What the user is asked whether to do in spite of serious findings.
    pub asking: Option<Intent>,
}

/// What can be done with an audit.
#[derive(Clone, Debug)]
pub enum AuditCommand {
    /// Audit the whole set.
    Run,
    /// End the audit that is under way.
    Stop,
    /// Fold or unfold the findings.
    Toggle,
    /// Step through the rows of a finding, by its index.
    ShowRows(usize),
    /// Step through all rows again.
    AllRows,
    /// Go to the next row that any finding but a note names.
    NextProblem,
    /// Apply the fix of a finding, by its index, and audit again.
    Fix(usize),
    /// Do what is asked about in spite of the findings.
    Anyway,
    /// Do not; look at the findings.
    Look,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: AuditCommand) -> Vec<Effect> {
    match command {
        AuditCommand::Run => {
            state.audit.open = true;
            run(state, None)
        }
        AuditCommand::Stop => stop(state),
        AuditCommand::Toggle => {
            state.audit.open = !state.audit.open;
            Vec::new()
        }
        AuditCommand::ShowRows(index) => show_rows(state, index),
        AuditCommand::AllRows => {
            state.audit.rows = None;
            Vec::new()
        }
        AuditCommand::NextProblem => next_problem(state),
        AuditCommand::Fix(index) => fix(state, index),
        AuditCommand::Anyway => match state.audit.asking.take() {
            Some(intent) => go_on(state, intent),
            None => Vec::new(),
        },
        AuditCommand::Look => {
            (state.audit.asking, state.audit.open) = (None, true);
            super::nav::go(state, Room::Template)
        }
    }
}

/// The report, where it is about the data and settings as they are now.
pub fn fresh(state: &State) -> Option<&AuditReport> {
    let now = key(state)?;
    state.audit.report.as_ref().filter(|report| report.of == now)
}

/// A hash of everything that an audit depends on; `None` without model or data.
fn key(state: &State) -> Option<u64> {
    let set = state.data.set.as_ref()?;
    let recipe = &state.recipe.recipe;
    let mut hasher = DefaultHasher::new();
    (&set.path, &set.more, &set.sha256, state.model.selected.as_ref()?).hash(&mut hasher);
    let data = &recipe.data;
    (
        data.split.to_bits(),
        data.seed,
        data.mode as u8,
        data.max_length,
        data.packing,
    )
        .hash(&mut hasher);
    (
        &recipe.method.train_markers,
        recipe.method.kind as u8,
        recipe.batch.size,
    )
        .hash(&mut hasher);
    state.preview.editor.text.hash(&mut hasher);
    Some(hasher.finish())
}

/// Before training or waiting for it: goes on when the data was audited and nothing serious is known, asks when there is, audits first
/// otherwise.
pub fn before(state: &mut State, intent: Intent) -> Vec<Effect> {
    match fresh(state).map(|report| report.count(Severity::Serious)) {
        Some(0) => go_on(state, intent),
        Some(_) => {
            state.audit.asking = Some(intent);
            super::nav::go(state, Room::Train)
        }
        None => {
            let mut effects = super::nav::go(state, Room::Train);
            effects.extend(run(state, Some(intent)));
            effects
        }
    }
}

fn go_on(state: &mut State, intent: Intent) -> Vec<Effect> {
    match intent {
        Intent::Train => super::run::start_now(state),
        Intent::Queue { sweep } => super::queue::add_now(state, sweep),
    }
}

fn run(state: &mut State, then: Option<Intent>) -> Vec<Effect> {
    if let Some(flight) = &mut state.audit.flight {
        flight.then = then.or(flight.then);
        return Vec::new();
    }
    let Some(of) = key(state) else {
        return Vec::new();
    };
    let id = state.next_job();
    state.audit.flight = Some(AuditFlight {
        job: id,
        of,
        stage: None,
        findings: Vec::new(),
        then,
        stopping: false,
    });
    let recipe = Box::new(state.recipe.recipe.clone());
    vec![Effect::Job {
        slot: Slot::Audit,
        id,
        job: Job::Audit { recipe },
    }]
}

fn stop(state: &mut State) -> Vec<Effect> {
    let Some(flight) = &mut state.audit.flight else {
        return Vec::new();
    };
    flight.stopping = true;
    vec![Effect::Control {
        slot: Slot::Audit,
        control: Control::Stop,
    }]
}

/// An event of the audit's worker.
pub fn on_event(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    let Some(flight) = state.audit.flight.as_mut().filter(|f| f.job == id) else {
        return Vec::new();
    };
    match event {
        Event::Stage { stage, done, total } => flight.stage = Some((stage, done, total)),
        Event::Finding(finding) => flight.findings.push(finding),
        Event::Audited { summary } => return finished(state, *summary),
        Event::Failed { message } => return on_gone(state, message),
        Event::Done => state.audit.flight = None,
        _ => {}
    }
    Vec::new()
}

fn finished(state: &mut State, summary: AuditSummary) -> Vec<Effect> {
    let Some(flight) = state.audit.flight.take() else {
        return Vec::new();
    };
    state.audit.rows = None;
    state.audit.report = Some(AuditReport::new(flight.of, flight.findings, summary));
    match flight.then.filter(|_| !flight.stopping) {
        Some(intent) => before(state, intent),
        None => Vec::new(),
    }
}

/// The worker ended, or could not audit. What waits for it is done all the same: training says itself what is wrong.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    let Some(flight) = state.audit.flight.take() else {
        return Vec::new();
    };
    if flight.stopping {
        return Vec::new();
    }
    state.problems.report(message, Vec::new());
    match flight.then {
        Some(intent) => go_on(state, intent),
        None => Vec::new(),
    }
}

/// Indices of the conversations that rows of the file became.
fn conversations(state: &State, rows: &[RowRef]) -> Vec<usize> {
    let Some(set) = &state.data.set else {
        return Vec::new();
    };
    rows.iter().filter_map(|r| set.index_of(r.file, r.row)).collect()
}

fn show_rows(state: &mut State, index: usize) -> Vec<Effect> {
    let Some(finding) = fresh(state).and_then(|r| r.findings.get(index)).cloned() else {
        return Vec::new();
    };
    let rows = conversations(state, &finding.rows);
    let Some(first) = rows.first().copied() else {
        // Rows that could not be read have no conversation: the Data room lists them.
        state.data.show_problems = true;
        return super::nav::go(state, Room::Data);
    };
    state.audit.rows = Some(FindingRows {
        name: finding.kind.name().replace('-', " "),
        rows,
    });
    let mut effects = super::nav::go(state, Room::Template);
    effects.extend(super::data::apply(state, DataCommand::Select(first)));
    effects
}

/// The row `by` further among those that are stepped through; `None` while all rows are.
pub fn step(state: &State, by: isize) -> Option<usize> {
    let rows = &state.audit.rows.as_ref()?.rows;
    let now = state.data.selected;
    if by > 0 {
        let at = rows.partition_point(|r| *r <= now) + by as usize - 1;
        rows.get(at.min(rows.len().saturating_sub(1))).copied()
    } else {
        let before = rows.partition_point(|r| *r < now);
        rows.get(before.saturating_sub(by.unsigned_abs())).copied()
    }
}

fn next_problem(state: &mut State) -> Vec<Effect> {
    let Some(report) = fresh(state) else {
        return run(state, None);
    };
    let problems = report.findings.iter().filter(|f| f.severity != Severity::Note);
    let mut rows: Vec<RowRef> = problems.flat_map(|f| f.rows.iter().copied()).collect();
    rows.sort_unstable();
    let rows = conversations(state, &rows);
    let now = state.data.selected;
    let next = rows.iter().find(|r| **r > now).or(rows.first()).copied();
    state.audit.rows = None;
    next.map_or_else(Vec::new, |row| super::data::apply(state, DataCommand::Select(row)))
}

fn fix(state: &mut State, index: usize) -> Vec<Effect> {
    let Some(fix) = fresh(state).and_then(|r| r.findings.get(index)?.fix.clone()) else {
        return Vec::new();
    };
    state.audit.asking = None;
    let mut effects = match &fix {
        Fix::SetMode(mode) => preview::apply(state, TemplateCommand::Mode(*mode)),
        Fix::SetTemplate(name) => preview::apply(state, TemplateCommand::UseBuiltin(name.clone())),
        _ => match state.recipe.recipe.with(&fix.setting()) {
            Ok(recipe) => super::apply(state, Command::Train(TrainCommand::Recipe(Box::new(recipe)))),
            Err(error) => {
                state.problems.report(error.to_string(), Vec::new());
                return Vec::new();
            }
        },
    };
    effects.extend(run(state, None));
    effects
}
