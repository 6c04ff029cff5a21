//! Golden files whose lines are a name and values.

use std::collections::HashMap;

use ndarray::Array2;

/// Returns the values of every line by its name. Lines that begin with # are comments.
pub fn lines(text: &'static str) -> HashMap<&'static str, Vec<f64>> {
    let parse = |line: &'static str| {
        let (name, values) = line.split_once(' ').unwrap();
        (name, values.split(' ').map(|value| value.parse().unwrap()).collect())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(parse).collect()
}

/// Returns the values as a matrix, row by row.
pub fn matrix(values: &[f64], columns: usize) -> Array2<f64> {
    Array2::from_shape_vec((values.len() / columns, columns), values.to_vec()).unwrap()
}
