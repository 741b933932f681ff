//! Models of the Hugging Face hub: the short list, what a repository holds, downloads that resume, verify and can be cancelled,
//! and the user's token. Knows HTTP and the cache's layout, no jobs and no window.
//!
//! Addresses, the repository's description and the cache's places come from `hf-hub`. The transfer itself is ours, because
//! hf-hub's neither verifies a file nor can be cancelled.

mod api;
mod choose;
mod client;
pub mod curated;
mod digest;
mod error;
mod fetch;
mod pace;
mod store;
pub mod token;
mod transfer;

pub use client::{Hub, Patience};
pub use error::{HubError, Refusal};
pub use fetch::{Fetched, Progress, Watch, fetch_as_user};
