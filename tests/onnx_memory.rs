//! The memory that loading an ONNX file needs is limited by the length of the file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use manabi::Sequential;

#[allow(dead_code)]
#[path = "onnx/wire.rs"]
mod wire;

use wire::{field, file, file_of, int, node, tensor};

/// Counts the bytes of each thread.
struct Counting;

thread_local! {
    /// The number of allocated bytes not yet freed, and its maximum so far.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn hold(bytes: isize) {
    let _ = HELD.try_with(|held| {
        let (now, peak) = held.get();
        held.set((now + bytes, peak.max(now + bytes)));
    });
}

// SAFETY: every call is forwarded to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new block are both allocated while the content moves.
        hold(size as isize);
        hold(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Loads a file, and returns the greatest number of bytes that were allocated at the same time, and whether it is a model.
fn peak(bytes: &[u8]) -> (usize, bool) {
    HELD.set((0, 0));
    let is_model = Sequential::<f32>::from_onnx_bytes(bytes).is_ok();
    (HELD.get().1 as usize, is_model)
}

/// Returns a node without a name.
fn short(operator: &str) -> Vec<u8> {
    field(1, &field(4, operator.as_bytes()))
}

/// Returns the name of a value in a chain.
fn link(i: usize) -> String {
    if i == 0 { "x".into() } else { format!("v{i}") }
}

#[test]
fn memory_is_limited_by_the_length() {
    let zeros = |count: usize| field(9, &vec![0; count]);
    let matrix = |name: &str, n: u64| tensor(name, &[2, n], &zeros(8 * n as usize));
    let square = tensor("s", &[300, 300], &zeros(360_000));
    let chain = |count: usize| (1..=count).map(|i| node("MatMul", &[&link(i), "s"], &link(i + 1)));
    let twos: Vec<Vec<u8>> = (0..4000).map(|i| node("Mul", &[&link(i), "two"], &link(i + 1))).collect();
    let concat = |i: usize| {
        let name = if i == 0 { "b".to_owned() } else { format!("b{i}") };
        node("Concat", &[&name, &name], &format!("b{}", i + 1))
    };
    let outer: Vec<Vec<u8>> = vec![
        tensor("row", &[1, 4000], &zeros(16_000)),
        tensor("column", &[4000, 1], &zeros(16_000)),
        node("Add", &["row", "column"], "y"),
    ];
    let half = [int(1, 2), int(1, 200_000), int(2, 10), field(8, b"h"), field(9, &[0; 800_000])].concat();
    let first = node("MatMul", &["x", "first"], "v1");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a million empty nodes", field(7, &[0x0a, 0x00].repeat(1_000_000))),
        ("30,000 empty nodes", file(&[[0x0a, 0x00].repeat(30_000)])),
        ("30,000 empty initialisers", file(&[[0x2a, 0x00].repeat(30_000)])),
        ("30,000 empty attributes", file(&[field(1, &[0x2a, 0x00].repeat(30_000))])),
        (
            "30,000 empty dimensions",
            field(7, &field(11, &field(2, &field(1, &field(2, &[0x0a, 0x00].repeat(30_000)))))),
        ),
        ("30,000 empty metadata", [0x72, 0x00].repeat(30_000)),
        ("5,000 nodes", file(&(0..5000).map(|_| short("Neg")).collect::<Vec<_>>())),
        ("a tensor with a million dimensions", file(&[field(5, &field(1, &vec![1; 1_000_000]))])),
        (
            "a million packed whole numbers",
            file(&[field(5, &[int(2, 7), field(7, &vec![1; 1_000_000])].concat())]),
        ),
        (
            "a million small packed whole numbers",
            file(&[field(5, &[int(2, 6), field(5, &vec![1; 1_000_000])].concat())]),
        ),
        ("half precision", file(&[field(5, &half), node("MatMul", &["x", "h"], "y")])),
        ("a large matrix", file(&[matrix("w", 200_000), node("MatMul", &["x", "w"], "y")])),
        (
            "a matrix used many times",
            file(&[vec![matrix("first", 300), square.clone(), first.clone()], chain(100).collect()].concat()),
        ),
        (
            "a matrix used three times",
            file(
                &[
                    vec![matrix("first", 300), square, first],
                    chain(3).collect(),
                    vec![node("Relu", &["v4"], "y")],
                ]
                .concat(),
            ),
        ),
        ("doubled lists", file(&[vec![matrix("b", 8)], (0..60).map(concat).collect::<Vec<_>>()].concat())),
        ("an outer sum", file(&outer)),
        ("a chain of products", file(&[vec![tensor("two", &[1], &zeros(4))], twos].concat())),
    ];
    for (name, bytes) in cases {
        let (peak, is_model) = peak(&bytes);
        let limit = 14 * bytes.len() + (12 << 20);
        println!(
            "{name}: {} kB, a model: {is_model}, {} kB, {:.1}",
            bytes.len() / 1000,
            peak / 1000,
            peak as f64 / bytes.len() as f64
        );
        assert!(peak <= limit, "{name}: {peak} bytes for {}", bytes.len());
    }
}

/// Every file with a declared shape of a thousand million values, and without parameters, is small in memory.
#[test]
fn declared_shapes_need_no_memory() {
    let two = tensor("two", &[1], &field(9, &2.5_f32.to_le_bytes()));
    for operator in
        ["Relu", "Mul", "GlobalAveragePool", "Flatten", "PRelu", "Softmax", "MaxPool", "Transpose"]
    {
        let content = [two.clone(), node(operator, &["x", "two"], "y")];
        let (peak, _) = peak(&file_of(&[1, 1, 30_000, 30_000], &content));
        assert!(peak < 1 << 17, "{operator}: {peak}");
    }
}
