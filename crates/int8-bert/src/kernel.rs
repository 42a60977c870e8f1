//! The product itself: 64 products of 8 bits an instruction (AVX-512 VNNI). The only unsafe code of this crate, because
//! instructions that not every processor has, and loads of vectors, are that to the compiler.
//!
//! Weights lie in panels of 32 outputs, four inputs of each output side by side, as the instruction takes them. Up to
//! 12 rows meet a panel at once: 24 registers hold their sums, and a panel stays in the first cache for all rows.

use std::arch::x86_64::{
    __m512, __m512i, _mm256_loadu_si256, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd,
    _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_mul_ps, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_unpackhi_pd,
    _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use half::f16;

use crate::linear::{Linear, PANEL, Rounded};

/// Lanes of a register; a head is a multiple of this wide.
pub const LANES: usize = 16;

/// Rows that meet a panel at once, at most.
const TALLEST: usize = 12;

/// Whether this processor has the instructions.
pub fn is_here() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

/// Rows times weights and the bias, in the place of what is in `out`, a row of outputs for each row, or added to it.
pub fn multiply<const ADD: bool>(rows: &Rounded, by: &Linear, out: &mut [f32]) {
    assert!(is_here(), "weights are not rounded where the instructions are missing");
    // SAFETY: asked just now.
    unsafe { product::<ADD>(rows, by, out) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn product<const ADD: bool>(rows: &Rounded, by: &Linear, out: &mut [f32]) {
    let (inputs, outputs, n_rows) = (by.inputs, by.bias.len(), rows.zeros.len());
    assert!(inputs.is_multiple_of(4) && outputs.is_multiple_of(PANEL), "the shape was looked at before");
    assert_eq!((rows.numbers.len(), out.len()), (n_rows * inputs, n_rows * outputs), "one row for each row");
    // As even as can be: 17 rows are 9 and 8, not 12 and 5.
    let tall = n_rows.div_ceil(n_rows.div_ceil(TALLEST).max(1));
    for (at, panel) in by.panels.chunks_exact(inputs * PANEL).enumerate() {
        let columns = Columns {
            panel,
            of_zero: &by.of_zero[at * PANEL..][..PANEL],
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
            };
            match n {
                1 => tile.multiply::<1, ADD>(&columns),
                2 => tile.multiply::<2, ADD>(&columns),
                3 => tile.multiply::<3, ADD>(&columns),
                4 => tile.multiply::<4, ADD>(&columns),
                5 => tile.multiply::<5, ADD>(&columns),
                6 => tile.multiply::<6, ADD>(&columns),
                7 => tile.multiply::<7, ADD>(&columns),
                8 => tile.multiply::<8, ADD>(&columns),
                9 => tile.multiply::<9, ADD>(&columns),
                10 => tile.multiply::<10, ADD>(&columns),
                11 => tile.multiply::<11, ADD>(&columns),
                _ => tile.multiply::<TALLEST, ADD>(&columns),
            }
            row += n;
        }
    }
}

/// The sums of numbers of 16 bits and of 32, as many as fill whole registers.
pub fn add_halves(halves: &[f16], others: &[f32], out: &mut [f32]) {
    assert!(is_here(), "asked for where the instructions are missing");
    // SAFETY: asked just now.
    unsafe { add_all_halves(halves, others, out) }
}

#[target_feature(enable = "avx512f")]
fn add_all_halves(halves: &[f16], others: &[f32], out: &mut [f32]) {
    let (halves, others) = (halves.chunks_exact(LANES), others.chunks_exact(LANES));
    for ((halves, others), out) in halves.zip(others).zip(out.chunks_exact_mut(LANES)) {
        // SAFETY: `halves` fills half a register, `out` a whole one.
        unsafe {
            let number = _mm512_cvtph_ps(_mm256_loadu_si256(halves.as_ptr().cast()));
            _mm512_storeu_ps(out.as_mut_ptr(), _mm512_add_ps(number, floats(others)));
        }
    }
}

/// Up to 16 rows by columns: the first number of each, then the second of each, and so on, always 16, with zeros for
/// rows that are not there.
pub fn turn<'a>(rows: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    assert!(is_here(), "asked for where the instructions are missing");
    // SAFETY: asked just now.
    unsafe { turn_all(rows, out) }
}

#[target_feature(enable = "avx512f")]
fn turn_all<'a>(rows: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    let mut there: [&[f32]; LANES] = [&[]; LANES];
    there.iter_mut().zip(rows).for_each(|(there, row)| *there = row);
    for (at, out) in out.chunks_exact_mut(LANES * LANES).enumerate() {
        let mut block = [_mm512_setzero_ps(); LANES];
        for (lane, row) in block.iter_mut().zip(there) {
            if let Some(row) = row.get(at * LANES..(at + 1) * LANES) {
                *lane = floats(row);
            }
        }
        for (column, out) in turned(block).into_iter().zip(out.chunks_exact_mut(LANES)) {
            // SAFETY: `out` is as long as the register.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), column) }
        }
    }
}

/// Rows and columns of a square change places: by pairs of numbers, by pairs of pairs, then by quarters of registers.
#[target_feature(enable = "avx512f")]
fn turned(rows: [__m512; LANES]) -> [__m512; LANES] {
    let mut fours = rows;
    for at in (0..LANES).step_by(4) {
        let [one, two, three, four] = [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]];
        let (low, other) = (_mm512_unpacklo_ps(one, two), _mm512_unpacklo_ps(three, four));
        let (low, other) = (_mm512_castps_pd(low), _mm512_castps_pd(other));
        fours[at] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, other));
        fours[at + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, other));
        let (high, other) = (_mm512_unpackhi_ps(one, two), _mm512_unpackhi_ps(three, four));
        let (high, other) = (_mm512_castps_pd(high), _mm512_castps_pd(other));
        fours[at + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, other));
        fours[at + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, other));
    }
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let mut columns = rows;
    for at in 0..4 {
        let [one, two, three, four] = [fours[at], fours[4 + at], fours[8 + at], fours[12 + at]];
        let even = [_mm512_shuffle_f32x4::<EVEN>(one, two), _mm512_shuffle_f32x4::<EVEN>(three, four)];
        let odd = [_mm512_shuffle_f32x4::<ODD>(one, two), _mm512_shuffle_f32x4::<ODD>(three, four)];
        columns[at] = _mm512_shuffle_f32x4::<EVEN>(even[0], even[1]);
        columns[4 + at] = _mm512_shuffle_f32x4::<EVEN>(odd[0], odd[1]);
        columns[8 + at] = _mm512_shuffle_f32x4::<ODD>(even[0], even[1]);
        columns[12 + at] = _mm512_shuffle_f32x4::<ODD>(odd[0], odd[1]);
    }
    columns
}

/// One panel of weights.
struct Columns<'a> {
    panel: &'a [i8],
    of_zero: &'a [i32],
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
}

impl Tile<'_> {
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn multiply<const N: usize, const ADD: bool>(self, columns: &Columns<'_>) {
        let inputs = columns.panel.len() / PANEL;
        assert!(self.numbers.len() == N * inputs && self.zeros.len() == N && self.steps.len() == N);
        let mut sums = [[_mm512_setzero_si512(); 2]; N];
        let of_zero = [ints(columns.of_zero), ints(&columns.of_zero[LANES..])];
        for (sums, zero) in sums.iter_mut().zip(self.zeros) {
            let zero = _mm512_set1_epi32(i32::from(*zero));
            *sums = [_mm512_mullo_epi32(zero, of_zero[0]), _mm512_mullo_epi32(zero, of_zero[1])];
        }
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
        let columns_steps = [floats(columns.steps), floats(&columns.steps[LANES..])];
        let bias = [floats(columns.bias), floats(&columns.bias[LANES..])];
        for (row, sums) in sums.iter().enumerate() {
            let step = _mm512_set1_ps(self.steps[row]);
            let out = &mut self.out[row * self.outputs..][..PANEL];
            for half in [0, 1] {
                let out = &mut out[half * LANES..][..LANES];
                let number = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[half]), step);
                let mut number = _mm512_fmadd_ps(number, columns_steps[half], bias[half]);
                if ADD {
                    number = _mm512_add_ps(number, floats(out));
                }
                // SAFETY: `out` is as long as the register.
                unsafe { _mm512_storeu_ps(out.as_mut_ptr(), number) }
            }
        }
    }
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
    fn rows_become_columns() {
        if !is_here() {
            eprintln!("this processor has no products of 8 bits: nothing was compared");
            return;
        }
        let rows: Vec<Vec<f32>> =
            (0..40).map(|row| (0..32).map(|at| number(row * 32 + at)).collect()).collect();
        for n_rows in [1, 15, 16, 40] {
            let mut columns = vec![f32::NAN; 32 * LANES];
            turn(rows[..n_rows].iter().map(Vec::as_slice), &mut columns);
            for (at, column) in columns.chunks_exact(LANES).enumerate() {
                let expected = (0..LANES).map(|row| if row < n_rows { rows[row][at] } else { 0.0 });
                assert!(column.iter().copied().eq(expected), "{n_rows} rows, column {at}");
            }
        }
    }

    #[test]
    fn a_product_is_that_of_the_rounded_numbers() {
        if !is_here() {
            eprintln!("this processor has no products of 8 bits: nothing was compared");
            return;
        }
        for n_rows in 1..=30 {
            let (inputs, outputs) = (48, 2 * PANEL);
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
            linear.apply(&rows, &mut kept);
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
}
