//! Which waiting texts go together, and how they share the rows of a batch. Pure.
//!
//! The oldest go first, so nobody starves. Several short texts share a row, each
//! seeing only itself, so that next to nothing is computed for padding.

use std::cmp::Reverse;

/// The most texts computed together.
pub const MOST_TEXTS: usize = 16;

/// The most bytes of text computed together: a batch of long texts ends as soon as
/// one of short texts, and whoever waits behind it is not late.
const MOST_BYTES: usize = 4 * 1024;

/// No text counts for more: the model reads no further.
const READ_OF_ONE: usize = 600;

/// Rows of a multiple of this are computed without a rest, which is slow.
const STEP: usize = 32;

/// The longest row several texts share.
const LONGEST_SHARED: usize = 128;

/// How many of the oldest texts to compute now, given the bytes of all that wait.
pub fn choose(lengths: impl IntoIterator<Item = usize>, most: usize) -> usize {
    let mut n_bytes = 0;
    let together = lengths.into_iter().take(most.max(1)).take_while(|length| {
        let is_first = n_bytes == 0;
        n_bytes += (*length).clamp(1, READ_OF_ONE);
        is_first || n_bytes <= MOST_BYTES
    });
    together.count()
}

/// Texts laid into rows of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// How long every row is.
    pub row: usize,
    /// How many rows there are.
    pub n_rows: usize,
    /// Where each text begins, counted over all rows.
    pub starts: Vec<usize>,
}

/// Lays texts of these lengths into rows, in the way that costs least.
pub fn pack(lengths: &[usize]) -> Packing {
    let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
    let all: usize = lengths.iter().sum();
    let shortest_step = longest.div_ceil(STEP);
    let steps = shortest_step..=shortest_step.max(LONGEST_SHARED / STEP);
    let mut packings: Vec<Packing> = steps.map(|step| lay(lengths, step * STEP)).collect();
    if all <= LONGEST_SHARED {
        packings.push(lay(lengths, all.max(1)));
    }
    let least = packings.into_iter().min_by_key(Packing::cost);
    least.unwrap_or_else(|| lay(lengths, longest))
}

impl Packing {
    /// What computing it costs, in no unit. Attention grows with the row; measured on
    /// rows of 32, 64 and 128, and on rows with a rest.
    fn cost(&self) -> usize {
        let by_length = if self.row.is_multiple_of(STEP) { self.row } else { self.row * 6 };
        self.n_rows * self.row * (800 + by_length)
    }
}

/// The longest first, each into the first row with room for it.
fn lay(lengths: &[usize], row: usize) -> Packing {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|at| Reverse(lengths[*at]));
    let mut starts = vec![0; lengths.len()];
    let mut filled: Vec<usize> = Vec::new();
    for at in order {
        let place = filled.iter().position(|n| n + lengths[at] <= row).unwrap_or_else(|| {
            filled.push(0);
            filled.len() - 1
        });
        starts[at] = place * row + filled[place];
        filled[place] += lengths[at];
    }
    Packing { row, n_rows: filled.len(), starts }
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, choose, pack};

    #[test]
    fn the_oldest_go_first_until_there_is_enough_work() {
        assert_eq!(choose([5; 20], 16), 16);
        assert_eq!(choose([], 16), 0);
        assert_eq!(choose([7, 7], 0), 1);
        assert_eq!(choose([20_000], 16), 1, "however long, the oldest goes");
        assert_eq!(choose([500; 16], 16), MOST_BYTES / 500);
        assert_eq!(choose([0; 3], 16), 3);
    }

    #[test]
    fn texts_share_rows_and_never_a_place() {
        let lengths = [17, 3, 64, 22, 40, 9, 9, 12, 31, 55, 2, 18, 25, 25, 7, 14];
        let packing = pack(&lengths);
        let mut owner = vec![None; packing.n_rows * packing.row];
        for (at, (start, length)) in packing.starts.iter().zip(lengths).enumerate() {
            assert_eq!(start / packing.row, (start + length - 1) / packing.row, "{at} is in one row");
            for place in &mut owner[*start..start + length] {
                assert_eq!(place.replace(at), None);
            }
        }
        let n_padding = owner.iter().filter(|owner| owner.is_none()).count();
        assert!(n_padding * 10 < owner.len(), "{n_padding} of {} are padding: {packing:?}", owner.len());
    }

    #[test]
    fn one_short_text_is_not_padded() {
        let packing = pack(&[17]);
        assert_eq!((packing.row, packing.n_rows, packing.starts), (17, 1, vec![0]));
        assert_eq!(pack(&[30]).row, 32, "a whole row costs less than one with a rest");
        assert_eq!(pack(&[200, 10]).row, 224);
        assert_eq!(pack(&[]).n_rows, 0);
    }
}
