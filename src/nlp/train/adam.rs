//! AdamW over a transformer that computes in bf16: the exact weights stay in
//! f32, and the quick copies are written anew after every step.
//!
//! On machines with bf16 instructions a step takes a fraction of the time.

use tch::{Kind, Tensor, nn::VarStore};

use crate::nlp::NlpError;

const FIRST_MOMENT: f64 = 0.9;
const SECOND_MOMENT: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const DECAY: f64 = 0.01;
const LONGEST_GRADIENT: f64 = 1.0;

/// The exact weights of a transformer, and what Adam remembers of them.
pub struct Exact {
    weights: Vec<Weight>,
    steps: i32,
}

struct Weight {
    name: String,
    /// What computes; gradients arrive here.
    quick: Tensor,
    exact: Tensor,
    mean: Tensor,
    square: Tensor,
}

impl Exact {
    /// Takes over a store of f32 weights and turns the store's into bf16.
    pub fn take_over(store: &mut VarStore) -> Self {
        let exact: Vec<(String, Tensor)> =
            store.variables().into_iter().map(|(name, variable)| (name, variable.detach().copy())).collect();
        store.bfloat16();
        let quick = store.variables();
        let weights = exact
            .into_iter()
            .filter_map(|(name, exact)| {
                let quick = quick.get(&name)?.shallow_clone();
                let (mean, square) = (exact.zeros_like(), exact.zeros_like());
                Some(Weight { name, quick, exact, mean, square })
            })
            .collect();
        Self { weights, steps: 0 }
    }

    /// Forgets the gradients.
    pub fn zero_grad(&self) {
        for weight in self.learned() {
            let _ = weight.quick.grad().zero_();
        }
    }

    /// One step against the gradients.
    pub fn step(&mut self, rate: f64) {
        self.steps += 1;
        let (first, second) = (1.0 - FIRST_MOMENT.powi(self.steps), 1.0 - SECOND_MOMENT.powi(self.steps));
        tch::no_grad(|| {
            let length: f64 = self
                .learned()
                .map(|weight| {
                    weight.quick.grad().to_kind(Kind::Float).square().sum(Kind::Float).double_value(&[])
                })
                .sum::<f64>()
                .sqrt();
            let shortened = (LONGEST_GRADIENT / (length + 1e-6)).min(1.0);
            for weight in self.weights.iter_mut().filter(|weight| weight.quick.grad().defined()) {
                let slope = weight.quick.grad().to_kind(Kind::Float) * shortened;
                weight.mean = &weight.mean * FIRST_MOMENT + &slope * (1.0 - FIRST_MOMENT);
                weight.square = &weight.square * SECOND_MOMENT + slope.square() * (1.0 - SECOND_MOMENT);
                let step = (&weight.mean / first) / ((&weight.square / second).sqrt() + EPSILON);
                weight.exact = &weight.exact * (1.0 - rate * DECAY) - step * rate;
                weight.quick.copy_(&weight.exact);
            }
        });
    }

    /// Writes the exact weights.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, path: &std::path::Path) -> Result<(), NlpError> {
        let named: Vec<(&str, &Tensor)> =
            self.weights.iter().map(|weight| (weight.name.as_str(), &weight.exact)).collect();
        Ok(Tensor::write_safetensors(&named, path)?)
    }

    /// Puts the exact weights back into the store they came from.
    pub fn give_back(self, store: &mut VarStore) {
        store.float();
        tch::no_grad(|| {
            let mut variables = store.variables();
            for weight in &self.weights {
                if let Some(variable) = variables.get_mut(&weight.name) {
                    variable.copy_(&weight.exact);
                }
            }
        });
    }

    fn learned(&self) -> impl Iterator<Item = &Weight> {
        self.weights.iter().filter(|weight| weight.quick.grad().defined())
    }
}
