//! The layers of `src/ARCHITECTURE.md`, held: who may know whom, and what the pure layers must not touch.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder (or file) of `src`, and what of this crate it may name besides itself. The longest match rules.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("config", &["base"]),
    ("link", &["base"]),
    ("media/wire", &["base", "link/terms"]),
    ("media/crypto", &["base", "link/event", "link/terms"]),
    ("media/net", &["base"]),
    ("media/proto", &["base", "link/event", "link/terms", "media/wire", "media/crypto", "media/net/path"]),
    ("media/visit", &["base", "link", "media/wire", "media/crypto", "media/proto", "media/net/path", "media/net/outbox"]),
    ("media/worker", &["base", "link", "media"]),
    ("media", &["base", "link", "media"]),
    ("control/words", &["base"]),
    ("control/negotiate", &["base", "link"]),
    ("control/store", &["base", "control/words"]),
    ("control/schedule", &["base", "control/store", "control/words"]),
    ("control/verify", &["base", "control/store", "control/words", "control/schedule"]),
    (
        "control/registry",
        &["base", "link", "control/negotiate", "control/schedule", "control/store", "control/verify", "control/words"],
    ),
    ("control/media", &["base", "link"]),
    ("control/telemetry", &["base", "link"]),
    ("control/web", &["base"]),
    ("control/api", &["base", "link", "control"]),
    ("control", &["base", "link", "control"]),
    ("app", &["base", "config", "link", "media", "control"]),
    ("lib", &["app", "base", "config", "link", "media", "control"]),
    ("main", &["app", "base", "config", "link", "media", "control"]),
];

/// Where nothing but values may be: told bytes, `now` and randomness, answering with values.
const PURE: &[&str] = &[
    "base",
    "link/command",
    "link/event",
    "link/process",
    "link/terms",
    "media/wire",
    "media/crypto",
    "media/proto",
    "media/visit",
    "media/worker/shard",
    "media/worker/route",
    "media/worker/load",
    "media/worker/timers",
    "control/registry/capacity",
];

/// What touches the world.
const WORLD: &[&str] = &[
    "tokio",
    "UdpSocket",
    "TcpStream",
    "UnixStream",
    "std::thread",
    "std::sync",
    "std::fs",
    "std::process",
    "Instant::now",
    "SystemTime::now",
    "async fn",
];

/// The only places with `unsafe`.
const UNSAFE: &[&str] = &["media/net/sys", "media/proto/dtls"];

struct Source {
    /// `media/wire/rtp` for src/media/wire/rtp.rs, `media/wire` for its mod.rs.
    module: String,
    /// Without comments, texts and unit tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().with_extension("");
            let name = name.to_str().unwrap();
            Source {
                module: name.strip_suffix("/mod").unwrap_or(name).to_owned(),
                code: strip(&fs::read_to_string(file).unwrap()),
            }
        })
        .collect()
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !is_for_tests(&path) {
                walk(&path, into);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_for_tests(&path) {
            into.push(path);
        }
    }
}

/// Whether the folder's contents page (or the file that the folder is named after) declares this file for tests only.
fn is_for_tests(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap();
    [folder.join("mod.rs"), folder.with_extension("rs")].iter().filter_map(|page| fs::read_to_string(page).ok()).any(|page| {
        page.split("#[cfg(test)]").skip(1).any(|rest| {
            let declared = rest.trim_start().lines().next().unwrap_or("");
            declared.strip_suffix(';').and_then(|line| line.split("mod ").nth(1)) == Some(name)
        })
    })
}

/// Drops comments, the contents of texts, and the unit tests at the foot of the file.
fn strip(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    text.lines()
        .map(|line| {
            let line = line.split("//").next().unwrap_or("");
            line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The crate's own paths that a file names, as `media/wire/rtp/Header`.
fn paths(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let own: Vec<&str> = source.module.split('/').collect();
    for (at, _) in source.code.match_indices("crate::") {
        tree(&source.code[at + "crate::".len()..], String::new(), &mut found);
    }
    for (at, _) in source.code.match_indices("super::") {
        let before = &source.code[..at];
        if before.ends_with("super::") {
            continue;
        }
        let mut rest = &source.code[at..];
        // A file and a folder alike: `super` is one step up from its own module.
        let mut depth = own.len() - 1;
        rest = rest.strip_prefix("super::").unwrap();
        while let Some(further) = rest.strip_prefix("super::") {
            depth = depth.saturating_sub(1);
            rest = further;
        }
        tree(rest, own[..depth].iter().map(|part| format!("{part}/")).collect(), &mut found);
    }
    found
}

/// Expands `a::{b, c::{d, e}}` into its paths.
fn tree(text: &str, prefix: String, found: &mut Vec<String>) -> usize {
    let name_len = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(name_len);
    if name.is_empty() && rest.starts_with('{') {
        let mut at = 1;
        while at < rest.len() && !rest[at..].starts_with('}') {
            let skipped =
                rest[at..].find(|letter: char| letter.is_alphanumeric() || "_{}*".contains(letter)).unwrap_or(rest.len() - at);
            at += skipped;
            if rest[at..].starts_with('}') || at >= rest.len() {
                break;
            }
            at += tree(&rest[at..], prefix.clone(), found).max(1);
        }
        return at + 1;
    }
    if let Some(further) = rest.strip_prefix("::") {
        return name_len + 2 + tree(further, format!("{prefix}{name}/"), found);
    }
    found.push(format!("{prefix}{name}"));
    name_len
}

fn is_within(path: &str, folder: &str) -> bool {
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[test]
fn no_layer_names_what_lies_above_it() {
    let mut broken = Vec::new();
    for source in sources() {
        let (layer, allowed) = LAYERS
            .iter()
            .filter(|(folder, _)| is_within(&source.module, folder))
            .max_by_key(|(folder, _)| folder.len())
            .unwrap_or_else(|| panic!("src/{} is in no layer: add it to LAYERS and to src/ARCHITECTURE.md", source.module));
        for path in paths(&source) {
            let top = path.split('/').next().unwrap_or("");
            let ours = LAYERS.iter().any(|(folder, _)| folder.split('/').next() == Some(top));
            if ours && !is_within(&path, layer) && !allowed.iter().any(|folder| is_within(&path, folder)) {
                broken.push(format!("src/{} names {path}", source.module));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_pure_layers_touch_nothing_of_the_world() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| PURE.iter().any(|folder| is_within(&source.module, folder))) {
        for word in WORLD.iter().filter(|word| source.code.contains(**word)) {
            broken.push(format!("src/{} says {word}", source.module));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn unsafe_stands_only_in_its_two_rooms() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !UNSAFE.iter().any(|folder| is_within(&source.module, folder))) {
        if source.code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "unsafe") {
            broken.push(format!("src/{}", source.module));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_reader_of_paths_sees_what_is_written() {
    let source = Source {
        module: "media/visit/forward".into(),
        code: strip(
            "use crate::base::{Seq16, ids::{Seat, VisitId}};\nuse super::leg::Leg; // crate::no\nlet x = super::super::wire::rtp::Header;\nlet y = \"crate::no\";",
        ),
    };
    let mut found = paths(&source);
    found.sort();
    assert_eq!(found, ["base/Seq16", "base/ids/Seat", "base/ids/VisitId", "media/visit/leg/Leg", "media/wire/rtp/Header"]);
}
