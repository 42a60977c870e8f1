//! Chance from a seed, the same on every machine and in every version, and a hash of
//! what came of it.

use std::sync::{Arc, Mutex};

/// Dice that many hold and that fall in one order: SplitMix64, by Sebastiano Vigna, in the public domain.
#[derive(Clone)]
pub struct Dice(Arc<Mutex<u64>>);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// Any number.
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    /// Yes, so many times in a hundred.
    pub fn percent(&self, n: usize) -> bool {
        self.below(100) < n
    }

    /// One of these.
    pub fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What happened, as a hash, and as lines where somebody wants to read them.
#[derive(Default)]
pub struct Trace {
    hash: u64,
    n_lines: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Keeps the lines too.
    pub fn kept() -> Self {
        Self { lines: Some(Vec::new()), ..Self::default() }
    }

    /// One more line: FNV-1a over all of them.
    pub fn line(&mut self, line: &str) {
        let mut hash = self.hash ^ 0xcbf2_9ce4_8422_2325;
        for byte in line.bytes().chain([b'\n']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.hash = hash;
        self.n_lines += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_owned());
        }
    }

    /// How many lines there were, and their hash.
    pub fn sum(&self) -> (u64, u64) {
        (self.n_lines, self.hash)
    }

    /// The last lines, numbered; what is the same many times is told once.
    pub fn last(&self, n: usize) -> String {
        let lines = self.lines.as_deref().unwrap_or_default();
        let mut told: Vec<(usize, &str, usize)> = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            match told.last_mut() {
                Some((_, last, times)) if last == line => *times += 1,
                _ => told.push((index + 1, line, 1)),
            }
        }
        let line = |(number, line, times): &(usize, &str, usize)| match times {
            1 => format!("{number:>5} {line}"),
            _ => format!("{number:>5} {line} ({times} times)"),
        };
        told[told.len().saturating_sub(n)..].iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
