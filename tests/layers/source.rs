//! Reads sources as the compiler does: which module lies in which file, what it defines and imports, and what it names. What only
//! tests see is left out, item by item.

mod attributes;
mod reader;

use std::collections::{BTreeMap, HashMap, HashSet};

use syn::visit::Visit as _;

use attributes::is_of_tests;
use reader::Reader;

/// The text of each file by its path in `src`.
pub(super) type Files = BTreeMap<String, String>;

/// A path that stands somewhere in the sources.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) line: usize,
    /// As written, with an empty name before a leading `::`.
    pub(super) names: Vec<String>,
    /// Everything in it is meant: `use tokio::*`.
    pub(super) is_glob: bool,
    /// `pub(crate) use`: others are shown the way, and nothing is used here.
    pub(super) is_signpost: bool,
}

/// A module, in a file of its own or within its parent's.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) path: Vec<String>,
    pub(super) mentions: Vec<Mention>,
    parent: usize,
    children: HashMap<String, usize>,
    items: HashSet<String>,
    imports: HashMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
}

/// All modules, the crate's root first.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) modules: Vec<Module>,
    /// What would hide a name from this reader: a file included under another name.
    pub(super) hidden: Vec<String>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
    /// A path in another crate.
    Outside(Vec<String>),
    /// A local name, a generic parameter, something of the language.
    Nothing,
}

/// What a path leads to, and the modules on the way, signposts included.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) found: Found,
    pub(super) through: Vec<usize>,
}

impl Sources {
    pub(super) fn read(files: &Files) -> Self {
        let mut sources = Self::default();
        sources.module("main.rs".to_owned(), Vec::new(), 0);
        sources.file(files, 0);
        sources
    }

    fn module(&mut self, file: String, path: Vec<String>, parent: usize) -> usize {
        self.modules.push(Module { file, path, parent, ..Module::default() });
        self.modules.len() - 1
    }

    fn file(&mut self, files: &Files, module: usize) {
        let name = self.modules[module].file.clone();
        let parsed = syn::parse_file(&files[&name]).unwrap_or_else(|error| panic!("src/{name}: {error}"));
        if !parsed.attrs.iter().any(is_of_tests) {
            Reader { files, sources: self, module }.visit_file(&parsed);
        }
    }

    /// Follows a path from where it stands, through imports and globs, to where the thing is defined.
    pub(super) fn follow(&self, from: usize, names: &[String]) -> Way {
        let mut through = Vec::new();
        let found = self.walk(from, names, &mut through, &mut HashSet::new());
        Way { found, through }
    }

    fn walk(
        &self,
        from: usize,
        names: &[String],
        through: &mut Vec<usize>,
        seen: &mut HashSet<(usize, String)>,
    ) -> Found {
        let mut at = from;
        let mut rest = names;
        match names[0].as_str() {
            "" => return Found::Outside(names[1..].to_vec()),
            "Self" => return Found::Nothing,
            "crate" | "self" | "super" => {
                while let [first, after @ ..] = rest {
                    at = match first.as_str() {
                        "crate" => 0,
                        "self" => at,
                        "super" => self.modules[at].parent,
                        _ => break,
                    };
                    rest = after;
                }
            }
            name => {
                let outside = !name.starts_with(char::is_uppercase);
                return match self.step(at, names, through, seen) {
                    Found::Nothing if outside => Found::Outside(names.to_vec()),
                    found => found,
                };
            }
        }
        if rest.is_empty() {
            through.push(at);
            return Found::Module(at);
        }
        match self.step(at, rest, through, seen) {
            // What a macro wrote, or a child that only tests have.
            Found::Nothing => {
                through.push(at);
                Found::Item(at)
            }
            found => found,
        }
    }

    /// Looks the first name up in a module and goes on with the rest.
    fn step(
        &self,
        at: usize,
        names: &[String],
        through: &mut Vec<usize>,
        seen: &mut HashSet<(usize, String)>,
    ) -> Found {
        let module = &self.modules[at];
        let (name, rest) = (&names[0], &names[1..]);
        if let Some(child) = module.children.get(name)
            && (!rest.is_empty() || !module.items.contains(name) && !module.imports.contains_key(name))
        {
            through.push(*child);
            return match rest {
                [] => Found::Module(*child),
                rest => match self.step(*child, rest, through, seen) {
                    Found::Nothing => Found::Item(*child),
                    found => found,
                },
            };
        }
        if module.items.contains(name) {
            through.push(at);
            return Found::Item(at);
        }
        if !seen.insert((at, name.clone())) {
            return Found::Nothing;
        }
        for path in module.imports.get(name).into_iter().flatten() {
            let whole: Vec<String> = path.iter().chain(rest).cloned().collect();
            let found = self.walk(at, &whole, through, seen);
            if found != Found::Nothing {
                return found;
            }
        }
        for glob in &module.globs {
            let mut way = Vec::new();
            if let Found::Module(inside) = self.walk(at, glob, &mut way, seen) {
                let found = self.step(inside, names, &mut way, seen);
                if found != Found::Nothing {
                    through.extend(way);
                    return found;
                }
            }
        }
        Found::Nothing
    }
}
