//! The gradient of a batch from the gradients of its shards, on one process or several.

use std::ops::Range;

use super::group::Group;
use super::processes::WORD;
use super::shards::{Node, Shares, Tree, cut};
use crate::buffer::lengthen;
use crate::error::Result;
use crate::metrics::{Tally, TallyNumbers};
use crate::model::{Sequential, Workspace};
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::simd;

/// The sum of the shards of a batch. It holds one gradient for every node of the tree that waits for its neighbour.
pub(super) struct Sum<A> {
    tree: Tree<Values<A>>,
    /// Vectors for later nodes.
    spare: Vec<Values<A>>,
    /// Vectors for the parts of gradients that other processes send.
    parts: Vec<Vec<A>>,
    /// The vector for the sum of all processes.
    whole: Vec<A>,
}

/// The gradient of some shards, and the new values of the buffers.
#[derive(Default)]
struct Values<A> {
    gradient: Vec<A>,
    buffers: Vec<A>,
}

impl<A: Scalar> Sum<A> {
    pub fn new() -> Self {
        Self { tree: Tree::new(), spare: Vec::new(), parts: Vec::new(), whole: Vec::new() }
    }

    /// Adds the gradient of a shard, which is in the workspace. The workspace gets other vectors for the next one.
    pub fn push(&mut self, shard: usize, tally: Tally, ws: &mut Workspace<A>) {
        let Self { tree, spare, .. } = self;
        let mut values = spare.pop().unwrap_or_default();
        ws.exchange_gradient(&mut values.gradient, &mut values.buffers);
        let threads = ws.thread_count();
        let node = Node { start: shard, count: 1, tally, values };
        tree.push(node, |left, right, shares| spare.push(left.add(right, shares, threads)));
    }

    /// Forgets the shards of a batch that failed.
    pub fn clear(&mut self) {
        self.spare.extend(self.tree.take().into_iter().map(|node| node.values));
    }

    /// Writes the gradient of the whole batch to the workspace, and returns the tally of the batch. `own` is an error if a shard
    /// of this process failed.
    pub fn finish(
        &mut self,
        own: Result<()>,
        group: &mut Group<'_>,
        model: &Sequential<A>,
        ws: &mut Workspace<A>,
    ) -> Result<Tally> {
        if own.is_err() {
            self.clear();
        }
        if group.processes().is_some() {
            return self.finish_together(own, group, model, ws);
        }
        own?;
        let (Self { tree, spare, .. }, threads) = (self, ws.thread_count());
        let node = tree.finish(|left, right, shares| spare.push(left.add(right, shares, threads)));
        let mut node = node.expect("a batch has at least one shard");
        ws.exchange_gradient(&mut node.values.gradient, &mut node.values.buffers);
        spare.push(node.values);
        Ok(node.tally)
    }

    /// Completes the tree across processes. Each process computes one part of the gradient from the nodes of all processes, and
    /// sends it to the others.
    fn finish_together(
        &mut self,
        own: Result<()>,
        group: &mut Group<'_>,
        model: &Sequential<A>,
        ws: &mut Workspace<A>,
    ) -> Result<Tally> {
        let nodes = self.tree.take();
        let (length, size) = (model.parameter_count(), group.size);
        let own = own.and_then(|()| lengthen("the gradient", &mut self.whole, length));
        let message: Vec<u8> = nodes.iter().flat_map(describe).collect();
        let shared = group.share(own.map(|()| &message[..]))?;
        let part = |rank| cut(length, size, rank);
        let width = described(size_of_val(model.buffer_values()));
        let count = shared.iter().map(|bytes| bytes.len() / width).sum();
        if self.parts.len() < count {
            // All processes come here in the same steps, and learn if one has too little memory.
            group.agree(self.reserve(count, part(group.rank).len()))?;
        }
        let mut pieces = Vec::with_capacity(count);
        for (rank, bytes) in shared.iter().enumerate() {
            for (turn, bytes) in bytes.chunks_exact(width).enumerate() {
                let gradient = self.parts.pop().expect("there is a vector for every node");
                pieces.push(Piece { rank, turn, node: read(bytes, gradient) });
            }
        }
        self.collect(&nodes, &mut pieces, group, part)?;
        let (parts, threads) = (&mut self.parts, ws.thread_count());
        let mut merge = |left: &mut Values<A>, right: Values<A>, shares| {
            parts.push(left.add(right, shares, threads).gradient);
        };
        let mut tree = Tree::new();
        pieces.into_iter().for_each(|piece| tree.push(piece.node, &mut merge));
        let sum = tree.finish(&mut merge).expect("a batch has at least one shard");
        self.spare.extend(nodes.into_iter().map(|node| node.values));
        let Values { gradient, mut buffers } = sum.values;
        distribute(&gradient, &mut self.whole, group, part)?;
        ws.exchange_gradient(&mut self.whole, &mut buffers);
        self.parts.push(gradient);
        Ok(sum.tally)
    }

    /// Allocates vectors of this length for the nodes of all processes.
    fn reserve(&mut self, count: usize, length: usize) -> Result<()> {
        self.parts.resize_with(count, Vec::new);
        self.parts.iter_mut().try_for_each(|part| lengthen("a part of the gradient", part, length))
    }

    /// Fills the pieces with this process's part of the gradients of all nodes.
    fn collect(
        &self,
        nodes: &[Node<Values<A>>],
        pieces: &mut [Piece<A>],
        group: &mut Group<'_>,
        part: impl Fn(usize) -> Range<usize>,
    ) -> Result<()> {
        let (rank, turns) = (group.rank, pieces.iter().map(|piece| piece.turn + 1).max().unwrap_or(0));
        for turn in 0..turns {
            let own = nodes.get(turn).map_or(&[][..], |node| &node.values.gradient);
            let to = |rank| if own.is_empty() { &[][..] } else { bytemuck::cast_slice(&own[part(rank)]) };
            let send: Vec<&[u8]> = (0..group.size).map(to).collect();
            let mut receive: Vec<&mut [u8]> = (0..group.size).map(|_| &mut [][..]).collect();
            for piece in pieces.iter_mut().filter(|piece| piece.turn == turn) {
                receive[piece.rank] = bytemuck::cast_slice_mut(&mut piece.node.values.gradient);
            }
            receive[rank].copy_from_slice(send[rank]);
            group.exchange(&send, &mut receive)?;
        }
        Ok(())
    }
}

/// Sends this process's part of the gradient to all processes, and fills the whole gradient with their parts.
fn distribute<A: Scalar>(
    own: &[A],
    mut gradient: &mut [A],
    group: &mut Group<'_>,
    part: impl Fn(usize) -> Range<usize>,
) -> Result<()> {
    let mut receive = Vec::with_capacity(group.size);
    for rank in 0..group.size {
        let (first, rest) = gradient.split_at_mut(part(rank).len());
        receive.push(bytemuck::cast_slice_mut(first));
        gradient = rest;
    }
    let own: &[u8] = bytemuck::cast_slice(own);
    receive[group.rank].copy_from_slice(own);
    group.exchange(&vec![own; group.size], &mut receive)
}

impl<A: Scalar> Values<A> {
    /// Adds the values of later shards. Returns their vectors for reuse.
    fn add(&mut self, later: Self, Shares { weight, rows }: Shares, threads: usize) -> Self {
        mix(&mut self.gradient, &later.gradient, A::of(weight), threads);
        mix(&mut self.buffers, &later.buffers, A::of(rows), threads);
        later
    }
}

/// Moves each value towards the other one by this share of the distance. Equal values stay the same.
fn mix<A: Scalar>(values: &mut [A], others: &[A], share: A, threads: usize) {
    parts(threads, values, 1, &|start, values| {
        let others = &others[start..start + values.len()];
        simd::dispatch(
            #[inline(always)]
            || {
                for (value, &other) in values.iter_mut().zip(others) {
                    *value = *value + (other - *value) * share;
                }
            },
        );
    });
}

/// A node of the tree on some process, with one part of its gradient.
struct Piece<A> {
    rank: usize,
    /// The index of the node on its process.
    turn: usize,
    node: Node<Values<A>>,
}

/// Returns the number of bytes that describe a node whose buffers take this many bytes.
fn described(buffers: usize) -> usize {
    2 * WORD + size_of::<TallyNumbers>() + buffers
}

/// Returns the message that contains everything of a node except for the gradient.
fn describe<A: Scalar>(node: &Node<Values<A>>) -> Vec<u8> {
    let shards = [node.start as u64, node.count as u64];
    let tally = node.tally.to_numbers();
    [bytemuck::cast_slice(&shards), bytemuck::cast_slice(&tally), bytemuck::cast_slice(&node.values.buffers)]
        .concat()
}

/// Returns the node that a message describes, with this gradient.
fn read<A: Scalar>(message: &[u8], gradient: Vec<A>) -> Node<Values<A>> {
    let (shards, rest) = message.split_at(2 * WORD);
    let (tally, buffers) = rest.split_at(size_of::<TallyNumbers>());
    let [start, count]: [u64; 2] = bytemuck::pod_read_unaligned(shards);
    let tally = Tally::from_numbers(bytemuck::pod_read_unaligned(tally));
    let buffers = bytemuck::allocation::pod_collect_to_vec(buffers);
    Node { start: start as usize, count: count as usize, tally, values: Values { gradient, buffers } }
}
