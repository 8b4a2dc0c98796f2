//! What the goal state's roles are called in Keystone.

use std::collections::BTreeMap;
use std::env;

/// What the roles of sites and slices are called in Keystone: as they are in the goal state, unless it is
/// said here.
///
/// By default `admin` is `manager`, because of Keystone's own role `admin`: whoever has that in any project
/// may do everything in the whole cloud. `manager` is what OpenStack calls those who manage one project.
/// The other roles have no rights until the cloud's policies give them some; `default=member` lets users
/// work in their slices at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleNames(BTreeMap<String, String>);

/// `XOS_OPENSTACK_ROLES` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("XOS_OPENSTACK_ROLES: {0}")]
pub struct RoleNamesError(String);

impl RoleNames {
    /// The roles with other names: pairs of the name in the goal state, and that in Keystone.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self(names.into_iter().map(|(own, there)| (own.into(), there.into())).collect())
    }

    /// From `XOS_OPENSTACK_ROLES`, for example `admin=manager,default=member`; else the
    /// [default](Self::default).
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn from_env() -> Result<Self, RoleNamesError> {
        match env::var("XOS_OPENSTACK_ROLES") {
            Err(env::VarError::NotPresent) => Ok(Self::default()),
            Err(error) => Err(RoleNamesError(error.to_string())),
            Ok(text) => Self::parse(&text),
        }
    }

    fn parse(text: &str) -> Result<Self, RoleNamesError> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| match pair.split_once('=') {
            Some((own, there)) if !own.trim().is_empty() && !there.trim().is_empty() => {
                Ok((own.trim().to_owned(), there.trim().to_owned()))
            }
            _ => Err(RoleNamesError(format!(
                "{pair:?} is not a role, = and its name in Keystone, as in \
                 admin=manager,default=member"
            ))),
        });
        Ok(Self(pairs.collect::<Result<_, _>>()?))
    }

    /// What Keystone calls this role.
    #[must_use]
    pub fn of<'a>(&'a self, role: &'a str) -> &'a str {
        self.0.get(role).map_or(role, String::as_str)
    }
}

impl Default for RoleNames {
    fn default() -> Self {
        Self::new([("admin", "manager")])
    }
}

#[cfg(test)]
mod tests {
    use super::RoleNames;

    #[test]
    fn names_are_read() {
        let names = RoleNames::parse("admin = boss, default=member,").unwrap();
        assert_eq!(names, RoleNames::new([("admin", "boss"), ("default", "member")]));
        assert_eq!((names.of("admin"), names.of("pi")), ("boss", "pi"));
        assert_eq!(RoleNames::default().of("admin"), "manager");
        for wrong in ["admin", "admin=", "=x", "a=b,c"] {
            let said = RoleNames::parse(wrong).unwrap_err().to_string();
            assert!(
                said.contains("XOS_OPENSTACK_ROLES") && said.contains("admin=manager"),
                "{said}"
            );
        }
    }
}
