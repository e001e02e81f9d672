//! Reads one file: what its modules define, import and name.

use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, Token, UseTree, Visibility};

use super::attributes::{attributes, is_of_tests, wants_test};
use super::{Files, Mention, Module, Sources};

/// Reads one file into its module.
pub(super) struct Reader<'a> {
    pub(super) files: &'a Files,
    pub(super) sources: &'a mut Sources,
    pub(super) module: usize,
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
