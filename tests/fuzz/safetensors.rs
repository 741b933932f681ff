//! Any bytes as a safetensors header: read or refused, never a panic, never an allocation for lengths that are not there.
#![no_main]

use burnish::formats::weights::header;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = header(bytes);
});
