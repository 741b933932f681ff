//! Any bytes as a GGUF header: read or refused, never a panic, never an allocation for lengths that are not there.
#![no_main]

use burnish::formats::gguf::Header;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Header::read(bytes);
});
