//! How phrases are matched: patterns over the words of a clause.
//!
//! A pattern is words in a row. `a|b` is one of several, `@name` one of a list,
//! `word~` any word beginning so, `%word` the word with up to two wrong letters,
//! `my_word` two words in a row; `?` makes it optional, `*` repeats it, `+` at
//! least once, `..3` skips up to three
//! words, `!word` must not follow, `^` and `$` are the borders of the clause,
//! `^^` is the border of a clause of a short message. Han and kana are one word
//! a letter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxHashSet;

use super::super::fold::fold;
use super::vocabulary::{Reading, Spelling, Vocabulary, squeeze};

/// Messages up to this many words may be a request by a bare noun: "agent please".
const SHORT_MESSAGE: usize = 12;

/// Longer clauses are read in overlapping parts, so that no text takes long.
const WORDS_IN_PART: usize = 40;
const OVERLAP: usize = 16;

/// How far before a match a "not" still belongs to it.
const NEGATION_REACH: usize = 4;

/// The text of one language's table.
pub struct Source {
    /// The language, as in "en".
    pub code: &'static str,
    /// Lists that patterns name with `@`.
    pub lists: &'static [(&'static str, &'static str)],
    /// What is a request.
    pub requests: &'static [&'static str],
    /// Words that turn a request into its opposite when they stand shortly before it.
    pub negators: &'static str,
    /// What looks like a negator and is none: "why don't".
    pub not_negating: &'static [&'static str],
    /// Words at which the search for a negator ends: a new thought begins.
    pub fresh_start: &'static str,
    /// What must not stand directly before a request: "I tried to".
    pub not_after: &'static [&'static str],
    /// What must not stand directly behind a request: "agent number".
    pub not_before: &'static [&'static str],
    /// Beginnings written together with the noun that are no part of it.
    pub prefixes: &'static [&'static str],
}

/// One language, ready to match.
pub struct Language {
    pub code: &'static str,
    /// Its place among the languages.
    nth: usize,
    /// Every word of the patterns has a number; what has none cannot match.
    n_numbers: usize,
    requests: Vec<Pattern>,
    /// Which requests a clause can only be with one of these words, so that most are never looked at.
    keyed: Vec<(Numbers, Vec<usize>)>,
    negators: FxHashSet<String>,
    not_negating: Vec<Pattern>,
    fresh_start: FxHashSet<String>,
    not_after: Vec<Pattern>,
    not_before: Vec<Pattern>,
}

/// Words between two signs of punctuation.
pub struct Clause {
    words: Vec<Word>,
    is_beginning: bool,
    is_end: bool,
    is_short_or_last: bool,
}

/// A word of a message.
#[derive(Clone)]
pub struct Word {
    pub text: String,
    /// The word without repeated letters, if it has three in a row.
    pub squeezed: Option<String>,
}

struct Pattern {
    elements: Vec<Element>,
    /// For each element that cannot be left out, what it may begin with: a clause without one of these does not match.
    /// Nearly every clause of nearly every message lacks something, and is told apart by that alone.
    needed: Vec<Vec<u32>>,
}

enum Element {
    One(Choice),
    Optional(Choice),
    Repeated(Choice),
    AtLeastOne(Choice),
    Gap(usize),
    Not(Choice),
    Start,
    StartOfShort,
    End,
}

/// Some alternatives, each a row of numbered spellings.
#[derive(Default)]
struct Choice {
    single: Vec<u32>,
    rows: Vec<Vec<u32>>,
}

impl Clause {
    /// The clauses of a folded text, without what it only quotes.
    pub fn split(folded: &str) -> Vec<Clause> {
        let unquoted = without_quotes(folded);
        let folded = unquoted.as_deref().unwrap_or(folded);
        let mut clauses = vec![Vec::new()];
        for part in folded.split_inclusive(is_border) {
            let words = words_of(part).into_iter().map(Word::new);
            if let Some(clause) = clauses.last_mut() {
                clause.extend(words);
            }
            if part.ends_with(is_border) {
                clauses.push(Vec::new());
            }
        }
        let is_in_short_message = clauses.iter().map(Vec::len).sum::<usize>() <= SHORT_MESSAGE;
        clauses.retain(|words| !words.is_empty());
        let n_clauses = clauses.len();
        clauses
            .into_iter()
            .enumerate()
            .flat_map(|(nth, words)| Self::parts(words, is_in_short_message || nth + 1 == n_clauses))
            .collect()
    }
}

impl Clause {
    /// Its words, in their order.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    fn parts(mut words: Vec<Word>, is_short_or_last: bool) -> Vec<Clause> {
        let n_words = words.len();
        let mut parts = Vec::new();
        let mut start = 0;
        while n_words > start + WORDS_IN_PART {
            let next = words.split_off(WORDS_IN_PART - OVERLAP);
            words.extend_from_slice(&next[..OVERLAP]);
            parts.push(Clause { words, is_beginning: start == 0, is_end: false, is_short_or_last });
            (words, start) = (next, start + WORDS_IN_PART - OVERLAP);
        }
        parts.push(Clause { words, is_beginning: start == 0, is_end: true, is_short_or_last });
        parts
    }
}

/// Leaves out quoted words, if there are words besides them: "I said 'agent'" is
/// a report, not a request.
fn without_quotes(folded: &str) -> Option<String> {
    if !folded.contains(['"', '“', '„', '«', '「', '\'', '‘']) {
        return None;
    }
    let symbols: Vec<char> = folded.chars().collect();
    let mut kept = String::with_capacity(folded.len());
    let (mut at, mut found) = (0, false);
    while at < symbols.len() {
        let closing = match symbols[at] {
            '"' => Some('"'),
            '“' | '„' => Some('”'),
            '«' => Some('»'),
            '「' => Some('」'),
            '\'' | '‘' if at == 0 || !symbols[at - 1].is_alphanumeric() => Some('\''),
            _ => None,
        };
        let is_end = |place: usize, closing: char| {
            let symbol = symbols[place];
            (symbol == closing || (closing == '”' && symbol == '“') || (closing == '\'' && symbol == '’'))
                && (closing != '\'' || symbols.get(place + 1).is_none_or(|next| !next.is_alphanumeric()))
        };
        let end = closing.and_then(|closing| (at + 2..symbols.len()).find(|place| is_end(*place, closing)));
        match end {
            Some(end) => {
                found = true;
                kept.push_str(" , ");
                at = end + 1;
            }
            None => {
                kept.push(symbols[at]);
                at += 1;
            }
        }
    }
    (found && kept.chars().filter(|symbol| symbol.is_alphabetic()).count() >= 3).then_some(kept)
}

fn is_border(symbol: char) -> bool {
    if symbol.is_ascii() {
        return matches!(symbol, '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '(' | ')' | '"' | '|');
    }
    "…—–«»“”„¿¡。、，！？；：؟،؛「」".contains(symbol)
}

fn is_ideograph(symbol: char) -> bool {
    matches!(symbol, '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
}

fn words_of(text: &str) -> Vec<String> {
    let symbols: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (place, &symbol) in symbols.iter().enumerate() {
        if is_ideograph(symbol) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            words.push(symbol.to_string());
        } else if symbol.is_alphanumeric() {
            word.push(symbol);
        } else if matches!(symbol, '\'' | '’' | '‘' | '`' | '´') && ends_contraction(&symbols[place + 1..])
        {
            // "don't" is one word, "l'agent" is two.
        } else {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn ends_contraction(rest: &[char]) -> bool {
    let tail: String = rest.iter().take_while(|symbol| symbol.is_alphabetic()).take(4).collect();
    matches!(tail.as_str(), "t" | "m" | "s" | "re" | "ll" | "ve" | "d")
}

impl Word {
    fn new(text: String) -> Self {
        let is_stretched =
            text.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2]);
        Self { squeezed: is_stretched.then(|| squeeze(&text)), text }
    }
}

impl Language {
    /// Makes a language ready, the `nth`, and puts its words into the vocabulary.
    pub fn compile(source: &Source, nth: usize, vocabulary: &mut Vocabulary) -> Self {
        let mut numbering = Numbering::default();
        let mut patterns = |texts: &[&str]| {
            texts.iter().map(|text| Pattern::parse(text, source.lists, &mut numbering)).collect::<Vec<_>>()
        };
        let requests = patterns(source.requests);
        let not_negating = patterns(source.not_negating);
        let not_after = patterns(source.not_after);
        let not_before = patterns(source.not_before);
        let set = |text: &str| text.split_whitespace().map(fold).collect();
        let n_numbers = numbering.spellings.len();
        vocabulary.add(nth, numbering.spellings, source.prefixes);
        Self {
            code: source.code,
            nth,
            n_numbers,
            keyed: keyed(&requests, n_numbers),
            requests,
            negators: set(source.negators),
            not_negating,
            fresh_start: set(source.fresh_start),
            not_after,
            not_before,
        }
    }

    /// The words of the first request in the clauses, whose words can be this.
    pub fn find(&self, clauses: &[(Clause, Vec<Reading>)]) -> Option<String> {
        clauses.iter().find_map(|(clause, readings)| self.find_in(clause, readings))
    }

    fn find_in(&self, clause: &Clause, readings: &[Reading]) -> Option<String> {
        let mut mine = readings.iter().filter(|reading| reading.language == self.nth).peekable();
        mine.peek()?;
        let there = Numbers::of(mine.clone().map(|reading| &reading.number), self.n_numbers);
        let keyed =
            self.keyed.iter().filter(|(keys, _)| there.has_one_of(keys)).flat_map(|(_, requests)| requests);
        let mut nths: Vec<usize> =
            keyed.copied().filter(|nth| self.requests[*nth].may_match(&there)).collect();
        if nths.is_empty() {
            return None;
        }
        nths.sort_unstable();
        let mut numbers = vec![Vec::new(); clause.words.len()];
        mine.for_each(|reading| numbers[reading.place].push(reading.number));
        let matching = Matching { clause, numbers };
        (0..clause.words.len()).find_map(|start| {
            let end = nths.iter().find_map(|nth| {
                let end = matching.ends(&self.requests[*nth].elements, start)?;
                let is_refused =
                    self.not_before.iter().any(|after| matching.ends(&after.elements, end).is_some());
                (!is_refused).then_some(end)
            })?;
            let is_refused = self.is_negated(&matching, start) || self.is_preceded(&matching, start);
            (!is_refused).then(|| {
                let words: Vec<&str> =
                    clause.words[start..end].iter().map(|word| word.text.as_str()).collect();
                words.join(" ")
            })
        })
    }

    fn is_preceded(&self, matching: &Matching<'_>, start: usize) -> bool {
        (start.saturating_sub(5)..start).any(|from| {
            self.not_after.iter().any(|before| matching.ends(&before.elements, from) == Some(start))
        })
    }

    fn is_negated(&self, matching: &Matching<'_>, start: usize) -> bool {
        for place in (start.saturating_sub(NEGATION_REACH)..start).rev() {
            let word = matching.clause.words[place].text.as_str();
            if self.negators.contains(word) {
                let is_harmless = (place.saturating_sub(2)..=place).any(|from| {
                    self.not_negating
                        .iter()
                        .any(|pattern| matching.ends(&pattern.elements, from).is_some_and(|end| end > place))
                });
                return !is_harmless;
            }
            if self.fresh_start.contains(word) {
                return false;
            }
        }
        false
    }
}

/// Requests by what they need: of everything that one needs, what most others need too. Those that need nothing stand with
/// all numbers.
fn keyed(requests: &[Pattern], n_numbers: usize) -> Vec<(Numbers, Vec<usize>)> {
    let mut n_needing: HashMap<&[u32], usize> = HashMap::new();
    for any in requests.iter().flat_map(|request| &request.needed) {
        *n_needing.entry(any).or_default() += 1;
    }
    let mut by_key: BTreeMap<Option<&[u32]>, Vec<usize>> = BTreeMap::new();
    for (nth, request) in requests.iter().enumerate() {
        let key = request.needed.iter().max_by_key(|any| (n_needing[any.as_slice()], Reverse(any.len())));
        by_key.entry(key.map(Vec::as_slice)).or_default().push(nth);
    }
    let all: Vec<u32> = (0..).take(n_numbers).collect();
    by_key
        .into_iter()
        .map(|(key, requests)| (Numbers::of(key.unwrap_or(&all).iter(), n_numbers), requests))
        .collect()
}

/// A set of numbers, a bit each.
struct Numbers(Vec<u64>);

impl Numbers {
    fn of<'a>(numbers: impl Iterator<Item = &'a u32>, most: usize) -> Self {
        let mut bits = vec![0; most.div_ceil(64)];
        numbers.for_each(|number| bits[*number as usize / 64] |= 1 << (number % 64));
        Self(bits)
    }

    fn has_one_of(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).any(|(these, those)| these & those != 0)
    }

    fn has(&self, number: u32) -> bool {
        self.0[number as usize / 64] >> (number % 64) & 1 == 1
    }
}

/// A clause being matched.
struct Matching<'a> {
    clause: &'a Clause,
    /// What each word can be.
    numbers: Vec<Vec<u32>>,
}

impl Matching<'_> {
    /// Where a match of the elements that begins at `place` ends.
    fn ends(&self, elements: &[Element], place: usize) -> Option<usize> {
        let Some((first, rest)) = elements.split_first() else {
            return Some(place);
        };
        let n_words = self.clause.words.len();
        match first {
            Element::Start => {
                (place == 0 && self.clause.is_beginning).then(|| self.ends(rest, place)).flatten()
            }
            Element::StartOfShort => (place == 0 && self.clause.is_beginning && self.clause.is_short_or_last)
                .then(|| self.ends(rest, place))
                .flatten(),
            Element::End => {
                (place == n_words && self.clause.is_end).then(|| self.ends(rest, place)).flatten()
            }
            Element::Not(choice) => {
                self.taken(choice, place).is_empty().then(|| self.ends(rest, place)).flatten()
            }
            Element::Gap(most) => {
                (place..=(place + most).min(n_words)).find_map(|next| self.ends(rest, next))
            }
            Element::One(choice) => {
                self.taken(choice, place).into_iter().find_map(|next| self.ends(rest, next))
            }
            Element::Optional(choice) => self
                .taken(choice, place)
                .into_iter()
                .find_map(|next| self.ends(rest, next))
                .or_else(|| self.ends(rest, place)),
            Element::AtLeastOne(choice) => self
                .taken(choice, place)
                .into_iter()
                .find_map(|next| self.ends(elements, next).or_else(|| self.ends(rest, next))),
            Element::Repeated(choice) => self
                .taken(choice, place)
                .into_iter()
                .find_map(|next| self.ends(elements, next))
                .or_else(|| self.ends(rest, place)),
        }
    }

    /// Where the words of a choice end that begin at `place`, longest first.
    fn taken(&self, choice: &Choice, place: usize) -> Vec<usize> {
        let Some(first) = self.numbers.get(place).filter(|numbers| !numbers.is_empty()) else {
            return Vec::new();
        };
        let mut ends: Vec<usize> = Vec::new();
        for row in choice.rows.iter().filter(|row| row.first().is_some_and(|number| first.contains(number))) {
            let is_there = row.iter().enumerate().all(|(nth, number)| {
                self.numbers.get(place + nth).is_some_and(|numbers| numbers.contains(number))
            });
            if is_there {
                ends.push(place + row.len());
            }
        }
        ends.sort_unstable_by(|a, b| b.cmp(a));
        if first.iter().any(|number| choice.single.binary_search(number).is_ok()) {
            ends.push(place + 1);
        }
        ends
    }
}

/// Gives every spelling of a language a number.
#[derive(Default)]
struct Numbering {
    spellings: Vec<Spelling>,
    numbers: HashMap<String, u32>,
}

impl Numbering {
    fn number(&mut self, spelling: Spelling) -> u32 {
        let key = match &spelling {
            Spelling::Exact(word) => word.clone(),
            Spelling::Prefix(word) => format!("{word}~"),
            Spelling::Fuzzy(word) => format!("%{word}"),
        };
        *self.numbers.entry(key).or_insert_with(|| {
            self.spellings.push(spelling);
            (self.spellings.len() - 1) as u32
        })
    }
}

impl Pattern {
    fn parse(text: &str, lists: &[(&str, &str)], numbering: &mut Numbering) -> Self {
        let elements: Vec<Element> =
            text.split_whitespace().map(|part| Element::parse(part, lists, numbering)).collect();
        let needed = elements.iter().filter_map(|element| match element {
            Element::One(choice) | Element::AtLeastOne(choice) => Some(choice.beginnings()),
            _ => None,
        });
        let mut needed: Vec<Vec<u32>> = needed.collect();
        needed.sort_by_key(Vec::len);
        Self { needed, elements }
    }

    /// Whether a clause with these words has a chance.
    fn may_match(&self, there: &Numbers) -> bool {
        self.needed.iter().all(|any| any.iter().any(|number| there.has(*number)))
    }
}

impl Element {
    fn parse(part: &str, lists: &[(&str, &str)], numbering: &mut Numbering) -> Self {
        match part {
            "^" => return Self::Start,
            "^^" => return Self::StartOfShort,
            "$" => return Self::End,
            _ => {}
        }
        if let Some(most) = part.strip_prefix("..") {
            return Self::Gap(most.parse().expect("a gap is a number of words"));
        }
        let mut choice = |text| Choice::parse(text, lists, numbering);
        if let Some(rest) = part.strip_prefix('!') {
            return Self::Not(choice(rest));
        }
        if let Some(rest) = part.strip_suffix('?') {
            return Self::Optional(choice(rest));
        }
        if let Some(rest) = part.strip_suffix('+') {
            return Self::AtLeastOne(choice(rest));
        }
        if let Some(rest) = part.strip_suffix('*') {
            return Self::Repeated(choice(rest));
        }
        Self::One(choice(part))
    }
}

impl Choice {
    fn parse(text: &str, lists: &[(&str, &str)], numbering: &mut Numbering) -> Self {
        let mut choice = Self::default();
        choice.add(text, lists, numbering);
        choice.single.sort_unstable();
        choice
    }

    /// What its alternatives begin with.
    fn beginnings(&self) -> Vec<u32> {
        self.single.iter().chain(self.rows.iter().filter_map(|row| row.first())).copied().collect()
    }

    fn add(&mut self, text: &str, lists: &[(&str, &str)], numbering: &mut Numbering) {
        for alternative in text.split(['|', ' ']).filter(|alternative| !alternative.is_empty()) {
            if let Some(name) = alternative.strip_prefix('@') {
                let (_, list) = lists
                    .iter()
                    .find(|(list, _)| *list == name)
                    .expect("a pattern names a list of its language");
                self.add(list, lists, numbering);
                continue;
            }
            let row: Vec<u32> = alternative
                .split('_')
                .flat_map(Spelling::parse)
                .map(|spelling| numbering.number(spelling))
                .collect();
            match row.as_slice() {
                [number] => self.single.push(*number),
                _ => self.rows.push(row),
            }
        }
    }
}

impl Spelling {
    /// One word, or a row of letters where every letter is a word.
    fn parse(word: &str) -> Vec<Self> {
        let folded = fold(word.trim_start_matches('%').trim_end_matches('~'));
        if word.starts_with('%') {
            vec![Self::Fuzzy(folded)]
        } else if word.ends_with('~') {
            vec![Self::Prefix(folded)]
        } else {
            words_of(&folded).into_iter().map(Self::Exact).collect()
        }
    }
}
