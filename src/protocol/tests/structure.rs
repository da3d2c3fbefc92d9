//! The structure of the protocol: the imports between folders, and the size of folders and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders from the bottom up. A folder imports from lower rows only, so folders of one row
/// never import each other.
const ROWS: [&[&str]; 9] = [
    &["types"],
    &["wire"],
    &["context"],
    &["members"],
    &["owners"],
    &["exchanges"],
    &["merging"],
    &["native", "legacy", "lifecycle"],
    &["machine"],
];
const MAX_FILES: usize = 10;
const MAX_LINES: usize = 400;
/// Columns of a comment. Diagrams between fences may be wider.
const MAX_COLUMNS: usize = 100;

/// A source file of the protocol, except for tests.
struct Source {
    /// Below `src/protocol/`.
    path: String,
    text: String,
}

impl Source {
    /// The folder directly below `src/protocol/`.
    fn folder(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    fn directory(&self) -> &str {
        self.path.rsplit_once('/').unwrap().0
    }

    /// The paths of the protocol that it names, without `crate::protocol::`. One `super` stays in
    /// the folder.
    fn imports(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(|line| line.split("crate::protocol::").skip(1)).map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
            rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest).trim_end_matches(':')
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let below = directories.iter().flat_map(|directory| files_below(directory));
    files.into_iter().filter(is_rust).chain(below).collect()
}

fn sources() -> Vec<Source> {
    let root = root().join("protocol");
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        Source { path, text }
    };
    let is_in_a_room = |source: &Source| source.path.contains('/') && source.folder() != "tests";
    files_below(&root).into_iter().map(source).filter(is_in_a_room).collect()
}

fn row_of(folder: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&folder))
}

#[test]
fn imports_point_downward() {
    for source in sources() {
        let own = row_of(source.folder()).expect(&source.path);
        assert!(!source.text.contains("super::super"), "{} names its folder's folder", source.path);
        for import in source.imports() {
            let folder = import.split("::").next().unwrap();
            let is_below = row_of(folder).is_some_and(|row| row < own);
            assert!(is_below || folder == source.folder(), "{} names {import}", source.path);
        }
    }
}

#[test]
fn folders_have_no_circular_imports() {
    let sources = sources();
    let directories: BTreeSet<&str> = sources.iter().map(Source::directory).collect();
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in &sources {
        for import in source.imports() {
            let path = format!("{}/", import.replace("::", "/"));
            let is_above = |directory: &&&str| path.starts_with(&format!("{directory}/"));
            let of = directories.iter().filter(is_above).max_by_key(|directory| directory.len());
            let of = of.copied().filter(|of| *of != source.directory());
            below.entry(source.directory()).or_default().extend(of);
        }
    }
    // Repeatedly removes the folders that import none of the remaining ones.
    while !below.is_empty() {
        let left: BTreeSet<&str> = below.keys().copied().collect();
        let before = below.len();
        below.retain(|_, imports| imports.iter().any(|import| left.contains(import)));
        assert!(below.len() < before, "circular imports among {below:?}");
    }
}

#[test]
fn only_machine_files_name_the_machine() {
    let sources = sources();
    for source in sources.iter().filter(|source| source.folder() != "machine") {
        let names_machine = source.imports().any(|import| import == "machine::Machine");
        assert!(!names_machine, "{} names the machine", source.path);
    }
}

#[test]
fn the_architecture_lists_each_file() {
    let document = fs::read_to_string(root().join("../docs/architecture.md")).unwrap();
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    for source in sources() {
        let (folder, file) = (source.folder(), source.path.rsplit('/').next().unwrap());
        let name = format!("`{}`", file.trim_end_matches(".rs"));
        let is_row = |row: &&&str| row.starts_with(&format!("| `{folder}"));
        let is_listed = rows.iter().filter(is_row).any(|row| row.contains(&name));
        let is_exempt = ["mod.rs", "tests.rs"].contains(&file);
        assert!(is_listed || is_exempt, "docs/architecture.md does not list {}", source.path);
    }
}

#[test]
fn folders_and_files_are_small() {
    let mut counts: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in files_below(&root().join("protocol")) {
        *counts.entry(path.parent().unwrap().to_owned()).or_default() += 1;
    }
    for (directory, count) in counts {
        assert!(count <= MAX_FILES, "{} has {count} files", directory.display());
    }
    for path in files_below(&root()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn comments_are_narrow() {
    for path in files_below(&root()) {
        let mut is_fenced = false;
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            is_fenced ^= comment.contains("```");
            let columns = line.chars().count();
            assert!(is_fenced || columns <= MAX_COLUMNS, "{}: {line}", path.display());
        }
    }
}
