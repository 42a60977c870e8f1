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

/// Up to here GELU is a polynomial, from here on its factor is 0 or 1.
const GELU_ENDS: f32 = 4.2;

/// The odd polynomial of the normal distribution less one half: least squares, weighed until the error of GELU is
/// even (Lawson's algorithm), at most 3e-5 up to there and 1e-5 of the number beyond. A step of 8 bits is hundreds of
/// times that.
const GELU: [f32; 9] = [
    0.398_834_6,
    -6.622_208e-2,
    9.740_942e-3,
    -1.086_459_6e-3,
    8.983_606e-5,
    -5.289_576e-6,
    2.072_483e-7,
    -4.795_683_6e-9,
    4.923_847_4e-11,
];

/// The GELU of each number, in its place and given on by vectors, which the row is made of.
#[inline(always)]
pub fn gelu<I: Isa>(isa: I, row: &mut [f32]) -> impl Iterator<Item = I::F32> {
    let ops = isa.f32();
    let (least, most, half) = (ops.splat(-GELU_ENDS), ops.splat(GELU_ENDS), ops.splat(0.5));
    let factors = GELU.map(|factor| ops.splat(factor));
    row.chunks_exact_mut(ops.len()).map(move |numbers| {
        let number = ops.load(numbers);
        let near = ops.clamp(number, least, most);
        let square = ops.mul(near, near);
        let mut sum = factors[GELU.len() - 1];
        for factor in factors[..GELU.len() - 1].iter().rev() {
            sum = ops.mul_add(sum, square, *factor);
        }
        let gelu = ops.mul(number, ops.mul_add(sum, near, half));
        ops.store(gelu, numbers);
        gelu
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Gelu<'a>(&'a mut [f32]);

    impl SimdOp for Gelu<'_> {
        type Output = ();

        fn eval<I: Isa>(self, isa: I) {
            gelu(isa, self.0).for_each(drop);
        }
    }

    #[test]
    fn gelu_is_as_exact_as_it_says() {
        let numbers: Vec<f32> = (0..16_000).map(|at| at as f32 / 1_000.0 - 8.0).collect();
        let mut found = numbers.clone();
        Gelu(&mut found).dispatch();
        for (number, found) in numbers.iter().zip(found) {
            let exact = f64::from(*number) * normal(f64::from(*number));
            let error = (f64::from(found) - exact).abs();
            let most = if number.abs() <= GELU_ENDS { 3e-5 } else { 1e-5 * f64::from(number.abs()) };
            assert!(error <= most, "{number}: {found}, exactly {exact}");
        }
    }

    /// The normal distribution by Simpson's rule.
    fn normal(x: f64) -> f64 {
        const STEPS: usize = 400;
        let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let weight = |at: usize| [2.0, 4.0][at % 2] - if at.is_multiple_of(STEPS) { 1.0 } else { 0.0 };
        let step = x / STEPS as f64;
        let sum: f64 = (0..=STEPS).map(|at| weight(at) * density(at as f64 * step)).sum();
        0.5 + sum * step / 3.0
    }
}
