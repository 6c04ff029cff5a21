use super::{Optimizer, Plateau};
use crate::buffer::zeros;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The state of an optimizer between steps: plain data that can be saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptimizerState<A> {
    /// The number of steps taken.
    pub steps: u64,
    /// The rule's slots in the order of [`Optimizer::slots`], each as long as the parameters. Empty before the first step.
    pub slots: Vec<Vec<A>>,
    /// The rule's scalars in the order of [`Optimizer::scalars`].
    pub scalars: Vec<f64>,
    /// The state of [`ReduceOnPlateau`](super::ReduceOnPlateau).
    pub plateau: Plateau,
}

impl<A: Scalar> OptimizerState<A> {
    /// Returns the state of a rule before its first step.
    pub(super) fn of(rule: &dyn Optimizer<A>) -> Self {
        let scalars = rule.scalars().iter().map(|(_, start)| *start).collect();
        Self { steps: 0, slots: Vec::new(), scalars, plateau: Plateau::default() }
    }

    /// Allocates the slots before the first step.
    pub(super) fn begin(&mut self, slots: usize, length: usize) -> Result<()> {
        if self.slots.len() != slots {
            self.slots = (0..slots).map(|_| zeros("the optimizer's state", length)).collect::<Result<_>>()?;
        }
        Ok(())
    }

    pub(super) fn check(&self, rule: &dyn Optimizer<A>) -> Result<()> {
        let (slots, scalars) = (rule.slots(), rule.scalars());
        let fresh = self.steps == 0 && self.slots.is_empty();
        if self.slots.len() != slots.len() && !fresh {
            let expected = format!("{} for {}", slots.len(), rule.kind());
            return Err(Error::setting("slots", expected, self.slots.len()));
        }
        if self.scalars.len() != scalars.len() {
            let expected = format!("{} for {}", scalars.len(), rule.kind());
            return Err(Error::setting("scalars", expected, self.scalars.len()));
        }
        let length = self.slots.first().map_or(0, Vec::len);
        for (name, slot) in slots.iter().zip(&self.slots) {
            if slot.len() != length {
                return Err(Error::shape(format!("slot {name}"), format!("[{length}]"), &[slot.len()]));
            }
            if let Some(i) = slot.iter().position(|value| !value.is_finite()) {
                let what = format!("slot {name}, element {i}");
                return Err(Error::setting(what, "a finite number", slot[i]));
            }
        }
        for ((name, _), value) in scalars.iter().zip(&self.scalars) {
            if !value.is_finite() {
                return Err(Error::setting(format!("scalar {name}"), "a finite number", value));
            }
        }
        self.plateau.check()
    }

    pub(super) fn check_length(&self, length: usize) -> Result<()> {
        match self.slots.first().map(Vec::len) {
            Some(own) if own != length => {
                Err(Error::shape("params", format!("[{own}], as in the previous steps"), &[length]))
            }
            _ => Ok(()),
        }
    }
}
