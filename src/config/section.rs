//! One table of the file: hands out each key's value, and remembers what was wrong and what was not asked for.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// More than anybody mends in one go; a file of nonsense must not print a book.
const PROBLEMS_MAX: usize = 100;

/// Where the problems of all sections gather.
pub(super) struct Findings<'t> {
    text: &'t str,
    pub(super) problems: Vec<Problem>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new() }
    }

    /// Notes a problem at a byte of the text, as long as there are few enough to read.
    pub(super) fn note(&mut self, at: usize, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        if self.problems.len() >= PROBLEMS_MAX {
            return;
        }
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        self.problems.push(Problem { line, key: key.into(), what: what.into(), hint: hint.into() });
    }
}

/// A table that is being read. [`Section::end`] refuses the keys nobody asked for.
pub(super) struct Section<'s, 't> {
    path: &'static str,
    table: Option<&'s DeTable<'t>>,
    asked: BTreeSet<&'static str>,
}

impl<'s, 't> Section<'s, 't> {
    /// The file's own table.
    pub(super) fn root(table: &'s DeTable<'t>) -> Self {
        Self { path: "", table: Some(table), asked: BTreeSet::new() }
    }

    /// The table `[name]`; an absent one reads as empty.
    pub(super) fn section(&mut self, name: &'static str, found: &mut Findings<'_>) -> Section<'s, 't> {
        let table = self.value(name).and_then(|value| match value.get_ref().as_table() {
            Some(table) => Some(table),
            None => {
                found.note(value.span().start, name, "is not a table", format!("write its keys under a line [{name}]"));
                None
            }
        });
        Section { path: name, table, asked: BTreeSet::new() }
    }

    fn value(&mut self, key: &'static str) -> Option<&'s Spanned<DeValue<'t>>> {
        self.asked.insert(key);
        self.table?.get(key)
    }

    /// The path that a problem names.
    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reads a key into `into` if it is there: `read` turns its value into what it means, or says what was expected.
    fn read<T>(
        &mut self,
        key: &'static str,
        into: &mut T,
        found: &mut Findings<'_>,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Expected>,
    ) {
        let Some(value) = self.value(key) else { return };
        match read(value.get_ref()) {
            Ok(meant) => *into = meant,
            Err(expected) => found.note(value.span().start, &self.key_path(key), expected.what, expected.hint),
        }
    }

    /// A text that `parse` understands; `hint` shows a good one.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        into: &mut T,
        hint: &str,
        found: &mut Findings<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        self.read(key, into, found, |value| one_text(value, hint, &parse));
    }

    /// A list of texts that `parse` understands, at most `most` of them.
    pub(super) fn texts<T>(
        &mut self,
        key: &'static str,
        into: &mut Vec<T>,
        most: usize,
        hint: &str,
        found: &mut Findings<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        self.read(key, into, found, |value| {
            let list = value.as_array().ok_or_else(|| Expected::new(format!("is {}, not a list", value.type_str()), hint))?;
            if list.len() > most {
                return Err(Expected::new(format!("has {} entries", list.len()), format!("at most {most}")));
            }
            list.iter().map(|entry| one_text(entry.get_ref(), hint, &parse)).collect()
        });
    }

    /// A whole number within `range`.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        into: &mut T,
        range: RangeInclusive<u64>,
        found: &mut Findings<'_>,
        meaning: impl FnOnce(u64) -> T,
    ) {
        self.read(key, into, found, |value| {
            let hint = format!("a whole number from {} to {}", range.start(), range.end());
            let number = value
                .as_integer()
                .ok_or_else(|| Expected::new(format!("is {}, not a number", value.type_str()), hint.as_str()))?;
            let number = u64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| Expected::new(format!("is {}", shorten(number.as_str())), hint.as_str()))?;
            if range.contains(&number) { Ok(meaning(number)) } else { Err(Expected::new(format!("is {number}"), hint)) }
        });
    }

    /// Refuses every key that nobody asked for, naming the nearest known one.
    pub(super) fn end(self, found: &mut Findings<'_>) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if self.asked.contains(name) {
                continue;
            }
            let nearest = self.asked.iter().map(|known| (distance(known, name), known)).min();
            let hint = match nearest {
                Some((steps, known)) if steps <= 1 + known.len() / 3 => format!("did you mean {}?", self.key_path(known)),
                _ => format!("known here: {}", self.asked.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            found.note(key.span().start, &self.key_path(&shorten(name)), "is not a key of Quartet", hint);
        }
    }
}

/// What a key should have held.
struct Expected {
    what: String,
    hint: String,
}

impl Expected {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

fn one_text<T>(value: &DeValue<'_>, hint: &str, parse: &impl Fn(&str) -> Option<T>) -> Result<T, Expected> {
    let text = value.as_str().ok_or_else(|| Expected::new(format!("is {}, not a text in quotes", value.type_str()), hint))?;
    parse(text).ok_or_else(|| Expected::new(format!("is {:?}", shorten(text)), hint))
}

/// A message quotes what was typed, but not a page of it.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

/// How many letters must change to make one word the other (Levenshtein). Typed words are cut at 64 letters, so that
/// a file of nonsense stays cheap.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
