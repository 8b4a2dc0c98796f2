//! Plain data about a model: what the graph, the migrations and the checks read.

use std::fmt;

/// A model's table, columns and references.
#[derive(Debug)]
pub struct ModelInfo {
    /// The struct's name, for instance `Instance`.
    pub name: &'static str,
    /// The table's name, for instance `instances`; it identifies the model.
    pub table: &'static str,
    /// The crate that declares it, for instance `xos_sync_core`.
    pub crate_name: &'static str,
    /// That crate's version, as in its `Cargo.toml`: an older program changes nothing in a
    /// database that a newer one has migrated.
    pub crate_version: &'static str,
    /// The first sentence of the struct's documentation.
    pub doc: &'static str,
    /// The column that people call a row by: the one marked `#[label]`, else one named `name`.
    pub label: Option<&'static str>,
    /// The author's columns, in order, without `id` and the bookkeeping.
    pub columns: &'static [Column],
    /// The columns that reference other models, in order.
    pub references: &'static [Reference],
    /// What may stand only once among the rows that are not deleted.
    pub uniques: &'static [Unique],
    /// Which rows there are to be, where they follow from other models' rows.
    pub expansion: Option<Expansion>,
}

/// Rows that the database makes and removes itself, because they follow from the rows of other
/// models: one for each combination of those for which the condition holds. What the original
/// system's model policies did.
pub struct Expansion {
    /// The models whose rows are combined.
    pub sources: &'static [Source],
    /// What holds of a combination, as SQL over the sources' names.
    pub on: &'static str,
    /// The columns that are filled in, each with its value as `source.column`.
    pub values: &'static [(&'static str, &'static str)],
}

/// A model that an [`Expansion`] combines.
pub struct Source {
    /// The name of its row in the condition and the values.
    pub alias: &'static str,
    /// The model.
    pub model: fn() -> &'static ModelInfo,
}

/// One column of the author's.
#[derive(Debug)]
pub struct Column {
    /// Its name in the table and in the struct.
    pub name: &'static str,
    /// What it is for.
    pub kind: ColumnKind,
    /// What it holds.
    pub sql_type: ColumnType,
    /// Whether it is a [`Secret`](crate::Secret), which is kept nowhere else.
    pub secret: bool,
    /// Whether it may be NULL (`Option` in the struct).
    pub nullable: bool,
    /// The literal that the database fills in, as SQL.
    pub default: Option<&'static str>,
    /// The only values allowed, when the field is a choice.
    pub choices: Option<&'static [&'static str]>,
}

/// Who writes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Part of what should be. A change makes the object pending.
    Goal,
    /// Found out or made by a step. A change never makes the object pending.
    Backend,
}

/// What a column holds, on every engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `String`, [`Secret`](crate::Secret) and choices.
    Text,
    /// `i32`.
    Integer,
    /// `i64`, [`Id`](crate::Id) and [`Micros`](crate::Micros).
    BigInt,
    /// `bool`.
    Bool,
    /// `f64`.
    Double,
}

/// A foreign key.
pub struct Reference {
    /// The column that holds the key.
    pub column: &'static str,
    /// The model that it points to.
    pub target: fn() -> &'static ModelInfo,
    /// Whether it may be NULL: the order of such a pair of models is found per object.
    pub nullable: bool,
    /// What a deletion of the target does here.
    pub on_delete: OnDelete,
    /// What a change of the target's goal does here.
    pub on_update: OnUpdate,
}

/// What the deletion of a row does to the rows that reference it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused while a row references it (the default, SQL's `NO ACTION`).
    Restrict,
    /// The referencing rows are deleted along with it.
    Cascade,
}

/// What a change of a row's goal does to the rows that reference it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUpdate {
    /// Nothing (the default).
    Nothing,
    /// They are pending again, because their step looks at the referenced row too.
    Sync,
}

/// Columns whose values together stand only once among rows that are not deleted.
#[derive(Debug)]
pub struct Unique {
    /// The columns' names.
    pub columns: &'static [&'static str],
}

impl ModelInfo {
    /// Names of the columns of this kind, in order.
    pub fn column_names(&self, kind: ColumnKind) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(move |c| c.kind == kind).map(|c| c.name)
    }
}

impl PartialEq for ModelInfo {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

impl Eq for ModelInfo {}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the target's name: models may reference each other in a circle.
        f.debug_struct("Reference")
            .field("column", &self.column)
            .field("target", &(self.target)().name)
            .field("nullable", &self.nullable)
            .field("on_delete", &self.on_delete)
            .field("on_update", &self.on_update)
            .finish()
    }
}

impl fmt::Debug for Expansion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sources.iter().map(|source| (source.model)().name).collect();
        f.debug_struct("Expansion")
            .field("sources", &names)
            .field("on", &self.on)
            .field("values", &self.values)
            .finish()
    }
}
