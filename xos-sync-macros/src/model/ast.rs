//! What an author writes, token by token.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, Field, Fields, Ident, Item, ItemStruct, Path, Token, Type, Visibility,
    parenthesized,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use super::{
    expansion::{self, Expansion},
    own_name::instead_of_self,
};
use crate::errors::Errors;

/// `#[model(…)]` and the struct that it stands on.
pub(super) struct Input {
    pub(super) options: Options,
    /// The struct without its fields.
    pub(super) item: ItemStruct,
    pub(super) fields: Vec<FieldInput>,
}

/// What stands in the parentheses.
#[derive(Default)]
pub(super) struct Options {
    pub(super) table: Option<Ident>,
    pub(super) uniques: Vec<Vec<Ident>>,
    pub(super) expansion: Option<Expansion>,
    /// Whether all of it could be read.
    pub(super) complete: bool,
}

/// One field.
pub(super) struct FieldInput {
    /// Its documentation and the attributes that are not ours.
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) marks: Marks,
}

impl FieldInput {
    /// The same, with the struct's name in place of `Self`.
    fn named(mut self, name: &Ident) -> Self {
        self.ty = instead_of_self(self.ty, name);
        if let Some(mark) = &mut self.marks.references {
            mark.target = instead_of_self(mark.target.clone(), name);
        }
        self
    }
}

/// The attributes of ours on a field.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) references: Option<ReferenceMark>,
    pub(super) default: Option<Expr>,
    pub(super) backend: Option<Attribute>,
    pub(super) unique: Option<Attribute>,
    pub(super) choice: Option<Attribute>,
    pub(super) label: Option<Attribute>,
    /// Whether one of them could not be read.
    pub(super) broken: bool,
}

impl Marks {
    /// Whether the field has no attribute of ours.
    pub(super) fn are_none(&self) -> bool {
        let Self { references, default, backend, unique, choice, label, broken } = self;
        let attributes = [backend, unique, choice, label];
        !broken
            && references.is_none()
            && default.is_none()
            && attributes.iter().all(|attribute| attribute.is_none())
    }
}

/// `#[references(Target, on_delete = cascade, on_update = sync)]`.
pub(super) struct ReferenceMark {
    pub(super) target: Path,
    /// The word `cascade`, when it is there.
    pub(super) cascade: Option<Ident>,
    /// The word `sync`, when it is there.
    pub(super) sync: Option<Ident>,
}

/// Reads the tokens. `None` when there is no struct with named fields to go on with.
pub(super) fn parse(options: TokenStream, item: TokenStream, errors: &mut Errors) -> Option<Input> {
    let options = parse_options(options, errors);
    let mut item = match errors.take(syn::parse2(item))? {
        Item::Struct(item) => item,
        Item::Enum(other) => return refuse(errors, &other.ident),
        Item::Union(other) => return refuse(errors, &other.ident),
        other => return refuse(errors, &other),
    };
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a model is one table, so it cannot be generic");
        return None;
    }
    let fields = match std::mem::replace(&mut item.fields, Fields::Unit) {
        Fields::Named(fields) => fields.named,
        Fields::Unit => Punctuated::new(),
        Fields::Unnamed(_) => {
            errors.at(&item.ident, "a model's columns have names: write `struct Name { … }`");
            return None;
        }
    };
    let fields = fields
        .into_iter()
        .filter_map(|field| parse_field(field, errors))
        .map(|field| field.named(&item.ident))
        .collect();
    Some(Input { options, item, fields })
}

fn refuse<T>(errors: &mut Errors, tokens: impl quote::ToTokens) -> Option<T> {
    errors.at(tokens, "`#[model]` belongs on a struct with named fields, one for each column");
    None
}

fn parse_options(tokens: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            option(input, &mut options, errors)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    })
    .parse2(tokens);
    options.complete = errors.take(parsed).is_some();
    options
}

fn option(input: ParseStream<'_>, options: &mut Options, errors: &mut Errors) -> syn::Result<()> {
    let name: Ident = input.parse()?;
    match name.to_string().as_str() {
        "table" => {
            input.parse::<Token![=]>()?;
            let table = input.parse::<Ident>().map_err(|error| {
                syn::Error::new(
                    error.span(),
                    "write the table's name without quotes: `table = sites`",
                )
            })?;
            if options.table.is_some() {
                errors.at(&name, "`table` is given twice");
            }
            options.table.get_or_insert(table);
        }
        "unique" => {
            let content;
            parenthesized!(content in input);
            let columns = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
            if columns.is_empty() {
                errors.at(
                    &name,
                    "name the columns that are unique together: `unique(site_id, name)`",
                );
            }
            options.uniques.push(columns.into_iter().collect());
        }
        "expand" => {
            let content;
            parenthesized!(content in input);
            if options.expansion.is_some() {
                errors.at(&name, "`expand` is given twice");
            }
            let expansion = expansion::parse(name, &content)?;
            options.expansion.get_or_insert(expansion);
        }
        other => {
            return Err(syn::Error::new_spanned(
                &name,
                format!(
                    "`#[model]` has no option `{other}`: write `table = …` and, if needed, `unique(…)` or \
                     `expand(…)`"
                ),
            ));
        }
    }
    Ok(())
}

fn parse_field(field: Field, errors: &mut Errors) -> Option<FieldInput> {
    let mut marks = Marks::default();
    let mut attrs = Vec::new();
    let before = errors.count();
    for attr in field.attrs {
        let Some(name) = attr.path().get_ident().map(ToString::to_string) else {
            attrs.push(attr);
            continue;
        };
        let twice = match name.as_str() {
            "references" => {
                put(&mut marks.references, errors.take(attr.parse_args_with(reference)))
            }
            "default" => put(&mut marks.default, errors.take(attr.parse_args())),
            "backend" => put(&mut marks.backend, bare(&attr, errors)),
            "unique" => put(&mut marks.unique, bare(&attr, errors)),
            "choice" => put(&mut marks.choice, bare(&attr, errors)),
            "label" => put(&mut marks.label, bare(&attr, errors)),
            _ => {
                attrs.push(attr);
                continue;
            }
        };
        if twice {
            errors.at(&attr, format!("`#[{name}]` is given twice"));
        }
    }
    marks.broken = errors.count() > before;
    Some(FieldInput { attrs, vis: field.vis, ident: field.ident?, ty: field.ty, marks })
}

/// Fills a place; whether it was taken.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let twice = place.is_some() && value.is_some();
    *place = place.take().or(value);
    twice
}

/// An attribute without arguments.
fn bare(attr: &Attribute, errors: &mut Errors) -> Option<Attribute> {
    errors.take(attr.meta.require_path_only())?;
    Some(attr.clone())
}

fn reference(input: ParseStream<'_>) -> syn::Result<ReferenceMark> {
    let target = input.parse()?;
    let mut mark = ReferenceMark { target, cascade: None, sync: None };
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let name: Ident = input.parse()?;
        if name != "on_delete" && name != "on_update" {
            return Err(syn::Error::new(
                name.span(),
                "the options here are `on_delete = cascade` and `on_update = sync`",
            ));
        }
        input.parse::<Token![=]>()?;
        let word: Ident = input.parse()?;
        match (name.to_string().as_str(), word.to_string().as_str()) {
            ("on_delete", "cascade") => mark.cascade = Some(word),
            ("on_update", "sync") => mark.sync = Some(word),
            ("on_delete", "restrict") | ("on_update", "nothing") => {}
            ("on_delete", _) => {
                return Err(syn::Error::new(
                    word.span(),
                    "write `on_delete = cascade` or `on_delete = restrict`",
                ));
            }
            _ => {
                return Err(syn::Error::new(
                    word.span(),
                    "write `on_update = sync` or `on_update = nothing`",
                ));
            }
        }
    }
    Ok(mark)
}

/// The place of an attribute's name.
pub(super) fn place(attr: &Attribute) -> proc_macro2::Span {
    attr.path().span()
}
