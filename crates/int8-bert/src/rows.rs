//! What is done to one row of numbers at a time.

use rten_simd::{
    Isa, Simd, SimdOp,
    ops::{BitOps, FloatOps, IntOps, NumOps, ToFloat},
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

/// The sum of these factors times the powers of a number, of its power 0 first.
#[inline(always)]
fn polynomial<I: Isa, const N: usize>(isa: I, number: I::F32, factors: [I::F32; N]) -> I::F32 {
    factors.into_iter().rev().reduce(|sum, factor| isa.f32().mul_add(sum, number, factor)).unwrap_or(number)
}

/// Up to here GELU is a polynomial, from here on its factor is 0 or 1.
const GELU_ENDS: f32 = 3.8;

/// The odd polynomial of the normal distribution less one half: least squares, weighed until the error of GELU is
/// even (Lawson's algorithm), at most 1.2e-4 up to there and 5e-5 of the number beyond. Half a step of 8 bits is dozens
/// of times that.
const GELU: [f32; 7] = [
    0.398_256_66,
    -6.513_268_5e-2,
    9.045_742e-3,
    -8.744_282e-4,
    5.462_227_6e-5,
    -1.956_960_2e-6,
    3.025_370_5e-8,
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
        let sum = polynomial(isa, ops.mul(near, near), factors);
        let gelu = ops.mul(number, ops.mul_add(sum, near, half));
        ops.store(gelu, numbers);
        gelu
    })
}

/// Two to the power of a number from -1/2 to 1/2: the polynomial whose relative error is even (as above), at most 3e-6.
const EXP2: [f32; 5] = [0.999_999_3, 0.693_121_8, 0.240_247_44, 0.055_917_867, 0.009_570_104];

/// Two to the power of each number, which is from -125 to 126: what is whole of it goes into the exponent.
#[inline(always)]
pub fn exp2<I: Isa>(isa: I, numbers: I::F32) -> I::F32 {
    let (ops, ints) = (isa.f32(), isa.i32());
    let whole = ops.to_int_round(numbers);
    let rest = ops.sub(numbers, ints.to_float(whole));
    let power = polynomial(isa, rest, EXP2.map(|factor| ops.splat(factor)));
    ints.add(power.reinterpret_cast(), ints.shift_left::<23>(whole)).reinterpret_cast()
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

    struct Exp2<'a>(&'a mut [f32]);

    impl SimdOp for Exp2<'_> {
        type Output = ();

        fn eval<I: Isa>(self, isa: I) {
            for numbers in self.0.chunks_exact_mut(isa.f32().len()) {
                isa.f32().store(exp2(isa, isa.f32().load(numbers)), numbers);
            }
        }
    }

    #[test]
    fn powers_of_two_are_as_exact_as_they_say() {
        let numbers: Vec<f32> = (0..25_088).map(|at| at as f32 / 100.0 - 125.0).collect();
        let mut found = numbers.clone();
        Exp2(&mut found).dispatch();
        for (number, found) in numbers.iter().zip(found) {
            let exact = f64::from(*number).exp2();
            assert!((f64::from(found) / exact - 1.0).abs() <= 3e-6, "{number}: {found}, exactly {exact}");
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
            let most = if number.abs() <= GELU_ENDS { 1.2e-4 } else { 5e-5 * f64::from(number.abs()) };
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
