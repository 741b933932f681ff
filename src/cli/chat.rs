//! `burnish chat`: a conversation in the terminal.

use std::io::{BufRead, IsTerminal};

use super::{args::ChatArgs, console::Console, failure::Failure, generate::Printer, interrupt, jobs::Worker};
use crate::protocol::{ChatMessage, Event, Job, Prompt};

const HELP: &str = "Type a message and press Enter. /new starts again, /quit or Ctrl+D ends, Ctrl+C stops an answer.";

/// Reads messages from stdin and answers them until the input ends.
///
/// # Errors
/// The model cannot be used, or the worker died.
pub fn run(args: &ChatArgs, console: &Console) -> Result<(), Failure> {
    let mut worker = Worker::start(console)?;
    let model = args.model.model_ref();
    worker.run(Job::Load { model: model.clone() }, &mut |_| {})?;
    let mut messages = opening(args);
    let people = std::io::stdin().is_terminal();
    if people {
        console.say(HELP);
    }
    loop {
        if people {
            console.piece("> ");
        }
        let Some(line) = read_line()? else { break };
        match line.trim() {
            "" => continue,
            "/quit" => break,
            "/new" => {
                messages = opening(args);
                continue;
            }
            text => messages.push(message("user", text)),
        }
        interrupt::forget();
        let job = Job::Generate {
            model: model.clone(),
            prompt: Prompt::Messages(messages.clone()),
            sampling: args.sampling.sampling(),
            logits_top: 0,
            alternatives: args.alternatives,
        };
        let mut answer = String::new();
        let mut printer = Printer::new(console);
        let result = worker.run(job, &mut |event| {
            if let Event::Generated { text, .. } = &event {
                answer = text.clone();
            }
            printer.take(event);
        });
        match result {
            Ok(()) => messages.push(message("assistant", &answer)),
            // A prompt that does not fit is no reason to lose the conversation.
            Err(Failure::Failed(text)) if people => {
                console.say(&text);
                messages.pop();
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn opening(args: &ChatArgs) -> Vec<ChatMessage> {
    args.system.iter().map(|text| message("system", text)).collect()
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage {
        role: role.into(),
        content: content.into(),
    }
}

/// A line, or `None` at the end of the input.
fn read_line() -> Result<Option<String>, Failure> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line)),
        Err(error) => Err(Failure::Failed(format!("The input could not be read: {error}."))),
    }
}
