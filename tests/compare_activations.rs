//! The example `compare_activations`, run as a user runs it, and killed at arbitrary moments.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use manabi::Mnist;
use manabi::data::idx;
use manabi::random::RandomState;
use ndarray::{Array1, Array3};

/// Returns the path of the example, in the folder next to the tests in which cargo places examples.
fn example() -> Command {
    let test = std::env::current_exe().unwrap();
    let name = format!("compare_activations{}", std::env::consts::EXE_SUFFIX);
    Command::new(test.ancestors().nth(2).unwrap().join("examples").join(name))
}

/// Writes the synthetic digits as a folder of MNIST files.
fn digits(train: usize, test: usize, seed: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mnist = Mnist::synthetic(train, test, seed).unwrap();
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

fn command(digits: &tempfile::TempDir, out: &Path, flags: &[&str]) -> Command {
    let mut command = example();
    command.arg("--data").arg(digits.path()).arg("--out").arg(out).args(flags);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Runs the example to the end and returns its output.
fn run(digits: &tempfile::TempDir, out: &Path, flags: &[&str]) -> (String, String) {
    let Output { status, stdout, stderr } = command(digits, out, flags).output().unwrap();
    assert!(status.success(), "{}", text(&stderr));
    (text(&stdout).into(), text(&stderr).into())
}

/// Returns the results in a folder by name: all files except the runs, which contain their duration.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap()))
        .collect()
}

/// Returns the finished runs in a folder.
fn runs(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out.join("runs")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut runs: Vec<PathBuf> = entries.filter(|path| path.extension().unwrap() == "csv").collect();
    runs.sort();
    runs
}

/// Starts the example repeatedly and kills it after varying fractions of the duration of a whole run, until it finishes. Returns
/// how often it was killed when only some of the runs were finished.
fn run_among_kills(
    digits: &tempfile::TempDir,
    out: &Path,
    flags: &[&str],
    (all, whole): (usize, f64),
    random: &mut RandomState,
) -> usize {
    let mut caught = 0;
    // Short delays first, so that some runs are interrupted early, then longer delays, so that the example finishes.
    for attempt in 1.. {
        let mut child =
            command(digits, out, flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let life = Duration::from_secs_f64(random.random_sample() * 0.2 * f64::from(attempt) * whole);
        let start = Instant::now();
        while start.elapsed() < life {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                return caught;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap(); // SIGKILL, which permits no cleanup
        child.wait().unwrap();
        caught += usize::from((1..all).contains(&runs(out).len()));
    }
    unreachable!()
}

#[test]
fn killed_at_any_moment_and_started_again_it_ends_with_the_same_tables() {
    let digits = digits(800, 200, 3);
    for (flags, all) in [
        (vec!["--epochs", "3", "--jobs", "2"], 14),
        (vec!["--table", "sums", "--epochs", "2", "--jobs", "3"], 15),
        (
            vec!["--table", "study", "--epochs", "2", "--seeds", "3", "--activations", "relu,swish,mish"],
            3 * (5 * 2 + 3),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        let start = Instant::now();
        let (printed, _) = run(&digits, &whole, &flags);
        let seconds = start.elapsed().as_secs_f64();
        let times = flags.contains(&"study").then(|| fs::read(whole.join("time.csv")).unwrap());
        let mut random = RandomState::new(all as u32);
        let mut caught = 0;
        for i in 0..3 {
            let out = folder.path().join(i.to_string());
            if let Some(times) = &times {
                // Durations always differ: copy those of the whole run to the others, which keep them.
                fs::create_dir_all(&out).unwrap();
                fs::write(out.join("time.csv"), times).unwrap();
            }
            caught += run_among_kills(&digits, &out, &flags, (all, seconds), &mut random);
            assert_eq!(results(&out), results(&whole), "{flags:?}");
            let (again, said) = run(&digits, &out, &flags);
            assert_eq!(again, printed);
            assert!(
                said.contains(" runs are already in ") && !said.contains(": 1/"),
                "expected no run to be trained again: {said}"
            );
        }
        assert!(caught > 0, "{flags:?}: no kill came between the first and the last run");
    }
}

#[test]
fn a_run_with_other_settings_or_a_damaged_one_is_not_taken() {
    let (few, other) = (digits(300, 50, 3), digits(300, 50, 4));
    let folder = tempfile::tempdir().unwrap();
    let [out, fresh] = ["out", "fresh"].map(|name| folder.path().join(name));
    let basic = ["--table", "basic", "--epochs", "2"];
    let (printed, _) = run(&few, &out, &basic);
    assert_eq!(runs(&out).len(), 3);

    let trained =
        |said: &str| said.lines().filter(|line| line.starts_with("runs: ") && line.contains(" left")).count();
    for flags in [&["--epochs", "3"][..], &["--dtype", "f32"], &["--activations", "tanh"], &["--seeds", "2"]]
    {
        let flags = [&basic[..], flags].concat();
        let (here, said) = run(&few, &out, &flags);
        let (there, _) = run(&few, &fresh, &flags);
        assert_eq!(here, there, "{flags:?}");
        assert_eq!(trained(&said), if flags.contains(&"tanh") { 1 } else { 3 }, "{flags:?}");
    }
    assert_eq!(trained(&run(&few, &out, &basic).1), 0, "expected the first runs to be kept");
    let (others, said) = run(&other, &out, &basic);
    assert_eq!(trained(&said), 3, "expected other digits to start new runs");
    assert_ne!(others, printed);
    assert_eq!(run(&few, &out, &basic).0, printed);

    for damage in [
        |text: &str| text[..text.len() - 1].to_owned(),
        |text: &str| text[..text.len() / 2].to_owned(),
        |text: &str| text.lines().take(3).map(|line| format!("{line}\n")).collect(),
        |text: &str| text.replacen("0.", "x.", 9),
        |_: &str| String::new(),
    ] {
        let all = runs(&out);
        let kept =
            all.iter().find(|path| path.to_str().unwrap().contains("relu_0.1_100-50_2_10_f64")).unwrap();
        fs::write(kept, damage(&fs::read_to_string(kept).unwrap())).unwrap();
        let (again, said) = run(&few, &out, &basic);
        assert_eq!((again, trained(&said)), (printed.clone(), 1));
    }
}

#[test]
fn the_number_of_jobs_changes_nothing() {
    let digits = digits(300, 50, 3);
    let folder = tempfile::tempdir().unwrap();
    let [one, four] = ["1", "4"].map(|jobs| {
        let out = folder.path().join(jobs);
        (run(&digits, &out, &["--epochs", "2", "--jobs", jobs]).0, results(&out))
    });
    assert_eq!(one, four);
    let names: Vec<&str> = one.1.keys().map(|name| name.to_str().unwrap()).collect();
    let expected = [
        "accuracy_100_50.svg",
        "accuracy_200_100.svg",
        "derivatives.svg",
        "lock",
        "mish_relu_softplus.svg",
        "report.html",
        "swish_beta.svg",
        "swish_relu.svg",
        "tables.csv",
        "test_loss.svg",
        "train_loss.svg",
    ];
    assert_eq!(names, expected);
    let page = text(&one.1[Path::new("report.html")]);
    assert_eq!(page.matches("<figure>").count(), 8);
    assert_eq!(page.matches("<table>").count(), 4);
    for outside in ["http://", "https://", "<script", "<link", "@import", "url("] {
        let found = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "").contains(outside);
        assert!(!found, "expected a page without external references, got {outside}");
    }
}

#[test]
fn the_study_of_lenet_has_its_own_runs_times_and_files() {
    let digits = digits(600, 100, 3);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let lenet = ["--table", "lenet", "--epochs", "2", "--seeds", "2"];
    let (printed, _) = run(&digits, out, &lenet);
    let expected = [
        "lenet.csv",
        "lenet.html",
        "lenet.md",
        "lenet_accuracy.svg",
        "lenet_difference.svg",
        "lenet_rates.csv",
        "lenet_rates.svg",
        "lenet_seeds.csv",
        "lenet_time.csv",
        "lock",
    ];
    let first = results(out);
    assert_eq!(first.keys().map(|name| name.to_str().unwrap()).collect::<Vec<_>>(), expected);
    let table = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let names = |name: &str| {
        let mut names: Vec<String> =
            table(name).lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("lenet.csv"), ["activation", "gelu", "mish", "relu", "swish"]);
    let lenets = runs(out);
    let is_lenet = |path: &PathBuf| path.to_str().unwrap().contains("_lenet_2_");
    assert!(lenets.iter().all(is_lenet), "{lenets:?}");

    // The study of the article's network in the same folder takes nothing from it and changes nothing.
    let study = [&["--table", "study", "--activations", "relu,mish"], &lenet[2..]].concat();
    let (_, said) = run(&digits, out, &study);
    assert!(!said.contains("already in"), "{said}");
    assert_eq!(names("study.csv"), ["activation", "mish", "relu"]);
    assert_eq!(table("study.csv").lines().next(), table("lenet.csv").lines().next());
    assert_eq!(runs(out).into_iter().filter(is_lenet).collect::<Vec<_>>(), lenets);
    let (again, said) = run(&digits, out, &lenet);
    assert_eq!(again, printed);
    assert!(!said.contains(": 1/"), "expected no run to be trained again: {said}");
    assert!(first.iter().all(|(name, text)| results(out)[name] == *text));
}

#[test]
fn the_runs_are_those_of_mnist_swish() {
    let digits = digits(300, 50, 3);
    let folder = tempfile::tempdir().unwrap();
    run(&digits, folder.path(), &["--table", "width", "--epochs", "2"]);
    let run_file = runs(folder.path()).into_iter().find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("mish_0.5_200-100_2_10_f64")
    });
    let rows = fs::read_to_string(run_file.unwrap()).unwrap();
    let mnist_swish = example().get_program().to_str().unwrap().replace("compare_activations", "mnist_swish");
    let output = Command::new(mnist_swish)
        .arg("--data")
        .arg(digits.path())
        .args(["--activation", "mish", "--lr", "0.5", "--hidden", "200,100", "--epochs", "2"])
        .output()
        .unwrap();
    let expected: Vec<String> = text(&output.stdout)
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.replace(' ', ","))
        .collect();
    let measured = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        // The epoch, then the four values after the seconds.
        [&fields[11..12], &fields[13..17]].concat().join(",")
    };
    assert_eq!(rows.lines().skip(1).map(measured).collect::<Vec<_>>(), expected);
}

#[test]
fn a_bad_flag_is_one_clear_line_and_exit_code_2() {
    let digits = digits(300, 50, 3);
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 13] = [
        (&["--nonsense"], "invalid option '--nonsense'"),
        (
            &["--table", "best"],
            "--table: expected basic, beta, learning-rate, width, all, sums, study or lenet, got best",
        ),
        (&["--epochs", "many"], "cannot parse argument \"many\""),
        (&["--seeds", "0"], "--seeds: expected an integer of at least 1, got 0"),
        (&["--jobs", "0"], "--jobs: expected an integer of at least 1, got 0"),
        (&["--dtype", "f16"], "--dtype: expected f32 or f64, got f16"),
        (&["--activations", "swash"], "--activations: expected some of relu, "),
        (&["--activations", "swish:x"], "expected a finite β after swish:, got x"),
        (&["--table", "study", "--seeds", "1"], "--seeds: a study needs at least 2"),
        (&["--table", "study", "--activations", "mish"], "--activations: a study needs relu"),
        (&["--table", "sums", "--activations", "prelu"], "does not accept functions with learned parameters"),
        (&["--strict"], "--strict: the published figures apply only to MNIST and 50 epochs"),
        (&["--out", "/dev/null/out"], "/dev/null/out"),
    ];
    for (flags, expected) in cases {
        let output = command(&digits, folder.path(), flags).output().unwrap();
        let said: Vec<&str> =
            text(&output.stderr).lines().filter(|line| !line.starts_with("data: MNIST from")).collect();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        let one_line = said.len() == 1 && said[0].starts_with("compare_activations: ");
        assert!(one_line && said[0].contains(expected), "{flags:?}: {said:?}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
}

#[test]
fn two_at_once_do_not_write_into_one_folder() {
    let digits = digits(2000, 50, 3);
    let folder = tempfile::tempdir().unwrap();
    let mut first = command(&digits, folder.path(), &["--epochs", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let second = loop {
        // The file exists a moment before it is locked.
        if folder.path().join("lock").exists() {
            std::thread::sleep(Duration::from_millis(200));
            break command(&digits, folder.path(), &["--epochs", "1"]).output().unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    };
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains(": locked by another comparison"), "{}", text(&second.stderr));
    run(&digits, folder.path(), &["--table", "basic", "--epochs", "1"]);
}
