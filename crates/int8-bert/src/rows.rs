//! What is done to one row of numbers at a time.

use rten_simd::{
    Isa, SimdOp,
    ops::{BitOps, NumOps},
};

/// Adds numbers to numbers.
pub fn add(row: &mut [f32], other: &[f32]) {
    row.iter_mut().zip(other).for_each(|(number, other)| *number += other);
}

/// The largest of numbers: four side by side as long as there are four, so that none waits for the one before.
#[inline(always)]
pub fn largest(numbers: &[f32]) -> f32 {
    let mut most = [f32::MIN; 4];
    for numbers in numbers.chunks_exact(4) {
        for (most, number) in most.iter_mut().zip(numbers) {
            // Not `f32::max`, which asks each time whether one is no number.
            *most = if *number > *most { *number } else { *most };
        }
    }
    let [one, two, three, four] = most;
    one.max(two).max(three.max(four))
}

/// Brings rows to the mean 0 and the variance 1, then to what was learned.
pub struct Norm {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    pub epsilon: f32,
}

impl Norm {
    pub fn apply(&self, rows: &mut [f32]) {
        Apply { norm: self, rows }.dispatch();
    }
}

struct Apply<'a> {
    norm: &'a Norm,
    rows: &'a mut [f32],
}

impl SimdOp for Apply<'_> {
    type Output = ();

    /// Rows are whole vectors long.
    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Norm { scale, shift, epsilon } = self.norm;
        let ops = isa.f32();
        let (len, width) = (ops.len(), scale.len());
        for row in self.rows.chunks_exact_mut(width) {
            let mut sum = ops.zero();
            for numbers in row.chunks_exact(len) {
                sum = ops.add(sum, ops.load(numbers));
            }
            let mean = ops.splat(ops.sum(sum) / width as f32);
            let mut squares = ops.zero();
            for numbers in row.chunks_exact(len) {
                let off = ops.sub(ops.load(numbers), mean);
                squares = ops.mul_add(off, off, squares);
            }
            let factor = ops.splat(1.0 / (ops.sum(squares) / width as f32 + epsilon).sqrt());
            let learned = scale.chunks_exact(len).zip(shift.chunks_exact(len));
            for (numbers, (scale, shift)) in row.chunks_exact_mut(len).zip(learned) {
                let off = ops.mul(ops.sub(ops.load(numbers), mean), factor);
                ops.store(ops.mul_add(off, ops.load(scale), ops.load(shift)), numbers);
            }
        }
    }
}
