use std::thread::panicking;

use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Destination, Root, Source};
use mpi::{Rank, Threading};

use super::processes::{Processes, check_gather, check_root};
use crate::error::{Error, Result};

/// The maximum number of bytes of a message. MPI counts them with 32 bits.
const MOST: usize = 1 << 30;

/// The processes that `mpirun`, or the launcher of a cluster, started (feature `mpi`). Pass them to
/// [`Trainer::processes`](crate::Trainer::processes).
///
/// The value starts MPI and ends it when it is dropped. Create it at the start of `main` and keep it until the end, because MPI
/// can be started only once in a process. Ending MPI waits for all processes. After a step that can fail on one process only,
/// call [`agree`](Processes::agree) before `main` returns the error.
///
/// If MPI itself fails, for example because the connection to another process is lost, it prints a message and ends all
/// processes. The same happens if this value is dropped in a panic.
///
/// The crate `mpi` binds the library. To build it, a C compiler with MPI and libclang must be installed, such as the Debian
/// packages `libopenmpi-dev`, `openmpi-bin` and `libclang-dev`. All processes must run on machines with the same byte order.
///
/// # Errors
///
/// [`start`](Mpi::start) returns [`Error::Setting`] if MPI is already started, or if the installed MPI does not support calls
/// from several threads, one at a time.
///
/// # Examples
///
/// ```no_run
/// use manabi::train::{Mpi, Processes};
///
/// fn main() -> manabi::Result<()> {
///     let mpi = Mpi::start()?;
///     println!("process {} of {}", mpi.rank(), mpi.size());
///     mpi.barrier()
/// }
/// ```
#[derive(Debug)]
#[doc(alias = "MPI_Init")]
pub struct Mpi {
    rank: usize,
    size: usize,
    _universe: Started,
}

/// MPI between its start and its end.
struct Started(#[expect(dead_code, reason = "dropping it ends MPI")] Universe);

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Started")
    }
}

impl Mpi {
    /// Starts MPI.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if MPI is already started, or if it does not support calls from several threads, one at a time.
    pub fn start() -> Result<Self> {
        // The trainer calls MPI on a thread of rayon's pool.
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| Error::setting("MPI", "not started before", "started"))?;
        if threading < Threading::Serialized {
            let expected = "at least Serialized (install an MPI library with support for threads)";
            return Err(Error::setting("threading of MPI", expected, format!("{threading:?}")));
        }
        let world = SimpleCommunicator::world();
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        Ok(Self { rank, size, _universe: Started(universe) })
    }
}

impl Processes for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()> {
        let world = SimpleCommunicator::world();
        // Every process begins with its successor, so that no process gets the messages of all others at once.
        let others = (1..self.size).map(|step| (self.rank + step) % self.size);
        mpi::request::scope(|scope| {
            let mut requests = Vec::new();
            for (rank, bytes) in receive.iter_mut().enumerate().filter(|&(rank, _)| rank != self.rank) {
                let from = world.process_at_rank(rank as Rank);
                requests.extend(bytes.chunks_mut(MOST).map(|part| from.immediate_receive_into(scope, part)));
            }
            let mut sent = Vec::new();
            for rank in others {
                let to = world.process_at_rank(rank as Rank);
                sent.extend(send[rank].chunks(MOST).map(|part| to.immediate_send(scope, part)));
            }
            for request in requests {
                request.wait();
            }
            for request in sent {
                request.wait();
            }
        });
        Ok(())
    }

    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()> {
        check_gather(own, all, self.size)?;
        SimpleCommunicator::world().all_gather_into(own, all);
        Ok(())
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        check_root(root, self.size)?;
        let world = SimpleCommunicator::world();
        let root = world.process_at_rank(root as Rank);
        bytes.chunks_mut(MOST).for_each(|part| root.broadcast_into(part));
        Ok(())
    }

    fn barrier(&self) -> Result<()> {
        SimpleCommunicator::world().barrier();
        Ok(())
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // Ending MPI would wait for processes that wait for this one.
        if panicking() && self.size > 1 {
            SimpleCommunicator::world().abort(101);
        }
    }
}
