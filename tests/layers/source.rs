//! Reads sources as the compiler does: which module lies in which file, what it defines and imports, and what it names. What only
//! tests see is left out, item by item.

use std::collections::{BTreeMap, HashMap, HashSet};

use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, Token, UseTree, Visibility};

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

    /// Whether `file` holds a module above this one.
    pub(super) fn is_above(&self, file: &str, module: usize) -> bool {
        let mut at = module;
        while at != 0 {
            at = self.modules[at].parent;
            if self.modules[at].file == file {
                return true;
            }
        }
        false
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

/// Reads one file into its module.
struct Reader<'a> {
    files: &'a Files,
    sources: &'a mut Sources,
    module: usize,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        &mut self.sources.modules[self.module]
    }

    fn mention(&mut self, line: usize, names: Vec<String>) {
        self.here().mentions.push(Mention { line, names, is_glob: false, is_signpost: false });
    }

    fn hide(&mut self, line: usize, what: &str) {
        let place = format!("src/{}:{line}: {what} hides what is used from this test", self.here().file);
        self.sources.hidden.push(place);
    }

    fn child(&mut self, item: &syn::ItemMod) {
        let name = item.ident.to_string();
        let mut path = self.here().path.clone();
        path.push(name.clone());
        let folder = path.join("/");
        let file = match item.content {
            Some(_) => Some(self.here().file.clone()),
            None => [format!("{folder}.rs"), format!("{folder}/mod.rs")]
                .into_iter()
                .find(|file| self.files.contains_key(file)),
        };
        let Some(file) = file else {
            return self.hide(line_of(&item.ident), &format!("mod {name} without a file"));
        };
        let child = self.sources.module(file, path, self.module);
        self.here().children.insert(name, child);
        match &item.content {
            Some((_, items)) => {
                let mut reader = Reader { files: self.files, sources: self.sources, module: child };
                for item in items {
                    reader.visit_item(item);
                }
            }
            None => self.sources.file(self.files, child),
        }
    }

    /// One branch of a `use` tree.
    fn branch(&mut self, tree: &UseTree, before: &[String], is_signpost: bool) {
        let mut names = before.to_vec();
        let (line, as_name) = match tree {
            UseTree::Path(path) => {
                names.push(path.ident.to_string());
                return self.branch(&path.tree, &names, is_signpost);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.branch(tree, before, is_signpost));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.here().mentions.push(Mention { line, names: names.clone(), is_glob: true, is_signpost });
                return self.here().globs.push(names);
            }
            UseTree::Name(name) => {
                names.push(name.ident.to_string());
                (line_of(&name.ident), None)
            }
            UseTree::Rename(rename) => {
                names.push(rename.ident.to_string());
                (line_of(&rename.ident), Some(rename.rename.to_string()))
            }
        };
        if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
            names.pop();
        }
        let name = as_name.or_else(|| names.last().cloned()).unwrap_or_default();
        self.here().mentions.push(Mention { line, names: names.clone(), is_glob: false, is_signpost });
        if name != "_" {
            self.here().imports.entry(name).or_default().push(names);
        }
    }

    fn use_item(&mut self, item: &syn::ItemUse) {
        let before: &[String] = if item.leading_colon.is_some() { &[String::new()] } else { &[] };
        self.branch(&item.tree, before, !matches!(item.vis, Visibility::Inherited));
    }

    /// Paths among tokens that nobody has parsed: in macros and attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(word) if word == "use" => {
                    let statement = tokens[at..].iter().take_while(|token| !is_punct(token, ';')).cloned();
                    let end = TokenTree::Punct(Punct::new(';', Spacing::Alone));
                    if let Ok(item) = syn::parse2::<syn::ItemUse>(statement.chain([end]).collect()) {
                        self.use_item(&item);
                    }
                    at += 1;
                }
                TokenTree::Ident(word) => {
                    let line = word.span().start().line;
                    let mut names = vec![word.to_string()];
                    if at >= 2 && is_separator(&tokens, at - 2) {
                        names.insert(0, String::new());
                    }
                    at += 1;
                    while is_separator(&tokens, at)
                        && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
                    {
                        names.push(next.to_string());
                        at += 3;
                    }
                    self.mention(line, names);
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    self.text(&literal.to_string(), literal.span().start().line);
                    at += 1;
                }
                TokenTree::Punct(_) => at += 1,
            }
        }
    }

    /// A path in a string: `#[serde(default = "crate::db::look")]`.
    fn text(&mut self, literal: &str, line: usize) {
        let inside = literal.trim_matches('"');
        if let Ok(path) = syn::parse_str::<syn::Path>(inside)
            && path.segments.len() > 1
        {
            self.mention(line, names(&path));
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_of_tests) {
            return;
        }
        match item {
            Item::Mod(item) => {
                item.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
                return self.child(item);
            }
            Item::Use(item) => return self.use_item(item),
            Item::ExternCrate(item) => {
                let outside = vec![String::new(), item.ident.to_string()];
                self.mention(line_of(&item.ident), outside.clone());
                if let Some((_, name)) = &item.rename {
                    self.here().imports.entry(name.to_string()).or_default().push(outside);
                }
                return;
            }
            _ => {}
        }
        if let Some(name) = defined(item) {
            self.here().items.insert(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !attributes.iter().any(is_of_tests) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !field.attrs.iter().any(is_of_tests) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !variant.attrs.iter().any(is_of_tests) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !local.attrs.iter().any(is_of_tests) {
            visit::visit_local(self, local);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !arm.attrs.iter().any(is_of_tests) {
            visit::visit_arm(self, arm);
        }
    }

    /// `pub(in crate::commands)` says who may look in, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(line_of_path(path), names(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.mention(line_of_path(&called.path), names(&called.path));
        if called.path.is_ident("include") {
            self.hide(line_of_path(&called.path), "include!");
        }
        self.tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let line = attribute.pound_token.spans[0].start().line;
        match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => self.hide(line, "#[path]"),
            Meta::NameValue(pair) if pair.path.is_ident("doc") => {}
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
                if !parts.is_ok_and(|parts| parts.first().is_some_and(wants_test)) {
                    self.tokens(list.tokens.clone());
                }
            }
            Meta::List(list) => {
                self.mention(line, names(&list.path));
                self.tokens(list.tokens.clone());
            }
            Meta::Path(path) => self.mention(line, names(path)),
        }
    }
}

fn names(path: &syn::Path) -> Vec<String> {
    let leading = path.leading_colon.iter().map(|_| String::new());
    leading.chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect()
}

fn line_of(name: &syn::Ident) -> usize {
    name.span().start().line
}

fn line_of_path(path: &syn::Path) -> usize {
    path.segments.first().map_or(0, |segment| line_of(&segment.ident))
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// `::` at this place.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| is_punct(token, ':'))
        && tokens.get(at + 1).is_some_and(|token| is_punct(token, ':'))
}

/// True when only tests see what this stands at.
fn is_of_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|meta| wants_test(&meta))
        }
        _ => false,
    }
}

/// True for a condition that never holds outside tests.
fn wants_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
            parts.is_ok_and(|parts| parts.iter().any(wants_test))
        }
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
