use crate::parallel::Divide;
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// How many slots a rule may have.
pub(super) const SLOTS: usize = 4;

/// One step of an [`Optimizer`](crate::optim::Optimizer) over the parameters, or over a part of them.
///
/// Shapes: all slices are equally long.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step<'a, A> {
    /// The number of the step, from 1.
    pub number: u64,
    /// The rate η of this step, for these parameters.
    pub learning_rate: f64,
    /// The weight decay λ; 0 for parameters that it leaves out.
    pub weight_decay: f64,
    /// The rule's scalars, as they are in this step.
    pub scalars: &'a [f64],
    /// The parameters θ, to be changed.
    pub params: &'a mut [A],
    /// Their gradient g.
    pub gradient: &'a [A],
    /// The rule's slots, in their order; those that it has not are empty.
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
    /// Calls `rule` for every number, with the parameter θ, its gradient with weight decay added, g + λθ, and the first N
    /// slots: one loop, compiled for the widest vectors of this machine.
    ///
    /// # Panics
    /// If the rule has fewer slots than it asks for.
    #[inline(always)]
    pub fn each<const N: usize>(self, rule: impl Fn(&mut A, A, &mut [A; N])) {
        let decay = A::of(self.weight_decay);
        let Self { params, gradient, slots, .. } = self;
        // Without decay g stays what it is, whatever θ is.
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

    /// Takes the weight decay out of the gradient: the share ηλ of itself that a parameter is to lose in this step
    /// besides, and the step without decay.
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
    const { assert!(N <= SLOTS, "a rule asks for more slots than there are") };
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

/// The loop over so many slots, for every number of them written out: of slices that are arguments, and only of those, the
/// compiler knows that they do not overlap.
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
