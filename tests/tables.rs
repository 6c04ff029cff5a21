//! Tables from CSV files: encodings compared with scikit-learn, errors with line and column, saved encoders, and random bytes.
mod golden_lines;

use std::path::Path;

use golden_lines::matrix;
use manabi::activation::Identity;
use manabi::data::Split;
use manabi::data::table::{Category, Encoder, Missing, Number, Schema, Table};
use manabi::layer::Concat;
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::{Affine, CrossEntropy, Error, Layer, Sequential, Softmax, Trainer};
use ndarray::{Array2, array, s};
use proptest::prelude::*;

/// The number of training rows of the golden table.
const TRAINING: usize = 40;

fn golden_table() -> (Table, Table) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tables.csv");
    let all = Table::read(path).unwrap();
    let train = all.select(&(0..TRAINING).collect::<Vec<_>>()).unwrap();
    (all, train)
}

fn read(text: &str) -> Table {
    Table::from_reader("people.csv", text.as_bytes(), b',').unwrap()
}

#[test]
fn equals_scikit_learn() {
    let lines = golden_lines::lines(include_str!("golden/tables.txt"));
    let (all, train) = golden_table();
    let check = |name: &str, schema: Schema| {
        let encoder = schema.fit(&train).unwrap();
        let got: Array2<f64> = encoder.inputs(&all).unwrap();
        let expected = matrix(&lines[name], encoder.input_dim());
        assert_eq!(got.dim(), (60, encoder.input_dim()));
        for ((place, got), expected) in got.indexed_iter().zip(&expected) {
            let tolerance = 1e-12 * expected.abs().max(1e-2);
            assert!(
                (got - expected).abs() <= tolerance,
                "{name} {place:?}: expected {expected:e}, got {got:e}"
            );
        }
        // In `f32`, the same values rounded once.
        assert_eq!(encoder.inputs::<f32>(&all).unwrap(), got.mapv(|x| x as f32), "{name}");
    };
    let number = |name: &str, number| Schema::new().number(name, number);
    check("mean_z_score_flag", number("age", Number::z_score().missing(Missing::Mean).flag(true)));
    check("median_z_score", number("income", Number::z_score().missing(Missing::Median)));
    check("median_min_max", number("income", Number::min_max().missing(Missing::Median)));
    check("value_raw", number("age", Number::raw().missing(Missing::Value(-1.5))));
    check("constant_z_score", number("same", Number::z_score()));
    check("one_hot_unknown", Schema::new().category("city", Category::one_hot().unknown(true)));
    check("index_unknown", Schema::new().category("city", Category::index().unknown(true)));
    check("classes", Schema::new().category("bought", Category::one_hot()));
    let encoder = Schema::new().number("same", Number::raw()).target_category("bought").fit(&train).unwrap();
    assert_eq!(encoder.samples::<f64>(&all).unwrap().t(), matrix(&lines["classes"], 3));
    assert_eq!(encoder.classes(), ["later", "no", "yes"]);
}

fn schema() -> Schema {
    Schema::new()
        .category("city", Category::index().unknown(true))
        .number("age", Number::z_score().missing(Missing::Mean).flag(true))
        .category("income", Category::one_hot().unknown(true))
        .number("same", Number::min_max())
        .target_category("bought")
}

#[test]
fn a_saved_encoder_has_the_same_bits() {
    let (all, train) = golden_table();
    let encoder = schema().fit(&train).unwrap();
    assert_eq!(Encoder::from_text(&encoder.to_text()).unwrap(), encoder);
    let rows = [["0.1", "a\"b,c\n", "-0", "1"], ["0.3", "", "1e-320", "2"], ["1e17", "é", "n/a, \"", "3"]];
    let odd = Table::from_rows("odd", &["x,\"", "y", "", "t"], rows).unwrap();
    let encoder_of_odd = Schema::new()
        .missing_texts(["", "NA", "n/a, \""])
        .number("x,\"", Number::z_score().missing(Missing::Median))
        .category("y", Category::one_hot().unknown(true))
        .number("", Number::raw().missing(Missing::Value(1.0 / 3.0)))
        .target_number("t")
        .fit(&odd)
        .unwrap();
    let restored = Encoder::from_text(&encoder_of_odd.to_text()).unwrap();
    assert_eq!(restored, encoder_of_odd);
    let column = restored.inputs::<f64>(&odd).unwrap().column(3).mapv(f64::to_bits);
    assert_eq!(column, array![-0.0, 1e-320, 1.0 / 3.0].mapv(f64::to_bits));

    // A model keeps the text, also in a file.
    let builder = Sequential::<f32>::builder(encoder.input_dim()).add_layer("affine1", Affine::new(3));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    model.set_note("table", encoder.to_text());
    let loaded = Sequential::<f32>::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let restored = Encoder::from_text(loaded.note("table").unwrap()).unwrap();
    let bits = |encoder: &Encoder| encoder.inputs::<f64>(&all).unwrap().mapv(f64::to_bits);
    assert_eq!(bits(&restored), bits(&encoder));
    assert_eq!(restored.to_text(), encoder.to_text());
    let onnx = Sequential::<f32>::from_onnx_bytes(&model.to_onnx_bytes().unwrap()).unwrap();
    assert_eq!(onnx.note("table"), model.note("table"));
    assert_eq!(model.remove_note("table"), Some(encoder.to_text()));
    assert_eq!((model.note("table"), loaded.note("other")), (None, None));
}

#[test]
fn wrong_texts_of_encoders() {
    let good = schema().fit(&golden_table().1).unwrap().to_text();
    for (from, to, message) in [
        ("manabi table,1", "manabi table,2", "row 0"),
        ("index,city,true,", "index,city,maybe,", "row 2"),
        ("index,city,true,", "index,city,true,zz,", "row 2"),
        ("one_hot,income", "one_hot,city", "row 4"),
        ("number,same,none,false,", "number,same,none,true,", "row 5"),
        ("number,same,none,false,", "number,same,inf,false,", "row 5"),
        ("number,same,none,false,", "numbers,same,none,false,", "row 5"),
        ("target category,bought,later,no", "target category,bought,no,later", "row 6"),
        ("target category,bought,", "target category,age,", "row 6"),
        ("target category,bought,later,no,yes", "target numbers,a,b,a", "row 6"),
        ("target category,bought,later,no,yes", "target numbers,a,city", "row 6"),
        ("target category,bought,", "target numbers,a\ntarget category,bought,", "row 7"),
        ("number,same,", "target numbers,a\nnumber,same,", "row 6"),
        ("missing,", "missing,\nmissing,NA", "row 2"),
        ("missing,\n", "", "row 1"),
    ] {
        assert!(good.contains(from), "{good}");
        let error = Encoder::from_text(&good.replace(from, to)).unwrap_err();
        assert!(matches!(error, Error::Row { .. }), "{error}");
        assert!(error.to_string().contains(message), "{from} {error}");
    }
    for text in ["", "manabi table,1\n", "no"] {
        assert!(Encoder::from_text(text).is_err(), "{text}");
    }
}

#[test]
fn errors_name_file_line_and_column() {
    let train = read("age,city,bought\n31,Oslo,no\n22,Rome,yes\n");
    let schema = || Schema::new().number("age", Number::z_score()).category("city", Category::one_hot());
    let encoder = schema().target_category("bought").fit(&train).unwrap();
    for (rows, message) in [
        ("31,Oslo,no\n\"a\nb\",Rome,no", "line 3, column 'age': expected a finite number, got 'a\nb'"),
        ("31,\" Oslo\n\",no\n,Rome,no", "line 4, column 'age': expected a number, got nothing"),
        ("31,Oslo,no\n\n\n  ,Rome,no", "line 5, column 'age': expected a number, got nothing"),
        ("inf,Oslo,no", "line 2, column 'age': expected a finite number, got 'inf'"),
        ("31,oslo,no", "line 2, column 'city': expected one of 'Oslo', 'Rome', got 'oslo'"),
        ("31,Oslo,maybe", "line 2, column 'bought': expected one of 'no', 'yes', got 'maybe'"),
        ("31,Oslo,", "line 2, column 'bought': expected one of 'no', 'yes', got nothing"),
    ] {
        let error = encoder.samples::<f64>(&read(&format!("age,city,bought\n{rows}\n"))).unwrap_err();
        assert_eq!(error.to_string(), format!("people.csv: {message}"));
    }
    let other = read("age,town\n1,Oslo\n");
    let error = encoder.inputs::<f64>(&other).unwrap_err().to_string();
    assert_eq!(
        error,
        "people.csv: incompatible content: column 'city': expected one of 'age', 'town', got none"
    );
    // In `f32`, a number can be too large.
    let raw = Schema::new().number("age", Number::raw()).fit(&train).unwrap();
    assert!(raw.row::<f64>(&[("age", "1e300")]).is_ok());
    let error = raw.row::<f32>(&[("age", "1e300")]).unwrap_err().to_string();
    assert_eq!(
        error,
        "row: line 1, column 'age': expected a number that is finite after scaling, got '1e300'"
    );
    let error = raw.samples::<f64>(&train).unwrap_err().to_string();
    assert_eq!(error, "targets: expected at least 1 column in the schema, got none");
    assert!(encoder.row::<f64>(&[("age", "1"), ("age", "2"), ("city", "Oslo")]).is_err());
    assert!(encoder.row::<f64>(&[("age", "1")]).is_err());

    let fit = |schema: Schema, text: &str| schema.fit(&read(text)).unwrap_err().to_string();
    let two = "a,b\n1,x\n,x\n";
    assert_eq!(
        fit(Schema::new().number("a", Number::z_score()), two),
        "people.csv: line 3, column 'a': expected a number, got nothing"
    );
    assert_eq!(
        fit(Schema::new().number("b", Number::z_score()), two),
        "people.csv: line 2, column 'b': expected a finite number, got 'x'"
    );
    assert_eq!(
        fit(Schema::new().category("a", Category::index()), two),
        "people.csv: line 3, column 'a': expected a category, got nothing"
    );
    let mean = Number::z_score().missing(Missing::Mean);
    assert!(
        fit(Schema::new().number("a", mean), "a,b\n,\n").contains("column 'a': expected at least one number")
    );
    let unknown = Category::one_hot().unknown(true);
    assert!(fit(Schema::new().category("a", unknown), "a,b\n,\n").contains("at least one category"));
    assert!(
        fit(Schema::new().number("a", Number::min_max()), "a,b\n-1e308,\n1e308,\n").contains("column 'a'")
    );
    assert!(fit(Schema::new().number("a", Number::raw().flag(true)), two).contains("flag of column 'a'"));
    let nan = Number::raw().missing(Missing::Value(f64::NAN));
    assert!(fit(Schema::new().number("a", nan), two).contains("replacement of missing values of column 'a'"));
    assert!(fit(Schema::new(), two).contains("inputs: expected at least 1 column"));
    assert!(fit(schema(), "age,city\n").contains("at least one row"));
    let twice = Schema::new().number("a", mean).target_number("a");
    assert!(matches!(twice.fit(&read(two)), Err(Error::DuplicateName { .. })));
    let both = Schema::new().number("a", mean).target_number("c").target_category("b");
    assert!(fit(both, "a,b,c\n1,x,2\n").starts_with("targets: expected numbers or one category"));
}

#[test]
fn wrong_files() {
    let read = |bytes: &[u8]| Table::from_reader("t.csv", bytes, b',').unwrap_err();
    assert!(matches!(read(b""), Error::Format { offset: 0, .. }));
    assert_eq!(
        read(b"a,b\n1,2\n1,2,3\n").to_string(),
        "t.csv: at byte 8: line 3: expected 2 fields, as in the first line, got 3"
    );
    assert!(read(b"a,b\n\r\n\n1,2,3\n").to_string().starts_with("t.csv: at byte 7: line 4: "));
    assert_eq!(read(b"a,b\n1,\xff\n").to_string(), "t.csv: at byte 4: line 2, field 2: expected UTF-8");
    assert_eq!(
        read(b"a,b, a\n").to_string(),
        "t.csv: incompatible content: expected a unique name for each column, got 'a' for the columns 1 and 3"
    );
    assert!(matches!(Table::read("/none.csv"), Err(Error::Io { .. })));
    let error = Table::from_rows("t", &["a", "b"], [vec!["1", "2"], vec!["1"]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rows of the table: expected 2 fields, one for each column at row 1, got 1"
    );
    // Names and fields without the spaces around them, as in a file.
    let table = Table::from_rows("t", &[" a", "b "], [[" 1 ", "x y"]]).unwrap();
    assert_eq!((table.field(0, "a").unwrap(), table.field(0, "b").unwrap()), ("1", "x y"));
    assert!(matches!(Table::from_rows("t", &["a", " a"], [["1", "2"]]), Err(Error::Mismatch { .. })));
    // A byte order mark, other line ends and a last line without an end.
    let table = Table::from_reader("t.csv", "\u{feff}a;b\r\n1;\"x;\"\r\n2;y".as_bytes(), b';').unwrap();
    assert_eq!((table.field(0, "a").unwrap(), table.field(0, "b").unwrap()), ("1", "x;"));
    assert_eq!((table.len(), table.field(1, "b").unwrap()), (2, "y"));
    assert!(table.field(2, "a").is_err() && table.select(&[0, 2]).is_err());
}

#[test]
fn only_training_rows_are_fitted() {
    let (all, train) = golden_table();
    let changed: Vec<usize> = (0..TRAINING).chain([50, 51]).collect();
    let encoder = schema().fit(&train).unwrap();
    assert_ne!(schema().fit(&all.select(&changed).unwrap()).unwrap(), encoder);
    let inputs: Array2<f64> = encoder.inputs(&all).unwrap();
    assert_eq!(inputs.slice(s![..TRAINING, ..]), encoder.inputs::<f64>(&train).unwrap());
    // One row has the inputs that it has in the table.
    let names: Vec<String> = all.columns().map(str::to_owned).collect();
    let fields: Vec<(&str, &str)> =
        names.iter().rev().map(|name| (name.as_str(), all.field(47, name).unwrap())).collect();
    assert_eq!(encoder.row::<f64>(&fields).unwrap(), inputs.row(47).to_vec());
    assert_eq!(encoder.input_names().len(), encoder.input_dim());
}

#[test]
fn splits_keep_all_rows() {
    let (all, _) = golden_table();
    let (train, test) = all.split(&Split::fraction(0.25).stratified(true).seed(3), "bought").unwrap();
    assert_eq!((train.len(), test.len()), (45, 15));
    let count = |table: &Table, class| {
        (0..table.len()).filter(|&row| table.field(row, "bought").unwrap() == class).count() as i64
    };
    for class in ["no", "yes", "later"] {
        assert!((count(&train, class) - 3 * count(&test, class)).abs() <= 3, "{class}");
        assert_eq!(count(&train, class) + count(&test, class), count(&all, class));
    }
    assert!(all.split(&Split::fraction(0.25).stratified(true), None).is_err());
    assert!(all.split(&Split::count(20), None).is_ok());
    assert!(all.split(&Split::count(20), "none").is_err());
}

/// The price of a flat depends on its town, which is a category with a vector, and on its size.
#[test]
fn embeddings_of_a_table_learn() {
    let towns = [("Bergen", 1.0), ("La Paz", -2.0), ("St. Ives", 0.5)];
    let rows: Vec<[String; 3]> = (0..90_usize)
        .map(|i| {
            let ((town, effect), size) = (towns[i * 7 % 3], (i * 31 % 90) as f64);
            [town.to_owned(), size.to_string(), (effect + size / 50.0).to_string()]
        })
        .collect();
    let table = Table::from_rows("flats", &["old town", "size", "price"], rows).unwrap();
    let schema = Schema::new().category("old town", Category::index().unknown(true));
    let encoder = schema.number("size", Number::z_score()).target_number("price").fit(&table).unwrap();
    assert_eq!(encoder.indices().collect::<Vec<_>>(), [("old town", 1, 4)]);
    let mut model = Sequential::<f64>::builder(encoder.input_dim())
        .add_layer("inputs", Concat::of_table(&encoder, |_| 2))
        .add_layer("affine1", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    assert_eq!(model.parameter("inputs.old_town.embedding.weight").unwrap().shape(), [4, 2]);
    let data = encoder.samples(&table).unwrap();
    Trainer::new().epochs(150).batch_size(10).optimizer(Adam::new(0.03)).fit(&mut model, &data).unwrap();
    let y = model.predict_row(&encoder.row(&[("old town", "La Paz"), ("size", "50")]).unwrap()).unwrap();
    assert!((y[0] + 1.0).abs() < 1e-2, "{y:?}");
    // An unknown town has the number after the last one.
    assert_eq!(encoder.row::<f64>(&[("old town", "Lima"), ("size", "44.5")]).unwrap(), [0.0, 3.0]);
    let error = model.predict(array![[0.0, 4.0]].view()).unwrap_err().to_string();
    assert!(
        error.contains("layer 'inputs.old_town.embedding': x: expected a whole number below 4"),
        "{error}"
    );
}

/// Columns whose names would lead to the same branch, to that of the numbers, or to none.
#[test]
fn branches_of_a_table_have_different_names() {
    let columns = ["a b", "a.b", "numbers", "", "a_b_2", "size"];
    let table = Table::from_rows("odd", &columns, [["x", "x", "x", "x", "x", "1"]]);
    let schema = columns[..5].iter().fold(Schema::new(), |all, &name| all.category(name, Category::index()));
    let encoder = schema.number("size", Number::raw()).fit(&table.unwrap()).unwrap();
    let inputs = Concat::<f64>::of_table(&encoder, |_| 1);
    assert_eq!(inputs.output_shape(6.into()).unwrap(), 6.into());
    let names: Vec<String> =
        inputs.parameters(6.into()).into_iter().map(|spec| spec.name.to_string()).collect();
    let branches = ["a_b", "a_b_2", "numbers_3", "_4", "a_b_2_5"];
    assert_eq!(names, branches.map(|branch| format!("{branch}.embedding.weight")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any bytes are a table or an error, and any table can be fitted and encoded, or is an error.
    #[test]
    fn random_bytes(bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'1'), any::<u8>()], 0..200)) {
        if let Ok(table) = Table::from_reader("random", &bytes[..], b',') {
            let names: Vec<String> = table.columns().map(str::to_owned).collect();
            let number = Number::min_max().missing(Missing::Median).flag(true);
            for name in &names {
                let schemas = [
                    Schema::new().number(name, number),
                    Schema::new().category(name, Category::one_hot()),
                    Schema::new().category(name, Category::index().unknown(true)),
                ];
                for schema in schemas {
                    if let Ok(encoder) = schema.fit(&table) {
                        let x: Array2<f64> = encoder.inputs(&table).unwrap();
                        prop_assert!(x.iter().all(|x| x.is_finite()));
                        prop_assert_eq!(&Encoder::from_text(&encoder.to_text()).unwrap(), &encoder);
                    }
                }
            }
        }
    }

    /// Any text is an encoder or an error.
    #[test]
    fn random_texts(rows in "(manabi table,1\n)?(missing,[a-c]?\n)?((number|one_hot|index|missing|target numbers|target category|x),?[a-c\",]{0,3}(,(true|false|none|1|-1e5|é)){0,5}\n){0,5}") {
        if let Ok(encoder) = Encoder::from_text(&rows) {
            prop_assert_eq!(Encoder::from_text(&encoder.to_text()).unwrap(), encoder);
        }
    }
}
