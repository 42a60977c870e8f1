//! The encoder in 8 bits beside the same encoder written out in 64 bits.

use std::collections::HashMap;

use int8_bert::{Encoding, Int8Bert, Shape, Unfit};

const SHAPE: Shape = Shape { width: 96, layers: 2, heads: 3, inner: 192, epsilon: 1e-12 };
const N_WORDS: usize = 50;
const N_POSITIONS: usize = 100;

type Weights = HashMap<String, Vec<f32>>;

/// Numbers between -1 and 1 (xorshift64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn throws(&mut self, n: usize, most: f32) -> Vec<f32> {
        (0..n).map(|_| self.throw() * most).collect()
    }
}

fn weights(seed: u64) -> Weights {
    let mut dice = Dice(seed);
    let mut all = Weights::new();
    let Shape { width, layers, inner, .. } = SHAPE;
    for (name, rows) in
        [("word_embeddings", N_WORDS), ("position_embeddings", N_POSITIONS), ("token_type_embeddings", 2)]
    {
        // As f16 keeps them: the encoder does.
        let rounded = dice.throws(rows * width, 1.0).into_iter().map(|x| half::f16::from_f32(x).to_f32());
        all.insert(format!("embeddings.{name}.weight"), rounded.collect());
    }
    let mut norm = |all: &mut Weights, name: String| {
        all.insert(format!("{name}.weight"), dice.throws(width, 0.3).iter().map(|x| 1.0 + x).collect());
        all.insert(format!("{name}.bias"), dice.throws(width, 0.2));
    };
    norm(&mut all, "embeddings.LayerNorm".to_owned());
    for layer in 0..layers {
        norm(&mut all, format!("encoder.layer.{layer}.attention.output.LayerNorm"));
        norm(&mut all, format!("encoder.layer.{layer}.output.LayerNorm"));
    }
    for layer in 0..layers {
        for (name, inputs, outputs) in [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", width, inner),
            ("output.dense", inner, width),
        ] {
            let name = format!("encoder.layer.{layer}.{name}");
            all.insert(format!("{name}.weight"), dice.throws(inputs * outputs, 0.3));
            all.insert(format!("{name}.bias"), dice.throws(outputs, 0.5));
        }
    }
    all
}

/// BERT as it was published, one text, in 64 bits.
fn written_out(all: &Weights, ids: &[i64]) -> Vec<Vec<f64>> {
    let Shape { width, layers, heads, epsilon, .. } = SHAPE;
    let get = |name: &str| -> Vec<f64> { all[name].iter().map(|x| f64::from(*x)).collect() };
    let norm = |rows: &mut Vec<Vec<f64>>, name: &str| {
        let (scale, shift) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        for row in rows {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            for (at, x) in row.iter_mut().enumerate() {
                *x = (*x - mean) / (variance + f64::from(epsilon)).sqrt() * scale[at] + shift[at];
            }
        }
    };
    let linear = |rows: &[Vec<f64>], name: &str| -> Vec<Vec<f64>> {
        let (weights, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let inputs = weights.len() / bias.len();
        let one = |row: &Vec<f64>| {
            let sums = weights.chunks_exact(inputs).zip(&bias);
            sums.map(|(weights, bias)| row.iter().zip(weights).map(|(a, b)| a * b).sum::<f64>() + bias)
                .collect()
        };
        rows.iter().map(one).collect()
    };
    let add = |rows: &mut Vec<Vec<f64>>, other: Vec<Vec<f64>>| {
        rows.iter_mut().flatten().zip(other.into_iter().flatten()).for_each(|(x, y)| *x += y);
    };
    let table = |name: &str| get(&format!("embeddings.{name}.weight"));
    let (words, positions, kind) =
        (table("word_embeddings"), table("position_embeddings"), table("token_type_embeddings"));
    let mut rows: Vec<Vec<f64>> = ids
        .iter()
        .enumerate()
        .map(|(position, id)| {
            (0..width)
                .map(|d| words[*id as usize * width + d] + positions[position * width + d] + kind[d])
                .collect()
        })
        .collect();
    norm(&mut rows, "embeddings.LayerNorm");
    let dim = width / heads;
    for layer in 0..layers {
        let name = |rest: &str| format!("encoder.layer.{layer}.{rest}");
        let (queries, keys, values) = (
            linear(&rows, &name("attention.self.query")),
            linear(&rows, &name("attention.self.key")),
            linear(&rows, &name("attention.self.value")),
        );
        let mut seen = vec![vec![0.0; width]; rows.len()];
        for (at, query) in queries.iter().enumerate() {
            for head in (0..width).step_by(dim) {
                let alike: Vec<f64> = keys
                    .iter()
                    .map(|key| {
                        let product = |d: usize| query[d] * key[d];
                        (head..head + dim).map(product).sum::<f64>() / (dim as f64).sqrt()
                    })
                    .collect();
                let sum: f64 = alike.iter().map(|x| x.exp()).sum();
                for (value, alike) in values.iter().zip(&alike) {
                    for d in head..head + dim {
                        seen[at][d] += alike.exp() / sum * value[d];
                    }
                }
            }
        }
        add(&mut rows, linear(&seen, &name("attention.output.dense")));
        norm(&mut rows, &name("attention.output.LayerNorm"));
        let mut wide = linear(&rows, &name("intermediate.dense"));
        wide.iter_mut().flatten().for_each(|x| *x *= normal(*x));
        add(&mut rows, linear(&wide, &name("output.dense")));
        norm(&mut rows, &name("output.LayerNorm"));
    }
    rows
}

/// The normal distribution, summed up in small steps (Simpson's rule).
fn normal(x: f64) -> f64 {
    const STEPS: usize = 200;
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = x / STEPS as f64;
    let sum: f64 = (0..=STEPS)
        .map(|at| {
            let weight = if at == 0 || at == STEPS {
                1.0
            } else if at % 2 == 1 {
                4.0
            } else {
                2.0
            };
            weight * density(at as f64 * step)
        })
        .sum();
    0.5 + sum * step / 3.0
}

/// None where the processor lacks the instructions: said aloud, since nothing is shown then.
fn encoder(all: &Weights) -> Option<Int8Bert> {
    match Int8Bert::new(SHAPE, |name| all.get(name).cloned()) {
        Ok(encoder) => Some(encoder),
        Err(Unfit::Processor) => {
            eprintln!("this processor has no products of 8 bits: nothing was compared");
            None
        }
        Err(unfit) => panic!("{unfit:?}"),
    }
}

fn text(seed: u64, len: usize) -> Vec<i64> {
    let mut dice = Dice(seed);
    (0..len).map(|_| ((dice.throw() + 1.0) * 0.499 * N_WORDS as f32) as i64).collect()
}

fn cosine(one: &[f32], other: &[f64]) -> f64 {
    let dot: f64 = one.iter().zip(other).map(|(a, b)| f64::from(*a) * b).sum();
    let length = |of: f64| of.sqrt();
    dot / length(one.iter().map(|a| f64::from(*a).powi(2)).sum()) / length(other.iter().map(|b| b * b).sum())
}

#[test]
fn every_vector_points_where_the_exact_one_does() {
    for seed in 1..=5 {
        let all = weights(seed);
        let Some(encoder) = encoder(&all) else { return };
        // Lengths that leave a rest in every loop, and one that leaves none.
        // The last one is longer than the pieces that go through the layers together.
        for len in [1, 2, 3, 5, 13, 16, 17, 31, 32, 33, 40, 100] {
            let ids = text(seed * 100 + len as u64, len);
            let exact = written_out(&all, &ids);
            let Encoding { tokens, .. } = encoder.encode(&[&ids]);
            for (piece, (found, exact)) in tokens.chunks_exact(SHAPE.width).zip(&exact).enumerate() {
                let cosine = cosine(found, exact);
                assert!(cosine > 0.999, "seed {seed}, {len} pieces, piece {piece}: {cosine}");
            }
        }
    }
}

#[test]
fn a_text_is_the_same_alone_and_among_others() {
    let Some(encoder) = encoder(&weights(7)) else { return };
    let texts: Vec<Vec<i64>> = [4, 17, 0, 1, 40, 12].iter().map(|len| text(*len as u64 + 3, *len)).collect();
    let ids: Vec<&[i64]> = texts.iter().map(Vec::as_slice).collect();
    let together = encoder.encode(&ids);
    for (at, ids) in ids.iter().enumerate() {
        let alone = encoder.encode(&[ids]);
        let place = together.texts[at].clone();
        assert_eq!(together.tokens[place.start * SHAPE.width..place.end * SHAPE.width], alone.tokens);
        assert_eq!(together.mean(at), alone.mean(0));
    }
    assert!(together.mean(2).iter().all(|number| *number == 0.0), "no pieces, no direction");
    assert!(encoder.encode(&[]).tokens.is_empty());
}

#[test]
fn ids_and_places_that_do_not_exist_are_others_that_do() {
    let Some(encoder) = encoder(&weights(9)) else { return };
    let found = encoder.encode(&[&[-1, 3, 1_000_000]]);
    assert_eq!(found, encoder.encode(&[&[0, 3, 0]]));
    let long = text(5, N_POSITIONS + 9);
    assert_eq!(encoder.encode(&[&long]).tokens.len(), long.len() * SHAPE.width);
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let all = weights(11);
    if encoder(&all).is_none() {
        return;
    }
    let get = |name: &str| all.get(name).cloned();
    for name in all.keys() {
        let unfit = Int8Bert::new(SHAPE, |asked| get(asked).filter(|_| asked != name)).err();
        assert_eq!(unfit, Some(Unfit::Weight(name.clone())));
    }
    let shorter = |asked: &str| {
        let mut weight = get(asked)?;
        weight.truncate(if asked.ends_with("value.bias") { 95 } else { usize::MAX });
        Some(weight)
    };
    let unfit = Int8Bert::new(SHAPE, shorter).err();
    assert_eq!(unfit, Some(Unfit::Weight("encoder.layer.0.attention.self.value.bias".to_owned())));
    let no_number = |asked: &str| {
        let mut weight = get(asked)?;
        weight[7] = if asked.contains("1.output.dense.weight") { f32::NAN } else { weight[7] };
        Some(weight)
    };
    let unfit = Int8Bert::new(SHAPE, no_number).err();
    assert_eq!(unfit, Some(Unfit::Weight("encoder.layer.1.output.dense.weight".to_owned())));
    for shape in [Shape { heads: 0, ..SHAPE }, Shape { heads: 5, ..SHAPE }, Shape { heads: 12, ..SHAPE }] {
        assert_eq!(Int8Bert::new(shape, get).err(), Some(Unfit::Shape), "{shape:?}");
    }
}
