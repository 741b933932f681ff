//! The starter's small world: facts, their phrasings, the pretraining text made from them, the questions asked about them
//! and the judge of the answers. Knows nothing of tensors, templates, training or of any other room's files.
pub mod corpus;
mod deck;
mod facts;
pub mod judge;
pub mod make;
mod phrases;
mod prose;
mod quiz;
mod samples;
mod split;
mod talk;
mod vocabulary;

pub use facts::{Fact, facts};
pub use phrases::{Relation, relations};
pub use split::{Completion, Question, completion_prompts, held_out_questions, is_held_out, questions};
