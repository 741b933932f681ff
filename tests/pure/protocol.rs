//! What window, command line and workers say to each other survives the trip as JSON lines.

use std::path::PathBuf;

use burnish::audit::{Finding, FindingKind, Fix, RowRef, Severity};
use burnish::protocol::{
    Control, DataTimes, Event, Frame, Job, ModelRef, Prompt, Reading, Request, Sampling, StopReason, escape, unescape,
};
use burnish::recipe::Recipe;
use burnish::template::Mode;

fn events() -> Vec<Event> {
    vec![
        Event::Ready { pid: 7 },
        Event::Stage {
            stage: "Loading".into(),
            done: 1,
            total: 2,
        },
        Event::Step {
            step: 3,
            loss: 1.5,
            lr: 1e-3,
            grad_norm: 0.5,
            tokens: 9,
            supervised_tokens: 4,
            seconds: 0.25,
            epoch: 0.5,
            norms: vec![burnish::protocol::GroupNorm {
                group: "attention".into(),
                norm: 0.25,
            }],
            rows: vec![(0, 17)],
            loss_scale: None,
            memory: 1 << 20,
        },
        Event::Checkpoint {
            step: 3,
            path: PathBuf::from("run/checkpoint-3"),
        },
        Event::Token {
            id: 42,
            text: " Paris".into(),
            probability: Some(0.5),
            alternatives: vec![],
        },
        Event::Generated {
            prompt_ids: vec![1, 2],
            ids: vec![3],
            text: "x".into(),
            stop: StopReason::EndOfTurn,
            tokens_per_second: 10.0,
            first_token_seconds: 0.25,
            ended: None,
            reading: Reading::default(),
            top: vec![],
        },
        Event::Scored {
            row: 0,
            tokens: 2,
            supervised: 1,
            loss: Some(0.5),
            nll: vec![None, Some(0.5)],
        },
        Event::Finding(Finding {
            kind: FindingKind::EndNotLearned,
            severity: Severity::Serious,
            count: 2,
            rows: vec![RowRef { file: 0, row: 3 }, RowRef { file: 1, row: 0 }],
            message: "2 rows".into(),
            fix: Some(Fix::SetMode(Mode::Assistant)),
        }),
        Event::Audited {
            summary: Box::default(),
        },
        Event::DataTimed(DataTimes {
            rows: 2,
            anew: vec![0.5],
            ..DataTimes::default()
        }),
        Event::Done,
        Event::Failed { message: "no".into() },
    ]
}

#[test]
fn frames_survive_the_trip() {
    for event in events() {
        let frame = Frame { id: 5, event };
        let line = serde_json::to_string(&frame).expect("JSON");
        assert!(!line.contains('\n'));
        let back: Frame = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(back, frame, "{line}");
    }
}

#[test]
fn requests_survive_the_trip() {
    let model = ModelRef {
        model: "starter".into(),
        adapter: None,
        template: None,
        device: "cpu".into(),
    };
    let job = Job::Generate {
        model,
        prompt: Prompt::Raw("a\nb".into()),
        sampling: Sampling::default(),
        logits_top: 3,
        alternatives: 5,
    };
    for request in [
        Request::Job {
            id: 1,
            job: Box::new(job),
        },
        Request::Control(Control::Stop),
    ] {
        let line = serde_json::to_string(&request).expect("JSON");
        assert_eq!(serde_json::from_str::<Request>(&line).expect("request"), request);
    }
}

#[test]
fn stop_texts_survive_as_one_line_and_can_be_typed() {
    let texts = [
        "\n\nUser:",
        "a\\nb",
        "\\",
        "\\\\",
        "\\\n",
        "\t\\\t",
        "C:\\new",
        "plain",
        "",
    ];
    for text in texts {
        let line = escape(text);
        assert!(!line.contains(['\n', '\t']), "{line:?}");
        assert_eq!(unescape(&line), text, "{line:?}");
    }
    // Typed one character after the other, shown again in between.
    let mut kept = String::new();
    for c in r"\nUser".chars() {
        kept = unescape(&format!("{}{c}", escape(&kept)));
    }
    assert_eq!(kept, "\nUser");
}

#[test]
fn settings_of_an_older_version_are_read() {
    let old = r#"{"temperature":0.5,"top_k":0,"top_p":1.0,"seed":3,"max_tokens":64}"#;
    let sampling: Sampling = serde_json::from_str(old).expect("sampling");
    assert_eq!((sampling.min_p, sampling.repetition_penalty), (0.0, 1.0));
    assert!(sampling.stop.is_empty());
}

#[test]
fn findings_keep_their_names_on_the_wire() {
    let line = serde_json::to_value(&events()[7]).expect("an event is an object");
    assert_eq!(line["event"], "finding");
    assert_eq!(line["finding"], "end-not-learned");
    assert_eq!(line["severity"], "serious");
    assert_eq!(line["rows"][1]["file"], 1);
}

#[test]
fn every_fix_is_a_setting_that_recipes_take() {
    let recipe = Recipe::new("starter", vec!["rows.jsonl".into()]);
    for fix in [
        Fix::SetMode(Mode::Last),
        Fix::SetMaxLength(1024),
        Fix::SetTemplate("llama3".into()),
        Fix::TrainMarkers,
        Fix::SetPacking(true),
    ] {
        let changed = recipe.with(&fix.setting()).expect("the setting fits");
        assert_ne!(changed, recipe, "{}", fix.label());
    }
}
