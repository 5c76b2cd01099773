//! What a run writes: whole files or none, in a folder of its own, and nothing believed without a checksum.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use ratioflow::store::{
    Arrays, AtomicFile, Checkpoint, Damage, Fingerprint, Manifest, ReportError, RunDirectory,
    Status, Table, in_use,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Names of all that lies in `folder`, hidden files too.
fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A finished run with pictures in `path`.
fn earlier_run(path: &Path) {
    let directory = RunDirectory::at(path, false).unwrap();
    directory.put("scenario.toml", b"seed = 1\n").unwrap();
    directory.put("metrics.csv", b"step,time\n").unwrap();
    directory.put("frames/0000.png", b"picture").unwrap();
    Manifest::begun("ring", 1).save(&directory).unwrap();
}

mod directory {
    use super::*;

    #[test]
    fn runs_are_numbered() {
        let root = folder();
        let mut kept = Vec::new();
        for number in ["001", "002", "003"] {
            let directory = RunDirectory::create(root.path(), "ring").unwrap();
            assert_eq!(directory.path(), root.path().join("ring").join(number));
            directory.put("scenario.toml", b"").unwrap();
            kept.push(directory);
        }
        drop(kept);
        // A number is not used again while a later one is there.
        fs::remove_dir_all(root.path().join("ring/002")).unwrap();
        fs::create_dir(root.path().join("ring/998")).unwrap();
        fs::write(root.path().join("ring/notes"), "").unwrap();
        for number in ["999", "1000"] {
            let directory = RunDirectory::create(root.path(), "ring").unwrap();
            assert_eq!(directory.path(), root.path().join("ring").join(number));
            directory.put("scenario.toml", b"").unwrap();
        }
    }

    #[test]
    fn a_name_stays_inside_the_output_folder() {
        let root = folder();
        let directory = RunDirectory::create(&root.path().join("output"), "../../x").unwrap();
        assert_eq!(directory.path(), root.path().join("output/x/001"));
    }

    #[test]
    fn fifty_simultaneous_starts_get_fifty_folders() {
        let root = folder();
        let barrier = Barrier::new(50);
        let directories: Vec<RunDirectory> = thread::scope(|scope| {
            let starts: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        RunDirectory::create(&root.path().join("output"), "ring").unwrap()
                    })
                })
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        let paths: BTreeSet<&Path> = directories.iter().map(RunDirectory::path).collect();
        assert_eq!(paths.len(), 50);
        assert!(paths.iter().all(|path| in_use(path)));
        drop(directories);
        assert!(
            !root.path().join("output/ring").exists(),
            "not used, so not kept"
        );
    }

    const CHILD: &str = "RATIOFLOW_TEST_START_IN";

    /// Started by the test below, as a process of its own.
    #[test]
    fn one_start_of_many() {
        if let Some(root) = std::env::var_os(CHILD) {
            let directory = RunDirectory::create(Path::new(&root), "ring").unwrap();
            let mark = format!("{}.txt", std::process::id());
            directory.put(&mark, b"").unwrap();
        }
    }

    #[test]
    fn fifty_simultaneous_processes_get_fifty_folders() {
        let root = folder();
        let program = std::env::current_exe().unwrap();
        let mut children: Vec<_> = (0..50)
            .map(|_| {
                Command::new(&program)
                    .args(["--exact", "directory::one_start_of_many"])
                    .env(CHILD, root.path())
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        let runs = names(&root.path().join("ring"));
        assert_eq!(runs.len(), 50);
        for run in runs {
            let files = names(&root.path().join("ring").join(run));
            assert_eq!(files.len(), 2, "the lock and one mark: {files:?}");
        }
    }

    #[test]
    fn only_one_of_fifty_gets_the_same_folder() {
        let root = folder();
        let path = root.path().join("run");
        let barrier = Barrier::new(50);
        let taken: Vec<Result<RunDirectory, ReportError>> = thread::scope(|scope| {
            let starts: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        RunDirectory::at(&path, false)
                    })
                })
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        assert_eq!(taken.iter().filter(|one| one.is_ok()).count(), 1);
        for refused in taken.iter().filter_map(|one| one.as_ref().err()) {
            assert!(matches!(refused, ReportError::InUse { .. }), "{refused}");
        }
    }

    /// Folders vanish under the feet of those who are about to use them.
    #[test]
    fn runs_that_come_and_go_do_not_trip_each_other() {
        let root = folder();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        drop(RunDirectory::create(&root.path().join("output"), "ring").unwrap());
                    }
                });
            }
        });
        assert!(!root.path().join("output/ring").exists());
    }

    #[test]
    fn what_was_not_used_is_taken_away_again() {
        let root = folder();
        let outer = root.path().join("a/b");
        drop(RunDirectory::at(&outer.join("c"), false).unwrap());
        assert!(names(root.path()).is_empty());

        // A folder that was there before stays, and so does one that another run has come to use.
        fs::create_dir_all(&outer).unwrap();
        drop(RunDirectory::at(&outer, false).unwrap());
        assert!(names(&outer).is_empty());
        let unused = RunDirectory::create(&root.path().join("output"), "ring").unwrap();
        let used = RunDirectory::create(&root.path().join("output"), "ring").unwrap();
        used.put("scenario.toml", b"").unwrap();
        drop(unused);
        assert_eq!(names(&root.path().join("output/ring")), set(&["002"]));
    }

    #[test]
    fn a_folder_that_is_not_free_is_refused() {
        let root = folder();
        fs::write(root.path().join("thesis.tex"), "words").unwrap();
        let error = RunDirectory::at(root.path(), false).unwrap_err();
        assert!(matches!(error, ReportError::Occupied { .. }), "{error}");
        assert!(error.to_string().contains("is not empty"), "{error}");

        let error = RunDirectory::at(root.path(), true).unwrap_err();
        assert!(
            error.to_string().contains("`--force` leaves it alone"),
            "{error}"
        );
        // A `run.json` of somebody else does not make it ours.
        fs::write(root.path().join("run.json"), "{\"version\": 3}").unwrap();
        assert!(RunDirectory::at(root.path(), true).is_err());
        assert_eq!(names(root.path()), set(&["run.json", "thesis.tex"]));

        let error = RunDirectory::at(&root.path().join("thesis.tex"), true).unwrap_err();
        assert!(error.to_string().contains("thesis.tex"), "{error}");
        for force in [false, true] {
            let error = RunDirectory::at(Path::new("/"), force).unwrap_err();
            assert!(
                error.to_string().contains("is no place for a run"),
                "{error}"
            );
        }
    }

    /// Killed before its manifest: what it was writing goes at the next start, what it had written if that is asked for.
    #[test]
    fn a_run_that_has_only_begun_is_cleared_away() {
        let root = folder();
        let path = root.path().join("run");
        let begin = |files: &[&str]| {
            fs::create_dir_all(path.join("inputs")).unwrap();
            fs::remove_dir(path.join("inputs")).unwrap();
            for name in files {
                let file = path.join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "half").unwrap();
            }
        };
        begin(&[".lock", ".scenario.toml.tmp"]);
        drop(RunDirectory::at(&path, false).unwrap());
        assert!(names(&path).is_empty());

        begin(&[
            ".lock",
            "scenario.toml",
            ".run.json.tmp",
            "inputs/target-a.csv",
        ]);
        assert!(RunDirectory::at(&path, false).is_err());
        drop(RunDirectory::at(&path, true).unwrap());
        assert!(names(&path).is_empty());

        // Without our lock, or with a file that no run writes, it is somebody's.
        for files in [
            &["scenario.toml", ".a.tmp"][..],
            &[".lock", "scenario.toml", "thesis.tex"],
            &[".lock", "scenario.toml", "inputs/thesis.tex"],
        ] {
            begin(files);
            assert!(RunDirectory::at(&path, true).is_err(), "{files:?}");
            for name in files {
                assert!(path.join(name).exists(), "{files:?}");
            }
            fs::remove_dir_all(&path).unwrap();
        }
    }

    #[test]
    fn an_earlier_run_is_replaced_when_forced() {
        let root = folder();
        let path = root.path().join("run");
        earlier_run(&path);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        fs::write(path.join("frames/notes.txt"), "mine too").unwrap();
        fs::write(path.join(".metrics.csv.tmp"), "half").unwrap();

        let error = RunDirectory::at(&path, false).unwrap_err();
        assert!(error.to_string().contains("`--force`"), "{error}");
        assert!(path.join("scenario.toml").exists());

        let directory = RunDirectory::at(&path, true).unwrap();
        assert_eq!(names(&path), set(&[".lock", "frames", "notes.txt"]));
        assert_eq!(names(&path.join("frames")), set(&["notes.txt"]));
        drop(directory);
        assert!(path.join("notes.txt").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_when_a_run_is_replaced() {
        let root = folder();
        let path = root.path().join("run");
        earlier_run(&path);
        fs::remove_dir_all(path.join("frames")).unwrap();
        let precious = root.path().join("precious");
        fs::create_dir(&precious).unwrap();
        fs::write(precious.join("0000.png"), "mine").unwrap();
        std::os::unix::fs::symlink(&precious, path.join("frames")).unwrap();
        RunDirectory::at(&path, true).unwrap();
        assert_eq!(names(&precious), set(&["0000.png"]));
    }

    #[test]
    fn a_run_in_progress_is_left_alone() {
        let root = folder();
        let path = root.path().join("run");
        let directory = RunDirectory::at(&path, false).unwrap();
        Manifest::begun("ring", 1).save(&directory).unwrap();
        assert!(in_use(&path));
        for refused in [RunDirectory::at(&path, true), RunDirectory::open(&path)] {
            let error = refused.unwrap_err();
            assert!(matches!(error, ReportError::InUse { .. }), "{error}");
        }
        assert!(Manifest::load(&path).is_ok());
        drop(directory);
        assert!(!in_use(&path));
        assert!(RunDirectory::open(&path).is_ok());
    }

    #[test]
    fn going_on_sweeps_up_first() {
        let root = folder();
        let path = root.path().join("run");
        earlier_run(&path);
        fs::write(path.join(".checkpoint.tmp"), "half").unwrap();
        fs::write(path.join("frames/.0001.png.tmp"), "half").unwrap();
        let directory = RunDirectory::open(&path).unwrap();
        let expected = [
            ".lock",
            "frames",
            "metrics.csv",
            "run.json",
            "scenario.toml",
        ];
        assert_eq!(names(directory.path()), set(&expected));
        assert_eq!(names(&path.join("frames")), set(&["0000.png"]));

        let error = RunDirectory::open(&root.path().join("nothing")).unwrap_err();
        assert!(matches!(error, ReportError::NotARun { .. }), "{error}");
    }
}

mod atomic {
    use super::*;

    fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
        let mut draft = AtomicFile::new(path)?;
        draft.write_all(bytes).unwrap();
        draft.commit()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let root = folder();
        let path = root.path().join("a");
        let bytes = vec![7; 100_000];
        write(&path, b"first").unwrap();
        let mut draft = AtomicFile::new(&path).unwrap();
        draft.write_all(&bytes).unwrap();
        draft.sync().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        draft.place().unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(names(root.path()), set(&["a"]));
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_other() {
        let root = folder();
        let directory = RunDirectory::at(root.path(), false).unwrap();
        directory.put("a", b"first").unwrap();
        let error = directory.save("a", |file| {
            file.write_all(&vec![7; 100_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains(root.path().join("a").to_str().unwrap()),
            "{message}"
        );
        assert!(message.contains("free some space"), "{message}");
        assert_eq!(fs::read(root.path().join("a")).unwrap(), b"first");
        assert_eq!(names(root.path()), set(&[".lock", "a"]));
    }

    #[test]
    fn a_folder_in_the_way_is_an_error() {
        let root = folder();
        let path = root.path().join("a");
        fs::create_dir(&path).unwrap();
        let message = write(&path, b"x").unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert_eq!(names(root.path()), set(&["a"]));
        assert!(write(&root.path().join("missing/a"), b"x").is_err());
        assert!(write(Path::new("/"), b"x").is_err());
    }

    /// Temporary files are often made for their owner alone; results are for everybody who may read the folder.
    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let root = folder();
        write(&root.path().join("a"), b"x").unwrap();
        fs::write(root.path().join("b"), b"x").unwrap();
        let mode = |name: &str| {
            fs::metadata(root.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("a"), mode("b"));
    }
}

mod table {
    use super::*;

    #[test]
    fn rows_are_on_file_at_once_and_in_full_precision() {
        let root = folder();
        let path = root.path().join("metrics.csv");
        let mut table = Table::create(&path, &["w2", "speed"]).unwrap();
        let numbers = [
            0.1 + 0.2,
            1.0,
            1e-300,
            -0.0,
            f64::MAX,
            f64::MIN_POSITIVE / 4.0,
        ];
        for (step, &x) in numbers.iter().enumerate() {
            table
                .row(step as u64, 0.1 * step as f64, &[Some(x), None])
                .unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), step + 2, "the row is not there yet");
        }
        table
            .row(6, 0.5, &[Some(f64::NAN), Some(f64::NEG_INFINITY)])
            .unwrap();
        table.finish().unwrap();

        let text = fs::read_to_string(&path).unwrap();
        let expected = "\
step,time,w2,speed
0,0.0,0.30000000000000004,
1,0.1,1.0,
2,0.2,1e-300,
3,0.30000000000000004,-0.0,
4,0.4,1.7976931348623157e308,
5,0.5,5.562684646268003e-309,
6,0.5,NaN,-inf
";
        assert_eq!(text, expected);
        for (line, x) in text.lines().skip(1).zip(numbers) {
            let read: f64 = line.split(',').nth(2).unwrap().parse().unwrap();
            assert_eq!(read.to_bits(), x.to_bits());
        }
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let root = folder();
        let mut table = Table::create(&root.path().join("m.csv"), &["w2"]).unwrap();
        assert!(table.row(0, 0.0, &[]).is_err());
        assert!(table.row(0, 0.0, &[None, None]).is_err());
    }

    /// A table without metrics has rows that are not empty, and a name with a comma stays one column.
    #[test]
    fn odd_columns() {
        let root = folder();
        let path = root.path().join("m.csv");
        let mut table = Table::create(&path, &[]).unwrap();
        table.row(1, 2.0, &[]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "step,time\n1,2.0\n");
        Table::create(&path, &["a,b"]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "step,time,\"a,b\"\n");
    }

    /// That a full disk is reported, `faults.rs` sees to.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_no_table() {
        let error = Table::create(Path::new("/dev/full"), &["w2"]).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("/dev/full"), "{message}");
        assert!(message.contains("no plain file"), "{message}");
    }
}

mod arrays {
    use ndarray::{Array1, Array2, Array3, array};
    use ndarray_npy::NpzReader;

    use super::*;

    fn bytes() -> Vec<u8> {
        let particles = Array3::from_shape_fn((2, 3, 2), |(i, j, k)| (100 * i + 10 * j + k) as f64);
        let steps: Array1<i64> = array![0, 10];
        let field: Array2<f32> = array![[0.5, f32::NAN], [1.0, 2.0]];
        let mut file = io::Cursor::new(Vec::new());
        let mut arrays = Arrays::new(&mut file);
        arrays.add("steps", steps.view()).unwrap();
        arrays.add("particles", particles.view()).unwrap();
        // Fortran order in memory is C order in the file.
        arrays.add("field", field.t()).unwrap();
        arrays.finish().unwrap();
        file.into_inner()
    }

    #[test]
    fn arrays_are_read_back() {
        let mut file = NpzReader::new(io::Cursor::new(bytes())).unwrap();
        let steps: Array1<i64> = file.by_name("steps").unwrap();
        assert_eq!(steps, array![0, 10]);
        let particles: Array3<f64> = file.by_name("particles").unwrap();
        assert_eq!(particles[[1, 2, 1]], 121.0);
        let field: Array2<f32> = file.by_name("field").unwrap();
        assert!(field[[1, 0]].is_nan());
        assert_eq!(field[[0, 1]], 1.0);
    }

    #[test]
    fn time_does_not_show() {
        assert_eq!(bytes(), bytes());
        let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes())).unwrap();
        for index in 0..archive.len() {
            let date = archive.by_index(index).unwrap().last_modified().unwrap();
            assert_eq!((date.year(), date.month(), date.day()), (1980, 1, 1));
            assert_eq!((date.hour(), date.minute(), date.second()), (0, 0, 0));
        }
    }

    #[test]
    fn a_failing_writer_is_reported() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl io::Seek for Full {
            fn seek(&mut self, _: io::SeekFrom) -> io::Result<u64> {
                Ok(0)
            }
        }
        let numbers = Array1::<f64>::zeros(10);
        let mut arrays = Arrays::new(Full);
        let error = arrays.add("a", numbers.view()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(arrays.finish().is_err());
    }
}

mod manifest {
    use super::*;

    fn finished() -> Manifest {
        let mut manifest = Manifest::begun("eight-gaussians", u64::MAX);
        "0.1.0".clone_into(&mut manifest.version);
        manifest.status = Status::Complete;
        manifest.ending = Some("all 200 steps taken".to_owned());
        manifest.steps = 200;
        manifest.last.insert("w2".to_owned(), 0.1 + 0.2);
        manifest.last.insert("knn_kl".to_owned(), f64::NEG_INFINITY);
        let floor = [("median".to_owned(), 0.25), ("q95".to_owned(), 0.5)];
        manifest.floor.insert("w2".to_owned(), floor.into());
        manifest.converged_at.insert("w2".to_owned(), Some(85));
        manifest.converged_at.insert("knn_kl".to_owned(), None);
        manifest.warnings.push("step_ratio is 2".to_owned());
        manifest
    }

    const TEXT: &str = r#"{
  "version": "0.1.0",
  "scenario": "eight-gaussians",
  "seed": 18446744073709551615,
  "status": "complete",
  "ending": "all 200 steps taken",
  "steps": 200,
  "final": {
    "knn_kl": null,
    "w2": 0.30000000000000004
  },
  "floor": {
    "w2": {
      "median": 0.25,
      "q95": 0.5
    }
  },
  "converged_at": {
    "knn_kl": null,
    "w2": 85
  },
  "verdict": null,
  "held_out": "",
  "points": {
    "training": 0,
    "validation": 0,
    "reference": 0,
    "measured": 0
  },
  "warnings": [
    "step_ratio is 2",
    "`final.knn_kl` is -inf, which JSON cannot hold: written as null"
  ]
}
"#;

    #[test]
    fn the_text_is_pinned() {
        assert_eq!(finished().to_json().unwrap(), TEXT);
    }

    #[test]
    fn it_is_read_back_and_written_again_as_it_was() {
        let root = folder();
        let directory = RunDirectory::at(root.path(), false).unwrap();
        finished().save(&directory).unwrap();
        assert_eq!(
            fs::read_to_string(root.path().join("run.json")).unwrap(),
            TEXT
        );
        let read = Manifest::load(root.path()).unwrap();
        assert!(read.last["knn_kl"].is_nan());
        assert_eq!(read.last["w2"].to_bits(), (0.1_f64 + 0.2).to_bits());
        assert_eq!(read.to_json().unwrap(), TEXT);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let root = folder();
        let path = root.path().join("run.json");
        for text in [
            "",
            "[]",
            "null",
            "{\"status\": \"complete\"}",
            "{",
            &TEXT[..200],
        ] {
            fs::write(&path, text).unwrap();
            let error = Manifest::load(root.path()).unwrap_err();
            assert!(matches!(error, ReportError::NotARun { .. }), "{error}");
        }
        fs::write(&path, TEXT.replace("complete", "done")).unwrap();
        assert!(Manifest::load(root.path()).is_err());
    }
}

mod checkpoint {
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    const SCENARIO: &str = "seed = 1\n";

    fn sample(step: u64) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(Fingerprint::of(SCENARIO));
        checkpoint.numbers.insert("step".to_owned(), step);
        checkpoint.numbers.insert("rows".to_owned(), u64::MAX);
        let values = vec![
            1.5,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::from_bits(0x7ff0_0000_dead_beef),
            5e-324,
        ];
        let particles = ArrayD::from_shape_vec(IxDyn(&[3, 2]), values).unwrap();
        checkpoint.arrays.insert("particles".to_owned(), particles);
        checkpoint
            .arrays
            .insert("empty".to_owned(), ArrayD::zeros(IxDyn(&[0, 7])));
        checkpoint
            .arrays
            .insert("φ".to_owned(), ArrayD::zeros(IxDyn(&[])));
        checkpoint
    }

    #[test]
    fn every_bit_comes_back() {
        let bytes = sample(7).encode();
        let read = Checkpoint::decode(&bytes).unwrap();
        assert_eq!(read.numbers, sample(7).numbers);
        assert_eq!(read.arrays["empty"].shape(), [0, 7]);
        assert_eq!(read.arrays["φ"].shape(), [0_usize; 0]);
        let bits = |c: &Checkpoint| c.arrays["particles"].mapv(f64::to_bits);
        assert_eq!(bits(&read), bits(&sample(7)));
        assert_eq!(read.encode(), bytes);
    }

    #[test]
    fn every_truncation_and_extension_is_detected() {
        let bytes = sample(7).encode();
        for length in 0..bytes.len() {
            assert!(
                Checkpoint::decode(&bytes[..length]).is_err(),
                "{length} bytes pass"
            );
        }
        for extra in 1..100 {
            let longer = [bytes.as_slice(), &vec![0; extra]].concat();
            assert!(Checkpoint::decode(&longer).is_err());
        }
    }

    #[test]
    fn every_single_bit_flip_is_detected() {
        let bytes = sample(7).encode();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::decode(&flipped).is_err(), "bit {bit} passes");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_set_of_bit_flips_is_detected(bits in prop::collection::btree_set(any::<usize>(), 1..20)) {
            let bytes = sample(7).encode();
            let places: BTreeSet<usize> = bits.iter().map(|bit| bit % (8 * bytes.len())).collect();
            let mut flipped = bytes;
            for bit in places {
                flipped[bit / 8] ^= 1 << (bit % 8);
            }
            prop_assert!(Checkpoint::decode(&flipped).is_err());
        }

        /// Bytes that carry a right checksum and the right beginning, so that the parser itself is reached.
        #[test]
        fn what_is_signed_but_senseless_does_no_harm(body in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(8), any::<u8>()], 0..200)) {
            let head = &sample(7).encode()[..16 + 4 + 32];
            let signed = sign([head, &body].concat());
            if let Ok(read) = Checkpoint::decode(&signed) {
                prop_assert_eq!(read.encode(), signed);
            }
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Checkpoint::decode(&bytes).is_err());
            let ours = [b"ratioflow state\n".as_slice(), &bytes].concat();
            prop_assert!(Checkpoint::decode(&ours).is_err());
        }
    }

    fn sign(mut body: Vec<u8>) -> Vec<u8> {
        let checksum = Sha256::digest(&body);
        body.extend(checksum);
        body
    }

    /// A file of 200 bytes that declares arrays of 2^60 values must be refused before memory is asked for.
    #[test]
    fn sizes_are_held_against_the_bytes_there_are() {
        let head = sample(7).encode()[..16 + 4 + 32].to_vec();
        let words = |words: &[u64]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let cases: [&[u64]; 8] = [
            &[u64::MAX],
            &[0, u64::MAX],
            &[0, 1, u64::MAX],
            &[0, 1, 0, u64::MAX],
            &[0, 1, 0, 1, 1 << 60],
            &[0, 1, 0, 2, 1 << 32, 1 << 32],
            &[0, 1, 0, 3, 1 << 40, 1 << 40, 0],
            &[0, 1, 0, 1, 2, 0],
        ];
        for case in cases {
            let bytes = sign([head.clone(), words(case)].concat());
            assert_eq!(
                Checkpoint::decode(&bytes),
                Err(Damage::Malformed),
                "{case:?}"
            );
        }
    }

    #[test]
    fn damage_has_its_name() {
        let good = sample(7).encode();
        assert_eq!(Checkpoint::decode(b"PNG"), Err(Damage::Foreign));
        let mut later = good.clone();
        later[16] = 9;
        assert_eq!(Checkpoint::decode(&later), Err(Damage::Version(9)));
        assert_eq!(
            Checkpoint::decode(&good[..good.len() - 1]),
            Err(Damage::Checksum)
        );
        assert_eq!(Checkpoint::decode(&good[..60]), Err(Damage::Checksum));
    }

    fn two_generations() -> (TempDir, PathBuf, PathBuf) {
        let root = folder();
        let directory = RunDirectory::at(root.path(), false).unwrap();
        for step in [10, 20, 30] {
            sample(step).save(&directory).unwrap();
        }
        assert_eq!(
            names(root.path()),
            set(&[".lock", "checkpoint", "checkpoint.previous"])
        );
        let newer = root.path().join("checkpoint");
        let older = root.path().join("checkpoint.previous");
        (root, newer, older)
    }

    fn load(folder: &TempDir) -> Result<(u64, Option<String>), ReportError> {
        let restored = Checkpoint::load(folder.path(), Fingerprint::of(SCENARIO))?;
        Ok((restored.checkpoint.numbers["step"], restored.warning))
    }

    #[test]
    fn the_newest_is_used_and_the_one_before_if_it_is_damaged() {
        let (root, newer, older) = two_generations();
        assert_eq!(load(&root).unwrap(), (30, None));

        let mut bytes = fs::read(&newer).unwrap();
        bytes[100] ^= 1;
        fs::write(&newer, bytes).unwrap();
        let (step, warning) = load(&root).unwrap();
        assert_eq!(step, 20);
        let warning = warning.unwrap();
        assert!(
            warning.contains("checksum") && warning.contains("checkpoint.previous"),
            "{warning}"
        );

        // Killed between the two renamings.
        fs::remove_file(&newer).unwrap();
        assert_eq!(load(&root).unwrap().0, 20);

        fs::write(&older, b"").unwrap();
        let error = load(&root).unwrap_err();
        assert!(matches!(error, ReportError::NoCheckpoint { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("`checkpoint`") && message.contains("`checkpoint.previous`"),
            "{message}"
        );
    }

    #[test]
    fn another_scenario_is_refused() {
        let (root, ..) = two_generations();
        let error = Checkpoint::load(root.path(), Fingerprint::of("seed = 2\n")).unwrap_err();
        assert!(error.to_string().contains("another scenario"), "{error}");
    }

    #[test]
    fn a_folder_in_its_place_is_refused() {
        let (root, newer, _) = two_generations();
        fs::remove_file(&newer).unwrap();
        fs::create_dir(&newer).unwrap();
        assert_eq!(load(&root).unwrap().0, 20);
    }
}
