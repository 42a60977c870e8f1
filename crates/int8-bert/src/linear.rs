//! Numbers and weights rounded to 8 bits, and what is done with their products.

use rten_simd::{
    Isa, Simd, SimdOp,
    ops::{BitOps, FloatOps, NarrowSaturate, NumOps},
};

use crate::{kernel, rows::largest};

/// Outputs whose weights lie side by side.
pub const PANEL: usize = 32;

/// Rows of numbers, each rounded to 256 steps between its smallest and its largest.
#[derive(Default)]
pub struct Rounded {
    pub numbers: Vec<u8>,
    /// Which of the steps is zero, for each row.
    pub zeros: Vec<u8>,
    /// How far one step is, for each row.
    pub steps: Vec<f32>,
}

impl Rounded {
    /// Rounds rows of this length.
    pub fn take(&mut self, rows: &[f32], width: usize) {
        let n_rows = rows.len() / width;
        self.numbers.resize(rows.len(), 0);
        self.zeros.resize(n_rows, 0);
        self.steps.resize(n_rows, 0.0);
        Take { rows, width, into: self }.dispatch();
    }
}

struct Take<'a> {
    rows: &'a [f32],
    width: usize,
    into: &'a mut Rounded,
}

impl SimdOp for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Rounded { numbers, zeros, steps } = self.into;
        let into = numbers.chunks_exact_mut(self.width).zip(zeros).zip(steps);
        for (row, ((numbers, zero), step)) in self.rows.chunks_exact(self.width).zip(into) {
            let (least, most) = bounds(isa, row);
            *step = ((most - least) / 255.0).max(f32::MIN_POSITIVE);
            *zero = (-least / *step).round() as u8;
            round(isa, row, numbers, *step, *zero);
        }
    }
}

/// The smallest and the largest number of a row, or zero where that is beyond: zero is one of the steps.
#[inline(always)]
fn bounds<I: Isa>(isa: I, row: &[f32]) -> (f32, f32) {
    let ops = isa.f32();
    // The smallest is the largest of the opposites.
    let (mut least, mut most) = (ops.zero(), ops.zero());
    let mut whole = row.chunks_exact(ops.len());
    for numbers in &mut whole {
        let numbers = ops.load(numbers);
        least = ops.max(least, ops.sub(ops.zero(), numbers));
        most = ops.max(most, numbers);
    }
    let bounds = (-largest(least.to_array().as_ref()), largest(most.to_array().as_ref()));
    let rest = whole.remainder().iter();
    rest.fold(bounds, |(least, most), number| (least.min(*number), most.max(*number)))
}

#[inline(always)]
fn round<I: Isa>(isa: I, row: &[f32], rounded: &mut [u8], step: f32, zero: u8) {
    let (ops, ints, halves, bytes) = (isa.f32(), isa.i32(), isa.i16(), isa.u8());
    let (len, per_step) = (ops.len(), 1.0 / step);
    let (factor, shift) = (ops.splat(per_step), ints.splat(i32::from(zero)));
    let mut rows = row.chunks_exact(4 * len);
    let mut into = rounded.chunks_exact_mut(4 * len);
    for (numbers, rounded) in (&mut rows).zip(&mut into) {
        let mut whole = [ints.zero(); 4];
        for (at, whole) in whole.iter_mut().enumerate() {
            let number = ops.mul(ops.load(&numbers[at * len..]), factor);
            *whole = ints.add(ops.to_int_round(number), shift);
        }
        let low = ints.narrow_saturate(whole[0], whole[1]);
        let high = ints.narrow_saturate(whole[2], whole[3]);
        bytes.store(halves.narrow_saturate(low, high), rounded);
    }
    for (number, rounded) in rows.remainder().iter().zip(into.into_remainder()) {
        *rounded = ((number * per_step).round_ties_even() as i32 + i32::from(zero)).clamp(0, 255) as u8;
    }
}

/// What is done with a product and its bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is what comes out.
    Keep,
    /// It is added to what is there.
    Add,
    /// Its GELU comes out.
    Gelu,
}

/// Weights of a product, rounded to 255 steps around zero for each output, and what is added behind it.
pub struct Linear {
    pub inputs: usize,
    /// The weights of 32 outputs after the other, in each the weights of four inputs side by side.
    pub panels: Vec<i8>,
    /// The sum of the rounded weights of each output.
    pub sums: Vec<i32>,
    /// How far one step is, for each output.
    pub steps: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Linear {
    /// Rounds weights: a row of `inputs` numbers for each output. None for a shape that does not fill panels.
    pub fn new(weights: &[f32], bias: Vec<f32>, inputs: usize) -> Option<Self> {
        let outputs = bias.len();
        if !inputs.is_multiple_of(4) || !outputs.is_multiple_of(PANEL) || weights.len() != inputs * outputs {
            return None;
        }
        let mut linear =
            Self { inputs, panels: vec![0; weights.len()], sums: Vec::new(), steps: Vec::new(), bias };
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let most = row.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
            let step = most / 127.0;
            let panel = output / PANEL * PANEL * inputs + output % PANEL * 4;
            let mut sum = 0;
            for (input, weight) in row.iter().enumerate() {
                let rounded = (weight / step).round() as i8;
                sum += i32::from(rounded);
                linear.panels[panel + input / 4 * 4 * PANEL + input % 4] = rounded;
            }
            linear.sums.push(sum);
            linear.steps.push(step);
        }
        Some(linear)
    }

    /// The outputs for each row in the place of what is there.
    pub fn apply(&self, rows: &Rounded, out: &mut Vec<f32>, then: Then) {
        out.resize(rows.zeros.len() * self.bias.len(), 0.0);
        kernel::multiply(rows, self, out, then);
    }

    /// Adds the outputs for each row to what is there.
    pub fn add(&self, rows: &Rounded, out: &mut [f32]) {
        kernel::multiply(rows, self, out, Then::Add);
    }
}
