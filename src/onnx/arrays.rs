//! Computations with arrays of constants.

use super::tensor::Array;

impl Array {
    /// Returns a function of every value.
    pub fn map(&self, is_single: bool, function: impl Fn(f64) -> f64) -> Self {
        Self::of(is_single, &self.dims, self.values().into_iter().map(function))
    }

    /// Returns the array with its dimensions in another order.
    pub fn permuted(&self, permutation: &[i64]) -> Result<Self, String> {
        let rank = self.dims.len();
        let axes: Vec<usize> = permutation.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect();
        if axes.len() != rank || (0..rank).any(|axis| !axes.contains(&axis)) {
            return Err(format!("expected an order of {rank} dimensions, got {permutation:?}"));
        }
        let (dims, steps) = (axes.iter().map(|&axis| self.dims[axis]).collect::<Vec<_>>(), steps(&self.dims));
        let steps: Vec<usize> = axes.iter().map(|&axis| steps[axis]).collect();
        let values = self.values();
        Ok(Self::of(self.is_single, &dims, places(&dims, &steps).map(|place| values[place])))
    }

    /// Returns the same values in another shape, which may have 0 for the same dimension and −1 for one that is open.
    pub fn reshaped(&self, shape: &[i64]) -> Result<Self, String> {
        let wrong = || format!("expected the shape of {} values, got {shape:?}", self.size());
        let copied = |(i, &dim): (usize, &i64)| match dim {
            0 => self.dims.get(i).copied(),
            -1 => Some(1),
            dim => usize::try_from(dim).ok(),
        };
        let mut dims =
            shape.iter().enumerate().map(copied).collect::<Option<Vec<usize>>>().ok_or_else(wrong)?;
        let known = dims.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim)).ok_or_else(wrong)?;
        if let Some(open) = shape.iter().position(|&dim| dim == -1) {
            dims[open] = self.size() / known.max(1);
        }
        let size = dims.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim));
        if size == Some(self.size()) { Ok(self.with_dims(&dims)) } else { Err(wrong()) }
    }

    /// Returns arrays one after another.
    pub fn concatenated(arrays: &[Self], axis: i64) -> Result<Self, String> {
        let first = arrays.first().ok_or("expected inputs, got none")?;
        let rank = first.dims.len();
        let at = usize::try_from(if axis < 0 { axis.saturating_add(rank as i64) } else { axis });
        let at = at.ok().filter(|&at| at < rank).ok_or_else(|| format!("attribute 'axis': got {axis}"))?;
        let others = |array: &Self| [&array.dims[..at], &array.dims[at + 1..]].concat();
        let alike = |array: &Self| array.dims.len() == rank && others(array) == others(first);
        if !arrays.iter().all(alike) {
            return Err("expected equal shapes except for the axis".into());
        }
        let mut dims = first.dims.clone();
        dims[at] = arrays.iter().map(|array| array.dims[at]).sum();
        let rows: usize = dims[..at].iter().product();
        let parts: Vec<(Vec<f64>, usize)> =
            arrays.iter().map(|array| (array.values(), array.size() / rows)).collect();
        let values = (0..rows).flat_map(|row| {
            parts
                .iter()
                .flat_map(move |(values, width)| values[row * width..(row + 1) * width].iter().copied())
        });
        Ok(Self::of(first.is_single, &dims, values))
    }

    /// Returns the dimensions of the result of an operator with two arrays. A dimension of 1 stands for any.
    pub fn common_dims(&self, other: &Self) -> Result<Vec<usize>, String> {
        let rank = self.dims.len().max(other.dims.len());
        let [a, b] = [self, other].map(|array| filled_up(&array.dims, rank));
        let pairs = a.iter().zip(&b);
        let dims: Option<Vec<usize>> =
            pairs.map(|(&a, &b)| if a == b || b == 1 { Some(a) } else { (a == 1).then_some(b) }).collect();
        dims.ok_or_else(|| format!("expected shapes that agree, got {:?} and {:?}", self.dims, other.dims))
    }

    /// Returns the result of an operator with another array, with the dimensions of [`common_dims`](Array::common_dims).
    pub fn combined(&self, other: &Self, dims: &[usize], operator: impl Fn(f64, f64) -> f64) -> Self {
        let [a, b] = [self, other].map(|array| (array.values(), steps_within(&array.dims, dims)));
        let values = places(dims, &a.1).zip(places(dims, &b.1)).map(|(i, j)| operator(a.0[i], b.0[j]));
        Self::of(self.is_single && other.is_single, dims, values)
    }
}

/// Returns the dimensions with dimensions of 1 before them.
fn filled_up(dims: &[usize], rank: usize) -> Vec<usize> {
    [vec![1; rank.saturating_sub(dims.len())], dims.to_vec()].concat()
}

/// Returns the distance of neighbours along each dimension.
fn steps(dims: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        steps[axis - 1] = steps[axis] * dims[axis];
    }
    steps
}

/// Returns the steps of an array whose dimensions of 1 stand for larger ones.
fn steps_within(own: &[usize], dims: &[usize]) -> Vec<usize> {
    let own = filled_up(own, dims.len());
    steps(&own).into_iter().zip(&own).map(|(step, &dim)| if dim == 1 { 0 } else { step }).collect()
}

/// Returns the places of all elements in row-major order.
fn places<'a>(dims: &'a [usize], steps: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    (0..dims.iter().product::<usize>()).map(move |mut index| {
        let mut place = 0;
        for (&dim, &step) in dims.iter().zip(steps).rev() {
            place += index % dim * step;
            index /= dim;
        }
        place
    })
}
