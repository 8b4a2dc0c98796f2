//! Whether what an author wrote is a model, and which.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use syn::{Ident, ItemStruct, Path, Type, ext::IdentExt};

use super::{
    ast::{FieldInput, Input, ReferenceMark, place},
    default,
    expansion::{self, Expansion},
    field_type::{FieldType, Kind, UNKNOWN, written},
};
use crate::{doc, errors::Errors};

/// A model, ready to be written out.
pub(super) struct Model {
    /// The struct without its fields.
    pub(super) item: ItemStruct,
    /// The table; the struct's name when it is missing.
    pub(super) table: Ident,
    /// The field `id`; `None` after a mistake.
    pub(super) key: Option<FieldInput>,
    /// The type of the field `id`, as the author wrote it.
    pub(super) key_type: Option<Type>,
    pub(super) columns: Vec<Column>,
    pub(super) uniques: Vec<Vec<String>>,
    pub(super) expansion: Option<Expansion>,
    /// The first sentence of the documentation.
    pub(super) doc: String,
    /// The column that people call the row by.
    pub(super) label: Option<usize>,
}

/// One column.
pub(super) struct Column {
    pub(super) input: FieldInput,
    /// The name in the database.
    pub(super) name: String,
    /// `None` after a mistake.
    pub(super) field_type: Option<FieldType>,
    pub(super) default: Option<Default>,
}

impl Column {
    /// Whether steps write it.
    pub(super) fn is_backend(&self) -> bool {
        self.input.marks.backend.is_some()
    }
}

/// What a column holds when nothing is said.
pub(super) struct Default {
    /// An expression: the literal in SQL.
    pub(super) sql: TokenStream,
    /// An expression: the field's value.
    pub(super) value: TokenStream,
}

/// Taken by the modules that diesel's `table!` makes.
const DIESELS: [&str; 5] = ["table", "columns", "dsl", "star", "all_columns"];

/// The columns that diesel can handle in one table, less `id`.
const MOST_COLUMNS: usize = if cfg!(feature = "wide-tables") { 64 - 1 } else { 32 - 1 };

/// PostgreSQL cuts longer names without a word; the triggers' and indexes' begin with the table's.
const LONGEST_COLUMN: usize = 63;
const LONGEST_TABLE: usize = 50;

/// Checks everything, and keeps what is usable.
pub(super) fn validate(input: Input, errors: &mut Errors) -> Model {
    let Input { options, item, fields, .. } = input;
    if options.table.is_none() && options.complete {
        errors.at(&item.ident, "say which table it is: `#[model(table = …)]`");
    }
    let table = options.table.unwrap_or_else(|| item.ident.clone());
    check_length(&table, "table", LONGEST_TABLE, errors);
    let (keys, fields): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|field| field.ident.unraw() == "id");
    let key_type = keys.first().map(|key| key.ty.clone());
    let key = key(keys, &item.ident, errors);
    if fields.is_empty() && key_type.is_some() {
        errors.at(&item.ident, "a model needs at least one column");
    } else if fields.len() > MOST_COLUMNS {
        let advice = match MOST_COLUMNS {
            31 => "; the feature `wide-tables` of xos-sync-core allows 63",
            _ => "",
        };
        errors.at(
            &item.ident,
            format!("a model has at most {MOST_COLUMNS} columns of its own{advice}"),
        );
    }
    let columns: Vec<Column> =
        fields.into_iter().map(|field| column(field, &item.ident, &table, errors)).collect();
    let uniques = uniques(options.uniques, &columns, errors);
    if let Some(expansion) = &options.expansion {
        expansion::check(expansion, &columns, &uniques, errors);
    }
    let label = label(&columns, errors);
    let doc = doc::first_sentence(&item.attrs);
    Model { item, table, key, key_type, columns, uniques, expansion: options.expansion, doc, label }
}

/// The field that holds the row's key.
fn key(keys: Vec<FieldInput>, model: &Ident, errors: &mut Errors) -> Option<FieldInput> {
    let mut keys = keys.into_iter();
    let Some(key) = keys.next() else {
        errors.at(model, format!("a model has a field for its key: add `pub id: Id<{model}>`"));
        return None;
    };
    for again in keys {
        errors.at(&again.ident, "a model has one field `id`: remove this one");
    }
    if !key.marks.broken && !key.marks.are_none() {
        errors.at(&key.ident, "the key takes no marks: remove them");
    }
    let is_key = match FieldType::of(&key.ty, false) {
        Some(FieldType { kind: Kind::Id(target), nullable: false, .. }) => {
            matches!(&*target, Type::Path(path) if path.path.is_ident(model))
        }
        _ => false,
    };
    if !is_key {
        errors.at(&key.ty, format!("the key of this model is an `Id<{model}>`"));
        return None;
    }
    Some(key)
}

fn check_length(name: &Ident, what: &str, longest: usize, errors: &mut Errors) {
    let length = name.unraw().to_string().len();
    if length > longest {
        errors.at(
            name,
            format!(
                "a {what}'s name has at most {longest} bytes, and this one {length}: shorten it"
            ),
        );
    }
}

fn column(input: FieldInput, model: &Ident, table: &Ident, errors: &mut Errors) -> Column {
    let name = input.ident.unraw().to_string();
    let before = errors.count();
    if DIESELS.contains(&name.as_str()) || input.ident == *table {
        errors.at(
            &input.ident,
            format!("diesel uses `{name}` for this table itself: choose another name"),
        );
    }
    check_length(&input.ident, "column", LONGEST_COLUMN, errors);
    let choice = input.marks.choice.is_some();
    let field_type = FieldType::of(&input.ty, choice);
    let mut default = None;
    match &field_type {
        Some(field_type) => {
            check_reference(&input, field_type, model, errors);
            check_backend(&input, field_type, errors);
            default = default::default(&input, field_type, errors);
        }
        None if choice => {
            errors.at(
                &input.ty,
                "`#[choice]` belongs on an enum made with `xos_sync_core::choices!`",
            );
        }
        None => errors.at(&input.ty, UNKNOWN),
    }
    // A column with a mistake stays out of what is generated from its type.
    let field_type = field_type.filter(|_| errors.count() == before);
    Column { input, name, field_type, default }
}

fn check_reference(input: &FieldInput, field_type: &FieldType, model: &Ident, errors: &mut Errors) {
    if input.marks.broken {
        return;
    }
    let (mark, target) = match (&input.marks.references, &field_type.kind) {
        (Some(mark), Kind::Id(target)) => (mark, &**target),
        (None, Kind::Id(target)) => {
            let target = written(target);
            errors.at(
                &input.ty,
                format!("say what this key references: add `#[references({target})]`"),
            );
            return;
        }
        (Some(mark), _) => {
            let target = written(&mark.target);
            errors.at(
                &input.ty,
                format!("a reference is a key: write `Id<{target}>` or `Option<Id<{target}>>`"),
            );
            return;
        }
        (None, _) => return,
    };
    check_target(mark, target, errors);
    if let Some(cascade) = &mark.cascade
        && mark.target.is_ident(model)
    {
        errors.at(
            cascade,
            "deleting a row cannot cascade within its own model: leave it out, and the database refuses to \
             delete a row that is referenced",
        );
    }
    if let Some(sync) = &mark.sync
        && mark.target.is_ident(model)
    {
        errors.at(sync, "a change cannot go on within its own model: leave it out");
    }
    if let Some(backend) = &input.marks.backend {
        errors.push(syn::Error::new(
            place(backend),
            "a reference is part of the goal: it decides the order of syncing, so no step writes it",
        ));
    }
}

/// Two names for one model are told apart by the compiler; two models already here.
fn check_target(mark: &ReferenceMark, target: &Type, errors: &mut Errors) {
    let last = |path: &Path| path.segments.last().map(|segment| segment.ident.clone());
    let Type::Path(target_path) = target else { return };
    if last(&target_path.path) != last(&mark.target) {
        let (wanted, found) = (written(&mark.target), written(target));
        errors.at(
            target,
            format!("the column references `{wanted}`, but this is a key of `{found}`"),
        );
    }
}

fn check_backend(input: &FieldInput, field_type: &FieldType, errors: &mut Errors) {
    if input.marks.backend.is_some() && input.marks.references.is_none() && !field_type.nullable {
        let ty = written(&input.ty);
        errors.at(
            &input.ty,
            format!(
                "what a step finds out is not known before the first sync: write `Option<{ty}>`"
            ),
        );
    }
}

fn uniques(groups: Vec<Vec<Ident>>, columns: &[Column], errors: &mut Errors) -> Vec<Vec<String>> {
    let mut uniques: Vec<Vec<String>> = columns
        .iter()
        .filter(|column| column.input.marks.unique.is_some())
        .map(|column| vec![column.name.clone()])
        .collect();
    for group in groups {
        let mut seen = BTreeSet::new();
        for ident in &group {
            let name = ident.unraw().to_string();
            if !columns.iter().any(|column| column.name == name) {
                errors.at(ident, format!("there is no column `{name}`"));
            } else if !seen.insert(name) {
                errors.at(ident, "the column is named twice");
            }
        }
        uniques.push(group.iter().map(|ident| ident.unraw().to_string()).collect());
    }
    uniques
}

fn label(columns: &[Column], errors: &mut Errors) -> Option<usize> {
    let mut marked = None;
    for (at, column) in columns.iter().enumerate() {
        let Some(mark) = &column.input.marks.label else { continue };
        if marked.replace(at).is_some() {
            errors
                .push(syn::Error::new(place(mark), "a row is called by one column: mark only one"));
        }
        if is_secret(column) {
            errors.at(&column.input.ty, "a label shows everywhere, so it cannot be a secret");
        }
    }
    marked.or_else(|| columns.iter().position(|column| column.name == "name" && !is_secret(column)))
}

fn is_secret(column: &Column) -> bool {
    column.field_type.as_ref().is_some_and(|field_type| field_type.kind == Kind::Secret)
}
