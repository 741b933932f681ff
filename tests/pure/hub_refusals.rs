//! What a hub does not give, and what is not taken from it: unknown, gated and foreign files, and the choice among several.

use super::hub_server::{Repo, TOKEN};
use burnish::formats::hub_cache::{self};
use burnish::hub::{Hub, HubError, Refusal};
use std::path::PathBuf;

use super::hub_kit::{ID, WEIGHTS, World, model, noise, says};

#[test]
fn unknown_models_revisions_and_files_say_what_to_check() {
    let world = World::new(model());
    let with_token = |reference| world.fetch_as(reference, Some(TOKEN)).unwrap_err();
    says(
        &with_token("owner/misspelt"),
        &["has no model owner/misspelt", "capital letters"],
    );
    let error = world.fetch("owner/misspelt").unwrap_err();
    says(
        &error,
        &[
            "no public model owner/misspelt",
            "Check owner and name",
            "/owner/misspelt",
        ],
    );
    says(&world.fetch(&format!("{ID}@v9")).unwrap_err(), &["no revision \"v9\""]);
    says(
        &world.fetch(&format!("{ID}/x.gguf")).unwrap_err(),
        &["no file x.gguf", "/tree/main"],
    );
}

#[test]
fn refusals_name_the_licence_page_and_what_is_missing() {
    let refused = |repo: Repo, token: Option<&str>| {
        let world = World::new(repo);
        let error = world.fetch_as(ID, token).unwrap_err();
        let HubError::Refused { why, had_token, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*had_token, token.is_some());
        (*why, error.to_string())
    };
    let gated = || Repo { gated: true, ..model() };
    let (why, text) = refused(gated(), None);
    assert_eq!(why, Refusal::Gated);
    assert!(text.contains(&format!("/{ID}")) && text.contains("HF_TOKEN"), "{text}");
    let (why, text) = refused(gated(), Some("hf_other"));
    assert!(
        why == Refusal::Gated && text.contains("has not been let in yet"),
        "{text}"
    );
    let private = || Repo {
        private: true,
        ..model()
    };
    assert_eq!(refused(private(), None).0, Refusal::Hidden);
    assert_eq!(refused(private(), Some("hf_other")).0, Refusal::NotAllowed);
    let (why, text) = refused(model(), Some("hf_old"));
    assert!(
        why == Refusal::BadToken && text.contains("does not accept the token"),
        "{text}"
    );
}

#[test]
fn a_token_opens_gated_models_and_goes_to_the_hub_alone() {
    let world = World::new(Repo { gated: true, ..model() });
    world.fetch_as(ID, Some(TOKEN)).unwrap();
    let hub = world.server.asked("/resolve/");
    assert!(hub.iter().all(|a| a.token.as_deref() == Some(TOKEN)));
    let elsewhere = world.server.asked("/cdn/");
    assert!(
        elsewhere
            .iter()
            .all(|a| a.host.starts_with("127.0.0.1") && a.token.is_none())
            && !elsewhere.is_empty()
    );
}

#[test]
fn a_listing_without_hashes_is_completed_by_asking_for_each_file() {
    let world = World::new(model());
    world.server.faults(|f| f.no_blobs = true);
    let fetched = world.fetch(ID).unwrap();
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
    let heads = world
        .server
        .asked("/resolve/")
        .into_iter()
        .filter(|a| a.method == "HEAD")
        .count();
    assert_eq!(heads, 3);
    world.server.faults(|f| f.damaged.extend([WEIGHTS.into()]));
    std::fs::remove_dir_all(world.hub.cache.join("models--owner--tiny-model")).unwrap();
    assert!(
        matches!(world.fetch(ID), Err(HubError::Hash { .. })),
        "the etag is checked"
    );
}

#[test]
fn a_renamed_model_is_followed() {
    let world = World::new(model());
    world.server.rename("owner/older-name", ID);
    let fetched = world.fetch("owner/older-name").unwrap();
    assert_eq!(std::fs::read(fetched.path.join(WEIGHTS)).unwrap(), noise(300_000));
}

#[test]
fn of_gguf_files_one_is_chosen() {
    let files = Repo::new("ab")
        .small("README.md", "x")
        .large("tiny.Q4_K_M.gguf", noise(3000))
        .large("tiny.Q8_0.gguf", noise(5000))
        .large("mmproj-tiny.gguf", noise(100));
    let world = World::new(files);
    let error = world.fetch(ID).unwrap_err();
    says(
        &error,
        &["2 GGUF files", "tiny.Q4_K_M.gguf (3.0 kB)", "tiny.Q8_0.gguf (5.0 kB)"],
    );
    let wanted = format!("{ID}/tiny.Q8_0.gguf");
    let fetched = world.fetch(&wanted).unwrap();
    assert_eq!(fetched.files, ["tiny.Q8_0.gguf"]);
    assert_eq!(fetched.reference, wanted);
    assert!(fetched.path.ends_with("tiny.Q8_0.gguf") && fetched.path.is_file());
    assert_eq!(hub_cache::list(&world.hub.cache), [wanted]);
    let lone = World::new(Repo::new("ab").large("only.gguf", noise(10)));
    assert_eq!(lone.fetch(ID).unwrap().reference, format!("{ID}/only.gguf"));
}

#[test]
fn pickles_and_models_without_weights_are_refused() {
    let pickles = World::new(
        Repo::new("ab")
            .small("config.json", "{}")
            .large("pytorch_model.bin", noise(10)),
    );
    says(
        &pickles.fetch(ID).unwrap_err(),
        &["pickles", "pytorch_model.bin", "run code"],
    );
    assert!(pickles.blobs().is_empty());
    let bare = World::new(Repo::new("ab").small("config.json", "{}"));
    says(&bare.fetch(ID).unwrap_err(), &["neither .safetensors nor .gguf"]);
}

#[test]
fn weights_in_parts_come_whole() {
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    let parts = |second: bool| {
        let repo = Repo::new("ab")
            .small("config.json", "{}")
            .small("model.safetensors.index.json", index);
        let repo = repo.large("model-00001-of-00002.safetensors", noise(100));
        if second {
            repo.large("model-00002-of-00002.safetensors", noise(120))
        } else {
            repo
        }
    };
    assert_eq!(World::new(parts(true)).fetch(ID).unwrap().files.len(), 4);
    let error = World::new(parts(false)).fetch(ID).unwrap_err();
    says(&error, &["no file model-00002-of-00002.safetensors"]);
}

#[test]
fn answers_that_are_not_the_hubs_are_said() {
    let world = World::new(model());
    world
        .server
        .faults(|f| f.page = Some("<html>Log in to this network</html>".into()));
    says(&world.fetch(ID).unwrap_err(), &["not the hub's", "HF_ENDPOINT"]);
    world
        .server
        .faults(|f| f.page = Some(r#"{"sha": "../../..", "siblings": []}"#.into()));
    says(&world.fetch(ID).unwrap_err(), &["the commit is"]);
    world.server.faults(|f| (f.page, f.busy) = (None, 2));
    assert!(world.fetch(ID).is_ok(), "a busy server is asked again");
}

#[test]
fn names_that_would_climb_out_of_the_cache_are_passed_over() {
    let evil = Repo::new("ab")
        .small("config.json", "{}")
        .large("../../../../evil.gguf", noise(10));
    let world = World::new(evil);
    assert!(matches!(world.fetch(ID), Err(HubError::NoWeights { .. })));
    assert!(!world.folder.path().join("evil.gguf").exists());
}

#[test]
fn addresses_are_checked() {
    for wrong in ["", "huggingface.co", "ftp://x", "https://", "http://a b"] {
        assert!(
            matches!(Hub::new(wrong, PathBuf::new()), Err(HubError::Endpoint(_))),
            "{wrong:?}"
        );
    }
    assert_eq!(
        Hub::new(" https://mirror.example/ ", PathBuf::new()).unwrap().endpoint,
        "https://mirror.example"
    );
}
