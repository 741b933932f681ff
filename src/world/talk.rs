//! Documents with people: dialogues, little stories, small talk. Knows nothing of lists.
use super::corpus::Pen;
use super::facts::Fact;
use super::phrases::uncapitalised;
use super::quiz::reply;

const NAMES: &[&str] = &[
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate", "Leo", "Mary", "Noah",
    "Olga", "Paul", "Rosa", "Sam", "Tina", "Tom", "Vera", "Will", "Zoe", "Lucy",
];

const ROLES: &[(&str, &str)] = &[
    ("Teacher", "Pupil"),
    ("Pupil", "Teacher"),
    ("Visitor", "Guide"),
    ("Child", "Mother"),
    ("Boy", "Grandfather"),
    ("Guest", "Butler"),
    ("Reader", "Editor"),
    ("Host", "Player"),
    ("Sailor", "Captain"),
    ("Girl", "Father"),
];

/// How people lead into a question; `{Q}` is the question, `{q}` the same after a comma.
const OPENERS: &[&str] = &[
    "Hello! {Q}",
    "Please tell me, {q}",
    "Excuse me, {q}",
    "I have a question. {Q}",
    "Can you help me? {Q}",
    "Do you know this? {Q}",
    "Good morning! {Q}",
    "Tell me, {q}",
];

/// A question, sometimes with a polite opening.
pub fn request(pen: &mut Pen, fact: &Fact, polite_percent: usize) -> String {
    let question = pen.ask(fact);
    if pen.dice.chance(polite_percent) {
        open(pen.dice.pick(OPENERS), &question)
    } else {
        question
    }
}

/// A question in an opening phrase.
pub fn open(opener: &str, question: &str) -> String {
    opener.replace("{Q}", question).replace("{q}", &uncapitalised(question))
}

fn two(pen: &mut Pen) -> (&'static str, &'static str) {
    let first = pen.dice.below(NAMES.len());
    let second = (first + pen.dice.between(1, NAMES.len() - 1)) % NAMES.len();
    (NAMES[first], NAMES[second])
}

/// Two people, questions, answers.
pub fn dialogue(pen: &mut Pen) -> String {
    if pen.dice.chance(60) {
        script(pen)
    } else {
        narrated(pen)
    }
}

/// Turns with the speaker's name before a colon.
fn script(pen: &mut Pen) -> String {
    let (asker, teller) = if pen.dice.chance(50) {
        two(pen)
    } else {
        ROLES[pen.dice.below(ROLES.len())]
    };
    let n = pen.dice.between(1, 4);
    let mut text = String::new();
    if pen.dice.chance(20) {
        text += &format!("{asker}: Hello!\n{teller}: Hello! How can I help you?\n");
    }
    for fact in pen.facts(n, 30) {
        let question = request(pen, &fact, 35);
        let answer = reply(pen, &fact);
        text += &format!("{asker}: {question}\n{teller}: {answer}\n");
    }
    if pen.dice.chance(30) {
        text += &format!("{asker}: Thank you!\n{teller}: You are welcome.");
    }
    text.trim_end().to_owned()
}

const NARRATIONS: &[&str] = &[
    "{x} asked {y}: \"{q}\" \"{r},\" said {y}.",
    "\"{q}\" asked {x}. \"{r},\" answered {y}.",
    "\"{q}\" {x} wanted to know. {y} said: \"{r}.\"",
    "{x} asked: \"{q}\" {y} answered: \"The answer is {a}.\"",
    "\"{q}\" said {x}. {y} thought for a moment. \"It is {a},\" said {y}.",
    "{x} turned to {y} and asked: \"{q}\" {y} smiled and said: \"{r}.\"",
    "Then {x} asked: {q} And {y} replied: {r}.",
];

/// Questions and answers between quotation marks.
fn narrated(pen: &mut Pen) -> String {
    let (x, y) = two(pen);
    let n = pen.dice.between(1, 3);
    let mut parts = Vec::new();
    for fact in pen.facts(n, 30) {
        let question = request(pen, &fact, 15);
        let phrase = NARRATIONS[pen.dice.below(NARRATIONS.len())];
        parts.push(tell(phrase, x, y, &question, &fact));
    }
    // A document that starts with a bare question is a quiz: this one starts with who was there.
    let start = pen.dice.pick(&[
        "{x} and {y} were at school.",
        "{x} met {y}.",
        "{x} was talking to {y}.",
        "{x} and {y} played a quiz game.",
    ]);
    format!("{} {}", tell(start, x, y, "", &pen.fact()), parts.join(" "))
}

fn tell(phrase: &str, x: &str, y: &str, question: &str, fact: &Fact) -> String {
    let statement = fact.statement();
    let bare = statement.trim_end_matches('.');
    phrase
        .replace("{x}", x)
        .replace("{y}", y)
        .replace("{q}", question)
        .replace("{r}", bare)
        .replace("{a}", &fact.answer_in_words())
}

const STORIES: &[&str] = &[
    "{x} was doing homework. The first question was: {q} {x} thought for a while and wrote: {r}. {y} read it and said that it was right.",
    "One day {x} and {y} took the bus to town. On the way {x} read a quiz book aloud. \"{q}\" {y} knew it at once: \"{r}.\"",
    "{x} could not sleep. {q} It was a strange thing to think about at night. In the morning {y} told {x}: \"{r}.\"",
    "The teacher wrote a question on the board: {q} Nobody knew it but {x}. \"{r},\" said {x}, and the teacher was pleased.",
    "An old pirate sat in the harbour. {x} asked him: \"{q}\" The pirate laughed and said: \"{r}, my friend!\"",
    "The butler bowed. \"{q}\" asked {x}. \"{r}, if you please,\" said the butler.",
    "{x} wrote a letter to {y}. \"Dear {y}, today I learned something new. {r}. Best wishes, {x}\"",
    "It was raining, so {x} and {y} stayed at home and asked each other questions. {x} began: \"{q}\" {y} won a point with the answer: {a}.",
    "At the library {x} asked for help. {q} The librarian opened a thick book and read: {r}.",
    "{x} had a new friend called {y}. {y} knew many things. \"{r},\" {y} told {x} on the first day.",
];

/// A little story about one or two facts.
pub fn story(pen: &mut Pen) -> String {
    let (x, y) = two(pen);
    let n = pen.dice.between(1, 2);
    let mut parts = Vec::new();
    for fact in pen.facts(n, 30) {
        let question = pen.ask(&fact);
        let phrase = STORIES[pen.dice.below(STORIES.len())];
        parts.push(tell(phrase, x, y, &question, &fact));
    }
    parts.join(" ")
}

const SMALL_TALK: &[&str] = &[
    "{x}: Hello, {y}! How are you?\n{y}: I am fine, thank you.",
    "{x}: Good morning!\n{y}: Good morning, {x}! How can I help you?",
    "{x}: Thank you for your help.\n{y}: You are welcome. I am glad to help.",
    "{x}: Who are you?\n{y}: I am {y}. I answer questions about the world.",
    "{x}: What can you do?\n{y}: I can answer short questions about countries, animals, colours and words.",
    "{x}: Goodbye!\n{y}: Goodbye! Have a nice day.",
    "{x} said good night to {y} and went to bed.",
    "{x} and {y} are good friends. They like to read books and to play in the garden.",
    "\"Ahoy, matey!\" said the pirate. \"Arr! Come aboard the ship!\"",
    "\"Certainly, sir,\" said the butler. \"At your service, madam. It is a pleasure.\"",
    "Dear {y}, thank you for your letter. I am very happy here. Yours, {x}",
    "{x} was late for school. {y} waited at the door and was glad when {x} came at last.",
    "Today the weather is fine. {x} walks to the market and buys some bread and cheese for {y}.",
    "I hope that this helps. Please ask me if you have more questions.",
];

/// Greetings, thanks, small sentences about people.
pub fn chat(pen: &mut Pen) -> String {
    let n = pen.dice.between(2, 4);
    let mut parts = Vec::new();
    for _ in 0..n {
        let (x, y) = two(pen);
        parts.push(
            SMALL_TALK[pen.dice.below(SMALL_TALK.len())]
                .replace("{x}", x)
                .replace("{y}", y),
        );
    }
    parts.join("\n")
}
