//! The most memory that a GPU sets aside while something is computed. Knows nothing of what that is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use burn::tensor::Device;

use super::devices;

/// Time between two looks at what a GPU has set aside.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Does the work, and tells the most that a GPU had set aside meanwhile: it gives pages back as soon as they are empty. `None` for the CPU,
/// whose system keeps count.
pub(super) fn watched<T>(device: &Device, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    if devices::reserved(device).is_none() {
        return (work(), None);
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(devices::reserved(device).unwrap_or(0));
                std::thread::sleep(LOOK_AGAIN);
            }
            most
        });
        // Ends the watch even if the device panics.
        let watch = Over(&over);
        let done = work();
        drop(watch);
        let now = devices::reserved(device);
        // A watcher that failed has seen nothing.
        let most = watcher.join().ok().max(now);
        (done, most)
    })
}

/// Tells a watcher to end when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
