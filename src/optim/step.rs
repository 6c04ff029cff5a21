use crate::parallel::Divide;
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// The greatest number of slots of a rule.
pub(super) const SLOTS: usize = 4;

/// One step of an [`Optimizer`](crate::optim::Optimizer) for all parameters or a part of them.
///
/// Shapes: `params`, `gradient` and the slots have the same length. Unused slots are empty.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step<'a, A> {
    /// The number of the step, from 1.
    pub number: u64,
    /// The learning rate η of this step for these parameters.
    pub learning_rate: f64,
    /// The weight decay λ, or 0 if these parameters do not decay.
    pub weight_decay: f64,
    /// The values of the rule's scalars in this step.
    pub scalars: &'a [f64],
    /// The parameters θ to update.
    pub params: &'a mut [A],
    /// The gradient g with respect to the parameters.
    pub gradient: &'a [A],
    /// The rule's slots in order. Unused slots are empty.
    pub slots: [&'a mut [A]; SLOTS],
}

impl<'a, A: Scalar> Divide for Step<'a, A> {
    fn len(&self) -> usize {
        self.params.len()
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        let (params, other_params) = self.params.split_at_mut(mid);
        let (gradient, other_gradient) = self.gradient.split_at(mid);
        let mut others: [&'a mut [A]; SLOTS] = Default::default();
        let mut slots = self.slots;
        for (slot, other) in slots.iter_mut().zip(&mut others).filter(|(slot, _)| !slot.is_empty()) {
            (*slot, *other) = std::mem::take(slot).split_at_mut(mid);
        }
        let Self { number, learning_rate, weight_decay, scalars, .. } = self;
        let part = |params, gradient, slots| Self {
            number,
            learning_rate,
            weight_decay,
            scalars,
            params,
            gradient,
            slots,
        };
        (part(params, gradient, slots), part(other_params, other_gradient, others))
    }
}

impl<A: Scalar> Step<'_, A> {
    /// Calls `rule` for every element with the parameter θ, the gradient including weight decay, g + λθ, and the first `N` slots.
    ///
    /// The loop is compiled for the widest vector instructions of this machine.
    ///
    /// # Panics
    ///
    /// Panics if the optimizer has fewer than `N` slots. It does not compile if `N` is above 4.
    #[inline(always)]
    pub fn each<const N: usize>(self, rule: impl Fn(&mut A, A, &mut [A; N])) {
        let decay = A::of(self.weight_decay);
        let Self { params, gradient, slots, .. } = self;
        // Without decay, an infinite or NaN θ must not change g.
        match decay == A::zero() {
            true => run(params, gradient, slots, rule),
            false => run(
                params,
                gradient,
                slots,
                #[inline(always)]
                |p, g, state| rule(p, g + decay * *p, state),
            ),
        }
    }

    /// Separates weight decay from the gradient. Returns ηλ, the share of its value that each parameter must lose in addition to
    /// the step, and the step without weight decay.
    pub fn decoupled(self) -> (A, Self) {
        (A::of(self.learning_rate * self.weight_decay), Self { weight_decay: 0.0, ..self })
    }
}

#[inline(always)]
fn run<A: Scalar, const N: usize>(
    params: &mut [A],
    gradient: &[A],
    [a, b, c, d]: [&mut [A]; SLOTS],
    rule: impl Fn(&mut A, A, &mut [A; N]),
) {
    const { assert!(N <= SLOTS, "a rule can use at most 4 slots") };
    dispatch(
        #[inline(always)]
        || match N {
            0 => with_0(params, gradient, &rule),
            1 => with_1(params, gradient, a, &rule),
            2 => with_2(params, gradient, a, b, &rule),
            3 => with_3(params, gradient, a, b, c, &rule),
            _ => with_4(params, gradient, a, b, c, d, &rule),
        },
    );
}

/// The loop for a fixed number of slots. Each slot is a separate argument because only then does the compiler know that the
/// slices do not overlap.
macro_rules! with_slots {
    ($name:ident $(, $slot:ident $k:literal)*) => {
        #[inline(always)]
        fn $name<A: Scalar, const N: usize>(
            params: &mut [A],
            gradient: &[A],
            $($slot: &mut [A],)*
            rule: &impl Fn(&mut A, A, &mut [A; N]),
        ) {
            let length = params.len();
            let gradient = &gradient[..length];
            $(let $slot = &mut $slot[..length];)*
            for i in 0..length {
                let mut state = [A::zero(); N];
                $(state[$k] = $slot[i];)*
                rule(&mut params[i], gradient[i], &mut state);
                $($slot[i] = state[$k];)*
            }
        }
    };
}
with_slots!(with_0);
with_slots!(with_1, a 0);
with_slots!(with_2, a 0, b 1);
with_slots!(with_3, a 0, b 1, c 2);
with_slots!(with_4, a 0, b 1, c 2, d 3);
