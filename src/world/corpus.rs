//! The pretraining text: documents of many shapes about the facts, seeded and reproducible. Knows nothing of tokenizers or files.
use super::deck::{Deck, Dice};
use super::facts::{Fact, facts};
use super::{prose, quiz, talk};

/// Characters per token of the starter's tokenizer on this text; used to end a corpus near the wanted number of tokens.
pub const CHARS_PER_TOKEN: f64 = 3.58;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Several sentences about each of a few subjects.
    Encyclopaedia,
    /// Statements of many or of one relation.
    Mixed,
    /// A question followed by more questions.
    Quiz,
    /// Questions with short answers in several notations.
    Pairs,
    /// Questions answered by whole sentences.
    Faq,
    /// Gaps and choices with their solutions.
    Worksheet,
    /// People who ask and are told.
    Dialogue,
    /// Little stories in which somebody asks or learns something.
    Story,
    /// JSON lines and two-column lists.
    List,
    /// Small talk.
    Chat,
}

/// The shapes and their shares of the text in percent.
pub const SHARES: &[(Shape, usize)] = &[
    (Shape::Encyclopaedia, 19),
    (Shape::Mixed, 6),
    (Shape::Quiz, 20),
    (Shape::Pairs, 13),
    (Shape::Faq, 13),
    (Shape::Worksheet, 6),
    (Shape::Dialogue, 13),
    (Shape::Story, 4),
    (Shape::List, 4),
    (Shape::Chat, 2),
];

/// The dice and decks that one shape writes with: each fact is dealt once before any fact is dealt again.
pub struct Pen {
    /// The shape's random source.
    pub dice: Dice,
    all: Deck,
    relations: Vec<Deck>,
    relation: Deck,
    groups: Deck,
    members: Vec<Vec<usize>>,
}

impl Pen {
    fn new(seed: u64) -> Self {
        let relations = by(|fact| fact.relation.name.to_owned());
        // A relation is drawn as often as its facts are told, so that runs of one relation show each of them equally often.
        let weighted = relations
            .iter()
            .enumerate()
            .flat_map(|(i, cards)| vec![i; cards.len() * tellings(cards.len())])
            .collect();
        let all = relations
            .iter()
            .flat_map(|cards| cards.repeat(tellings(cards.len())))
            .collect();
        let members = by(Fact::group);
        Self {
            dice: Dice::new(seed),
            all: Deck::new(all),
            relation: Deck::new(weighted),
            relations: relations.into_iter().map(Deck::new).collect(),
            groups: Deck::new((0..members.len()).collect()),
            members,
        }
    }

    /// The next fact of any relation.
    pub fn fact(&mut self) -> Fact {
        facts()[self.all.deal(&mut self.dice)]
    }

    /// `n` facts, sometimes all of one relation.
    pub fn facts(&mut self, n: usize, one_relation_percent: usize) -> Vec<Fact> {
        if self.dice.chance(one_relation_percent) {
            self.kin(n)
        } else {
            (0..n).map(|_| self.fact()).collect()
        }
    }

    /// `n` facts of one relation.
    pub fn kin(&mut self, n: usize) -> Vec<Fact> {
        let relation = self.relation.deal(&mut self.dice);
        (0..n)
            .map(|_| facts()[self.relations[relation].deal(&mut self.dice)])
            .collect()
    }

    /// All facts of one row of a table, and of the rows that share its key.
    pub fn group(&mut self) -> Vec<Fact> {
        let group = self.groups.deal(&mut self.dice);
        let mut cards = self.members[group].clone();
        self.dice.shuffle(&mut cards);
        cards.into_iter().map(|card| facts()[card]).collect()
    }

    /// A statement of the fact: the one with the answer last in a good third of the cases.
    pub fn say(&mut self, fact: &Fact) -> String {
        let phrase = if self.dice.chance(35) {
            fact.relation.end
        } else {
            self.dice.pick(&fact.relation.says)
        };
        fact.fill(phrase)
    }

    /// A question for the fact.
    pub fn ask(&mut self, fact: &Fact) -> String {
        let (asks, tests) = (&fact.relation.asks, &fact.relation.tests);
        let n = self.dice.below(asks.len() + tests.len());
        fact.fill(if n < asks.len() { asks[n] } else { tests[n - asks.len()] })
    }
}

/// How often a fact is told for one telling of others, from the number of facts of its relation. What the seven days and twelve months
/// have in common would otherwise be too rare a pattern to be learned at all.
fn tellings(facts: usize) -> usize {
    if facts < 30 { 4 } else { 1 }
}

/// The numbers of the facts that share a key, keys in order of first appearance.
fn by(key: impl Fn(&Fact) -> String) -> Vec<Vec<usize>> {
    let mut places = std::collections::HashMap::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for (i, fact) in facts().iter().enumerate() {
        let place = *places.entry(key(fact)).or_insert(found.len());
        if place == found.len() {
            found.push(Vec::new());
        }
        found[place].push(i);
    }
    found
}

/// An endless stream of documents, the same for the same seed.
pub struct Corpus {
    pens: Vec<Pen>,
    written: Vec<usize>,
}

impl Corpus {
    /// A corpus that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        let pens = (0..SHARES.len() as u64)
            .map(|i| Pen::new(seed.wrapping_mul(1000).wrapping_add(i)))
            .collect();
        Self {
            pens,
            written: vec![0; SHARES.len()],
        }
    }

    /// The next document: of the shape that lags most behind its share.
    pub fn document(&mut self) -> (Shape, String) {
        let lag = |i: &usize| self.written[*i] * 1000 / SHARES[*i].1;
        let at = (0..SHARES.len()).min_by_key(lag).unwrap_or(0);
        let (shape, pen) = (SHARES[at].0, &mut self.pens[at]);
        let text = match shape {
            Shape::Encyclopaedia => prose::encyclopaedia(pen),
            Shape::Mixed => prose::mixed(pen),
            Shape::Quiz => quiz::bare(pen),
            Shape::Pairs => quiz::pairs(pen),
            Shape::Faq => quiz::faq(pen),
            Shape::Worksheet => quiz::worksheet(pen),
            Shape::Dialogue => talk::dialogue(pen),
            Shape::Story => talk::story(pen),
            Shape::List => prose::list(pen),
            Shape::Chat => talk::chat(pen),
        };
        self.written[at] += text.len();
        (shape, text)
    }
}

impl Iterator for Corpus {
    type Item = String;
    fn next(&mut self) -> Option<String> {
        Some(self.document().1)
    }
}
