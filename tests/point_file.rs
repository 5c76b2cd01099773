//! Point files: what `NumPy` wrote is read, and whatever else is refused in words.

use std::io::Write;

use ndarray::array;
use proptest::prelude::*;
use ratioflow::point_file::{Asked, Header, MOST_POINTS, path_and_array, read, read_from};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An `.npy` file of version 1 with `data` behind its header.
fn npy(descr: &str, fortran_order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// An archive with one deflated entry.
fn npz(name: &str, entry: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .start_file(name, SimpleFileOptions::default())
        .unwrap();
    writer.write_all(entry).unwrap();
    writer.finish().unwrap().into_inner()
}

fn reason(bytes: &[u8], name: &str) -> String {
    read(bytes, name).unwrap_err().reason
}

/// The fixtures were written by `NumPy` 2.4.6 from a = [[1.5, -2.25], [0, 3], [1e-3, 7]]:
/// `np.save(…, np.asfortranarray(a.astype('>f4')))`, `np.save(…, np.array([[1, 2], [3, -4]], '<i2'))`,
/// `np.savez_compressed(…, first=a, second=-a[:2])`, `np.save(…, np.array([[1.0, None], [2.0, 'x']], object))`,
/// `np.save(…, np.array([(1.0, 2.0)], [('x', '<f8'), ('y', '<f8')]))`.
#[test]
fn what_numpy_wrote_is_read() {
    let a = array![[1.5, -2.25], [0.0, 3.0], [1e-3, 7.0]];
    let bytes = include_bytes!("data/points/big_endian_fortran.npy");
    assert_eq!(
        read(bytes, "a.npy").unwrap(),
        a.mapv(|v| f64::from(v as f32))
    );
    let bytes = include_bytes!("data/points/short_integers.npy");
    assert_eq!(
        read(bytes, "a.NPY").unwrap(),
        array![[1.0, 2.0], [3.0, -4.0]]
    );

    let bytes = include_bytes!("data/points/archive.npz");
    assert_eq!(read(bytes, "a.npz").unwrap(), a);
    assert_eq!(read(bytes, "a.npz:first").unwrap(), a);
    assert_eq!(
        read(bytes, "a.npz:second").unwrap(),
        array![[-1.5, 2.25], [0.0, -3.0]]
    );
    assert_eq!(
        reason(bytes, "a.npz:third"),
        "it has no array \"third\"; it has first, second"
    );

    let pickled = reason(include_bytes!("data/points/objects.npy"), "a.npy");
    assert!(
        pickled.contains("pickled") && pickled.contains("astype(float)"),
        "{pickled}"
    );
    let structured = reason(include_bytes!("data/points/structured.npy"), "a.npy");
    assert!(structured.contains("column_stack"), "{structured}");
}

#[test]
fn every_width_and_byte_order_is_read() {
    // −2 and 3 in two's complement and IEEE 754, least significant byte first.
    let signed: [(&str, &[u8]); 6] = [
        ("i1", &[0xfe, 3]),
        ("i2", &[0xfe, 0xff, 3, 0]),
        ("i4", &[0xfe, 0xff, 0xff, 0xff, 3, 0, 0, 0]),
        (
            "i8",
            &[
                0xfe, 255, 255, 255, 255, 255, 255, 255, 3, 0, 0, 0, 0, 0, 0, 0,
            ],
        ),
        ("f4", &[0, 0, 0, 0xc0, 0, 0, 0x40, 0x40]),
        (
            "f8",
            &[0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 8, 0x40],
        ),
    ];
    for (kind, little) in signed {
        let big: Vec<u8> = little
            .chunks(little.len() / 2)
            .flat_map(|word| word.iter().rev().copied())
            .collect();
        for (order, data) in [('<', little), ('>', &big)] {
            let bytes = npy(&format!("{order}{kind}"), "False", "(1, 2)", data);
            assert_eq!(
                read(&bytes, "a.npy").unwrap(),
                array![[-2.0, 3.0]],
                "{order}{kind}"
            );
        }
    }
    // As Python 2 wrote it.
    let bytes = npy(">u2", "False", "(2L, 2L)", &[0, 1, 0, 2, 0, 3, 0, 4]);
    assert_eq!(
        read(&bytes, "a.npy").unwrap(),
        array![[1.0, 2.0], [3.0, 4.0]]
    );
    let bytes = npy(">u2", "True", "(2,2)", &[1, 0, 0, 2, 0, 3, 255, 255]);
    assert_eq!(
        read(&bytes, "a.npy").unwrap(),
        array![[256.0, 3.0], [2.0, 65535.0]]
    );
}

#[test]
fn a_lying_size_is_refused_at_once() {
    let claims = npy("<f8", "False", "(1000000000000, 2)", &[0; 16]);
    let told = reason(&claims, "a.npy");
    assert!(
        told.contains("16000000000000 bytes in all, but 16 follow"),
        "{told}"
    );
    assert!(reason(&npz("a.npy", &claims), "a.npz").contains("but 16 follow"));
    // A claim that overflows any product, and a header longer than the file.
    assert!(
        read(
            &npy("<f8", "False", "(18446744073709551615, 2)", &[]),
            "a.npy"
        )
        .is_err()
    );
    assert!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "a.npy").is_err());
    // Too much as well as too little.
    assert!(reason(&npy("<f8", "False", "(1, 2)", &[0; 17]), "a.npy").contains("but 17 follow"));

    // An archive whose directory repeats the lie: the size of the inflated entry, in the last 4 bytes of 24 behind
    // the directory's signature, says 10 million points where there is one.
    let entry = npy("<f8", "False", "(10000000, 2)", &[0; 16]);
    let mut bytes = npz("a.npy", &entry);
    let directory = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    let size = u32::try_from(entry.len() - 16 + 160_000_000).unwrap();
    bytes[directory + 24..][..4].copy_from_slice(&size.to_le_bytes());
    let told = reason(&bytes, "a.npz");
    assert!(
        told.contains("damaged") || told.contains("cannot be read"),
        "{told}"
    );
}

#[test]
fn an_archive_inflates_no_further_than_the_limit() {
    let rows = MOST_POINTS + 1;
    let bytes = npz(
        "a.npy",
        &npy("|i1", "False", &format!("({rows}, 2)"), &vec![0; 2 * rows]),
    );
    assert!(bytes.len() < 100_000);
    let told = reason(&bytes, "a.npz");
    assert!(told.contains("more than the 20000000"), "{told}");
}

#[test]
fn damaged_archives_are_refused() {
    let whole = npz(
        "a.npy",
        &npy("<f8", "False", "(2, 2)", &doubles(&[0.1, 0.2, 0.3, 0.4])),
    );
    assert_eq!(
        read(&whole, "a.npz").unwrap(),
        array![[0.1, 0.2], [0.3, 0.4]]
    );
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut], "a.npz").is_err(), "{cut} bytes");
    }
    let empty = ZipWriter::new(std::io::Cursor::new(Vec::new()))
        .finish()
        .unwrap();
    assert_eq!(reason(&empty.into_inner(), "a.npz"), "it holds no array");
}

#[test]
fn bad_arrays_are_refused_with_a_remedy() {
    let zeros = [0; 64];
    let table = [
        (npy("<f8", "False", "(0, 2)", &[]), "no points"),
        (
            npy("<f8", "False", "()", &zeros[..8]),
            "one row for each point",
        ),
        (npy("<f8", "False", "(2, 4)", &zeros), "points.T"),
        (npy("<f8", "False", "(4, 3)", &zeros), "points[:, :2]"),
        (npy("<c16", "False", "(4,)", &zeros), "z.imag"),
        (npy("<f8", "False", "(2, 2, 2)", &zeros), "points[-1]"),
        (npy("<f8", "False", "(-1, 2)", &zeros), "no count"),
        (npy("<c16", "False", "(2, 2)", &zeros), "points.real"),
        (npy("<U2", "False", "(2, 2)", &zeros), "astype(float)"),
        (npy("", "False", "(2, 2)", &zeros), "astype(float)"),
        (npy("é8", "False", "(2, 2)", &zeros), "astype(float)"),
        (
            npy(
                "<f8",
                "False",
                "(2, 2)",
                &doubles(&[0.0, 1.0, 2.0, f64::NAN]),
            ),
            "[1, 1] is NaN",
        ),
        (
            npy("<f8", "False", "(1, 2)", &doubles(&[f64::INFINITY, 1.0])),
            "[0, 0] is inf",
        ),
        (b"\x93NUMPY\x01\x00\x04\x00{ } ".to_vec(), "damaged"),
        (b"x,y\n1,2\n".to_vec(), "np.save"),
        (b"\x93NUM".to_vec(), "breaks off"),
        (Vec::new(), "empty"),
    ];
    for (bytes, remedy) in table {
        let told = reason(&bytes, "a.npy");
        assert!(told.contains(remedy), "{told} lacks {remedy}");
    }
    assert!(reason(b"1,2\n", "points.txt").contains(".npy, .npz or .csv"));
    assert!(reason(b"1,2\n", "points").contains(".npy, .npz or .csv"));
}

#[test]
fn csv_is_read_with_and_without_a_header() {
    let expected = array![[1.0, -2.5], [3000.0, 0.25]];
    for text in [
        "1,-2.5\n3e3,0.25\n",
        "x,y\n1,-2.5\n3e3,0.25",
        "\u{feff}\"x\", \"y\"\r\n 1 , -2.5\r\n\r\n3e3, \"0.25\"\r\n",
        "# x,y\n1,-2.5\n\n3e3,0.25\n\n",
    ] {
        assert_eq!(
            read(text.as_bytes(), "a.csv").unwrap(),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn csv_errors_name_line_and_column() {
    let table = [
        ("x,y\n", "no points"),
        ("\n\n", "no points"),
        (
            "x,y\n1,2\n3,four\n",
            "line 3, column 2: \"four\" is no number",
        ),
        ("x,1\n2,3\n", "line 1, column 1: \"x\" is no number"),
        ("1,2\nx,y\n", "line 2, column 1: \"x\" is no number"),
        ("1,2\n\n3,nan\n", "line 3, column 2 is NaN"),
        ("1,2\n3,1e999\n", "line 2, column 2 is inf"),
        ("1,2\n3,\n", "line 2, column 2: \"\" is no number"),
        ("1,2\n3\n", "line 2 has 1 column(s)"),
        ("1\n3,4\n", "line 2 has 2 column(s): it must have one"),
        ("1;2\n3;4\n", "line 1 has 1 column(s)"),
        ("1\t2\n3\t4\n", "not by a tab"),
        ("x\n1\ntwo\n", "line 3, column 1: \"two\" is no number"),
        ("1 2\n3 4\n", "line 1 has 1 column(s)"),
        ("1,2,3\n", "line 1 has 3 column(s)"),
    ];
    for (text, expected) in table {
        let told = reason(text.as_bytes(), "a.csv");
        assert!(told.contains(expected), "{text:?}: {told} lacks {expected}");
    }
    assert!(reason(b"1,2\n\xff,3\n", "a.csv").contains("byte 4"));
    assert!(reason(b"\xff\xfe1\0,\x002\0", "a.csv").contains("UTF-16"));
    assert!(reason(&vec![b'1'; 100_000], "a.csv").contains("longer than"));
}

#[test]
fn one_column_is_points_of_the_line() {
    let numbers: Vec<u8> = [1.5_f64, -2.0, 4.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut files = vec![
        (npy("<f8", "False", "(3,)", &numbers), "a.npy"),
        (npy("<f8", "False", "(3, 1)", &numbers), "a.npy"),
        (npy("<f8", "True", "(3, 1)", &numbers), "a.npy"),
    ];
    for text in [
        "1.5\n-2\n4\n",
        "x\n1.5\n-2\n4\n",
        "0\n1.5\n-2.0\n4.0\n",
        "\"x\"\r\n1.5\r\n-2.0\r\n4.0\r\n",
    ] {
        files.push((text.as_bytes().to_vec(), "a.csv"));
    }
    for (bytes, name) in files {
        let source = std::io::Cursor::new(&bytes);
        let sheet = read_from(source, name, Header::Auto, Asked::Key).unwrap();
        assert_eq!(sheet.dimension, 1, "{:?}", String::from_utf8_lossy(&bytes));
        assert_eq!(sheet.points, array![[1.5, 0.0], [-2.0, 0.0], [4.0, 0.0]]);
    }
    let source = std::io::Cursor::new(b"1,2\n3,4\n");
    let plane = read_from(source, "a.csv", Header::Auto, Asked::Key).unwrap();
    assert_eq!(plane.dimension, 2);
}

fn sheet(text: &str, header: Header) -> Result<(usize, Vec<String>), String> {
    let source = std::io::Cursor::new(text.as_bytes());
    let sheet = read_from(source, "a.csv", header, Asked::Key);
    let sheet = sheet.map_err(|error| error.reason)?;
    Ok((sheet.points.nrows(), sheet.notes))
}

/// Rows, and whether and how something is said of the first line.
#[test]
fn what_is_taken_for_a_header_is_said_unless_it_is_certain() {
    let table = [
        ("x,y\n1,2\n", 1, ""),
        ("pos x [m],pos y [m]\n1,2\n", 1, ""),
        ("1,2.5\n3,4\n", 2, ""),
        ("0,0\n0,1\n", 2, ""),
        // pandas' names for columns without any, and years.
        ("0,1\n1.5,2.5\n", 1, "names"),
        ("2019,2020\n1.5,2.5\n", 1, "names"),
        ("\"2019\",\"2020\"\n15,25\n", 1, "names"),
        ("\"1.5\",\"2.5\"\n\"15\",\"25\"\n", 2, ""),
        ("0,1\n1,2\n", 2, "a point"),
        // Whole numbers are written so in this file.
        ("0,1\n0.5,0.25\n1,0.5\n", 3, "a point"),
        ("0,1\n", 1, "a point"),
        ("l.5,O.3\n1,2\n", 1, "names"),
    ];
    for (text, rows, said) in table {
        let (count, notes) = sheet(text, Header::Auto).unwrap();
        assert_eq!(count, rows, "{text:?}: {notes:?}");
        assert_eq!(notes.is_empty(), said.is_empty(), "{text:?}: {notes:?}");
        let whole = notes.concat();
        assert!(whole.contains(said), "{text:?}: {whole}");
    }
    // Neither numbers nor names: never dropped in silence.
    for first in [
        "1.2.3,4.5.6",
        "−1.5,−2.5",
        "1_000,2_000",
        "N/A,null",
        "12a,13b",
        "$1,$2",
        ",",
        "?,?",
    ] {
        let told = sheet(&format!("{first}\n1,2\n"), Header::Auto).unwrap_err();
        assert!(told.contains("line 1"), "{told}");
        assert!(told.contains("header = \"yes\""), "{told}");
        let (rows, notes) = sheet(&format!("{first}\n1,2\n"), Header::Yes).unwrap();
        assert_eq!((rows, notes.len()), (1, 0), "{first}");
    }
    assert_eq!(sheet("0,1\n1.5,2\n", Header::No), Ok((2, Vec::new())));
    assert_eq!(sheet("0,1\n1,2\n", Header::Yes), Ok((1, Vec::new())));
    assert!(
        sheet("x,y\n1,2\n", Header::No)
            .unwrap_err()
            .contains("no number")
    );
    // A line in quotation marks is one column, a comma in a name is none.
    assert!(
        sheet("\"2019,2020\"\n1,2\n", Header::Auto)
            .unwrap_err()
            .contains("take them away")
    );
    assert_eq!(
        sheet("\"x, east\",y\n1,2\n", Header::Auto),
        Ok((1, Vec::new()))
    );
    assert!(
        sheet("\"x,y\n1,2\n", Header::Auto)
            .unwrap_err()
            .contains("not closed")
    );
    assert!(
        sheet(",0,1\n0,1,2\n", Header::Auto)
            .unwrap_err()
            .contains("index=False")
    );
}

#[test]
fn numbers_whose_squares_are_none_are_refused_with_their_place() {
    for (text, place) in [
        ("1,2\n3,1e154\n", "line 2, column 2 is 1e154"),
        (
            "1e-200,2e-180\n0,0\n",
            "no coordinate is larger than 2e-180",
        ),
    ] {
        let told = sheet(text, Header::Auto).unwrap_err();
        assert!(told.contains(place), "{told}");
    }
    let huge = npy("<f8", "False", "(1, 2)", &doubles(&[1.0, -1e300]));
    assert!(reason(&huge, "a.npy").contains("element [0, 1] is -1e300"));
    assert!(sheet("1,1e-300\n0,0\n", Header::Auto).is_ok());
    assert!(sheet("0,0\n0,0\n", Header::Auto).is_ok());
}

/// A text without end is read no further than the limit, and no more of it is held than the points.
#[test]
fn too_many_lines_are_refused_while_they_are_read() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let length = to.len() / 4 * 4;
            for line in to[..length].chunks_mut(4) {
                line.copy_from_slice(b"1,2\n");
            }
            Ok(length)
        }
    }
    impl std::io::Seek for Endless {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(1 << 40)
        }
    }
    let told = read_from(Endless, "a.csv", Header::Auto, Asked::Key).unwrap_err();
    assert!(told.reason.contains("more than the 20000000"), "{told}");
}

#[test]
fn two_arrays_saved_into_one_file_are_named_as_such() {
    let one = npy("<f8", "False", "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 4.0]));
    let told = reason(&[one.clone(), one].concat(), "a.npy");
    assert!(told.contains("a second array follows"), "{told}");
}

#[test]
fn what_packing_programs_add_to_an_archive_is_passed_over() {
    let array = npy("<f8", "False", "(1, 2)", &doubles(&[1.0, 2.0]));
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default();
    writer.add_directory("folder/", plain).unwrap();
    for (name, bytes) in [
        ("README.md", b"text".as_slice()),
        ("__MACOSX/._points.npy", b"\0\x05\x16\x07"),
        ("folder/points.npy", &array),
    ] {
        writer.start_file(name, plain).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    for name in ["a.npz", "A.NPZ", "A.NPZ:folder/points"] {
        assert_eq!(read(&bytes, name).unwrap(), array![[1.0, 2.0]], "{name}");
    }
    let told = reason(&npz("README", b"text"), "a.npz");
    assert!(
        told.contains("no array, only other files such as \"README\""),
        "{told}"
    );
}

#[test]
fn errors_name_the_file() {
    let error = read(b"", "clouds/a.npz:x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use clouds/a.npz:x as points: the file is empty"
    );
    assert_eq!(
        path_and_array("clouds/a.npz:x"),
        ("clouds/a.npz", Some("x"))
    );
    assert_eq!(path_and_array("C:\\a.npy"), ("C:\\a.npy", None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for name in ["a.npy", "a.npz", "a.npz:b", "a.csv"] {
            let _ = read(&bytes, name);
        }
    }

    /// Damage that keeps most of the structure reaches further than noise does.
    #[test]
    fn damaged_bytes_never_panic(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let npy = npy("<f8", "False", "(2, 2)", &doubles(&[0.1, 0.2, 0.3, 0.4]));
        for (name, mut bytes) in [("a.npz", npz("a.npy", &npy)), ("a.npy", npy)] {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = read(&bytes, name);
            let _ = read(&bytes[..cut.index(bytes.len())], name);
        }
    }

    #[test]
    fn headers_of_any_text_never_panic(descr in ".{0,6}", order in ".{0,6}", shape in ".{0,12}") {
        let _ = read(&npy(&descr, &order, &shape, &[0; 32]), "a.npy");
    }

    #[test]
    fn finite_points_come_back_as_they_are(values in prop::collection::vec(-1e99..1e99f64, 1..40)) {
        let values: Vec<f64> = values.iter().flat_map(|&v| [v, -v]).collect();
        let rows = values.len() / 2;
        let bytes = npy("<f8", "False", &format!("({rows}, 2)"), &doubles(&values));
        let text: String = values.chunks(2).flat_map(|p| [p[0].to_string(), ",".into(), p[1].to_string(), "\n".into()]).collect();
        for (points, how) in [(read(&bytes, "a.npy"), "npy"), (read(text.as_bytes(), "a.csv"), "csv")] {
            let points = points.unwrap();
            prop_assert_eq!(points.into_raw_vec_and_offset().0, values.clone(), "{}", how);
        }
    }
}
