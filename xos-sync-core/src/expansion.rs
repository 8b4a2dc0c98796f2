//! PURE: the statements that keep a model's rows to what its [`Expansion`] says, for one changed
//! row of a source or for all of them.

use crate::{
    model::{Expansion, ModelInfo, Source},
    sql,
};

/// One source of one model's expansion: what a change of one of its rows leads to.
pub(crate) struct Effect {
    /// The model that is expanded.
    pub(crate) model: &'static ModelInfo,
    /// The triggers' names: of the model that is expanded, and the source in it.
    pub(crate) making: String,
    pub(crate) remaking: String,
    pub(crate) unmaking: String,
    /// What happens after a row was added, changed or deleted.
    pub(crate) insert: Vec<String>,
    pub(crate) update: Vec<String>,
    pub(crate) delete: Vec<String>,
}

/// What a change of a row of this model leads to.
pub(crate) fn effects(model: &ModelInfo, models: &[&'static ModelInfo]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for expanded in models {
        let Some(expansion) = &expanded.expansion else { continue };
        for source in expansion.sources.iter().filter(|source| (source.model)() == model) {
            let insert = make(expanded, expansion, Some(source));
            let delete = unmake(expanded, expansion, source);
            let name =
                |what: &str| sql::name(format!("{}_{}_{what}", expanded.table, source.alias));
            effects.push(Effect {
                model: expanded,
                making: name("make"),
                remaking: name("remake"),
                unmaking: name("unmake"),
                insert: vec![insert.clone()],
                update: vec![delete.clone(), insert],
                delete: vec![delete],
            });
        }
    }
    effects
}

/// Makes all rows that are missing.
pub(crate) fn make_all(model: &ModelInfo) -> Option<String> {
    Some(make(model, model.expansion.as_ref()?, None))
}

/// Removes all rows that follow from nothing, or that another row is the same as.
pub(crate) fn unmake_all(model: &ModelInfo) -> Option<String> {
    let expansion = model.expansion.as_ref()?;
    let table = model.table;
    let follows: Vec<_> = expansion
        .values
        .iter()
        .map(|(column, value)| format!("{value} = {table}.{column}"))
        .collect();
    let twice: Vec<_> = expansion
        .values
        .iter()
        .map(|(column, _)| format!("earlier.{column} = made.{column}"))
        .collect();
    Some(format!(
        "DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {from} WHERE ({on}) AND {follows}) \
         OR id IN (SELECT made.id FROM {table} AS made, {table} AS earlier WHERE earlier.id < made.id AND {twice})",
        twice = twice.join(" AND "),
        from = from(expansion.sources.iter()),
        on = expansion.on,
        follows = follows.join(" AND "),
    ))
}

/// Makes the rows that are missing, of one row of a source or of all.
fn make(model: &ModelInfo, expansion: &Expansion, of: Option<&Source>) -> String {
    let (columns, values): (Vec<_>, Vec<_>) = expansion.values.iter().copied().unzip();
    let only = of.map_or(String::new(), |source| format!("{}.id = NEW.id AND ", source.alias));
    let known: Vec<_> = values.iter().map(|value| format!("{value} IS NOT NULL")).collect();
    let same: Vec<_> =
        expansion.values.iter().map(|(column, value)| format!("made.{column} = {value}")).collect();
    let table = model.table;
    format!(
        "INSERT INTO {table} ({columns})\n    SELECT DISTINCT {values} FROM {from}\n    \
         WHERE {only}({on}) AND {known}\n    \
         AND NOT EXISTS (SELECT 1 FROM {table} AS made WHERE {same})",
        columns = columns.join(", "),
        values = values.join(", "),
        from = from(expansion.sources.iter()),
        on = expansion.on,
        known = known.join(" AND "),
        same = same.join(" AND "),
    )
}

/// Removes the rows that followed from a row as it was, and follow from nothing now.
fn unmake(model: &ModelInfo, expansion: &Expansion, source: &Source) -> String {
    let was = |sql: &str| renamed(sql, source.alias, "OLD");
    let (columns, values): (Vec<_>, Vec<_>) = expansion.values.iter().copied().unzip();
    let values: Vec<_> = values.iter().map(|value| was(value)).collect();
    let others: Vec<_> =
        expansion.sources.iter().filter(|other| other.alias != source.alias).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!(" FROM {}", from(others.iter().copied())),
    };
    let table = model.table;
    let same: Vec<_> = expansion
        .values
        .iter()
        .map(|(column, value)| format!("{value} = {table}.{column}"))
        .collect();
    format!(
        "DELETE FROM {table} WHERE ({columns}) IN (SELECT {values}{others} WHERE {on})\n    \
         AND NOT EXISTS (SELECT 1 FROM {from} WHERE ({standing}) AND {same})",
        columns = columns.join(", "),
        values = values.join(", "),
        on = was(expansion.on),
        from = from(expansion.sources.iter()),
        standing = expansion.on,
        same = same.join(" AND "),
    )
}

fn from<'a>(sources: impl Iterator<Item = &'a Source>) -> String {
    let tables: Vec<_> =
        sources.map(|source| format!("{} AS {}", (source.model)().table, source.alias)).collect();
    tables.join(", ")
}

/// The SQL with `alias.` written as `name.`, outside of text and quoted names.
fn renamed(sql: &str, alias: &str, name: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |at| at + 2),
            c if is_of_word(c) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        let is_alias = word == alias && after.starts_with('.') && !out.ends_with('.');
        out.push_str(if is_alias { name } else { word });
        rest = after;
    }
    out
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_renamed_where_it_is_one() {
        for (sql, expected) in [
            ("s.id = d.s AND xs.id > s.n", "OLD.id = d.s AND xs.id > OLD.n"),
            ("s.kind = 's.id' OR \"s\".x", "OLD.kind = 's.id' OR \"s\".x"),
            ("x.s.id AND 's", "x.s.id AND 's"),
            ("TRUE", "TRUE"),
        ] {
            assert_eq!(renamed(sql, "s", "OLD"), expected);
        }
    }
}
