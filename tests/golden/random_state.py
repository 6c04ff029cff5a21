"""Golden values of NumPy's legacy generator, `numpy.random.RandomState`, as a Rust file.

    python tests/golden/random_state.py | rustfmt --config max_width=110 > tests/golden/random.rs

NumPy freezes the stream (NEP 19), so the output does not depend on NumPy's version. The normals
use the C library's `log` and could differ in the last bit on another platform.
Every double is written with the fewest digits that read back to the same bits.
"""

import numpy as np
from numpy.random import RandomState

SEEDS = [0, 10, 12345, 4294967295]


def rust(values):
    """Returns a Rust array: floats in shortest round-trip form, integers unchanged."""
    return "[" + ", ".join(repr(v) for v in np.asarray(values).tolist()) + "]"


def stream(seed):
    def new():
        return RandomState(seed)

    permutation_1000 = new().permutation(1000)

    # Check that the draws are the same values, scaled and shifted.
    assert (new().normal(1.5, 0.25, 5) == 1.5 + 0.25 * new().standard_normal(5)).all()
    assert (new().uniform(-2, 3, 5) == -2 + 5 * new().random_sample(5)).all()
    assert sorted(permutation_1000) == list(range(1000))

    mixed = new()  # the spare normal is kept during other draws
    before = mixed.standard_normal(3)
    permutation = mixed.permutation(7)
    after = mixed.standard_normal(2)

    spare = new()  # the same with uniform draws in between, one draw at a time
    spare_draws = [
        spare.random_sample(),
        spare.standard_normal(),
        spare.random_sample(),
        spare.standard_normal(),
        spare.uniform(-1, 1),
        spare.standard_normal(),
    ]

    nothing = new()  # permutations of 0 and of 1 draw nothing
    nothing.permutation(0), nothing.permutation(1)
    assert nothing.random_sample() == new().random_sample()

    matrix = new().normal(0.0, np.sqrt(2.0 / 3.0), (3, 2))  # filled row by row

    return f"""Stream {{
        seed: {seed},
        raw: {rust(new()._bit_generator.random_raw(4))},
        random_sample: {rust(new().random_sample(10))},
        standard_normal: {rust(new().standard_normal(11))},
        normal: {rust(new().normal(1.5, 0.25, 5))},
        uniform: {rust(new().uniform(-2, 3, 5))},
        he_normal_3x2: {rust(matrix.ravel())},
        permutation_1: {rust(new().permutation(1))},
        permutation_10: {rust(new().permutation(10))},
        permutation_1000_head: {rust(permutation_1000[:8])},
        permutation_1000_tail: {rust(permutation_1000[-8:])},
        mixed: ({rust(before)}, {rust(permutation)}, {rust(after)}),
        spare: {rust(spare_draws)},
    }}"""


print(f"""\
// Golden values of NumPy's legacy `RandomState`. Made by `tests/golden/random_state.py`; do not edit.

/// The draws of `numpy.random.RandomState(seed)`, with a new generator for every field.
pub struct Stream {{
    pub seed: u32,
    /// The first raw 32-bit outputs of MT19937.
    pub raw: [u32; 4],
    /// `random_sample(10)`
    pub random_sample: [f64; 10],
    /// `standard_normal(11)`: an odd count, which leaves a spare.
    pub standard_normal: [f64; 11],
    /// `normal(1.5, 0.25, 5)`
    pub normal: [f64; 5],
    /// `uniform(-2, 3, 5)`
    pub uniform: [f64; 5],
    /// `normal(0, sqrt(2 / 3), (3, 2))`, row by row
    pub he_normal_3x2: [f64; 6],
    /// `permutation(1)`, which draws nothing
    pub permutation_1: [usize; 1],
    /// `permutation(10)`
    pub permutation_10: [usize; 10],
    /// `permutation(1000)[:8]`
    pub permutation_1000_head: [usize; 8],
    /// `permutation(1000)[-8:]`
    pub permutation_1000_tail: [usize; 8],
    /// In one stream: `standard_normal(3)`, `permutation(7)`, `standard_normal(2)`. The first of the last
    /// two is the spare of the second pair, kept across the permutation.
    pub mixed: ([f64; 3], [usize; 7], [f64; 2]),
    /// In one stream: `random_sample()`, `standard_normal()`, `random_sample()`, `standard_normal()` (the
    /// spare), `uniform(-1, 1)`, `standard_normal()`.
    pub spare: [f64; 6],
}}

pub const STREAMS: [Stream; {len(SEEDS)}] = [
    {", ".join(stream(seed) for seed in SEEDS)}
];""")
