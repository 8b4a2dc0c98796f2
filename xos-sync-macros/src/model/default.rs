//! `#[default(…)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, Lit, UnOp};

use super::{
    ast::FieldInput,
    field_type::{FieldType, Kind},
    valid::Default,
};
use crate::errors::Errors;

/// The column's default, as SQL and as the field's value.
pub(super) fn default(
    input: &FieldInput,
    field_type: &FieldType,
    errors: &mut Errors,
) -> Option<Default> {
    let expr = input.marks.default.as_ref()?;
    if input.marks.backend.is_some() {
        errors.at(expr, "what a step finds out has no default: it is NULL before the first sync");
        return None;
    }
    let Some((sql, value)) = literal(expr, &field_type.kind) else {
        errors.at(expr, wanted(&field_type.kind));
        return None;
    };
    let value =
        if field_type.nullable { quote!(::core::option::Option::Some(#value)) } else { value };
    Some(Default { sql, value })
}

fn literal(expr: &Expr, kind: &Kind) -> Option<(TokenStream, TokenStream)> {
    let sql = match (kind, expr) {
        (Kind::Choice, Expr::Path(_)) => return Some((quote!(#expr.as_sql()), quote!(#expr))),
        (Kind::Text, Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            let sql = format!("'{}'", text.value().replace('\'', "''"));
            return Some((quote!(#sql), quote!(::std::string::String::from(#expr))));
        }
        (Kind::Bool, Expr::Lit(ExprLit { lit: Lit::Bool(value), .. })) => {
            if value.value {
                "TRUE".to_owned()
            } else {
                "FALSE".to_owned()
            }
        }
        _ => number(expr, kind)?,
    };
    Some((quote!(#sql), quote!(#expr)))
}

/// A number, perhaps with a sign, that fits.
fn number(expr: &Expr, kind: &Kind) -> Option<String> {
    let (sign, literal) = match expr {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => ("-", &*unary.expr),
        _ => ("", expr),
    };
    let Expr::Lit(ExprLit { lit, .. }) = literal else { return None };
    let (digits, suffix) = match lit {
        Lit::Int(number) => (number.base10_digits(), number.suffix()),
        Lit::Float(number) => (number.base10_digits(), number.suffix()),
        _ => return None,
    };
    let text = format!("{sign}{digits}");
    let fits = match (kind, suffix, lit) {
        (Kind::Integer, "" | "i32", _) => text.parse::<i32>().is_ok(),
        (Kind::BigInt, "" | "i64", _) => text.parse::<i64>().is_ok(),
        (Kind::Double, "" | "f64", Lit::Float(_)) => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    };
    fits.then_some(text)
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "write a text: `#[default(\"…\")]`",
        Kind::Choice => "write one of the enum's values: `#[default(Isolation::Vm)]`",
        Kind::Integer | Kind::BigInt => {
            "write a whole number that fits the column: `#[default(10)]`"
        }
        Kind::Double => "write a number with a period: `#[default(0.5)]`",
        Kind::Bool => "write `#[default(true)]` or `#[default(false)]`",
        Kind::Secret | Kind::Micros | Kind::Id(_) => "a column of this type cannot have a default",
    }
}
