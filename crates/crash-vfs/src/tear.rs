//! What of the unsynced is on the disk after the power went: chosen by a seed, so that it
//! can be repeated.

/// Numbers from a seed: the same seed, the same numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// How the unsynced fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tearing {
    /// All of it is gone.
    Dropped,
    /// All of it arrived, as when only the process dies.
    Kept,
    /// What came first arrived; of the last operation that did, some sectors.
    Prefix {
        /// Bytes that arrive together.
        sector: usize,
    },
    /// Each operation arrived or not, whatever came before it.
    Reordered,
    /// Each sector of each write arrived or not.
    Scattered {
        /// Bytes that arrive together.
        sector: usize,
    },
    /// As `Scattered`, and some sectors hold nonsense.
    Garbled {
        /// Bytes that arrive together.
        sector: usize,
    },
}

impl Tearing {
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Dropped,
        Self::Kept,
        Self::Prefix { sector: 512 },
        Self::Prefix { sector: 4_096 },
        Self::Reordered,
        Self::Scattered { sector: 512 },
        Self::Scattered { sector: 4_096 },
        Self::Garbled { sector: 512 },
        Self::Garbled { sector: 4_096 },
    ];
}

/// Decides about one operation after the other, oldest first.
pub(crate) struct Fate {
    tearing: Tearing,
    dice: Dice,
    /// Of `Prefix`: how many still arrive whole.
    whole: u64,
}

/// What becomes of one operation.
pub(crate) enum Outcome {
    Lost,
    Whole,
    /// The sectors of a write that arrived, as ranges of its data, and whether they hold nonsense.
    Sectors(Vec<(std::ops::Range<usize>, Option<u64>)>),
}

impl Fate {
    pub(crate) fn new(tearing: Tearing, seed: u64, n_pending: usize) -> Self {
        let mut dice = Dice::new(seed);
        let whole = dice.below(n_pending as u64 + 1);
        Self { tearing, dice, whole }
    }

    /// Of a change to a name or a length, which happens or does not.
    pub(crate) fn happens(&mut self) -> bool {
        match self.tearing {
            Tearing::Dropped => false,
            Tearing::Kept => true,
            Tearing::Prefix { .. } => {
                let happens = self.whole > 0;
                self.whole = self.whole.saturating_sub(1);
                happens
            }
            Tearing::Reordered | Tearing::Scattered { .. } | Tearing::Garbled { .. } => self.dice.one_in(2),
        }
    }

    /// Of a write at an offset.
    pub(crate) fn write(&mut self, offset: usize, len: usize) -> Outcome {
        match self.tearing {
            Tearing::Dropped => Outcome::Lost,
            Tearing::Kept => Outcome::Whole,
            Tearing::Prefix { sector } => match self.whole {
                0 => Outcome::Lost,
                1 => {
                    self.whole = 0;
                    let pieces = pieces(offset, len, sector);
                    let n = self.dice.below(pieces.len() as u64 + 1) as usize;
                    Outcome::Sectors(pieces.into_iter().take(n).map(|piece| (piece, None)).collect())
                }
                _ => {
                    self.whole -= 1;
                    Outcome::Whole
                }
            },
            Tearing::Reordered => {
                if self.dice.one_in(2) {
                    Outcome::Whole
                } else {
                    Outcome::Lost
                }
            }
            Tearing::Scattered { sector } => self.scatter(offset, len, sector, false),
            Tearing::Garbled { sector } => self.scatter(offset, len, sector, true),
        }
    }

    fn scatter(&mut self, offset: usize, len: usize, sector: usize, may_garble: bool) -> Outcome {
        let mut arrived = Vec::new();
        for piece in pieces(offset, len, sector) {
            let nonsense = (may_garble && self.dice.one_in(4)).then(|| self.dice.roll());
            if self.dice.one_in(2) {
                arrived.push((piece, nonsense));
            }
        }
        Outcome::Sectors(arrived)
    }
}

/// A write cut where sectors of the disk begin, as ranges of its data.
fn pieces(offset: usize, len: usize, sector: usize) -> Vec<std::ops::Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < len {
        let to = (((offset + from) / sector + 1) * sector - offset).min(len);
        pieces.push(from..to);
        from = to;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_cut_where_sectors_begin() {
        assert_eq!(pieces(500, 1_000, 512), [0..12, 12..524, 524..1_000]);
        assert!(pieces(0, 512, 512).into_iter().eq(std::iter::once(0..512)));
        assert!(pieces(3, 0, 512).is_empty());
    }

    #[test]
    fn the_same_seed_tells_the_same() {
        let roll = |seed| {
            let mut dice = Dice::new(seed);
            [dice.roll(), dice.below(10), dice.roll()]
        };
        assert_eq!(roll(7), roll(7));
        assert_ne!(roll(7), roll(8));
    }
}
