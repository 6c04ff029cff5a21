"""The time of a training step on P processes, from measurements on one machine: python benches/processes_model.py

The model (docs/distributed.md): with s shards, a batch that takes C seconds on one process, and a gradient of G bytes, a step takes

    C * ceil(s/P) / s  +  O  +  (m + 1) * G * (P - 1)/P / B  +  (m + 3) * L  +  (m + 2) * (P - 1) * o  +  log2(P) * L

O is the step of the optimizer, m the number of nodes of a process in the tree (1 if s/P is a power of two), B the bandwidth, L the
latency and o the processor time of a message. The additions of the tree are a part of the exchange: every process adds G/P bytes
of each node of all processes, at the bandwidth M of the memory.
"""

from math import ceil, log2

MEMORY = 12e9  # bytes per second that a process reads and writes in an addition
OVERHEAD = 1e-6  # seconds of processor time per message

# name, parameters, seconds of a row, rows of a batch
MODELS = [
    ("784-100-50-10", 84_060, 3.75e-6, 65_536),
    ("784-2048-2048-10", 5_824_522, 1.5e-4, 16_384),
    ("100 million", 100_000_000, 2.6e-3, 4_096),
]
NETWORKS = [("10 Gbit/s", 1.25e9, 2e-5), ("100 Gbit/s", 1.25e10, 2e-6)]
SHARDS = 1024


def compute(model, processes):
    _, parameters, row, rows = model
    optimizer = 12 * parameters / MEMORY
    return rows * row * ceil(SHARDS / processes) / SHARDS + optimizer


def exchange(model, network, processes):
    """The library: a reduce-scatter with the tree, and an all-gather."""
    if processes == 1:
        return 0.0
    size, (_, bandwidth, latency) = 4 * model[1], network
    nodes = 1
    moved = (nodes + 1) * size * (processes - 1) / processes / bandwidth
    added = 3 * nodes * size * (processes - 1) / processes / MEMORY
    messages = (nodes + 3 + log2(processes)) * latency + (nodes + 2) * (processes - 1) * OVERHEAD
    return moved + added + messages


def ring(model, network, processes):
    """A ring all-reduce, whose sums depend on the number of processes."""
    size, (_, bandwidth, latency) = 4 * model[1], network
    return 2 * (processes - 1) * (latency + OVERHEAD + size / processes / bandwidth) if processes > 1 else 0.0


def tree(model, network, processes):
    """Whole gradients up and down a binary tree."""
    size, (_, bandwidth, latency) = 4 * model[1], network
    return 2 * ceil(log2(processes)) * (latency + OVERHEAD + size / bandwidth) if processes > 1 else 0.0


def main():
    for model in MODELS:
        print(f"\n{model[0]}, batches of {model[3]:,} rows: speed on P processes, by this model\n")
        print("| P | without messages | " + " | ".join(f"{name}: this crate | ring | tree" for name, *_ in NETWORKS) + " |")
        print("|---|---|" + "---|" * 3 * len(NETWORKS))
        one = compute(model, 1)
        for processes in [2, 4, 16, 64, 256, 1024]:
            cells = [f"{one / compute(model, processes):.1f}"]
            for network in NETWORKS:
                for scheme in (exchange, ring, tree):
                    cells.append(f"{one / (compute(model, processes) + scheme(model, network, processes)):.1f}")
            print(f"| {processes} | " + " | ".join(cells) + " |")


main()
