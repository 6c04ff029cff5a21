//! The examples `mnist_swish` and `mnist_cnn`, run as a user runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use manabi::Mnist;
use manabi::data::idx;
use ndarray::{Array1, Array3};

/// Returns the path of an example, in the folder next to the tests in which cargo places examples.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Runs an example without data and network.
fn run_example(name: &str, args: &[&str]) -> Output {
    let empty = tempfile::tempdir().unwrap();
    Command::new(example(name))
        .args(args)
        .env_remove("MNIST_DIR")
        .envs([("XDG_CACHE_HOME", empty.path()), ("HOME", empty.path())])
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap()
}

fn run(args: &[&str]) -> Output {
    run_example("mnist_swish", args)
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
            "expected swish, mish, relu, gelu, sigmoid or tanh, got swash",
        ),
        (
            &["--data", path(&folder), "--beta", "inf"],
            "layer 'swish1': beta: expected a finite number, got inf",
        ),
        (&["--data", path(&folder), "--batch", "5", "--csv", "/nowhere/rows.csv"], "/nowhere/rows.csv: "),
    ];
    assert!(Path::new(data[1]).is_dir());
    for (args, expected) in cases {
        assert_one_line("mnist_swish", args, expected);
    }
}

/// Asserts that an example prints one line with this text to stderr, and ends with exit code 2.
fn assert_one_line(name: &str, args: &[&str], expected: &str) {
    let output = run_example(name, args);
    let err: Vec<&str> =
        text(&output.stderr).lines().filter(|line| !line.starts_with("data: MNIST from")).collect();
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    let starts = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "));
    assert!(err.len() == 1 && starts(err[0]) && err[0].contains(expected), "{args:?}: {err:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

/// Runs `mnist_cnn` with a report, and returns its stdout and the report.
fn cnn(args: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let output = run_example("mnist_cnn", &[args, &["--report", report.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout).into(), std::fs::read_to_string(report).unwrap())
}

#[test]
fn lenet_learns_and_its_report_shows_filters_and_mistakes() {
    let folder = folder(2000, 200);
    let (out, report) = cnn(&["--data", path(&folder), "--epochs", "3", "--batch", "20"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[1], "conv1 conv_2d 1x28x28 6x28x28");
    assert_eq!(lines[7], "flatten flatten 16x5x5 400");
    assert_eq!((lines[13], lines.len()), ("output softmax 10", 20), "{out}");
    let rows: Vec<Vec<f64>> = lines[15..19]
        .iter()
        .map(|line| line.split(' ').map(|value| value.parse().unwrap()).collect())
        .collect();
    assert!(rows.iter().enumerate().all(|(epoch, row)| row.len() == 5 && row[0] == epoch as f64), "{out}");
    let accuracy = rows[3][3];
    assert!(accuracy > 0.9, "{out}");

    let mistakes = ((1.0 - accuracy) * 200.0).round() as usize;
    assert_eq!(report.matches("class=\"filter\"").count(), 6);
    assert_eq!(
        report.matches("class=\"negative\"").count() + report.matches("class=\"positive\"").count(),
        6 * 25
    );
    assert_eq!(report.matches("class=\"digit\"").count(), mistakes.min(24));
    assert_eq!(report.matches("<figure>").count(), 2);
    assert_eq!(report.matches("<th scope=\"row\">").count(), 4);
    assert!(report.contains(&format!("<dd>{:.2} %</dd>", 100.0 * accuracy)));
    assert!(report.starts_with("<!doctype html>") && report.ends_with("</html>\n"));
}

#[test]
fn the_network_of_keras_trains_on_changed_images() {
    let folder = folder(60, 40);
    let small = [
        "--data",
        path(&folder),
        "--epochs",
        "1",
        "--batch",
        "20",
        "--network",
        "keras",
        "--activation",
        "gelu",
    ];
    let (out, report) = cnn(&small);
    assert!(
        out.contains("\naffine1 affine 12544 128\ngelu3 gelu 128 128\ndropout2 dropout 128 128\n"),
        "{out}"
    );
    assert_eq!(report.matches("class=\"filter\"").count(), 32);
    // An untrained network is wrong about most of the 40 images.
    assert_eq!(report.matches("class=\"digit\"").count(), 24);
    let (augmented, _) = cnn(&[&small[..], &["--augment"]].concat());
    let row = |out: &str, epoch: usize| out.lines().nth(14 + epoch).unwrap().to_owned();
    assert_eq!(row(&out, 0), row(&augmented, 0));
    assert_ne!(row(&out, 1), row(&augmented, 1));
}

#[test]
fn a_bad_flag_of_mnist_cnn_is_one_clear_line_and_exit_code_2() {
    let folder = folder(20, 10);
    let data = ["--data", path(&folder)];
    let cases: [(&[&str], &str); 6] = [
        (&["--hidden", "3"], "invalid option '--hidden'"),
        (&["--network", "vgg"], "expected lenet or keras, got vgg"),
        (&["--activation", "elu"], "expected swish, mish, relu, gelu, sigmoid or tanh, got elu"),
        (&["--report", "/nowhere/report.html"], "/nowhere/report.html: "),
        (&["--batch", "0"], "batch_size: expected at least 1, got 0"),
        (&["--lr", "-1"], "learning_rate: expected"),
    ];
    for (args, expected) in cases {
        assert_one_line("mnist_cnn", &[&data, args].concat(), expected);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_cleanly() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = folder(2000, 50);
    let mut child = Command::new(example("mnist_swish"))
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
