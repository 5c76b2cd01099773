//! `ratioflow-press FILE INTO`: compresses a file as browsers read it (zlib, RFC 1950), with Zopfli, which takes some seconds and gives a twentieth less than zlib.

use std::env::args_os;
use std::fs;
use std::io;

use zopfli::{Format, Options};

fn main() -> io::Result<()> {
    let [from, into] =
        args_os()
            .skip(1)
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|given: Vec<_>| {
                let why = format!(
                    "takes the file to compress and the one to write, and was given {} names",
                    given.len()
                );
                io::Error::new(io::ErrorKind::InvalidInput, why)
            })?;
    let bytes = fs::read(from)?;
    let mut packed = Vec::new();
    zopfli::compress(Options::default(), Format::Zlib, &bytes[..], &mut packed)?;
    fs::write(into, packed)
}
