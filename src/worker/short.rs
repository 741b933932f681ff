//! Whether the system has killed processes for want of memory. Knows the counters that Linux keeps, not whose they were; other systems do
//! not tell.

use std::path::Path;

/// How many processes near this one were killed for want of memory so far: in its own control group, where it has one that counts, else on
/// the whole machine; 0 where nobody counts.
pub fn killed_for_memory() -> u64 {
    count_kills(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
}

/// The count of `killed_for_memory` from these folders. `memory.events` of a group of the second kind and `memory.oom_control` of one of
/// the first both hold a line `oom_kill N` (<https://docs.kernel.org/admin-guide/cgroup-v2.html>, .../cgroup-v1/memory.html). Inside a
/// container the group's path may be that of the host while its files lie at the top.
pub fn count_kills(proc: &Path, groups: &Path) -> u64 {
    let text = std::fs::read_to_string(proc.join("self/cgroup")).unwrap_or_default();
    let of_group = text.lines().filter_map(|line| {
        // number:controllers:path
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        let (top, file) = match controllers {
            "" => (groups.to_path_buf(), "memory.events"),
            some if some.split(',').any(|name| name == "memory") => (groups.join("memory"), "memory.oom_control"),
            _ => return None,
        };
        kills(&top.join(path).join(file)).or_else(|| kills(&top.join(file)))
    });
    let mut counts = of_group.chain(kills(&proc.join("vmstat")));
    counts.next().unwrap_or(0)
}

fn kills(file: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line?.trim().parse().ok()
}
