//! The rooms of the house: which file uses which, read from the code itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Item, UseTree, Visibility};

/// Longest file, and longest room, in lines.
const LONGEST_FILE: usize = 500;
const LONGEST_ROOM: usize = 5500;
/// A module: `metric::energy`, as its names.
type Module = Vec<String>;

/// The files of `src`, each with the module that it is.
struct House {
    files: BTreeMap<Module, (PathBuf, syn::File)>,
    /// Names that a module hands on from modules below it.
    handed_on: BTreeMap<(Module, String), Module>,
    /// The rooms in the order of `lib.rs`.
    rooms: Vec<String>,
}

impl House {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    let inside = path.strip_prefix(&root).unwrap().with_extension("");
                    let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
                    let mut module: Module = parts.collect();
                    if module.last().is_some_and(|name| name == "mod") {
                        module.pop();
                    }
                    if module != ["main"] && module != ["lib"] {
                        files.insert(module, (path, syn::parse_file(&text).unwrap()));
                    }
                }
            }
        }
        let top = fs::read_to_string(root.join("lib.rs")).unwrap();
        let items = syn::parse_file(&top).unwrap().items.into_iter();
        let rooms = items.filter_map(|item| match item {
            Item::Mod(room) => Some(room.ident.to_string()),
            _ => None,
        });
        let rooms = rooms.collect();
        let mut house = Self {
            files,
            handed_on: BTreeMap::new(),
            rooms,
        };
        house.hand_on();
        house
    }

    fn hand_on(&mut self) {
        let mut found = BTreeMap::new();
        for (module, (_, file)) in &self.files {
            for item in &file.items {
                let Item::Use(line) = item else { continue };
                for (path, name) in leaves(&line.tree) {
                    let path = path
                        .strip_prefix(["self".to_owned()].as_slice())
                        .unwrap_or(&path);
                    let below: Module = module.iter().chain(&path[..1]).cloned().collect();
                    if self.files.contains_key(&below) {
                        found.insert((module.clone(), name), below);
                    }
                }
            }
        }
        self.handed_on = found;
    }

    /// The file that holds what `path` names, seen from `module`.
    fn holder(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut place = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => module.clone(),
            _ => return None,
        };
        let mut rest = path;
        while let Some(step) = rest.first() {
            match step.as_str() {
                "crate" | "self" => {}
                "super" => drop(place.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        while let Some(name) = rest.first() {
            let below: Module = place.iter().chain([name]).cloned().collect();
            if self.files.contains_key(&below) {
                place = below;
            } else if let Some(from) = self.handed_on.get(&(place.clone(), name.clone())) {
                place.clone_from(from);
                continue;
            } else {
                break;
            }
            rest = &rest[1..];
        }
        self.files.contains_key(&place).then_some(place)
    }

    /// Which file uses which, without those that only hand on what lies below them.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let one = |(module, (_, file)): (&Module, &(PathBuf, syn::File))| {
            let mut paths = Paths::default();
            paths.visit_file(file);
            let used = paths.0.iter().filter_map(|path| self.holder(module, path));
            let used = used.filter(|other| other != module).collect();
            (module.clone(), used)
        };
        self.files.iter().map(one).collect()
    }
}

/// The paths that a file's own code names, as far as they begin at the crate or above.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Mod(x) => &x.attrs,
            Item::Use(x) => &x.attrs,
            Item::Fn(x) => &x.attrs,
            Item::Impl(x) => &x.attrs,
            _ => &Vec::new(),
        };
        let is_test = attributes.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .meta
                    .require_list()
                    .is_ok_and(|list| list.tokens.to_string() == "test")
        });
        if !is_test {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, line: &'a syn::ItemUse) {
        let private = matches!(line.vis, Visibility::Inherited);
        for (path, _) in leaves(&line.tree) {
            let outward = path
                .first()
                .is_some_and(|first| first == "crate" || first == "super");
            if outward {
                self.0.push(path);
            } else if private {
                // What lies below: `use energy::Energy` in the file above it.
                self.0
                    .push(["self".to_owned()].into_iter().chain(path).collect());
            }
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if ["crate", "super", "self"].contains(&names[0].as_str()) && names.len() > 1 {
            self.0.push(names);
        }
        visit::visit_path(self, path);
    }
}

/// Each name that a `use` brings in, with its whole path.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    let under = |name: String, rest: Vec<(Vec<String>, String)>| {
        let longer = rest.into_iter().map(move |(mut path, leaf)| {
            path.insert(0, name.clone());
            (path, leaf)
        });
        longer.collect()
    };
    match tree {
        UseTree::Path(path) => under(path.ident.to_string(), leaves(&path.tree)),
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Glob(_) => vec![(Vec::new(), "*".to_owned())],
    }
}

fn shown(module: &Module) -> String {
    module.join("::")
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let house = House::read();
    let order = |module: &Module| house.rooms.iter().position(|room| *room == module[0]);
    let mut upward = Vec::new();
    let mut count = 0;
    for (from, others) in house.arrows() {
        for to in others.iter().filter(|to| to[0] != from[0]) {
            count += 1;
            if order(to) >= order(&from) {
                upward.push(format!("{} uses {}", shown(&from), shown(to)));
            }
        }
    }
    assert!(count > 200, "only {count} arrows were read");
    assert!(
        upward.is_empty(),
        "against the order of lib.rs: {upward:#?}"
    );
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let arrows = House::read().arrows();
    let mut circles = BTreeSet::new();
    for start in arrows.keys() {
        // The shortest way back, if there is one.
        let mut came: BTreeMap<&Module, &Module> = BTreeMap::new();
        let mut open = vec![start];
        while let Some(here) = open.pop() {
            for next in arrows.get(here).into_iter().flatten() {
                came.entry(next).or_insert_with(|| {
                    open.insert(0, next);
                    here
                });
            }
        }
        if came.contains_key(start) {
            let mut circle = vec![shown(start)];
            let mut here = came[start];
            while here != start {
                circle.push(shown(here));
                here = came[here];
            }
            circle.sort();
            circles.insert(circle);
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn files_and_rooms_are_of_a_size_to_be_read() {
    let house = House::read();
    let mut rooms: BTreeMap<&str, usize> = BTreeMap::new();
    let mut long = Vec::new();
    for (module, (path, _)) in &house.files {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        *rooms.entry(&module[0]).or_default() += lines;
        if lines > LONGEST_FILE {
            long.push(format!("{}: {lines} lines", shown(module)));
        }
    }
    for (room, lines) in rooms {
        if lines > LONGEST_ROOM {
            long.push(format!("the room {room}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// What a clone may ask is only what is written here, word for word: without `fma` in the first, the network would multiply and add apart where
/// the processor does both at once, twice as slowly and with other digits.
#[test]
fn loops_are_made_for_the_same_processors() {
    const TARGETS: &str = "#[multiversion(targets(\"x86_64+avx512vl+fma\", \"x86_64+avx2+fma\"))]";
    let mut clones = 0;
    for (module, (path, _)) in &House::read().files {
        let text = fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| line.contains("#[multiversion")) {
            assert_eq!(line.trim(), TARGETS, "{}", shown(module));
            clones += 1;
        }
    }
    assert!(clones > 10, "{clones} loops are found");
}
