//! `burnish fetch`: a model of the hub into the cache that other tools use too.

use super::{args::FetchArgs, console::Console, failure::Failure, jobs};
use crate::formats::hub_cache::HubRef;
use crate::protocol::{Event, Job};

/// Downloads what is missing of a model, with progress; Ctrl+C keeps what came.
///
/// # Errors
/// The name is none, or the download failed.
pub fn run(args: &FetchArgs, console: &Console) -> Result<(), Failure> {
    let model = reference(args)?.text();
    let mut fetched = None;
    jobs::run_once(Job::Fetch { model, token: None }, console, &mut |event| match event {
        Event::Fetching { file, done, total, .. } => console.progress(&file, done, total),
        event @ Event::Fetched { .. } => fetched = Some(event),
        _ => {}
    })?;
    console.clear();
    if let Some(event) = fetched {
        console.result(&event, &line(&event));
    }
    Ok(())
}

fn reference(args: &FetchArgs) -> Result<HubRef, Failure> {
    let mut found = HubRef::parse(&args.model).ok_or_else(|| {
        Failure::Usage(format!(
            "\"{}\" is not the name of a model on the hub. Write it as OWNER/NAME, such as HuggingFaceTB/SmolLM2-135M.",
            args.model
        ))
    })?;
    if let Some(revision) = &args.revision {
        found.revision.clone_from(revision);
    }
    if args.file.is_some() {
        found.file.clone_from(&args.file);
    }
    let text = found.text();
    // What the options said has to be a name, too.
    HubRef::parse(&text).filter(|again| *again == found).ok_or_else(|| {
        Failure::Usage(format!(
            "\"{text}\" is not the name of a model on the hub. Check --revision and --file."
        ))
    })
}

fn line(event: &Event) -> String {
    let Event::Fetched { model, path, bytes, .. } = event else {
        return String::new();
    };
    let came = if *bytes == 0 {
        "was there already".into()
    } else {
        format!("{:.1} MB came", *bytes as f64 / 1e6)
    };
    format!("{model} {came} ({}). Use it as --model {model}", path.display())
}
