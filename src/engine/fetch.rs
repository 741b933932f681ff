//! The Fetch job: a model of the hub into the cache. Knows the hub's room, not what the model is for.

use super::{EngineError, Flags, Sink};
use crate::formats::{hub_cache::HubRef, places};
use crate::hub::{Hub, HubError, Progress, Watch, fetch_as_user};
use crate::protocol::{Event, FileSize, Secret};

/// Downloads what is missing of a model.
///
/// # Errors
/// The hub refuses or cannot be reached, there is no room, a file is wrong, or the user stopped.
pub fn run(model: &str, token: Option<&Secret>, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let wanted = HubRef::parse(model).ok_or_else(|| HubError::Name(model.into()))?;
    let hub = Hub::from_env()?;
    let mut progress = |progress: &Progress| sink(fetching(progress));
    let mut watch = Watch {
        progress: &mut progress,
        stop: &|| flags.stopped(),
    };
    let token = token.map(|token| token.0.as_str());
    match fetch_as_user(&hub, &wanted, token, &places::token_file(), &mut watch) {
        Ok(fetched) => {
            if let Some(message) = fetched.note {
                sink(Event::Warning { message });
            }
            sink(Event::Fetched {
                model: fetched.reference,
                commit: fetched.commit,
                path: fetched.path,
                files: fetched.files,
                bytes: fetched.loaded,
            });
            Ok(())
        }
        Err(error) => {
            if let Some(event) = way_out(&wanted, &error) {
                sink(event);
            }
            Err(error.into())
        }
    }
}

fn fetching(progress: &Progress) -> Event {
    Event::Fetching {
        file: progress.file.clone(),
        done: progress.done,
        total: progress.total,
        per_second: progress.per_second,
        seconds_left: progress.seconds_left,
    }
}

/// What the user can do about it, where that is more than trying again.
fn way_out(wanted: &HubRef, error: &HubError) -> Option<Event> {
    let model = wanted.text();
    match error {
        HubError::Refused { page, had_token, .. } => Some(Event::TokenNeeded {
            model,
            page: page.clone(),
            had_token: *had_token,
        }),
        HubError::Choice { files, .. } => {
            let sized = |(name, bytes): &(String, u64)| FileSize {
                name: name.clone(),
                bytes: *bytes,
            };
            Some(Event::FileChoice {
                model,
                files: files.iter().map(sized).collect(),
            })
        }
        _ => None,
    }
}
