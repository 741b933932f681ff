//! Downloads from a hub of the test's own: the cache's layout, cuts, damage, slow links, full disks, cancelling.

use super::hub_server::Repo;
use burnish::formats::hub_cache::{self, HubRef};
use burnish::hub::{Hub, HubError, Progress, Watch};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::hub_kit::{ID, WEIGHTS, World, model, noise, says};

#[test]
fn what_is_needed_is_laid_out_as_python_lays_it_out() {
    let world = World::new(model());
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(
        fetched.files,
        ["config.json", "tokenizer.json", WEIGHTS],
        "no pickles, no readme"
    );
    assert_eq!(fetched.reference, ID);
    let repo = world.hub.cache.join("models--owner--tiny-model");
    assert_eq!(std::fs::read_to_string(repo.join("refs/main")).unwrap(), fetched.commit);
    assert_eq!(fetched.path, repo.join("snapshots").join(&fetched.commit));
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
    let link = std::fs::read_link(fetched.path.join(WEIGHTS)).unwrap();
    assert!(
        link.starts_with("../../blobs"),
        "{link:?} must survive moving the cache"
    );
    let sizes: Vec<usize> = world.blobs().iter().map(String::len).collect();
    assert_eq!(world.blobs().len(), 3);
    assert!(
        sizes.iter().all(|len| [40, 64].contains(len)),
        "blobs are named by their hashes: {sizes:?}"
    );
    assert_eq!(
        hub_cache::find_in(&world.hub.cache, &HubRef::parse(ID).unwrap()),
        Some(fetched.path)
    );
    assert_eq!(hub_cache::list(&world.hub.cache), [ID]);
}

#[test]
fn what_is_there_is_not_loaded_again() {
    let world = World::new(model());
    let first = world.fetch(ID).unwrap();
    assert_eq!(first.loaded, 300_000 + 23 + 2);
    let before = world.server.asked("/resolve/").len();
    let second = world.fetch(ID).unwrap();
    assert_eq!((second.loaded, second.path), (0, first.path));
    assert_eq!(world.server.asked("/resolve/").len(), before);
}

#[test]
fn a_new_commit_loads_only_what_changed() {
    let world = World::new(model());
    let first = world.fetch(ID).unwrap();
    let mut changed = model();
    changed.commit = "d".repeat(40);
    changed.files[0].1 = b"{\"model_type\": \"gemma3_text\"}".to_vec();
    world.server.add(ID, changed);
    let second = world.fetch(ID).unwrap();
    assert_eq!(second.loaded, 29);
    assert_ne!(first.path, second.path);
    assert!(first.path.join(WEIGHTS).is_file(), "the older snapshot stays");
    assert_eq!(
        world.fetch(&format!("{ID}@{}", second.commit)).unwrap().path,
        second.path,
        "a commit is a revision, too"
    );
}

#[test]
fn a_cut_connection_goes_on_where_it_ended() {
    let world = World::new(model());
    world.server.faults(|f| {
        f.cuts.insert(WEIGHTS.into(), [100_000, 50_000, 149_999].into());
    });
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
    assert_eq!(world.server.sent(WEIGHTS), 300_000, "no byte was sent twice");
    let ranges: Vec<String> = world
        .server
        .asked("/cdn/")
        .into_iter()
        .filter_map(|a| a.range)
        .collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=150000-", "bytes=299999-"]);
}

#[test]
fn cuts_without_end_are_an_error_and_the_next_download_goes_on() {
    let world = World::new(model());
    world.server.faults(|f| {
        f.cuts.insert(WEIGHTS.into(), [70_000, 0, 0, 0].into());
    });
    let error = world.fetch(ID).unwrap_err();
    says(&error, &["broke 3 times", WEIGHTS, "70 kB of 300 kB", "download again"]);
    assert_eq!(world.partial().unwrap().metadata().unwrap().len(), 70_000);
    assert_eq!(
        hub_cache::find_in(&world.hub.cache, &HubRef::parse(ID).unwrap()),
        None,
        "no half model is found"
    );
    world.server.faults(|f| f.cuts.clear());
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(fetched.loaded, 230_000);
    assert_eq!(world.server.sent(WEIGHTS), 300_000);
    assert_eq!(world.partial(), None);
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let world = World::new(model());
    world.server.faults(|f| {
        f.no_ranges = true;
        f.cuts.insert(WEIGHTS.into(), [100_000].into());
    });
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
    assert_eq!(world.server.sent(WEIGHTS), 400_000);
}

#[test]
fn damaged_files_are_thrown_away() {
    for file in [WEIGHTS, "tokenizer.json"] {
        let world = World::new(model());
        world.server.faults(|f| f.damaged.extend([file.into()]));
        let error = world.fetch(ID).unwrap_err();
        assert!(
            matches!(&error, HubError::Hash { file: named, expected, found } if named == file && expected != found)
        );
        says(&error, &["damaged", file, "thrown away"]);
        assert_eq!(world.partial(), None);
        world.server.faults(|f| f.damaged.clear());
        assert!(world.fetch(ID).is_ok());
    }
}

#[test]
fn a_damaged_rest_of_an_earlier_download_is_loaded_anew() {
    let world = World::new(model());
    world
        .server
        .faults(|f| drop(f.cuts.insert(WEIGHTS.into(), [70_000, 0, 0, 0].into())));
    world.fetch(ID).unwrap_err();
    std::fs::write(world.partial().unwrap(), vec![0; 90_000]).unwrap();
    world.server.faults(|f| f.cuts.clear());
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
}

#[test]
fn a_wrong_size_is_an_error() {
    let world = World::new(model());
    world.server.faults(|f| f.longer.extend([WEIGHTS.into()]));
    let error = world.fetch(ID).unwrap_err();
    assert!(
        matches!(
            error,
            HubError::Size {
                expected: 300_000,
                found: 300_001,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_slow_link_tells_how_long_it_will_take() {
    let world = World::new(model());
    world
        .server
        .faults(|f| f.slow = Some((20_000, Duration::from_millis(100))));
    let told: RefCell<Vec<Progress>> = RefCell::default();
    let mut watch = Watch {
        progress: &mut |p| told.borrow_mut().push(p.clone()),
        stop: &|| false,
    };
    world.hub.fetch(&HubRef::parse(ID).unwrap(), None, &mut watch).unwrap();
    let told = told.into_inner();
    assert!(told.len() >= 5, "only {} reports", told.len());
    assert!(told.is_sorted_by_key(|p| p.done));
    let last = told.last().unwrap();
    assert_eq!((last.done, last.total), (300_025, 300_025));
    let guesses: Vec<(u64, f64)> = told.iter().filter_map(|p| Some((p.done, p.seconds_left?))).collect();
    assert!(!guesses.is_empty(), "no time left was told");
    for (done, seconds) in guesses {
        // 200 kB a second at most; twice that for a busy machine's jitter, ten times slower for the same reason.
        let least = (300_025 - done) as f64 / 400_000.0;
        assert!(
            seconds >= least && seconds <= 20.0 * least + 1.0,
            "{seconds} s for {} bytes",
            300_025 - done
        );
    }
}

#[test]
fn silence_is_a_cut() {
    let world = World::new(model());
    world
        .server
        .faults(|f| f.slow = Some((100_000, Duration::from_secs(60))));
    let start = Instant::now();
    let fetched = std::thread::scope(|scope| {
        let fetch = scope.spawn(|| world.fetch(ID));
        std::thread::sleep(Duration::from_millis(300));
        // The connection that hangs stays as it is; the next one is well.
        world.server.faults(|f| f.slow = None);
        fetch.join().unwrap()
    });
    assert_eq!(
        std::fs::read(fetched.unwrap().path.join(WEIGHTS)).unwrap(),
        noise(300_000)
    );
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn cancelling_is_quick_and_keeps_what_came() {
    let world = World::new(model());
    world
        .server
        .faults(|f| f.slow = Some((50_000, Duration::from_millis(400))));
    let stopped = RefCell::new(None);
    let mut watch = Watch {
        progress: &mut |p| {
            if p.done > 40_000 && stopped.borrow().is_none() {
                *stopped.borrow_mut() = Some(Instant::now());
            }
        },
        stop: &|| stopped.borrow().is_some(),
    };
    let error = world
        .hub
        .fetch(&HubRef::parse(ID).unwrap(), None, &mut watch)
        .unwrap_err();
    let took = stopped.into_inner().unwrap().elapsed();
    assert!(took < Duration::from_millis(350), "it took {took:?}");
    says(&error, &["Cancelled", ID, "kept"]);
    let kept = world.partial().unwrap().metadata().unwrap().len();
    assert!((1..300_000).contains(&kept), "{kept}");
    world.server.faults(|f| f.slow = None);
    assert_eq!(world.fetch(ID).unwrap().loaded, 300_000 - kept);
}

#[test]
fn a_full_disk_is_said_before_anything_is_loaded() {
    let mut world = World::new(model());
    world.hub.free_space = |_| Ok(200_000);
    let error = world.fetch(ID).unwrap_err();
    says(&error, &["300 kB are needed", "only 200 kB are free", "HF_HOME"]);
    assert!(world.server.asked("/resolve/").is_empty());
    world.hub.free_space = |_| Ok(300_025);
    world.fetch(ID).unwrap();
    world.hub.free_space = |_| Ok(0);
    world.fetch(ID).expect("what is there needs no room");
}

#[test]
fn the_real_disk_is_asked() {
    let hub = Hub::new("https://hub.invalid", PathBuf::new()).unwrap();
    assert!((hub.free_space)(Path::new(".")).unwrap() > 0);
}

#[test]
fn without_the_hub_the_cache_serves() {
    let mut world = World::new(model());
    let here = world.fetch(ID).unwrap();
    world.hub.endpoint = "http://127.0.0.1:9".into();
    let again = world.fetch(ID).unwrap();
    assert_eq!((again.path, again.loaded), (here.path.clone(), 0));
    assert!(again.note.unwrap().contains("taken from the cache"));
    let error = world.fetch("owner/other").unwrap_err();
    says(&error, &["Could not reach http://127.0.0.1:9", "network"]);
    world.hub.offline = true;
    assert_eq!(world.fetch(ID).unwrap().path, here.path);
    says(&world.fetch("owner/other").unwrap_err(), &["HF_HUB_OFFLINE"]);
    // A snapshot that lost its weights is no model.
    std::fs::remove_file(here.path.join(WEIGHTS)).unwrap();
    assert!(world.fetch(ID).is_err());
}

#[test]
fn another_program_that_loads_the_same_file_is_waited_for() {
    let world = World::new(Repo::new("ab").large("only.gguf", noise(10)));
    world.fetch(ID).unwrap();
    let blob = world.blobs().remove(0);
    let lock = world
        .hub
        .cache
        .join(".locks/models--owner--tiny-model")
        .join(format!("{blob}.lock"));
    let held = std::fs::File::open(lock).unwrap();
    held.lock().unwrap();
    let start = Instant::now();
    let mut watch = Watch {
        progress: &mut |_| {},
        stop: &|| start.elapsed() > Duration::from_millis(300),
    };
    let wanted = HubRef::parse(ID).unwrap();
    assert!(matches!(
        world.hub.fetch(&wanted, None, &mut watch),
        Err(HubError::Cancelled { .. })
    ));
    held.unlock().unwrap();
    assert!(world.fetch(ID).is_ok());
}
