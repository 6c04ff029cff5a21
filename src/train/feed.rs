//! The source of the batches of an epoch: loaded when they are needed, or ahead of time by another thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope};

use crate::data::{Dataset, Place};
use crate::error::Result;
use crate::model::{Batch, Sequential, Workspace};
use crate::scalar::Scalar;

/// Loads the parts of an epoch in order.
pub(super) enum Feed<A> {
    /// Loads each part when it is needed.
    Direct,
    /// Receives parts that another thread has loaded, and returns their room.
    Ahead { loaded: Receiver<Loaded<A>>, used: Sender<Batch<A>> },
}

/// A part that has been loaded, or the error for it.
type Loaded<A> = (Result<()>, Batch<A>);

impl<A: Scalar> Feed<A> {
    /// Starts a thread that loads up to `ahead` parts of at most `capacity` rows before they are needed. Without `ahead`, and on
    /// platforms without threads, parts are loaded when they are needed.
    pub fn start<'scope, 'p: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        (ahead, capacity): (usize, usize),
        model: &Sequential<A>,
        data: &'p dyn Dataset<A>,
        parts: impl Iterator<Item = (Place, &'p [usize])> + Send + 'p,
    ) -> Result<Self> {
        if ahead == 0 {
            return Ok(Self::Direct);
        }
        let (send, loaded) = channel();
        let (used, room) = channel();
        for _ in 0..ahead {
            // The other end is still there.
            let _ = used.send(model.batch(capacity)?);
        }
        let load = move || {
            for (place, rows) in parts {
                // Without the other end, the epoch has ended early.
                let Ok(mut batch) = room.recv() else { return };
                let result = batch.load(place, data, rows, 1);
                if send.send((result, batch)).is_err() {
                    return;
                }
            }
        };
        let started = Builder::new().name("manabi prefetch".into()).spawn_scoped(scope, load);
        Ok(if started.is_ok() { Self::Ahead { loaded, used } } else { Self::Direct })
    }

    /// Loads the next part into the workspace.
    pub fn load(
        &self,
        ws: &mut Workspace<A>,
        place: Place,
        data: &dyn Dataset<A>,
        rows: &[usize],
    ) -> Result<()> {
        let Self::Ahead { loaded, used } = self else { return ws.load_at(place, data, rows) };
        let (result, mut batch) = loaded.recv().expect("the thread loads every part, unless it panics");
        result?;
        ws.exchange(place, &mut batch);
        // Without the other end, all parts are loaded.
        let _ = used.send(batch);
        Ok(())
    }
}
