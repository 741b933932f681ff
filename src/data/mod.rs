//! Files of examples in, conversations and row problems out. Knows nothing of templates, tokens or tensors.

mod array;
mod conversation;
mod csv;
mod cut;
mod messages;
mod problem;
mod read;
mod row;
mod schema;
mod source;
mod split;
mod turns;

pub use conversation::{Conversation, Kind, Message, Role, Source, Split};
pub use cut::{RawRows, ReadRow};
pub use problem::{DataError, RowProblem};
pub use read::{DataSet, ReadOptions, read_file, read_file_with};
pub use schema::Schema;
pub use source::sha256_file;
pub use split::{hold_out, hold_out_keys, prompt_key};
pub use turns::{prompt_without_oldest_turn, without_oldest_turn};
