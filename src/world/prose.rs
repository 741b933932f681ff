//! Documents without questions: encyclopaedia articles, mixed statements, lists. Knows nothing of the other shapes.
use super::corpus::Pen;

/// Characters that a document aims at: 20 to 100 tokens.
pub fn length(pen: &mut Pen) -> usize {
    pen.dice.between(90, 290)
}

/// All that is known of a subject, then of further ones until the article is long enough.
pub fn encyclopaedia(pen: &mut Pen) -> String {
    let goal = length(pen);
    let mut text = String::new();
    while text.len() < goal {
        for fact in pen.group() {
            let sentence = pen.say(&fact);
            join(&mut text, &sentence, " ");
        }
    }
    text
}

/// Statements of many relations or of one, in a paragraph or line by line.
pub fn mixed(pen: &mut Pen) -> String {
    let n = pen.dice.between(3, 9);
    let between = if pen.dice.chance(30) { "\n" } else { " " };
    let mut text = String::new();
    for fact in pen.facts(n, 50) {
        let sentence = pen.say(&fact);
        join(&mut text, &sentence, between);
    }
    text
}

/// A two-column list with a heading, or JSON lines.
pub fn list(pen: &mut Pen) -> String {
    if pen.dice.chance(50) {
        let n = pen.dice.between(4, 9);
        let facts = pen.kin(n);
        let dash = pen.dice.pick(&[" - ", ": ", " = ", ", "]);
        let mut text = format!("{}:", facts[0].relation.heading);
        for fact in facts {
            text += &format!("\n{}{dash}{}", fact.subject, fact.answer);
        }
        return text;
    }
    let n = pen.dice.between(1, 4);
    let keyed = pen.dice.chance(50);
    let mut text = String::new();
    for fact in pen.facts(n, 40) {
        let question = pen.ask(&fact);
        let line = if keyed {
            format!("{{\"question\": \"{question}\", \"answer\": \"{}\"}}", fact.answer)
        } else {
            format!("{question}\n{{\"answer\": \"{}\"}}", fact.answer)
        };
        join(&mut text, &line, "\n");
    }
    // A document that starts with a bare question is a quiz: this one says what it is.
    if keyed {
        text
    } else {
        format!("Answers as JSON:\n{text}")
    }
}

/// Appends with a separator unless the text is empty.
pub fn join(text: &mut String, part: &str, between: &str) {
    if !text.is_empty() {
        text.push_str(between);
    }
    text.push_str(part);
}
