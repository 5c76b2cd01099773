//! The examples run, and what they print is what they promise.

use std::process::Command;

/// What the example prints. It is built as this test is, with or without optimisation.
fn printed(example: &str, arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--example", example]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.arg("--").args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The number that follows `words` where they occur last.
fn last(text: &str, words: &str) -> f64 {
    let (_, rest) = text.rsplit_once(words).unwrap();
    let number = rest.trim_start().split([' ', '\n', ')']).next().unwrap();
    number.parse().unwrap()
}

#[test]
fn the_flow_ends_at_the_floor() {
    let text = printed("flow", &[]);
    let steps = &text[..text.find("floor").unwrap()];
    assert!(
        last(steps, "energy distance") < last(&text, "95 %:"),
        "{text}"
    );
}

#[test]
fn the_generator_follows_the_flow() {
    let text = printed("gan", &[]);
    let steps = &text[..text.find("floor").unwrap()];
    let floor = last(&text, "energy distance");
    assert!(last(steps, "energy distance") < 3.0 * floor, "{text}");
    assert!(last(steps, "distillation gap") > 0.0, "{text}");
}
