//! The indexes, triggers and constraints that `migrate` has laid down, and the versions of the crates
//! that declare them: without this, nobody knows which of a table's triggers are the framework's
//! and declared no more.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use super::ddl::{Extra, Kind, drop_statement};
use crate::{
    db::{AnyConnection, Engine},
    model::ModelInfo,
    registry::ModelRegistration,
};

/// Something that was laid down.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Declared {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    /// The table of the model that declared it.
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Text)]
    crate_name: String,
}

#[derive(QueryableByName)]
struct CrateVersion {
    #[diesel(sql_type = Text)]
    crate_name: String,
    #[diesel(sql_type = Text)]
    version: String,
}

/// The versions of the crates whose models made the database what it is.
pub(super) struct Versions(BTreeMap<String, String>);

impl Versions {
    pub(super) fn read(conn: &mut AnyConnection) -> QueryResult<Self> {
        let rows: Vec<CrateVersion> =
            sql_query("SELECT crate_name, version FROM xos_sync_crates").load(conn)?;
        Ok(Self(rows.into_iter().map(|row| (row.crate_name, row.version)).collect()))
    }

    /// The version that migrated the database for this model's crate, if it is newer than the
    /// program's.
    pub(super) fn newer_than(&self, model: &ModelInfo) -> Option<&str> {
        let there = self.0.get(model.crate_name)?;
        (numbers(there) > numbers(model.crate_version)).then_some(there)
    }
}

/// The numbers of a version, in their order.
fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// All that was laid down.
pub(super) fn all(conn: &mut AnyConnection) -> QueryResult<Vec<Declared>> {
    sql_query(
        "SELECT name, kind, table_name, model, crate_name FROM xos_sync_declared ORDER BY name",
    )
    .load(conn)
}

/// Those of them that no model of this program declares any more. Other programs' models are left
/// alone: a model is this program's when it is given, or when its crate is linked without it.
pub(super) fn undeclared<'a>(
    declared: &'a [Declared],
    wanted: &[Extra],
    models: &[&'static ModelInfo],
    versions: &Versions,
) -> Vec<&'a Declared> {
    let wanted: BTreeSet<&str> = wanted.iter().map(|extra| extra.name.as_str()).collect();
    let linked: Vec<&'static ModelInfo> =
        inventory::iter::<ModelRegistration>.into_iter().map(|model| (model.0)()).collect();
    declared
        .iter()
        .filter(|it| !wanted.contains(it.name.as_str()))
        .filter(|it| {
            if let Some(model) = models.iter().find(|model| model.table == it.model) {
                return versions.newer_than(model).is_none();
            }
            let of_crate: Vec<_> =
                linked.iter().filter(|model| model.crate_name == it.crate_name).collect();
            let is_elsewhere = of_crate.iter().any(|model| model.table == it.model);
            let given = models.iter().find(|model| model.crate_name == it.crate_name);
            !is_elsewhere && given.is_some_and(|model| versions.newer_than(model).is_none())
        })
        .collect()
}

impl Declared {
    /// `trigger farms_pass_on`.
    pub(super) fn what(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// The statements that remove it.
    pub(super) fn removal(&self, engine: Engine) -> String {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let drop = kind.map_or(String::new(), |kind| {
            drop_statement(engine, kind, &self.name, &self.table_name)
        });
        format!("{drop}DELETE FROM xos_sync_declared WHERE name = '{}';", self.name)
    }
}

/// The statement that notes that something was laid down.
pub(super) fn note(extra: &Extra) -> String {
    let Extra { name, table, model, .. } = extra;
    format!(
        "\nINSERT INTO xos_sync_declared (name, kind, table_name, model, crate_name) \
         VALUES ('{name}', '{kind}', '{table}', '{of}', '{crate_name}') \
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, table_name = excluded.table_name, \
         model = excluded.model, crate_name = excluded.crate_name;",
        kind = extra.what(),
        of = model.table,
        crate_name = model.crate_name,
    )
}

/// The statements that note the versions of these models' crates, unless newer ones were there.
pub(super) fn note_versions(models: &[&'static ModelInfo], versions: &Versions) -> String {
    let crates: BTreeMap<&str, &str> = models
        .iter()
        .filter(|model| versions.newer_than(model).is_none())
        .map(|model| (model.crate_name, model.crate_version))
        .collect();
    crates
        .into_iter()
        .filter(|(name, version)| versions.0.get(*name).map(String::as_str) != Some(*version))
        .map(|(name, version)| {
            format!(
                "INSERT INTO xos_sync_crates (crate_name, version) VALUES ('{name}', '{version}') \
                 ON CONFLICT (crate_name) DO UPDATE SET version = excluded.version;"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(numbers("0.10.0") > numbers("0.9.3"));
        assert!(numbers("1.0.0-alpha.1") == numbers("1.0.0+build"));
        assert!(numbers("2") > numbers("1.99.99"));
    }
}
