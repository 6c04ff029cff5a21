//! Every built-in part is in the list of its kind. The registry, the tests and the plots use these lists.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use manabi::layer::built_in_layers;
use manabi::loss::built_in_losses;
use manabi::optim::{Optimizer, built_in_optimizers};
use manabi::output::built_in_outputs;

/// Returns all sources in a folder of `src`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns the types that implement a trait in a folder of `src`, with their files. Implementations for pointers and in macros
/// are skipped, except for layers for signals and recurrent layers.
fn implementors(folder: &str, of: &str) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)) {
        let text = fs::read_to_string(&path).unwrap();
        let macros = ["signal_layer!(", "recurrent_layer!("];
        let layers = text.lines().filter_map(|line| macros.iter().find_map(|name| line.strip_prefix(name)));
        let layers = layers.filter(|_| of == "Layer<A>");
        all.extend(layers.map(|line| (line.split(',').next().unwrap().to_owned(), path.clone())));
        // An example in the documentation implements the trait for a custom type.
        for line in text.lines().filter(|line| line.starts_with("impl")) {
            // A loss defined by the user's function has no entry in the list.
            if line.contains("for ElementwiseLoss<F>") {
                continue;
            }
            let Some((_, behind)) = line.split_once(&format!(" {of} for ")) else { continue };
            let name = behind.split(['<', ' ', '{']).next().unwrap();
            all.push((name.to_owned(), path.clone()));
        }
    }
    all
}

/// Fails with the name of a type that is missing from the list, or if fewer types than expected are found.
fn are_listed<T: Debug>(
    least: usize,
    folder: &str,
    of: &str,
    list: &str,
    parts: impl IntoIterator<Item = T>,
) {
    let parts: Vec<String> = parts.into_iter().map(|part| format!("{part:?}")).collect();
    let implementors = implementors(folder, of);
    assert!(implementors.len() >= least, "{implementors:?}");
    for (name, path) in implementors {
        let is_it = |part: &String| {
            part.strip_prefix(&name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        assert!(
            parts.iter().any(is_it),
            "{}: expected {name} in the list `{list}`, got {parts:?}",
            path.display()
        );
    }
}

#[test]
fn every_part_is_listed() {
    let layers = || built_in_layers::<f64>(4).into_iter().flat_map(|layer| layer.examples);
    are_listed(11, "layer", "Layer<A>", "built_in_layers", layers());
    let functions: Vec<_> =
        layers().map(|layer| format!("{layer:?}").replace("Activation { function: ", "")).collect();
    are_listed(20, "activation", "ActFn", "built_in!", functions.iter().map(Plain));
    let learned = functions.iter().map(|function| function.replace("Trainable", ""));
    let learned: Vec<_> = learned.collect();
    are_listed(2, "activation", "TrainableActFn", "built_in!", learned.iter().map(Plain));
    are_listed(
        1,
        "output",
        "Output<A>",
        "built_in_outputs",
        built_in_outputs::<f64>().into_iter().map(|(output, _)| output),
    );
    let losses = built_in_losses::<f64>(2).into_iter().flat_map(|(examples, _)| examples);
    are_listed(7, "loss", "Loss<A>", "built_in_losses", losses);
    are_listed(11, "optim", "Optimizer<A>", "built_in_optimizers", built_in_optimizers::<f64>());
}

/// A text whose `Debug` output has no quotes.
struct Plain<'a>(&'a String);

impl Debug for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Fails with the name of a part that has no golden values.
fn has_golden_values(file: &str, start: &str, kinds: impl IntoIterator<Item = String>) {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)).unwrap();
    for kind in kinds {
        let name = kind.trim_start_matches("weighted_").trim_end_matches("_error");
        let has = |line: &str| line.strip_prefix(start).is_some_and(|rest| rest.starts_with(name));
        assert!(text.lines().any(has), "tests/golden/{file}: expected a line for {kind}, got none");
    }
}

#[test]
fn every_optimizer_and_loss_has_golden_values() {
    let optimizers = built_in_optimizers::<f64>();
    has_golden_values("optim.txt", "optimizer ", optimizers.iter().map(|rule| rule.kind().to_owned()));
    let losses = built_in_losses::<f64>(2);
    has_golden_values("losses.txt", "", losses.iter().map(|(examples, _)| examples[0].kind().to_owned()));
}

/// Reports and saved files contain these names.
#[test]
fn every_optimizer_and_loss_has_its_name() {
    let slots = |rule: &dyn Optimizer<f64>| format!("{} {}", rule.kind(), rule.slots().join(","));
    let mut optimizers: Vec<_> = built_in_optimizers().iter().map(|rule| slots(rule.as_ref())).collect();
    optimizers.dedup();
    let expected = [
        "sgd ",
        "momentum momentum",
        "nesterov momentum",
        "adagrad v",
        "rmsprop v",
        "rmsprop v,momentum",
        "rmsprop v,m",
        "rmsprop v,m,momentum",
        "adadelta v,u",
        "adam m,v",
        "adam m,v,v_max",
        "adamw m,v",
        "adamw m,v,v_max",
        "nadam m,v",
        "radam m,v",
        "lion m",
    ];
    assert_eq!(optimizers, expected);
    let losses = built_in_losses::<f64>(2).into_iter().flat_map(|(examples, _)| examples);
    let mut losses: Vec<_> = losses.map(|loss| loss.kind().to_owned()).collect();
    losses.dedup();
    let expected = [
        "cross_entropy_error",
        "binary_cross_entropy_error",
        "mean_squared_error",
        "mean_absolute_error",
        "huber_error",
        "weighted_binary_cross_entropy_error",
        "weighted_cross_entropy_error",
    ];
    assert_eq!(losses, expected);
}
