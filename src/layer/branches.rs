//! Parallel chains with the same input, the common part of residual blocks and concatenations.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::run::shared;
use super::{
    Backward, Chain, Forward, Layer, Scratch, TensorSpec, Training, add, backward, flat, flat_mut, forward,
};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// Parallel chains, and the way in which their outputs are joined.
#[derive(Clone, Debug)]
pub(super) struct Branches<A> {
    /// The chains with their names. The parameters of a chain with an empty name have no branch in their full names.
    pub chains: Vec<(String, Chain<A>)>,
    pub join: Join,
}

/// The way in which several outputs are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Join {
    /// The sum of the outputs.
    Sum,
    /// The sum of the outputs and the input.
    SumWithInput,
    /// The outputs side by side, as columns.
    Columns,
}

impl<A: Scalar> Branches<A> {
    fn chains(&self) -> impl Iterator<Item = &Chain<A>> {
        self.chains.iter().map(|(_, chain)| chain)
    }

    /// Returns the output shapes of the chains.
    pub fn outputs(&self, input: Shape) -> Result<Vec<Shape>> {
        let output = |(name, chain): &(String, Chain<A>)| in_branch(name, chain.output_shape(input));
        self.chains.iter().map(output).collect()
    }

    /// Returns the declarations of all chains, with the names of the branches.
    pub fn declared(&self, of: impl Fn(&Chain<A>) -> Vec<TensorSpec>) -> Vec<TensorSpec> {
        let named = |name: &str, spec: TensorSpec| if name.is_empty() { spec } else { spec.within(name) };
        let specs = |(name, chain): &(String, Chain<A>)| -> Vec<TensorSpec> {
            of(chain).into_iter().map(|spec| named(name, spec)).collect()
        };
        self.chains.iter().flat_map(specs).collect()
    }

    pub fn check_buffers(&self, input: Shape, mut buffers: &[A]) -> Result<()> {
        self.chains.iter().try_for_each(|(name, chain)| {
            let (own, others) = buffers.split_at(chain.known(input).last().buffer_range.end);
            buffers = others;
            in_branch(name, chain.check_buffers(input, own))
        })
    }

    /// Returns the scratch of all chains together, with an array for the output of each chain.
    ///
    /// Backward passes also need an array for the gradient with respect to each output if the outputs are columns, and one for
    /// the gradient with respect to the input for every chain except the first.
    pub fn scratch(&self, input: Shape) -> Scratch {
        let mut all = Scratch::NONE;
        for (index, chain) in self.chains().enumerate() {
            let plan = chain.known(input);
            let Scratch { kept, gradients, temporary } = &plan.scratch;
            let output = plan.output().size();
            all.kept.extend(kept.iter().copied().chain([output]));
            let columns = (self.join == Join::Columns).then_some(output);
            let dx = (index > 0).then(|| input.size());
            all.gradients.extend(gradients.iter().copied().chain(columns).chain(dx));
            all.temporary = all.temporary.max(*temporary);
        }
        all
    }

    pub fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        let mut all = Vec::new();
        for (branch, chain) in &self.chains {
            for (name, layer) in chain.inner_layers() {
                let name = if branch.is_empty() { name } else { format!("{branch}.{name}") };
                all.push((name, layer));
            }
        }
        all
    }

    pub fn row_wise(&self, training: bool) -> bool {
        self.chains().all(|chain| chain.row_wise(training))
    }

    pub fn min_rows(&self) -> usize {
        self.chains().map(Chain::min_rows).max().unwrap_or(1)
    }

    pub fn check_input(
        &self,
        input: Shape,
        x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        let check = |(name, chain): &(String, Chain<A>)| {
            in_branch(name, chain.check_input(input, x, columns.clone()).map(drop))
        };
        self.chains.iter().try_for_each(check).map(|()| None)
    }

    pub fn place(&self, input: Shape) -> Result<Self> {
        let place = |(name, chain): &(String, Chain<A>)| {
            in_branch(name, chain.place(input)).map(|chain| (name.clone(), chain))
        };
        Ok(Self { chains: self.chains.iter().map(place).collect::<Result<_>>()?, join: self.join })
    }

    /// Writes the output of every chain to its array, and the joined outputs to `y`.
    pub fn forward(&self, pass: Forward<'_, A>) {
        let Forward { input, x, mut y, mut kept, temporary, mut training, engine, .. } = pass;
        let (mut params, mut buffers, mut start, mut column) = (pass.params, pass.buffers, 0, 0);
        for (index, chain) in self.chains().enumerate() {
            let plan = chain.known(input);
            let (own_params, own_buffers) = (plan.last().range.end, plan.last().buffer_range.end);
            let (kept_own, mut out) = (kept.take(plan.scratch.kept.len()), kept.take_first());
            let training = training.as_mut().map(|all| {
                let next = all.buffers.get_mut(start..start + own_buffers).unwrap_or_default();
                Training::new(all.noise.layer(index), next)
            });
            let mut room = None;
            let pass = Forward {
                params: &params[..own_params],
                buffers: &buffers[..own_buffers],
                input,
                output: plan.output(),
                x,
                y: out.view_mut(),
                kept: kept_own.lend(&mut room),
                temporary: &mut *temporary,
                training,
                engine: &mut *engine,
            };
            forward(&plan, pass);
            self.write(index, column, engine.thread_count(), out.view(), &mut y);
            (params, buffers) = (&params[own_params..], &buffers[own_buffers..]);
            (start, column) = (start + own_buffers, column + out.ncols());
        }
        if self.join == Join::SumWithInput {
            add(engine.thread_count(), flat(&x), flat_mut(&mut y));
        }
    }

    /// Writes the output of one chain to `y`, or adds it to `y`.
    fn write(
        &self,
        index: usize,
        column: usize,
        threads: usize,
        out: ArrayView2<'_, A>,
        y: &mut ArrayViewMut2<'_, A>,
    ) {
        match self.join {
            Join::Columns => columns_mut(y, column..column + out.ncols()).assign(&out),
            _ if index == 0 => y.assign(&out),
            _ => add(threads, flat(&out), flat_mut(y)),
        }
    }

    /// Propagates the gradient backward through every chain, and adds up the gradients with respect to the input.
    pub fn backward(&self, pass: Backward<'_, A>) {
        let Backward { input, x, dy, mut dx, mut grad, kept, mut gradients, after_dx, .. } = pass;
        let (temporary, engine) = (pass.temporary, pass.engine);
        let (mut params, mut buffers, mut at, mut column) = (pass.params, pass.buffers, 0, 0);
        for (index, chain) in self.chains().enumerate() {
            let plan = chain.known(input);
            let (own_params, own_buffers) = (plan.last().range.end, plan.last().buffer_range.end);
            let end = at + plan.scratch.kept.len();
            let y = kept.array(end);
            let own = gradients.take(plan.scratch.gradients.len());
            let dy = match self.join {
                Join::Sum | Join::SumWithInput => dy,
                Join::Columns => {
                    let mut part = gradients.take_first();
                    if !after_dx {
                        part.assign(&columns(&dy, column..column + y.ncols()));
                    }
                    shared(part)
                }
            };
            let mut other = (index > 0).then(|| gradients.take_first());
            let grad = grad.as_mut().map(|rest| rest.split_off_mut(..own_params).expect("one per parameter"));
            let own_dx = match &mut other {
                Some(other) if dx.is_some() => Some(other.view_mut()),
                Some(_) => None,
                None => dx.as_mut().map(|dx| dx.view_mut()),
            };
            let mut room = None;
            let pass = Backward {
                params: &params[..own_params],
                buffers: &buffers[..own_buffers],
                input,
                output: plan.output(),
                x,
                y,
                dy,
                dx: own_dx,
                grad,
                kept: kept.part(at..end),
                gradients: own.lend(&mut room),
                after_dx,
                temporary: &mut *temporary,
                noise: pass.noise.layer(index),
                engine: &mut *engine,
            };
            backward(&plan, plan.slots.len(), pass);
            if let (Some(other), Some(dx)) = (&other, &mut dx) {
                add(engine.thread_count(), flat(&other.view()), flat_mut(dx));
            }
            (params, buffers) = (&params[own_params..], &buffers[own_buffers..]);
            (at, column) = (end + 1, column + y.ncols());
        }
        if let (Join::SumWithInput, Some(dx)) = (self.join, &mut dx) {
            add(engine.thread_count(), flat(&dy), flat_mut(dx));
        }
    }
}

fn in_branch<T>(name: &str, result: Result<T>) -> Result<T> {
    result.map_err(|error| if name.is_empty() { error } else { error.in_layer(name) })
}

/// Returns a view of some columns of a matrix.
fn columns<'a, A>(of: &'a ArrayView2<'_, A>, range: Range<usize>) -> ArrayView2<'a, A> {
    of.slice_axis(Axis(1), range.into())
}

/// Returns a mutable view of some columns of a matrix.
fn columns_mut<'a, A>(of: &'a mut ArrayViewMut2<'_, A>, range: Range<usize>) -> ArrayViewMut2<'a, A> {
    of.slice_axis_mut(Axis(1), range.into())
}
