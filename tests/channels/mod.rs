//! Processes that are threads of one program and send each other messages through channels.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use manabi::train::Processes;
use manabi::{Error, Result};

/// One of several threads that stand for processes.
#[derive(Debug)]
pub struct Channels {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Mutex<Vec<Receiver<Vec<u8>>>>,
}

impl Processes for Channels {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn exchange(&self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()> {
        let gone = |rank| Error::setting("process", "an answer", format!("none from process {rank}"));
        let others = |rank: &usize| *rank != self.rank;
        for rank in (0..self.size()).filter(others) {
            self.to[rank].send(send[rank].to_vec()).map_err(|_| gone(rank))?;
        }
        let from = self.from.lock().unwrap();
        for rank in (0..self.size()).filter(others) {
            let bytes = from[rank].recv().map_err(|_| gone(rank))?;
            assert_eq!(bytes.len(), receive[rank].len(), "length of a message");
            receive[rank].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

/// Returns threads for the work of one process. Processes that wait for each other cannot share them.
fn pool() -> rayon_core::ThreadPool {
    rayon_core::ThreadPoolBuilder::new().num_threads(2).build().unwrap()
}

/// Runs `work` on `size` processes and returns their results in the order of their ranks.
pub fn run<R: Send>(size: usize, work: impl Fn(&Channels) -> R + Sync) -> Vec<R> {
    let mut to: Vec<Vec<_>> = (0..size).map(|_| Vec::new()).collect();
    let mut from: Vec<Vec<_>> = (0..size).map(|_| Vec::new()).collect();
    for sender in &mut to {
        for receiver in &mut from {
            let (send, receive) = channel();
            sender.push(send);
            receiver.push(receive);
        }
    }
    let ends = to.into_iter().zip(from).enumerate();
    let ends = ends.map(|(rank, (to, from))| Channels { rank, to, from: Mutex::new(from) });
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = ends.map(|end| scope.spawn(move || pool().install(|| work(&end)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
