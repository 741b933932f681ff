//! Counts over all rows: which findings there are, in which rows, and the numbers of the summary. Knows facts and tokens, not how
//! sentences are made.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::facts::{Fact, Fate, RowFacts};
use super::finding::{
    AuditSummary, Bucket, Finding, FindingKind, Padding, ROWS_NAMED, RowCounts, RowRef, TokenCounts, TurnEnds,
};
use super::padding::padded;
use super::sentences::{self, Tally};
use crate::batch::{Example, OrderOptions};
use crate::data::Role;
use crate::template::Mode;
use crate::tokens::Tokenizer;

/// Texts named in a finding at most.
const WORDS: usize = 4;
/// Buckets of the length histogram, about.
const BUCKETS: usize = 20;

/// Which embedding rows the run trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trains {
    /// Every weight.
    Everything,
    /// The rows of special tokens in the data, but for eos_token.
    Markers,
    /// None.
    Nothing,
}

/// What the counting needs to know of the run.
pub struct Setting<'a> {
    /// Of the base.
    pub tokenizer: &'a Tokenizer,
    /// The template's name.
    pub template: String,
    /// Which text is supervised.
    pub mode: Mode,
    /// The longest row in tokens.
    pub max_length: usize,
    /// The order of the run; its `packing` says whether the recipe packs.
    pub order: OrderOptions,
    /// Ids that the base never trained.
    pub untrained: Vec<u32>,
    /// Which of them the run trains.
    pub trains: Trains,
}

/// One row as it is counted.
pub struct CountedRow<'a> {
    /// Where it is.
    pub place: RowRef,
    /// What was found of it.
    pub facts: &'a RowFacts,
    /// Its examples: none, one, or the windows of raw text.
    pub examples: &'a [Example],
    /// Is it held out for the eval loss?
    pub held_out: bool,
    /// Does it go through the template?
    pub templated: bool,
}

/// An audit on its way.
pub struct Audit<'a> {
    setting: Setting<'a>,
    tallies: BTreeMap<FindingKind, Tally>,
    summary: AuditSummary,
    /// Lengths before shortening.
    whole: Vec<usize>,
    /// Lengths of the examples that are learned from.
    learned: Vec<usize>,
    seen: HashSet<u64>,
    marked: Marked,
}

/// Ids that mean something.
struct Marked {
    untrained: HashSet<u32>,
    unknown: Option<u32>,
    bytes: HashSet<u32>,
    bos: Option<u32>,
    /// Does the tokenizer itself put bos_token before a text?
    adds_bos: bool,
}

impl Marked {
    fn new(setting: &Setting<'_>) -> Self {
        let tokenizer = setting.tokenizer;
        let vars = tokenizer.vars();
        let id = |name: &str| vars.get(name).and_then(|text| tokenizer.id_of(text));
        let others: Vec<Option<u32>> = ["bos_token", "eos_token", "pad_token"].map(id).to_vec();
        // A line break and a tab are spelt as bytes by many tokenizers that read them well.
        let spelt = (0u8..=255).filter(|byte| !byte.is_ascii_whitespace());
        let spelt = spelt.filter_map(|byte| {
            let raw = format!("<0x{byte:02X}>");
            // Without byte fallback such a text is an ordinary token.
            tokenizer.id_of(&raw).filter(|id| tokenizer.token_text(*id) != raw)
        });
        Self {
            untrained: setting.untrained.iter().copied().collect(),
            unknown: id("unk_token").filter(|unknown| !others.contains(&Some(*unknown))),
            bytes: spelt.collect(),
            bos: id("bos_token"),
            adds_bos: tokenizer.starts_with_bos(),
        }
    }
}

impl<'a> Audit<'a> {
    /// Nothing counted yet.
    pub fn new(setting: Setting<'a>) -> Self {
        let marked = Marked::new(&setting);
        let shares = (1..=10)
            .map(|tenth| Bucket {
                up_to: tenth * 10,
                rows: 0,
            })
            .collect();
        Self {
            summary: AuditSummary {
                template: setting.template.clone(),
                shares,
                ..AuditSummary::default()
            },
            setting,
            tallies: BTreeMap::new(),
            whole: Vec::new(),
            learned: Vec::new(),
            seen: HashSet::new(),
            marked,
        }
    }

    /// Counts a row that could not even be read.
    pub fn broken(&mut self, place: RowRef) {
        self.summary.rows.read += 1;
        self.summary.rows.skipped += 1;
        self.tally(FindingKind::Broken, place, "");
    }

    /// Counts a row; rows must come in the order of the data.
    pub fn add(&mut self, row: &CountedRow<'_>) {
        let RowCounts {
            read,
            kept,
            skipped,
            shortened,
            held_out,
        } = &mut self.summary.rows;
        *read += 1;
        let used = row.facts.fate == Fate::Kept;
        *kept += usize::from(used);
        *skipped += usize::from(!used);
        *shortened += usize::from(used && row.facts.dropped > 0);
        *held_out += usize::from(used && row.held_out);
        if row.facts.whole > 0 {
            self.whole.push(row.facts.whole as usize);
        }
        match row.facts.fate {
            Fate::Kept => self.add_kept(row),
            Fate::NothingLearned => self.tally(FindingKind::NothingLearned, row.place, ""),
            Fate::TooLong => self.tally(FindingKind::TooLong, row.place, ""),
            Fate::Broken => self.tally(FindingKind::Broken, row.place, ""),
        }
        self.add_facts(row);
    }

    fn add_facts(&mut self, row: &CountedRow<'_>) {
        const FACTS: [(Fact, FindingKind); 8] = [
            (Fact::OthersLearned, FindingKind::OthersLearned),
            (Fact::EndNotLearned, FindingKind::EndNotLearned),
            (Fact::SpecialText, FindingKind::SpecialText),
            (Fact::SystemDropped, FindingKind::SystemDropped),
            (Fact::SplitMarker, FindingKind::SplitMarker),
            (Fact::Straddling, FindingKind::Straddling),
            (Fact::Unsure, FindingKind::Unsure),
            (Fact::FractionalWeight, FindingKind::FractionalWeight),
        ];
        for (fact, kind) in FACTS.into_iter().filter(|(fact, _)| row.facts.has(*fact)) {
            let word = match fact {
                Fact::SpecialText | Fact::SplitMarker => row.facts.word.as_str(),
                _ => "",
            };
            self.tally(kind, row.place, word);
        }
    }

    fn add_kept(&mut self, row: &CountedRow<'_>) {
        let (mut tokens, mut supervised) = (0, 0);
        for example in row.examples {
            tokens += example.ids.len();
            supervised += example.supervised();
            if !row.held_out {
                self.learned.push(example.ids.len());
            }
            self.summary.tokens.longest = self.summary.tokens.longest.max(example.ids.len());
        }
        let TokenCounts {
            all,
            supervised: learned,
            dropped,
            dropped_messages,
            ..
        } = &mut self.summary.tokens;
        *all += tokens;
        *learned += supervised;
        if row.facts.dropped > 0 {
            *dropped += (row.facts.whole as usize).saturating_sub(tokens);
            *dropped_messages += usize::from(row.facts.dropped);
            self.tally(FindingKind::Shortened, row.place, "");
        }
        if let Some(tenth) = (supervised * 10).div_ceil(tokens.max(1)).max(1).checked_sub(1) {
            self.summary.shares[tenth.min(9)].rows += 1;
        }
        self.add_ids(row);
        let mut hasher = DefaultHasher::new();
        row.examples.iter().for_each(|e| e.ids.hash(&mut hasher));
        if !self.seen.insert(hasher.finish()) {
            self.tally(FindingKind::Duplicates, row.place, "");
        }
        for (count, role) in row
            .facts
            .ends
            .iter()
            .zip([Role::System, Role::User, Role::Assistant, Role::Tool])
        {
            self.add_ends(role, count.seen(), count.learned());
        }
    }

    fn add_ends(&mut self, role: Role, seen: usize, learned: usize) {
        if seen == 0 {
            return;
        }
        match self.summary.ends.iter_mut().find(|e| e.role == role) {
            Some(known) => {
                known.seen += seen;
                known.learned += learned;
            }
            None => self.summary.ends.push(TurnEnds { role, seen, learned }),
        }
    }

    /// What single ids tell.
    fn add_ids(&mut self, row: &CountedRow<'_>) {
        let ids = || row.examples.iter().flat_map(|e| e.ids.iter().copied());
        let place = row.place;
        if !self.marked.untrained.is_empty() {
            let untrained: BTreeSet<u32> = ids().filter(|id| self.marked.untrained.contains(id)).collect();
            for id in untrained {
                let text = self.setting.tokenizer.raw_token(id).unwrap_or_default();
                self.tally(FindingKind::UntrainedTokens, place, &text);
            }
        }
        if self.marked.unknown.is_some_and(|unknown| ids().any(|id| id == unknown)) {
            self.tally(FindingKind::UnknownTokens, place, "");
        }
        if !self.marked.bytes.is_empty() && ids().any(|id| self.marked.bytes.contains(&id)) {
            self.tally(FindingKind::ByteTokens, place, "");
        }
        let Some(bos) = self.marked.bos.filter(|_| row.templated) else {
            return;
        };
        let mut first = ids().take(2).map(|id| id == bos);
        match (first.next() == Some(true), first.next() == Some(true)) {
            (true, true) => self.tally(FindingKind::DoubleBos, place, ""),
            (false, _) if self.marked.adds_bos => self.tally(FindingKind::MissingBos, place, ""),
            _ => {}
        }
    }

    fn tally(&mut self, kind: FindingKind, place: RowRef, word: &str) {
        let tally = self.tallies.entry(kind).or_default();
        // A row counts once, however many words it has.
        if tally.last != Some(place) {
            tally.last = Some(place);
            tally.count += 1;
            if tally.rows.len() < ROWS_NAMED {
                tally.rows.push(place);
            }
        }
        if !word.is_empty() && tally.words.len() < WORDS && !tally.words.iter().any(|w| w == word) {
            tally.words.push(word.to_owned());
        }
    }

    /// The findings, the serious ones first, and the numbers. `pace` of the summary is the caller's.
    pub fn finish(mut self) -> (Vec<Finding>, AuditSummary) {
        self.summary.lengths = histogram(&self.whole);
        let order = self.setting.order;
        let packing = order.packing.is_some();
        let share = |packing: Option<usize>| padded(&self.learned, OrderOptions { packing, ..order });
        self.summary.padding = Padding {
            unpacked: share(None),
            packed: share(Some(self.setting.max_length)),
            packing,
        };
        let longest = self.whole.iter().copied().max().unwrap_or(0);
        let mut findings: Vec<Finding> = self
            .tallies
            .into_iter()
            .map(|(kind, tally)| sentences::finding(kind, tally, &self.setting, &self.summary, longest))
            .collect();
        findings.extend(sentences::padding(&self.summary));
        findings.sort_by_key(|finding| finding.severity);
        (findings, self.summary)
    }
}

/// Buckets of equal width, a round number each, from 1 to the longest row.
fn histogram(lengths: &[usize]) -> Vec<Bucket> {
    let Some(longest) = lengths.iter().copied().max() else {
        return Vec::new();
    };
    let width = round_up(longest.div_ceil(BUCKETS).max(1));
    let mut buckets: Vec<Bucket> = (1..=longest.div_ceil(width).max(1))
        .map(|n| Bucket {
            up_to: n * width,
            rows: 0,
        })
        .collect();
    for length in lengths {
        buckets[length.saturating_sub(1) / width].rows += 1;
    }
    buckets
}

/// The next of 1, 2, 5, 10, 20, 50 ...
fn round_up(number: usize) -> usize {
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if step * power >= number {
                return step * power;
            }
        }
        power *= 10;
    }
}
