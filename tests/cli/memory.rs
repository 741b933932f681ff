//! Runs that lack memory: the way out of it, and that it is remembered.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use burnish::formats::checkpoint;
use burnish::protocol::{Event, Job};
use burnish::worker::{count_kills, is_alive, second_try};

use super::kit::World;
use super::runs::{events, job, losses, world};

#[test]
fn the_way_out_of_a_lack_of_memory_keeps_the_rows_of_a_step() {
    let world = world();
    let run = world.path("run");
    let mut current = job(&world, &run, 3);
    let mut sizes = vec![];
    while let Some(next) = second_try(&current) {
        current = next.job;
        let Job::Train { recipe, resume, .. } = &current else {
            unreachable!()
        };
        assert!(!resume, "there is no checkpoint yet");
        assert_eq!(
            recipe.batch.size * recipe.batch.accumulation,
            4,
            "rows of an optimizer step"
        );
        sizes.push(recipe.batch.size);
    }
    assert_eq!(sizes, [1], "from two rows to one, then there is no way on");
    let Job::Train { recipe, .. } = &mut current else {
        unreachable!()
    };
    recipe.data.packing = true;
    let next = second_try(&current).unwrap();
    assert!(matches!(next.job, Job::Train { unpacked: true, .. }));
    assert!(second_try(&next.job).is_none(), "conversations are not cut");
    world.write("run/checkpoint-3/trainer_state.json", "{}");
    checkpoint::seal(&world.path("run/checkpoint-3")).unwrap();
    let next = second_try(&job(&world, &run, 3)).unwrap();
    assert!(matches!(next.job, Job::Train { resume: true, .. }));
    assert!(
        next.message.contains("checkpoint-3") && next.message.contains("1 row "),
        "{}",
        next.message
    );
}

/// More address space is refused.
#[cfg(target_os = "linux")]
const LITTLE: &str = "ulimit -v 500000";

/// A world whose recipe takes half a gigabyte beside the program itself, by so many rows at once, and the program under a limit that it
/// does not fit into, set by a shell.
#[cfg(target_os = "linux")]
fn short_of_memory(steps: usize, limit: &str) -> (World, impl Fn(&World, &[&str]) -> std::process::Command + use<>) {
    let world = World::new();
    let answer_text = "the answer is four ".repeat(6);
    let row = format!("{{\"prompt\": \"one\", \"completion\": \"{answer_text}\"}}\n");
    world.write("rows.jsonl", &row.repeat(512));
    let setting =
        format!("[optim]\nmax_steps = {steps}\n[batch]\nsize = 512\n[save]\nevery = 1\n[eval]\nevery = 100\n");
    world.recipe("r.toml", &setting);
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    let limited = move |world: &World, more: &[&str]| {
        let train = world.command(&["train", "r.toml", "--run", "run", "--accept-findings"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", &script])
            .arg(train.get_program())
            .args(train.get_args())
            .args(["--set", "data.split=0", "--set", "data.max_length=120"])
            .args(more)
            .current_dir(world.path(""))
            .env("BURNISH_HOME", world.path("home"));
        // Many cores reserve much address space, which is what the limit counts.
        limited.env("RAYON_NUM_THREADS", "2").env("MALLOC_ARENA_MAX", "2");
        limited.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        limited
    };
    (world, limited)
}

/// How often the record has a warning with these words.
#[cfg(target_os = "linux")]
fn warned(recorded: &[Event], words: &str) -> usize {
    let said = |e: &&Event| matches!(e, Event::Warning { message } if message.contains(words));
    recorded.iter().filter(said).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_short_of_memory_goes_on_with_smaller_batches_without_whoever_started_it() {
    let (world, limited) = short_of_memory(1, LITTLE);
    let mut program = limited(&world, &[]).spawn().unwrap();
    let run = world.path("run");
    while !run.join("control.json").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // As a window that is closed: what follows happens without it.
    program.kill().unwrap();
    program.wait().unwrap();
    while is_alive(&run) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let recorded = events(&run);
    assert_eq!(warned(&recorded, "ran out of memory with 512 rows"), 1, "{recorded:?}");
    assert!(matches!(recorded.last(), Some(Event::Done)), "{recorded:?}");
    assert_eq!(recorded.iter().filter(|e| matches!(e, Event::Step { .. })).count(), 1);
    assert!(run.join("final/adapter_model.safetensors").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_was_short_of_memory_is_resumed_with_what_fitted() {
    let (world, limited) = short_of_memory(2, LITTLE);
    assert!(limited(&world, &[]).status().unwrap().success());
    let run = world.path("run");
    let first = events(&run);
    assert_eq!(warned(&first, "Training ran out of memory"), 1, "{first:?}");
    // As if it had been cut off after its first step.
    std::fs::remove_dir_all(run.join("final")).unwrap();
    std::fs::remove_dir_all(run.join("checkpoint-2")).unwrap();
    assert!(limited(&world, &["--resume"]).status().unwrap().success());
    let recorded = events(&run);
    let second = &recorded[first.len()..];
    assert_eq!(
        warned(second, "with 256 rows at a time and accumulation 2"),
        1,
        "{second:?}"
    );
    assert_eq!(warned(second, "Training ran out of memory"), 0, "{second:?}");
    // The step that is done again has the same loss, bit for bit.
    assert_eq!(losses(&recorded), losses(&first));
    // Where memory suffices, all rows at once give the same but for rounding.
    let whole = [
        "train",
        "r.toml",
        "--run",
        "whole",
        "--accept-findings",
        "--set",
        "data.split=0",
        "--set",
        "data.max_length=120",
    ];
    world.run(&whole).ok();
    for ((step, loss), (_, other)) in losses(&recorded).into_iter().zip(losses(&events(&world.path("whole")))) {
        let (loss, other) = (f64::from_bits(loss), f64::from_bits(other));
        assert!((loss - other).abs() < 1e-5 * other, "step {step}: {loss} and {other}");
    }
    // A run that begins anew has found nothing yet.
    std::fs::remove_dir_all(&run).unwrap();
    world.write("run/micro_batch.json", r#"{"rows": 64, "unpacked": true}"#);
    let small = ["--set", "batch.size=2", "--set", "optim.max_steps=1"];
    world.run(&[&whole[..3], &["run"], &whole[4..], &small].concat()).ok();
    assert_eq!(warned(&events(&run), "memory"), 0);
    assert!(!run.join("micro_batch.json").exists());
}

/// A control group with little memory, which goes with the value; `None` (said on stderr) where none may be made.
#[cfg(target_os = "linux")]
struct Group(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Group {
    fn new(bytes: u64) -> Option<Self> {
        let top = Path::new("/sys/fs/cgroup");
        let (top, limit) = match top.join("memory").is_dir() {
            true => (top.join("memory"), "memory.limit_in_bytes"),
            false => (top.into(), "memory.max"),
        };
        let group = Self(top.join(format!("burnish-test-{}", std::process::id())));
        let made = std::fs::create_dir(&group.0)
            .and_then(|()| std::fs::write(group.0.join(limit), bytes.to_string()))
            .map_err(|error| eprintln!("skipped: no control group may be made here ({error})"));
        made.ok().map(|()| group)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Group {
    fn drop(&mut self) {
        // Not while a process is in it; a test that failed leaves it behind.
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_the_system_kills_for_want_of_memory_is_started_again_with_smaller_batches() {
    let Some(group) = Group::new(170 << 20) else {
        return;
    };
    let (world, limited) = short_of_memory(1, &format!("echo $$ > {}/cgroup.procs", group.0.display()));
    let status = limited(&world, &[]).status().unwrap();
    let recorded = events(&world.path("run"));
    assert!(status.success(), "{recorded:?}");
    assert!(
        warned(&recorded, "ran out of memory with 512 rows") == 1,
        "{recorded:?}"
    );
    assert!(matches!(recorded.last(), Some(Event::Done)), "{recorded:?}");
    assert!(world.path("run/micro_batch.json").is_file());
}

#[test]
fn kills_for_want_of_memory_are_counted_where_the_system_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let (proc, groups) = (folder.path().join("proc"), folder.path().join("groups"));
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let count = || count_kills(&proc, &groups);
    assert_eq!(count(), 0, "nobody counts");
    write("proc/vmstat", "nr_free_pages 5\noom_kill 9\n");
    assert_eq!(count(), 9, "no group: the machine's count");
    write("proc/self/cgroup", "0::/user.slice/app.scope\n");
    assert_eq!(count(), 9, "a group that does not count");
    write(
        "groups/user.slice/app.scope/memory.events",
        "low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
    );
    assert_eq!(count(), 2, "its own group's count, not that of others");
    write("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n");
    write(
        "groups/memory/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
    );
    assert_eq!(count(), 4, "a container whose group lies at the top");
    write(
        "groups/memory/docker/abc/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
    );
    assert_eq!(count(), 5);
}
