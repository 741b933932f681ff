//! References to models of the hub, the short list, and the user's token.

use burnish::formats::hub_cache::HubRef;
use burnish::hub::{curated, token};

#[test]
fn references_are_read_and_written_alike() {
    let read = |text: &str| HubRef::parse(text).map(|r| (r.repo, r.revision, r.file));
    let some = |repo: &str, revision: &str, file: Option<&str>| {
        Some((repo.to_string(), revision.to_string(), file.map(String::from)))
    };
    assert_eq!(read("gpt2"), some("gpt2", "main", None));
    assert_eq!(read(" owner/Name-1.5 "), some("owner/Name-1.5", "main", None));
    assert_eq!(read("owner/name@v1.0"), some("owner/name", "v1.0", None));
    assert_eq!(read("owner/name@refs/pr/3"), some("owner/name", "refs/pr/3", None));
    assert_eq!(
        read("owner/name/a.Q4_0.gguf"),
        some("owner/name", "main", Some("a.Q4_0.gguf"))
    );
    assert_eq!(read("owner/name@v1/a.gguf"), some("owner/name", "v1", Some("a.gguf")));
    for text in ["gpt2", "owner/name@v1", "owner/name/a.gguf", "owner/name@v1/a.gguf"] {
        assert_eq!(HubRef::parse(text).unwrap().text(), text);
    }
}

#[test]
fn what_is_no_reference_is_none() {
    for wrong in [
        "",
        "a/b/c",
        "/absolute/path",
        "../up",
        "owner/..",
        "owner/na me",
        "owner//name",
        "owner/name@",
        "owner/name@../x",
        "owner/name/../../x.gguf",
        "owner/name@a/../../x.gguf",
        "owner--x/name",
        "-owner/name",
        "https://huggingface.co/owner/name",
    ] {
        assert_eq!(HubRef::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn the_short_list_is_whole() {
    let models = curated::models();
    let names: Vec<&str> = models.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names.len(), 11, "{names:?}");
    for model in models {
        let kinds: Vec<curated::Kind> = model.variants.iter().map(|v| v.kind).collect();
        assert_eq!(kinds, [curated::Kind::Base, curated::Kind::Instruct], "{}", model.name);
        assert!(model.licence_page.starts_with("https://"));
        for variant in &model.variants {
            assert!(HubRef::parse(&variant.repo).is_some_and(|r| r.repo == variant.repo));
            // Two bytes a parameter, or four.
            let share = variant.bytes as f64 / model.parameters as f64;
            assert!((1.9..4.2).contains(&share), "{}: {share}", variant.repo);
        }
    }
    let gated: Vec<&str> = models.iter().filter(|m| m.gated).map(|m| m.name.as_str()).collect();
    assert_eq!(gated, ["Llama 3.2 1B", "Llama 3.2 3B", "Gemma 3 270M", "Gemma 3 1B"]);
}

#[test]
fn tokens_are_cleaned_and_kept_for_the_user_alone() {
    assert_eq!(token::clean("  hf_abc\n").unwrap(), "hf_abc");
    for wrong in ["", "  ", "hf_a b", "hf_a\nX-Header: 1", "hf_ä"] {
        assert!(token::clean(wrong).is_err(), "{wrong:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/hub-token");
    token::keep_in_file("hf_abc", &file).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hf_abc");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_token_is_never_printed() {
    let job = burnish::protocol::Job::Fetch {
        model: "owner/name".into(),
        token: Some(burnish::protocol::Secret("hf_abc".into())),
    };
    assert!(!format!("{job:?}").contains("hf_abc"));
}
