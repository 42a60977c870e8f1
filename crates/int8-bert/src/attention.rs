//! Attention of the pieces of one text to each other, in 32 bits.

use rten_simd::{
    Isa, SimdOp, SimdUnaryOp,
    ops::{BitOps, NumOps},
};
use rten_vecmath::Exp;

/// A head is a multiple of this wide: the longest vector of a processor.
pub const STEP: usize = 16;

/// Queries computed together, so that what is loaded for one serves all.
const TOGETHER: usize = 4;

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
            for (piece, row) in mixed.chunks_exact(3 * width).enumerate() {
                let (panel, lane) = (&mut keys[piece / len * len * dim..][..len * dim], piece % len);
                for (lanes, number) in panel.chunks_exact_mut(len).zip(&row[width + begins..][..dim]) {
                    lanes[lane] = *number;
                }
            }
            for first in (0..n_pieces).step_by(TOGETHER) {
                // Behind the last piece it is computed again and not kept.
                let queries = [0, 1, 2, 3].map(|at| &row((first + at).min(n_pieces - 1))[begins..][..dim]);
                alike(isa, queries, keys, shares, room);
                let mut factors = [0.0; TOGETHER];
                for (factor, shares) in factors.iter_mut().zip(shares.chunks_exact_mut(room)) {
                    *factor = softmax(isa, shares, n_pieces);
                }
                for d in (begins..begins + dim).step_by(len) {
                    let sums = seen(isa, mixed, shares, (room, 3 * width, 2 * width + d));
                    for (query, (sum, factor)) in (first..n_pieces).zip(sums.into_iter().zip(factors)) {
                        let seen = isa.f32().mul(sum, isa.f32().splat(factor));
                        isa.f32().store(seen, &mut out[query * width + d..][..len]);
                    }
                }
            }
        }
    }
}

/// How alike queries are to the keys of all pieces.
#[inline(always)]
fn alike<I: Isa>(isa: I, queries: [&[f32]; TOGETHER], keys: &[f32], shares: &mut [f32], room: usize) {
    let ops = isa.f32();
    let len = ops.len();
    let [one, two, three, four] = queries;
    for (panel, keys) in keys.chunks_exact(len * one.len()).enumerate() {
        let mut sums = [ops.zero(); TOGETHER];
        let numbers = one.iter().zip(two).zip(three.iter().zip(four));
        for (key, ((one, two), (three, four))) in keys.chunks_exact(len).zip(numbers) {
            let key = ops.load(key);
            sums[0] = ops.mul_add(ops.splat(*one), key, sums[0]);
            sums[1] = ops.mul_add(ops.splat(*two), key, sums[1]);
            sums[2] = ops.mul_add(ops.splat(*three), key, sums[2]);
            sums[3] = ops.mul_add(ops.splat(*four), key, sums[3]);
        }
        for (shares, sum) in shares.chunks_exact_mut(room).zip(sums) {
            ops.store(sum, &mut shares[panel * len..][..len]);
        }
    }
}

/// More alike than this, or less, is nothing in a model that has learned anything, and what is far from overflow
/// needs no look for the largest first.
const MOST_ALIKE: f32 = 80.0;

/// From how alike a query is to each piece to the share of each, but for the factor that makes their sum one, which
/// is given back. What only fills the last vector gets nothing.
#[inline(always)]
fn softmax<I: Isa>(isa: I, shares: &mut [f32], n_pieces: usize) -> f32 {
    let ops = isa.f32();
    let len = ops.len();
    let (least, most) = (ops.splat(-MOST_ALIKE), ops.splat(MOST_ALIKE));
    let mut sum = ops.zero();
    for (at, alike) in shares.chunks_exact_mut(len).enumerate() {
        let mut share = Exp::apply(isa, ops.clamp(ops.load(alike), least, most));
        let n_left = n_pieces - at * len;
        if n_left < len {
            share = ops.select(share, ops.zero(), ops.first_n_mask(n_left));
        }
        sum = ops.add(sum, share);
        ops.store(share, alike);
    }
    1.0 / ops.sum(sum)
}

/// The values of all pieces by their shares, for each query. How far the shares of one query are from the next, how
/// long a row is, and where in a row the values begin.
#[inline(always)]
fn seen<I: Isa>(
    isa: I,
    mixed: &[f32],
    shares: &[f32],
    (room, wide, begins): (usize, usize, usize),
) -> [I::F32; TOGETHER] {
    let ops = isa.f32();
    let (one, rest) = shares.split_at(room);
    let (two, rest) = rest.split_at(room);
    let (three, four) = rest.split_at(room);
    let shares = one.iter().zip(two).zip(three.iter().zip(four));
    let mut sums = [ops.zero(); TOGETHER];
    for (row, ((one, two), (three, four))) in mixed.chunks_exact(wide).zip(shares) {
        let value = ops.load(&row[begins..]);
        sums[0] = ops.mul_add(ops.splat(*one), value, sums[0]);
        sums[1] = ops.mul_add(ops.splat(*two), value, sums[1]);
        sums[2] = ops.mul_add(ops.splat(*three), value, sums[2]);
        sums[3] = ops.mul_add(ops.splat(*four), value, sums[3]);
    }
    sums
}
