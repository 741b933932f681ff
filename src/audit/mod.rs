//! What is wrong with the supervision of a whole data set. Knows conversations, templates and tokens; no files, no models.
mod collect;
mod facts;
mod finding;
mod inspect;
mod padding;
mod sentences;
mod turns;

pub use collect::{Audit, CountedRow, Setting, Trains};
pub use facts::{EndCount, Fact, Fate, RowFacts};
pub use finding::{
    AuditSummary, Bucket, Finding, FindingKind, Fix, Pace, Padding, ROWS_NAMED, RowCounts, RowRef, Severity,
    TokenCounts, TurnEnds,
};
pub use inspect::Inspector;
