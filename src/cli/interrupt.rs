//! Ctrl+C: counted, not fatal, so that the first one can mean "stop and keep".

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static INSTALL: Once = Once::new();

/// From now on Ctrl+C only counts.
pub fn watch() {
    INSTALL.call_once(|| {
        // Without a handler Ctrl+C ends the program, and with it a worker that is not training: worse, but no harm.
        let _ = ctrlc::set_handler(|| {
            COUNT.fetch_add(1, Ordering::Relaxed);
        });
    });
}

/// How often Ctrl+C was pressed since the last [`forget`].
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Starts counting anew.
pub fn forget() {
    COUNT.store(0, Ordering::Relaxed);
}
