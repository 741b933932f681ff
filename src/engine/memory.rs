//! Memory of this process as the system counts it.

/// Resident size now, in bytes; 0 where the system does not tell.
pub fn memory_now() -> u64 {
    bytes_after("VmRSS:")
}

/// Lets the largest size be counted from now on, where the system can.
pub fn forget_peak() {
    // Elsewhere the peak of the whole life stays.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Largest resident size since `forget_peak`, else of its whole life, in bytes; 0 where the system does not tell (only Linux does, in `/proc`).
pub fn peak_memory() -> u64 {
    bytes_after("VmHWM:")
}

fn bytes_after(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
