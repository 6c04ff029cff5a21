use std::fmt;

use super::Sequential;
use crate::scalar::Scalar;

impl<A: Scalar> fmt::Display for Sequential<A> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "input - 0 {}", self.input_dim)?;
        for slot in &self.slots {
            writeln!(f, "{} {} {} {}", slot.name, slot.layer.kind(), slot.input_dim, slot.output_dim)?;
        }
        writeln!(f, "output {} {}", self.output.name(), self.output_dim())?;
        write!(f, "error {}", self.loss.name())
    }
}
