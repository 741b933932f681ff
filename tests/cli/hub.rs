//! `burnish fetch` and models of the hub's cache, from a hub of the test's own, through the real program and its worker.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::hub_server::{HubServer, Repo, TOKEN};
use super::kit::{Answer, World, answer};

const ID: &str = "owner/tiny-model";

/// A hub that holds the tiny model of the other tests.
struct Hub {
    world: World,
    server: HubServer,
}

impl Hub {
    fn new(change: impl FnOnce(Repo) -> Repo) -> Self {
        let (world, server) = (World::new(), HubServer::start());
        let read = |name: &str| std::fs::read(world.path("model").join(name)).unwrap();
        let repo = Repo::new("beef")
            .small("config.json", read("config.json"))
            .large("tokenizer.json", read("tokenizer.json"))
            .large("model.safetensors", read("model.safetensors"));
        server.add(ID, change(repo));
        Self { world, server }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command
            .env("HF_ENDPOINT", &self.server.url)
            .env("HF_HOME", self.world.path("hf"))
            .env("BURNISH_NO_KEYRING", "1");
        for name in [
            "HF_TOKEN",
            "HF_TOKEN_PATH",
            "HUGGING_FACE_HUB_TOKEN",
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_HUB_OFFLINE",
        ] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).output().unwrap())
    }
}

#[test]
fn a_downloaded_model_is_a_model_everywhere() {
    let hub = Hub::new(|repo| repo);
    hub.run(&["generate", "--model", ID, "--prompt", "x", "--raw"]).refuses(
        1,
        &[
            "neither a path here nor a downloaded model",
            "burnish fetch owner/tiny-model",
        ],
    );
    let lines = hub.run(&["fetch", ID, "--json"]).ok().lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["model"], ID);
    let weights = std::fs::metadata(hub.world.path("model").join("model.safetensors"))
        .unwrap()
        .len();
    assert!(lines[0]["bytes"].as_u64().unwrap() > weights);
    let path = std::path::PathBuf::from(lines[0]["path"].as_str().unwrap());
    assert!(path.starts_with(hub.world.path("hf/hub/models--owner--tiny-model/snapshots")));
    let elsewhere = hub.server.asked("/cdn/");
    assert!(elsewhere.iter().all(|a| a.host.starts_with("127.0.0.1")) && elsewhere.len() == 2);
    let again = hub.run(&["fetch", ID]).ok();
    assert!(again.stdout.contains("was there already"), "{}", again.stdout);
    let arguments = [
        "generate",
        "--json",
        "--model",
        ID,
        "--prompt",
        "x",
        "--raw",
        "--max-tokens",
        "4",
        "--device",
        "cpu",
    ];
    let from_hub = hub.run(&arguments).ok().lines();
    let folder = hub.world.text("model");
    let from_folder = hub
        .run(&arguments.map(|a| if a == ID { folder.as_str() } else { a }))
        .ok()
        .lines();
    assert_eq!(from_hub[0]["ids"], from_folder[0]["ids"]);
    let models = hub.run(&["models", "--json"]).ok().lines();
    let of = |source: &str| models.iter().filter(|m| m["source"] == source).collect::<Vec<&Value>>();
    assert_eq!(of("cache").len(), 1);
    assert_eq!(of("cache")[0]["model"], ID);
    assert_eq!(of("hub").len(), 22, "base and instruct of each");
    assert!(
        of("hub")
            .iter()
            .all(|m| ["yes", "no", "unknown"].contains(&m["fits"]["lora"].as_str().unwrap()))
    );
}

#[test]
fn a_gated_model_names_its_page_and_takes_the_token_of_the_environment() {
    let hub = Hub::new(|repo| Repo { gated: true, ..repo });
    hub.run(&["fetch", ID]).refuses(
        1,
        &[
            "is gated",
            &format!("{}/{ID}", hub.server.url),
            "HF_TOKEN",
            "hf auth login",
        ],
    );
    let with =
        |name: &str, value: &std::ffi::OsStr| answer(hub.command(&["fetch", ID]).env(name, value).output().unwrap());
    with("HF_TOKEN", "hf_old".as_ref()).refuses(1, &["does not accept the token"]);
    let file = hub.world.write("my-token", &format!("{TOKEN}\n"));
    with("HF_TOKEN_PATH", file.as_os_str()).ok();
    std::fs::remove_dir_all(hub.world.path("hf")).unwrap();
    hub.world.write("hf/token", TOKEN);
    hub.run(&["fetch", ID]).ok();
    std::fs::remove_dir_all(hub.world.path("hf")).unwrap();
    // What the window's dialog kept.
    hub.world.write("home/hub-token", TOKEN);
    hub.run(&["fetch", ID]).ok();
}

#[test]
fn wrong_names_and_options_are_wrong_usage() {
    let hub = Hub::new(|repo| repo);
    hub.run(&["fetch", "no model"])
        .refuses(2, &["\"no model\"", "OWNER/NAME"]);
    hub.run(&["fetch", ID, "--file", "../x.gguf"])
        .refuses(2, &["Check --revision and --file"]);
    hub.server.rename("owner/older-name", ID);
    hub.run(&["fetch", "owner/older-name"]).ok();
    hub.run(&["fetch", ID, "--revision", "v7"])
        .refuses(1, &["no revision \"v7\""]);
}

#[test]
fn the_cache_serves_without_the_hub() {
    let hub = Hub::new(|repo| repo);
    hub.run(&["fetch", ID]).ok();
    let offline = |arguments: &[&str]| {
        answer(
            hub.command(arguments)
                .env("HF_ENDPOINT", "http://127.0.0.1:9")
                .output()
                .unwrap(),
        )
    };
    let answer = offline(&["fetch", ID]).ok();
    assert!(answer.stderr.contains("taken from the cache"), "{}", answer.stderr);
    offline(&["fetch", "owner/other"]).refuses(1, &["Could not reach http://127.0.0.1:9"]);
    offline(&[
        "score",
        "--json",
        "--model",
        ID,
        "--ids",
        &ids(&hub.world),
        "--device",
        "cpu",
    ])
    .ok();
}

fn ids(world: &World) -> String {
    world.write("ids.json", "[1, 2, 3]").to_string_lossy().into_owned()
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_came_and_the_next_call_goes_on() {
    let hub = Hub::new(|repo| repo);
    hub.server.faults(|f| f.slow = Some((2_000, Duration::from_millis(50))));
    let child = hub
        .command(&["fetch", ID])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while hub.server.sent("model.safetensors") < 6_000 {
        assert!(Instant::now() < end, "nothing was sent");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    answer(child.wait_with_output().unwrap()).refuses(1, &["Cancelled", "kept"]);
    hub.server.faults(|f| f.slow = None);
    let whole = std::fs::metadata(hub.world.path("model").join("model.safetensors"))
        .unwrap()
        .len();
    let line = hub.run(&["fetch", ID, "--json"]).ok().lines().remove(0);
    let came = line["bytes"].as_u64().unwrap();
    assert!(came <= whole - 4_000, "{came} of {whole} bytes came again");
}
