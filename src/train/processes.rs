use std::fmt::Debug;

use crate::delegate::delegate;
use crate::error::{Error, Result};
use crate::settings::check;

/// The processes that train a model together, as seen from one of them. Pass them to
/// [`Trainer::processes`](crate::Trainer::processes).
///
/// `Mpi` (feature `mpi`) implements this trait for MPI. An implementation for another transport provides
/// [`exchange`](Processes::exchange). The other methods have defaults that call it.
///
/// Every method is collective: all processes call it, in the same order. The trainer calls the methods one at a time, but not
/// always on the thread that created the value. Processes that are threads of one program need a pool of `rayon` each, because
/// they wait for each other.
///
/// | method | purpose | default |
/// |---|---|---|
/// | [`rank`](Processes::rank) | the number of this process, from 0 | required |
/// | [`size`](Processes::size) | the number of processes | required |
/// | [`exchange`](Processes::exchange) | sends a slice to every process and receives one from each | required |
/// | [`gather`](Processes::gather) | sends the same slice to all processes | an exchange |
/// | [`broadcast`](Processes::broadcast) | sends a slice of one process to all others | an exchange |
/// | [`barrier`](Processes::barrier) | waits for all processes | an exchange of one byte |
/// | [`agree`](Processes::agree) | returns the error of any process on all processes | two exchanges |
///
/// # Examples
///
/// A program that is a single process:
///
/// ```
/// use manabi::train::Processes;
///
/// #[derive(Debug)]
/// struct Alone;
///
/// impl Processes for Alone {
///     fn rank(&self) -> usize {
///         0
///     }
///     fn size(&self) -> usize {
///         1
///     }
///     fn exchange(&self, _send: &[&[u8]], _receive: &mut [&mut [u8]]) -> manabi::Result<()> {
///         Ok(()) // There is no other process.
///     }
/// }
///
/// Alone.barrier()?;
/// assert!(Alone.agree(Ok(())).is_ok());
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias("MPI", "communicator", "distributed", "allreduce"))]
pub trait Processes: Debug + Send + Sync {
    /// Returns the number of this process, from 0.
    fn rank(&self) -> usize;

    /// Returns the number of processes, at least 1.
    fn size(&self) -> usize;

    /// Sends `send[r]` to every other process r, and fills `receive[r]` with the bytes that process r sends to this one. The
    /// slices have the same length on both sides, and may be empty. The slices at the index of this process are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if another process cannot be reached.
    fn exchange(&self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()>;

    /// Sends `own` to all processes, and fills `all` with the slices of all processes in the order of their ranks. All slices
    /// have the same length.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `all` has another length, and the errors of [`exchange`](Processes::exchange).
    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()> {
        let (rank, size) = (self.rank(), self.size());
        check_gather(own, all, size)?;
        let mut receive: Vec<&mut [u8]> = match own.len() {
            0 => (0..size).map(|_| &mut [][..]).collect(),
            length => all.chunks_exact_mut(length).collect(),
        };
        receive[rank].copy_from_slice(own);
        self.exchange(&vec![own; size], &mut receive)
    }

    /// Replaces `bytes` by the bytes of the process `root`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if no process has the rank `root`, and the errors of [`exchange`](Processes::exchange).
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let (is_root, size) = (self.rank() == root, self.size());
        check_root(root, size)?;
        let sent = if is_root { bytes.to_vec() } else { Vec::new() };
        let mut receive: Vec<&mut [u8]> = (0..size).map(|_| &mut [][..]).collect();
        if !is_root {
            receive[root] = bytes;
        }
        self.exchange(&vec![&sent[..]; size], &mut receive)
    }

    /// Waits until all processes have called this method.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`exchange`](Processes::exchange).
    fn barrier(&self) -> Result<()> {
        self.gather(&[0], &mut vec![0; self.size()])
    }

    /// Returns the result of this process if it is an error, and otherwise the first error of another process. A program calls
    /// this method after a step that can fail on one process only, such as reading a file, so that all processes end together.
    ///
    /// # Errors
    ///
    /// Returns `own` if it is an error, [`Error::Process`] if another process passed an error, and the errors of
    /// [`exchange`](Processes::exchange).
    fn agree(&self, own: Result<()>) -> Result<()> {
        share(self, own.map(|()| &[][..])).map(|_| ())
    }
}

delegate!([P: Processes + ?Sized] Processes, for [&P, Box<P>, std::sync::Arc<P>], {
    fn rank(&self) -> usize;
    fn size(&self) -> usize;
    fn exchange(&self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()>;
    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()>;
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()>;
    fn barrier(&self) -> Result<()>;
    fn agree(&self, own: Result<()>) -> Result<()>;
});

/// Sends bytes of any length to all processes and returns the bytes of all processes, or the first error of any process. The
/// error of this process comes before others.
pub(super) fn share<P: Processes + ?Sized>(processes: &P, own: Result<&[u8]>) -> Result<Vec<Vec<u8>>> {
    let message = own.as_ref().err().map(ToString::to_string);
    let content = message.as_deref().map_or_else(|| *own.as_ref().unwrap_or(&&[][..]), str::as_bytes);
    let (rank, size) = (processes.rank(), processes.size());
    let mut heads = vec![0; 2 * WORD * size];
    let head = [u64::from(own.is_err()).to_le_bytes(), (content.len() as u64).to_le_bytes()].concat();
    processes.gather(&head, &mut heads)?;
    let heads: Vec<u64> = heads.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word)).collect();
    let mut all: Vec<Vec<u8>> = heads.chunks_exact(2).map(|head| vec![0; head[1] as usize]).collect();
    if all.iter().any(|bytes| !bytes.is_empty()) {
        let mut receive: Vec<&mut [u8]> = all.iter_mut().map(|bytes| &mut bytes[..]).collect();
        receive[rank].copy_from_slice(content);
        processes.exchange(&vec![content; size], &mut receive)?;
    }
    own?;
    match heads.chunks_exact(2).position(|head| head[0] > 0) {
        Some(rank) => Err(Error::Process { rank, message: String::from_utf8_lossy(&all[rank]).into_owned() }),
        None => Ok(all),
    }
}

/// Returns an error unless `all` has room for `own` of every process.
pub(super) fn check_gather(own: &[u8], all: &[u8], size: usize) -> Result<()> {
    match all.len() == size * own.len() {
        true => Ok(()),
        false => Err(Error::shape("all", format!("[{size}·{}]", own.len()), &[all.len()])),
    }
}

/// Returns an error unless a process has this rank.
pub(super) fn check_root(root: usize, size: usize) -> Result<()> {
    check(root < size, "root", &format!("a rank below {size}"), root)
}

/// The number of bytes of a number in a message.
pub(super) const WORD: usize = size_of::<u64>();
