//! The example `mnist_swish`, run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use manabi::Mnist;
use manabi::data::idx;
use ndarray::{Array1, Array3};

/// Returns the path of the example, in the folder next to the tests in which cargo places examples.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(format!("mnist_swish{}", std::env::consts::EXE_SUFFIX))
}

/// Runs the example without data and network.
fn run(args: &[&str]) -> Output {
    let empty = tempfile::tempdir().unwrap();
    Command::new(example())
        .args(args)
        .env_remove("MNIST_DIR")
        .envs([("XDG_CACHE_HOME", empty.path()), ("HOME", empty.path())])
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap()
}

/// Writes the synthetic digits as a folder of MNIST files.
fn folder(train: usize, test: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mnist = Mnist::synthetic(train, test, 3).unwrap();
    for (images, [pixels, labels]) in [
        (&mnist.train, [Mnist::FILES[0], Mnist::FILES[1]]),
        (&mnist.test, [Mnist::FILES[2], Mnist::FILES[3]]),
    ] {
        let values = images.pixels().iter().copied().collect();
        let array = Array3::from_shape_vec((images.labels().len(), 28, 28), values).unwrap();
        idx::write(folder.path().join(pixels), &array).unwrap();
        idx::write(folder.path().join(labels), &Array1::from(images.labels().to_vec())).unwrap();
    }
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().unwrap()
}

#[test]
fn it_prints_the_table_the_rows_and_the_time() {
    let folder = folder(300, 50);
    let csv = folder.path().join("rows.csv");
    let args =
        ["--data", path(&folder), "--epochs", "3", "--batch", "30", "--hidden", "12", "--activation", "mish"];
    let output = run(&[&args[..], &["--csv", csv.to_str().unwrap()]].concat());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    let table = [
        "input - 0 784",
        "affine1 affine 784 12",
        "mish1 mish 12 12",
        "affine2 affine 12 10",
        "output softmax 10",
        "error cross_entropy_error",
    ];
    assert_eq!(lines[..6], table);
    for (epoch, line) in lines[6..10].iter().enumerate() {
        let values: Vec<f64> = line.split(' ').map(|value| value.parse().unwrap()).collect();
        assert_eq!((values.len(), values[0]), (5, epoch as f64));
        // In shortest round-trip form: printing a parsed value returns the same text.
        assert_eq!(*line, values.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        assert!((0.0..=1.0).contains(&values[1]) && (0.0..=1.0).contains(&values[3]));
    }
    assert!(lines[10].starts_with("elapsed ") && lines[10].ends_with(" s") && lines.len() == 11, "{out}");
    let csv = std::fs::read_to_string(csv).unwrap();
    let rows: Vec<String> = lines[6..10].iter().map(|line| line.replace(' ', ",")).collect();
    assert_eq!(
        csv.trim_end(),
        format!("epoch,train_accuracy,train_loss,test_accuracy,test_loss\n{}", rows.join("\n"))
    );
    assert!(err.starts_with("data: MNIST from "), "{err}");
}

#[test]
fn a_run_repeats_bit_for_bit_and_flags_matter() {
    let folder = folder(200, 50);
    let rows = |more: &[&str]| {
        let output =
            run(&[&["--data", path(&folder), "--epochs", "2", "--batch", "20", "--hidden", "8"], more]
                .concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let out = text(&output.stdout).to_owned();
        out.lines().filter(|line| !line.starts_with("elapsed")).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&[]),
        rows(&["--activation", "swish", "--beta", "1.0", "--lr", "0.1", "--seed", "10", "--dtype", "f64"])
    );
    for flags in
        [["--beta", "2"], ["--lr", "0.2"], ["--seed", "11"], ["--dtype", "f32"], ["--activation", "relu"]]
    {
        assert_ne!(rows(&flags), rows(&[]), "{flags:?}");
    }
}

#[test]
fn without_data_and_network_it_makes_digits_up_and_says_so() {
    let output = run(&["--epochs", "0", "--hidden", "2", "--dtype", "f32"]);
    let err = text(&output.stderr);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("data: using synthetic digits"), "{err}");
    assert!(text(&output.stdout).contains("\n0 0."), "expected row 0");
}

#[test]
fn a_bad_flag_or_folder_is_one_clear_line_and_exit_code_2() {
    let folder = folder(20, 10);
    let data = ["--data", path(&folder)];
    let cases: [(&[&str], &str); 12] = [
        (&["--nonsense"], "invalid option '--nonsense'"),
        (&["--epochs", "many"], "cannot parse argument \"many\""),
        (&["--epochs"], "missing argument for option '--epochs'"),
        (&["--dtype", "f16"], "expected f32 or f64"),
        (&["--data", "/nowhere/at/all"], "/nowhere/at/all: "),
        (&["--data", path(&folder), "--batch", "0"], "batch_size: expected at least 1, got 0"),
        (&["--data", path(&folder), "--batch", "5", "--lr", "-1"], "learning_rate: expected"),
        (&["--data", path(&folder), "--hidden", "5,0"], "layer 'affine2': units: expected at least 1, got 0"),
        (&["--data", path(&folder), "--hidden", "5,x"], "cannot parse argument \"5,x\""),
        (
            &["--data", path(&folder), "--activation", "swash"],
            "expected swish, mish, relu, sigmoid or tanh, got swash",
        ),
        (
            &["--data", path(&folder), "--beta", "inf"],
            "layer 'swish1': beta: expected a finite number, got inf",
        ),
        (&["--data", path(&folder), "--batch", "5", "--csv", "/nowhere/rows.csv"], "/nowhere/rows.csv: "),
    ];
    assert!(Path::new(data[1]).is_dir());
    for (args, expected) in cases {
        let output = run(args);
        let err: Vec<&str> =
            text(&output.stderr).lines().filter(|line| !line.starts_with("data: MNIST from")).collect();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            err.len() == 1 && err[0].starts_with("mnist_swish: ") && err[0].contains(expected),
            "{args:?}: {err:?}"
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_cleanly() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = folder(2000, 50);
    let mut child = Command::new(example())
        .args(["--data", path(&folder), "--epochs", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with("2 ")).unwrap().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).ends_with("mnist_swish: interrupted\n"));
}
