//! The hub's effects carried out on a thread: the cache, the machine's memory, the token.

use super::{HubEffect, HubOutcome, Keep};
use crate::formats::hub_cache;
use crate::hub::token::{self, TokenError};
use crate::protocol::Secret;
use crate::session::effects::Home;

/// Carries out an effect.
pub fn perform(effect: HubEffect, home: &Home) -> HubOutcome {
    match effect {
        HubEffect::Look => HubOutcome::Looked {
            cached: hub_cache::list(&home.hub),
            memory: machine_memory(),
        },
        HubEffect::Keep { token, place } => {
            let result = keep(&token, place, home).map_err(|e| e.to_string());
            HubOutcome::Kept { token, place, result }
        }
    }
}

fn keep(token: &Secret, place: Keep, home: &Home) -> Result<(), TokenError> {
    match place {
        Keep::Keyring => token::keep_in_keyring(&token.0),
        Keep::File => token::keep_in_file(&token.0, &home.hub_token()),
        Keep::Session => Ok(()),
    }
}

/// Bytes of this machine's memory; `None` where the system does not tell.
pub fn machine_memory() -> Option<u64> {
    let wanted = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let system = sysinfo::System::new_with_specifics(wanted);
    // A container may have less than the machine.
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    let total = system.total_memory().min(limit);
    (total > 0).then_some(total)
}
