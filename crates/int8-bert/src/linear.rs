//! Numbers and weights rounded to 8 bits, and what is done with their products.

use rten_simd::{
    Isa, Simd, SimdOp,
    ops::{BitOps, FloatOps, NarrowSaturate, NumOps},
};

use crate::{
    kernel,
    rows::{gelu, largest},
};

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
    /// Rounds rows of this length, which is that of whole vectors.
    pub fn take(&mut self, rows: &[f32], width: usize) {
        Take { rows, width, into: self.of(rows.len(), width) }.dispatch();
    }

    /// Rounds the GELU of rows, which takes their place.
    pub fn take_gelu(&mut self, rows: &mut [f32], width: usize) {
        TakeGelu { width, into: self.of(rows.len(), width), rows }.dispatch();
    }

    /// With room for so many numbers in rows of this length.
    fn of(&mut self, n_numbers: usize, width: usize) -> &mut Self {
        self.numbers.resize(n_numbers, 0);
        self.zeros.resize(n_numbers / width, 0);
        self.steps.resize(n_numbers / width, 0.0);
        self
    }

    fn rows(&mut self, width: usize) -> impl Iterator<Item = (&mut [u8], &mut u8, &mut f32)> {
        let rows = self.numbers.chunks_exact_mut(width).zip(&mut self.zeros).zip(&mut self.steps);
        rows.map(|((numbers, zero), step)| (numbers, zero, step))
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
        for (row, into) in self.rows.chunks_exact(self.width).zip(self.into.rows(self.width)) {
            let vectors = row.chunks_exact(isa.f32().len()).map(|numbers| isa.f32().load(numbers));
            round(isa, row, bounds(isa, vectors), into);
        }
    }
}

struct TakeGelu<'a> {
    rows: &'a mut [f32],
    width: usize,
    into: &'a mut Rounded,
}

impl SimdOp for TakeGelu<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        for (row, into) in self.rows.chunks_exact_mut(self.width).zip(self.into.rows(self.width)) {
            let bounds = bounds(isa, gelu(isa, row));
            round(isa, row, bounds, into);
        }
    }
}

/// The smallest and the largest number of vectors, or zero where that is beyond: zero is one of the steps.
#[inline(always)]
fn bounds<I: Isa>(isa: I, vectors: impl Iterator<Item = I::F32>) -> (f32, f32) {
    let ops = isa.f32();
    // The smallest is the largest of the opposites.
    let (mut least, mut most) = (ops.zero(), ops.zero());
    for numbers in vectors {
        least = ops.max(least, ops.sub(ops.zero(), numbers));
        most = ops.max(most, numbers);
    }
    (-largest(least.to_array().as_ref()), largest(most.to_array().as_ref()))
}

/// Rounds a row between these bounds: to where its steps go, which of them is zero and how far one is.
#[inline(always)]
fn round<I: Isa>(isa: I, row: &[f32], (least, most): (f32, f32), into: (&mut [u8], &mut u8, &mut f32)) {
    let (rounded, zero, step) = into;
    *step = ((most - least) / 255.0).max(f32::MIN_POSITIVE);
    *zero = (-least / *step).round() as u8;
    let (ops, ints, halves, bytes) = (isa.f32(), isa.i32(), isa.i16(), isa.u8());
    let (len, per_step) = (ops.len(), 1.0 / *step);
    let (factor, shift) = (ops.splat(per_step), ints.splat(i32::from(*zero)));
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
        *rounded = ((number * per_step).round_ties_even() as i32 + i32::from(*zero)).clamp(0, 255) as u8;
    }
}

/// Weights of a product, rounded to 255 steps around zero for each output, and what is added behind it.
pub struct Linear {
    pub inputs: usize,
    /// The weights of 32 outputs after the other, in each the weights of four inputs side by side.
    pub panels: Vec<i8>,
    /// What each output has too little by for each step that zero is above 0: the sum of its rounded weights, and the
    /// other sign.
    pub of_zero: Vec<i32>,
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
            Self { inputs, panels: vec![0; weights.len()], of_zero: Vec::new(), steps: Vec::new(), bias };
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
            linear.of_zero.push(-sum);
            linear.steps.push(step);
        }
        Some(linear)
    }

    /// The outputs for each row in the place of what is there.
    pub fn apply(&self, rows: &Rounded, out: &mut Vec<f32>) {
        out.resize(rows.zeros.len() * self.bias.len(), 0.0);
        kernel::multiply::<false>(rows, self, out);
    }

    /// Adds the outputs for each row to what is there.
    pub fn add(&self, rows: &Rounded, out: &mut [f32]) {
        kernel::multiply::<true>(rows, self, out);
    }
}
