//! Every seed of every fuzz target, replayed by plain `cargo test`: what once was found stays found.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn every_seed_holds() {
    for (target, _) in bodies::TARGETS {
        let seeds = files(&fuzz().join("seeds").join(target));
        assert!(!seeds.is_empty(), "{target} has no seed");
        for seed in seeds {
            // Shown if the body panics.
            println!("{target}: {}", seed.file_name().unwrap().display());
            bodies::run(target, &fs::read(&seed).unwrap());
        }
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let mut targets: Vec<&str> = bodies::TARGETS.iter().map(|(target, _)| *target).collect();
    targets.sort_unstable();
    let sources = files(&fuzz().join("fuzz_targets"));
    let names: Vec<&str> = sources.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, targets);
    for (target, source) in targets.iter().zip(&sources) {
        assert!(fs::read_to_string(source).unwrap().contains(&format!("bodies::run(\"{target}\", ")), "{target} runs another");
        assert!(
            manifest.contains(&format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"")),
            "{target} is not in Cargo.toml"
        );
    }
}
