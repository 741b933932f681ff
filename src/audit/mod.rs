//! What is wrong with the supervision of a whole data set. Knows conversations, templates and tokens; no files, no models.
mod finding;

pub use finding::{
    AuditSummary, Bucket, Finding, FindingKind, Fix, Pace, Padding, ROWS_NAMED, RowCounts, RowRef, Severity,
    TokenCounts, TurnEnds,
};
