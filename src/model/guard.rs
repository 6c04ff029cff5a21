//! Errors that stop a run on NaN or infinity and name the origin. The search starts only if the loss or a parameter is not
//! finite.

use super::{Sequential, Workspace};
use crate::data::Place;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// Returns the error for a loss of the current batch that is not finite, before the backward pass. `rows` is the number of rows
/// of the previous batch.
pub(crate) fn bad_loss<A: Scalar>(
    model: &Sequential<A>,
    ws: &Workspace<A>,
    place: Place,
    rows: usize,
    loss: f64,
) -> Error {
    let Place { epoch, batch, .. } = place;
    match check_step(model, ws, Place::training(epoch, batch - 1), rows) {
        Err(error) => error,
        Ok(()) => bad_pass(model, ws, &format!("epoch {epoch}, batch {batch}"), loss),
    }
}

/// Returns the error for a loss of a forward pass that is not finite.
pub(crate) fn bad_pass<A: Scalar>(model: &Sequential<A>, ws: &Workspace<A>, place: &str, loss: f64) -> Error {
    match model.check_params().and_then(|()| model.check_forward(ws)) {
        Err(error) => error.in_place(place),
        Ok(()) => Error::Diverged { place: place.into(), loss },
    }
}

/// Checks that every parameter is finite after the step that followed the last backward pass, over a batch of `rows` rows.
pub(crate) fn check_step<A: Scalar>(
    model: &Sequential<A>,
    ws: &Workspace<A>,
    Place { epoch, batch, .. }: Place,
    rows: usize,
) -> Result<()> {
    let Err(error) = model.check_params() else { return Ok(()) };
    Err(match model.check_backward(ws, rows) {
        Err(gradient) => gradient.in_place(&format!("epoch {epoch}, batch {batch}")),
        Ok(()) => error.in_place(&format!("epoch {epoch}, after the step of batch {batch}")),
    })
}
