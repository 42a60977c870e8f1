//! The product itself: 64 products of 8 bits an instruction (AVX-512 VNNI). The only unsafe code of this crate, because
//! instructions that not every processor has, and loads of vectors, are that to the compiler.
//!
//! Weights lie in panels of 32 outputs, four inputs of each output side by side, as the instruction takes them. Up to
//! 12 rows meet a panel at once: 24 registers hold their sums, and a panel stays in the first cache for all rows.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_mullo_epi32,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps, _mm512_sub_epi32,
};

use crate::linear::{Linear, PANEL, Rounded, Then};

/// Lanes of a register.
const LANES: usize = 16;

/// Rows that meet a panel at once, at most.
const TALLEST: usize = 12;

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

/// Whether this processor has the instructions.
pub fn is_here() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

/// Rows times weights. `out` has a row of outputs for each row.
pub fn multiply(rows: &Rounded, by: &Linear, out: &mut [f32], then: Then) {
    assert!(is_here(), "weights are not rounded where the instructions are missing");
    // SAFETY: asked just now.
    unsafe { product(rows, by, out, then) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn product(rows: &Rounded, by: &Linear, out: &mut [f32], then: Then) {
    let (inputs, outputs, n_rows) = (by.inputs, by.bias.len(), rows.zeros.len());
    assert!(inputs.is_multiple_of(4) && outputs.is_multiple_of(PANEL), "the shape was looked at before");
    assert_eq!((rows.numbers.len(), out.len()), (n_rows * inputs, n_rows * outputs), "one row for each row");
    // As even as can be: 17 rows are 9 and 8, not 12 and 5.
    let tall = n_rows.div_ceil(n_rows.div_ceil(TALLEST).max(1));
    for (at, panel) in by.panels.chunks_exact(inputs * PANEL).enumerate() {
        let columns = Columns {
            panel,
            sums: &by.sums[at * PANEL..][..PANEL],
            steps: &by.steps[at * PANEL..][..PANEL],
            bias: &by.bias[at * PANEL..][..PANEL],
        };
        let mut row = 0;
        while row < n_rows {
            let n = tall.min(n_rows - row);
            let tile = Tile {
                numbers: &rows.numbers[row * inputs..][..n * inputs],
                zeros: &rows.zeros[row..][..n],
                steps: &rows.steps[row..][..n],
                out: &mut out[row * outputs + at * PANEL..],
                outputs,
                then,
            };
            match n {
                1 => tile.multiply::<1>(&columns),
                2 => tile.multiply::<2>(&columns),
                3 => tile.multiply::<3>(&columns),
                4 => tile.multiply::<4>(&columns),
                5 => tile.multiply::<5>(&columns),
                6 => tile.multiply::<6>(&columns),
                7 => tile.multiply::<7>(&columns),
                8 => tile.multiply::<8>(&columns),
                9 => tile.multiply::<9>(&columns),
                10 => tile.multiply::<10>(&columns),
                11 => tile.multiply::<11>(&columns),
                _ => tile.multiply::<TALLEST>(&columns),
            }
            row += n;
        }
    }
}

/// One panel of weights.
struct Columns<'a> {
    panel: &'a [i8],
    /// The sum of the weights of each output.
    sums: &'a [i32],
    steps: &'a [f32],
    bias: &'a [f32],
}

/// Some rows, and where their products with a panel go.
struct Tile<'a> {
    numbers: &'a [u8],
    zeros: &'a [u8],
    steps: &'a [f32],
    /// From the first product of the first row on.
    out: &'a mut [f32],
    /// How far one row of `out` is from the next.
    outputs: usize,
    then: Then,
}

impl Tile<'_> {
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn multiply<const N: usize>(self, columns: &Columns<'_>) {
        let inputs = columns.panel.len() / PANEL;
        assert!(self.numbers.len() == N * inputs && self.zeros.len() == N && self.steps.len() == N);
        let mut sums = [[_mm512_setzero_si512(); 2]; N];
        for four in 0..inputs / 4 {
            // SAFETY: a panel is `inputs * PANEL` long and a row `inputs`, both looked at above.
            unsafe {
                let panel = columns.panel.as_ptr().add(four * 4 * PANEL);
                let weights = [load(panel), load(panel.add(4 * LANES))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let numbers = self.numbers.as_ptr().add(row * inputs + four * 4);
                    let numbers = _mm512_set1_epi32(numbers.cast::<i32>().read_unaligned());
                    sums[0] = _mm512_dpbusd_epi32(sums[0], numbers, weights[0]);
                    sums[1] = _mm512_dpbusd_epi32(sums[1], numbers, weights[1]);
                }
            }
        }
        for (half, at) in [(0, 0), (1, LANES)] {
            let columns_sums = ints(&columns.sums[at..]);
            let (columns_steps, bias) = (floats(&columns.steps[at..]), floats(&columns.bias[at..]));
            for (row, sums) in sums.iter().enumerate() {
                // What the step that stands for zero has added everywhere.
                let zero = _mm512_set1_epi32(i32::from(self.zeros[row]));
                let product = _mm512_sub_epi32(sums[half], _mm512_mullo_epi32(zero, columns_sums));
                let step = _mm512_mul_ps(columns_steps, _mm512_set1_ps(self.steps[row]));
                let number = _mm512_fmadd_ps(_mm512_cvtepi32_ps(product), step, bias);
                let out = &mut self.out[row * self.outputs + at..][..LANES];
                let number = match self.then {
                    Then::Keep => number,
                    Then::Add => _mm512_add_ps(number, floats(out)),
                    Then::Gelu => gelu(number),
                };
                // SAFETY: `out` is as long as the register.
                unsafe { _mm512_storeu_ps(out.as_mut_ptr(), number) }
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
fn gelu(number: __m512) -> __m512 {
    let end = _mm512_set1_ps(GELU_ENDS);
    let near = _mm512_min_ps(_mm512_max_ps(number, _mm512_set1_ps(-GELU_ENDS)), end);
    let square = _mm512_mul_ps(near, near);
    let mut sum = _mm512_set1_ps(GELU[GELU.len() - 1]);
    for factor in GELU[..GELU.len() - 1].iter().rev() {
        sum = _mm512_fmadd_ps(sum, square, _mm512_set1_ps(*factor));
    }
    _mm512_mul_ps(number, _mm512_fmadd_ps(sum, near, _mm512_set1_ps(0.5)))
}

/// # Safety
///
/// There are 64 weights from here on.
#[target_feature(enable = "avx512f")]
unsafe fn load(weights: *const i8) -> __m512i {
    unsafe { _mm512_loadu_si512(weights.cast()) }
}

#[target_feature(enable = "avx512f")]
fn ints(numbers: &[i32]) -> __m512i {
    let numbers = &numbers[..LANES];
    // SAFETY: as long as the register.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn floats(numbers: &[f32]) -> __m512 {
    let numbers = &numbers[..LANES];
    // SAFETY: as long as the register.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern (Knuth's multiplicative hash).
    fn number(at: usize) -> f32 {
        ((at as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    #[test]
    fn a_product_is_that_of_the_rounded_numbers() {
        if !is_here() {
            eprintln!("this processor has no products of 8 bits: nothing was compared");
            return;
        }
        for n_rows in 1..=30 {
            let (inputs, outputs) = (36, 2 * PANEL);
            let weights: Vec<f32> = (0..inputs * outputs).map(number).collect();
            let bias: Vec<f32> = (0..outputs).map(|at| number(at + 77)).collect();
            let linear = Linear::new(&weights, bias, inputs).unwrap();
            let mut rows = Rounded::default();
            let numbers: Vec<f32> = (0..n_rows * inputs).map(|at| number(at + 999) * 3.0 - 0.7).collect();
            rows.take(&numbers, inputs);
            let before: Vec<f32> = (0..n_rows * outputs).map(|at| number(at + 5)).collect();
            let mut added = before.clone();
            linear.add(&rows, &mut added);
            let mut kept = Vec::new();
            linear.apply(&rows, &mut kept, Then::Keep);
            for (row, numbers) in rows.numbers.chunks_exact(inputs).enumerate() {
                for output in 0..outputs {
                    let weights = weights[output * inputs..][..inputs].iter();
                    let products = numbers.iter().zip(weights).map(|(number, weight)| {
                        let weight = (weight / linear.steps[output]).round() as i32;
                        (i32::from(*number) - i32::from(rows.zeros[row])) * weight
                    });
                    let step = linear.steps[output] * rows.steps[row];
                    let product = products.sum::<i32>() as f32 * step + linear.bias[output];
                    let at = row * outputs + output;
                    assert!((kept[at] - product).abs() < 1e-5, "{n_rows} rows: {} and {product}", kept[at]);
                    assert!((added[at] - before[at] - product).abs() < 1e-5);
                }
            }
            // Half a step is the most that rounding a number costs.
            for (number, (row, rounded)) in numbers.iter().zip(rows.numbers.iter().enumerate()) {
                let row = row / inputs;
                let back = (f32::from(*rounded) - f32::from(rows.zeros[row])) * rows.steps[row];
                assert!((number - back).abs() <= rows.steps[row] * 0.5001 + 1e-6);
            }
        }
    }

    #[test]
    fn gelu_is_as_exact_as_it_says() {
        if !is_here() {
            eprintln!("this processor has no products of 8 bits: nothing was compared");
            return;
        }
        // A product of nothing: what comes out is the GELU of the bias.
        let outputs = 16_000 / PANEL * PANEL;
        let numbers: Vec<f32> = (0..outputs).map(|at| at as f32 / 1_000.0 - 8.0).collect();
        let linear = Linear::new(&vec![0.0; 4 * outputs], numbers.clone(), 4).unwrap();
        let mut rows = Rounded::default();
        rows.take(&[0.0; 4], 4);
        let mut found = Vec::new();
        linear.apply(&rows, &mut found, Then::Gelu);
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
