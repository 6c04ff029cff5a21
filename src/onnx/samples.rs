//! The values of formulas at points.

use std::collections::HashMap;

use super::values::{Formula, Operand, Values};

/// The points at which functions are compared.
pub(super) const POINTS: [f64; 35] = [
    -30.0, -12.0, -8.0, -5.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.2, -1.0, -0.75, -0.5, -0.25, -0.1, -0.01, 0.0,
    0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 5.0, 6.5, 8.0, 12.0, 30.0, 90.0,
];
/// The maximum number of operators one after another that form a function.
pub(super) const LENGTH: usize = 16;

/// The values of formulas at the points.
pub(super) struct Samples<'a, A> {
    values: &'a Values<A>,
    /// The value that is the argument.
    base: usize,
    known: HashMap<usize, Vec<f64>>,
    /// The numbers in the formulas.
    pub constants: Vec<f64>,
    /// The vectors in the formulas.
    pub vectors: Vec<usize>,
    /// The numbers that take the place of vectors. The others are 1.
    numbers: Vec<(usize, f64)>,
    /// Whether a formula has the mean over a sample.
    pub has_mean: bool,
}

impl<'a, A> Samples<'a, A> {
    pub fn new(values: &'a Values<A>, base: usize) -> Self {
        let (known, constants, vectors, numbers) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { values, base, known, constants, vectors, numbers, has_mean: false }
    }

    /// Returns a value at the points with these numbers in place of vectors.
    pub fn with(&self, numbers: &[(usize, f64)], value: usize) -> Option<Vec<f64>> {
        let mut own = Samples::new(self.values, self.base);
        own.numbers = numbers.to_vec();
        own.of(value)
    }

    /// Returns a value at the points, or `None` if it is not a function of the base alone.
    pub fn of(&mut self, value: usize) -> Option<Vec<f64>> {
        self.within(value, 0)
    }

    fn within(&mut self, value: usize, depth: usize) -> Option<Vec<f64>> {
        if value == self.base {
            return Some(POINTS.to_vec());
        }
        if let Some(known) = self.known.get(&value) {
            return Some(known.clone());
        }
        if depth > LENGTH || self.known.len() > 4 * LENGTH {
            return None;
        }
        let values = self.values;
        let sampled: Vec<f64> = match &values.get(value).formula {
            Formula::Other => return None,
            Formula::Mean(from) => {
                self.has_mean = true;
                let own = self.within(*from, depth + 1)?;
                vec![own.iter().sum::<f64>() / own.len() as f64; own.len()]
            }
            Formula::Unary(function, from, constants) => {
                constants.iter().for_each(|&number| self.note(number));
                self.within(*from, depth + 1)?.into_iter().map(function).collect()
            }
            Formula::Binary(operator, operands) => {
                let [a, b] = operands.map(|operand| self.operand(operand, depth + 1));
                a?.into_iter().zip(b?).map(|(a, b)| operator(a, b)).collect()
            }
            Formula::Where(operands) => {
                let [chosen, a, b] = operands.map(|operand| self.operand(operand, depth + 1));
                let pairs = a?.into_iter().zip(b?);
                chosen?
                    .into_iter()
                    .zip(pairs)
                    .map(|(chosen, (a, b))| if chosen != 0.0 { a } else { b })
                    .collect()
            }
        };
        self.known.insert(value, sampled.clone());
        Some(sampled)
    }

    fn note(&mut self, number: f64) {
        if !self.constants.contains(&number) {
            self.constants.push(number);
        }
    }

    fn operand(&mut self, operand: Operand, depth: usize) -> Option<Vec<f64>> {
        let number = match operand {
            Operand::Value(value) => return self.within(value, depth),
            Operand::Number(number) => {
                self.note(number);
                number
            }
            Operand::Vector(vector) => {
                if !self.vectors.contains(&vector) {
                    self.vectors.push(vector);
                }
                self.numbers.iter().find(|(own, _)| *own == vector).map_or(1.0, |&(_, number)| number)
            }
        };
        Some(vec![number; POINTS.len()])
    }
}
