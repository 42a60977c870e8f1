//! Attention of the pieces of one text to each other, in 32 bits.

use rten_simd::{
    Isa, SimdOp,
    ops::{BitOps, NumOps},
};

use crate::{
    kernel::{self, LANES},
    rows::exp2,
};

/// Queries computed together, so that what is loaded for one serves all.
const TOGETHER: usize = 4;

/// Whether vectors are as long here as the kernel's, which lays out the keys.
pub fn is_here() -> bool {
    struct Len;
    impl SimdOp for Len {
        type Output = usize;

        fn eval<I: Isa>(self, isa: I) -> usize {
            isa.f32().len()
        }
    }
    Len.dispatch() == LANES
}

/// Room for what is computed on the way.
#[derive(Default)]
pub struct Scratch {
    /// Keys of a head: of as many pieces as a vector holds one number after the other, then of the next ones.
    keys: Vec<f32>,
    /// How much each query sees of each piece.
    shares: Vec<f32>,
}

/// What each piece sees of all: `mixed` holds a row a piece, its query, key and value one behind the other.
pub fn attend(mixed: &[f32], out: &mut [f32], width: usize, heads: usize, scratch: &mut Scratch) {
    Attend { mixed, out, width, dim: width / heads, scratch }.dispatch();
}

struct Attend<'a> {
    mixed: &'a [f32],
    out: &'a mut [f32],
    width: usize,
    /// Length of a head.
    dim: usize,
    scratch: &'a mut Scratch,
}

impl SimdOp for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { mixed, out, width, dim, scratch: Scratch { keys, shares } } = self;
        let (len, n_pieces) = (isa.f32().len(), out.len() / width);
        let room = n_pieces.next_multiple_of(len);
        keys.resize(dim * room, 0.0);
        shares.resize(TOGETHER * room, 0.0);
        let row = |piece: usize| &mixed[piece * 3 * width..][..3 * width];
        for begins in (0..width).step_by(dim) {
            for (first, panel) in keys.chunks_exact_mut(len * dim).enumerate() {
                let pieces = mixed.chunks_exact(3 * width).skip(first * len);
                kernel::turn(pieces.map(|row| &row[width + begins..][..dim]), panel);
            }
            for first in (0..n_pieces).step_by(TOGETHER) {
                // Behind the last piece it is computed again and not kept.
                let queries = [0, 1, 2, 3].map(|at| &row((first + at).min(n_pieces - 1))[begins..][..dim]);
                alike(isa, queries, keys, shares, room);
                let mut sums = [isa.f32().zero(); TOGETHER];
                for (sum, shares) in sums.iter_mut().zip(shares.chunks_exact_mut(room)) {
                    *sum = softmax(isa, shares, n_pieces);
                }
                let mut d = 0;
                while d < dim {
                    let from = (room, 3 * width, 2 * width + begins + d);
                    let into = out[first * width..].chunks_mut(width).map(|row| &mut row[begins + d..]);
                    // Added up only when it is needed: by then nothing waits for it.
                    let into = into.zip(sums).map(|(row, sum)| (row, 1.0 / isa.f32().sum(sum)));
                    d += if d + 2 * len <= dim {
                        seen::<_, 2>(isa, mixed, shares, from, into)
                    } else {
                        seen::<_, 1>(isa, mixed, shares, from, into)
                    };
                }
            }
        }
    }
}

/// How alike queries are to the keys of all pieces.
#[inline(always)]
fn alike<I: Isa>(isa: I, queries: [&[f32]; TOGETHER], keys: &[f32], shares: &mut [f32], room: usize) {
    let len = isa.f32().len();
    let panel = len * queries[0].len();
    let mut begins = 0;
    for pair in keys.chunks(2 * panel) {
        let (one, two) = pair.split_at(panel);
        if two.is_empty() {
            alike_to(isa, queries, [one], &mut shares[begins..], room);
        } else {
            alike_to(isa, queries, [one, two], &mut shares[begins..], room);
        }
        begins += 2 * len;
    }
}

/// How alike queries are to the keys of a panel, or of two: a sum has to wait until its last addition is done, and
/// eight of them fill the wait.
#[inline(always)]
fn alike_to<I: Isa, const N: usize>(
    isa: I,
    queries: [&[f32]; TOGETHER],
    panels: [&[f32]; N],
    shares: &mut [f32],
    room: usize,
) {
    let ops = isa.f32();
    let len = ops.len();
    let [one, two, three, four] = queries;
    let mut sums = [[ops.zero(); N]; TOGETHER];
    let mut panels = panels.map(|panel| panel.chunks_exact(len));
    for ((one, two), (three, four)) in one.iter().zip(two).zip(three.iter().zip(four)) {
        let keys = panels.each_mut().map(|panel| ops.load(panel.next().unwrap_or_default()));
        for (sums, query) in sums.iter_mut().zip([one, two, three, four]) {
            let query = ops.splat(*query);
            for (sum, key) in sums.iter_mut().zip(keys) {
                *sum = ops.mul_add(query, key, *sum);
            }
        }
    }
    for (shares, sums) in shares.chunks_mut(room).zip(sums) {
        for (shares, sum) in shares.chunks_exact_mut(len).zip(sums) {
            ops.store(sum, shares);
        }
    }
}

/// More alike than this, or less, is nothing in a model that has learned anything, and what is far from overflow
/// needs no look for the largest first.
const MOST_ALIKE: f32 = 100.0;

/// From how alike a query is to each piece, as a power of two, to the share of each, but for the factor that makes
/// their sum one: the sum is that of the vector given back. What only fills the last vector gets nothing.
#[inline(always)]
fn softmax<I: Isa>(isa: I, shares: &mut [f32], n_pieces: usize) -> I::F32 {
    let ops = isa.f32();
    let len = ops.len();
    let (least, most) = (ops.splat(-MOST_ALIKE), ops.splat(MOST_ALIKE));
    let mut sum = ops.zero();
    for (at, alike) in shares.chunks_exact_mut(len).enumerate() {
        let mut share = exp2(isa, ops.clamp(ops.load(alike), least, most));
        let n_left = n_pieces - at * len;
        if n_left < len {
            share = ops.select(share, ops.zero(), ops.first_n_mask(n_left));
        }
        sum = ops.add(sum, share);
        ops.store(share, alike);
    }
    sum
}

/// The values of all pieces by their shares, for each query and as many vectors of a row, two for the same reason;
/// tells how many numbers these were. How far the shares of one query are from the next, how long a row is, and where
/// in it the values begin.
#[inline(always)]
fn seen<'a, I: Isa, const N: usize>(
    isa: I,
    mixed: &[f32],
    shares: &[f32],
    (room, wide, begins): (usize, usize, usize),
    into: impl Iterator<Item = (&'a mut [f32], f32)>,
) -> usize {
    let ops = isa.f32();
    let (one, rest) = shares.split_at(room);
    let (two, rest) = rest.split_at(room);
    let (three, four) = rest.split_at(room);
    let shares = one.iter().zip(two).zip(three.iter().zip(four));
    let mut sums = [[ops.zero(); N]; TOGETHER];
    for (row, ((one, two), (three, four))) in mixed.chunks_exact(wide).zip(shares) {
        let values: [_; N] = ops.load_many(&row[begins..]);
        for (sums, share) in sums.iter_mut().zip([one, two, three, four]) {
            let share = ops.splat(*share);
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = ops.mul_add(share, value, *sum);
            }
        }
    }
    for (sums, (out, factor)) in sums.into_iter().zip(into) {
        for (sum, out) in sums.into_iter().zip(out.chunks_exact_mut(ops.len())) {
            ops.store(ops.mul(sum, ops.splat(factor)), out);
        }
    }
    N * ops.len()
}
