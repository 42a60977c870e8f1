//! Which waiting texts go together. Pure.
//!
//! The oldest always goes, so nobody starves; with it go those of the most
//! similar length, so that little is padded.

/// The most texts computed together.
pub const MOST_TEXTS: usize = 16;

/// The places of the texts to compute now, oldest first, given the lengths of
/// all that wait.
pub fn choose(lengths: &[usize], most: usize) -> Vec<usize> {
    let Some(oldest) = lengths.first() else { return Vec::new() };
    let mut places: Vec<usize> = (0..lengths.len()).collect();
    places.sort_by_key(|place| (lengths[*place].abs_diff(*oldest), *place));
    places.truncate(most.max(1));
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_oldest_goes_with_those_of_similar_length() {
        assert_eq!(choose(&[10, 90, 12, 11, 80], 3), [0, 2, 3]);
        assert_eq!(choose(&[90, 10, 11, 80], 2), [0, 3]);
    }

    #[test]
    fn equal_lengths_go_in_order_of_arrival() {
        assert_eq!(choose(&[5; 20], 16), (0..16).collect::<Vec<_>>());
        assert_eq!(choose(&[], 16), Vec::<usize>::new());
        assert_eq!(choose(&[7, 7], 0), [0]);
    }
}
