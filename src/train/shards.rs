//! The division of a batch into shards, and the sum of their gradients in a fixed binary tree.

use std::ops::Range;

use crate::metrics::Tally;

/// Returns the units of part `index` if `units` units are cut into `parts` consecutive parts. The lengths differ by at most 1.
pub(super) fn cut(units: usize, parts: usize, index: usize) -> Range<usize> {
    let start = |index| (units as u128 * index as u128 / parts as u128) as usize;
    start(index)..start(index + 1)
}

/// The division of batches into shards, and of shards among processes.
#[derive(Clone, Copy)]
pub(super) struct Division {
    pub shards: usize,
    pub rank: usize,
    pub size: usize,
}

impl Division {
    /// Returns the shards of this process with their rows, for a batch of this many rows. A batch with fewer rows than shards has
    /// one row in every shard.
    pub fn own(self, rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let shards = self.shards.min(rows);
        cut(shards, self.size, self.rank).map(move |shard| (shard, cut(rows, shards, shard)))
    }
}

/// Returns the fewest rows of a shard, for a batch of this many rows.
pub(super) fn fewest(rows: usize, shards: usize) -> usize {
    rows / shards.min(rows).max(1)
}

/// A sum over consecutive shards: a node of the tree, with the values `V` that belong to it.
pub(super) struct Node<V> {
    /// The first shard, and the number of shards.
    pub start: usize,
    pub count: usize,
    pub tally: Tally,
    pub values: V,
}

/// The proportions of the later of two nodes in their sum.
#[derive(Clone, Copy)]
pub(super) struct Shares {
    /// The share of the divisor of the loss, with which gradients are weighted.
    pub weight: f64,
    /// The share of the rows, with which buffers are weighted.
    pub rows: f64,
}

/// A binary tree over shards. The earlier child of a node always has 2ᵏ shards, the greatest power of two below the number of
/// shards of the node. Which sums are formed does therefore not depend on the process that computes a shard.
pub(super) struct Tree<V> {
    /// The nodes that still wait for their later neighbours, from first to last.
    nodes: Vec<Node<V>>,
}

impl<V> Tree<V> {
    pub fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// Adds the next node. `merge` adds the values of a later node to those of an earlier one.
    pub fn push(&mut self, mut node: Node<V>, mut merge: impl FnMut(&mut V, V, Shares)) {
        let is_pair = |left: &Node<V>, right: &Node<V>| {
            left.count == right.count && left.start.is_multiple_of(2 * left.count)
        };
        while let Some(left) = self.nodes.pop_if(|left| is_pair(left, &node)) {
            node = left.and(node, &mut merge);
        }
        self.nodes.push(node);
    }

    /// Returns the sum of all shards.
    pub fn finish(&mut self, mut merge: impl FnMut(&mut V, V, Shares)) -> Option<Node<V>> {
        let mut node = self.nodes.pop()?;
        while let Some(left) = self.nodes.pop() {
            node = left.and(node, &mut merge);
        }
        Some(node)
    }

    /// Removes and returns the nodes, from first to last.
    pub fn take(&mut self) -> Vec<Node<V>> {
        std::mem::take(&mut self.nodes)
    }
}

impl<V> Node<V> {
    fn and(mut self, later: Self, merge: &mut impl FnMut(&mut V, V, Shares)) -> Self {
        let shares = self.tally.shares(&later.tally);
        merge(&mut self.values, later.values, Shares { weight: shares.0, rows: shares.1 });
        self.tally.add(later.tally);
        Self { count: self.count + later.count, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the sum of the shards as a formula.
    fn formula(nodes: impl IntoIterator<Item = Node<String>>) -> String {
        let merge = |left: &mut String, right: String, _| *left = format!("({left}{right})");
        let mut tree = Tree::new();
        nodes.into_iter().for_each(|node| tree.push(node, merge));
        tree.finish(merge).unwrap().values
    }

    fn leaves(shards: Range<usize>) -> impl Iterator<Item = Node<String>> {
        shards.map(|start| Node { start, count: 1, tally: Tally::default(), values: format!("{start},") })
    }

    /// Returns the nodes that a process with these shards passes on.
    fn partial(shards: Range<usize>) -> Vec<Node<String>> {
        let mut tree = Tree::new();
        for node in leaves(shards) {
            tree.push(node, |left: &mut String, right: String, _| *left = format!("({left}{right})"));
        }
        tree.take()
    }

    #[test]
    fn the_tree_is_the_documented_one() {
        assert_eq!(formula(leaves(0..1)), "0,");
        assert_eq!(formula(leaves(0..3)), "((0,1,)2,)");
        assert_eq!(formula(leaves(0..6)), "(((0,1,)(2,3,))(4,5,))");
        assert_eq!(formula(leaves(0..7)), "(((0,1,)(2,3,))((4,5,)6,))");
    }

    proptest! {
        #[test]
        fn any_number_of_processes_forms_the_same_sums(shards in 1_usize..70, processes in 1_usize..20) {
            let nodes = (0..processes).flat_map(|rank| partial(cut(shards, processes, rank)));
            prop_assert_eq!(formula(nodes), formula(leaves(0..shards)));
        }

        #[test]
        fn parts_are_consecutive_and_nearly_equal(units in 0_usize..1000, parts in 1_usize..50) {
            let all: Vec<_> = (0..parts).map(|index| cut(units, parts, index)).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!((all[0].start, all[parts - 1].end), (0, units));
            prop_assert!(all.iter().all(|part| part.len().abs_diff(units / parts) <= 1));
        }
    }
}
