//! The command line of ratioflow.

fn main() {}
