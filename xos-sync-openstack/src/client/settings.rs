//! PURE: settings as OpenStack's tools name them, in a clouds.yaml or in variables, to a builder.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CloudBuilder, ConfigError, Credentials, Interface, Named, Scope, Secret, Service};

/// An entry of a clouds.yaml. There is no `Debug`: it has a password.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    auth: Auth,
    auth_type: Option<String>,
    region_name: Option<String>,
    interface: Option<String>,
    endpoint_type: Option<String>,
    cacert: Option<String>,
    verify: Option<bool>,
    profile: Option<String>,
    identity_endpoint_override: Option<String>,
    image_endpoint_override: Option<String>,
    compute_endpoint_override: Option<String>,
    network_endpoint_override: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Auth {
    auth_url: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    password: Option<String>,
    token: Option<String>,
    application_credential_id: Option<String>,
    application_credential_secret: Option<String>,
    user_domain_id: Option<String>,
    user_domain_name: Option<String>,
    project_id: Option<String>,
    project_name: Option<String>,
    project_domain_id: Option<String>,
    project_domain_name: Option<String>,
    domain_id: Option<String>,
    domain_name: Option<String>,
    default_domain: Option<String>,
    system_scope: Option<String>,
}

/// What `OS_…` variables say. One that is empty is not set.
pub(super) fn from_variables(variables: impl Iterator<Item = (String, String)>) -> Settings {
    let fields: Map<_, _> = variables
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("OS_")?.to_ascii_lowercase();
            let name = match name.as_str() {
                "tenant_name" => "project_name".to_owned(),
                "tenant_id" => "project_id".to_owned(),
                "default_domain_id" => "default_domain".to_owned(),
                // What insecure means, and the other way round.
                "insecure" | "verify" => return None,
                _ => name,
            };
            Some((name, Value::from(value)))
        })
        .collect();
    let mut all = fields.clone();
    all.insert("auth".to_owned(), Value::Object(fields));
    serde_json::from_value(Value::Object(all)).unwrap_or_default()
}

impl Settings {
    /// These settings, and for what they lack those of a second file.
    pub(super) fn completed_by(&self, other: &Self) -> Self {
        let json = |settings| serde_json::to_value(settings).unwrap_or_default();
        serde_json::from_value(merged(json(self), json(other))).unwrap_or_default()
    }

    /// A builder of a client with these settings, which come from `origin`.
    pub(super) fn builder(&self, origin: &str) -> Result<CloudBuilder, ConfigError> {
        let wrong = |why: String| Err(ConfigError::Wrong { origin: origin.to_owned(), why });
        if let Some(profile) = &self.profile {
            return wrong(format!(
                "the profile {profile:?} is not supported: write auth_url itself"
            ));
        }
        if self.verify == Some(false) {
            return wrong(
                "verify: false is not supported: name the CA's file by cacert".to_owned(),
            );
        }
        let missing = |setting| ConfigError::Missing { origin: origin.to_owned(), setting };
        let url = self.auth.auth_url.as_deref().ok_or_else(|| missing("auth_url"))?;
        let credentials = self.credentials(origin)?;
        let scope = self.auth.scope(&credentials);
        let mut builder = CloudBuilder::new(url, credentials).scope(scope);
        if let Some(name) = self.interface.as_ref().or(self.endpoint_type.as_ref()) {
            match Interface::named(name) {
                Some(interface) => builder = builder.interface(interface),
                None => return wrong(format!("{name:?} is not public, internal or admin")),
            }
        }
        if let Some(region) = &self.region_name {
            builder = builder.region(region);
        }
        if let Some(file) = &self.cacert {
            builder = builder.ca_file(file);
        }
        for (service, url) in self.addresses() {
            builder = builder.address(service, url);
        }
        Ok(builder)
    }

    fn addresses(&self) -> impl Iterator<Item = (Service, &String)> {
        let given = [
            (Service::Identity, &self.identity_endpoint_override),
            (Service::Image, &self.image_endpoint_override),
            (Service::Compute, &self.compute_endpoint_override),
            (Service::Network, &self.network_endpoint_override),
        ];
        given.into_iter().filter_map(|(service, url)| Some((service, url.as_ref()?)))
    }

    fn credentials(&self, origin: &str) -> Result<Credentials, ConfigError> {
        let missing = |setting| ConfigError::Missing { origin: origin.to_owned(), setting };
        let secret = |text: &Option<String>, setting| {
            text.as_deref().map(Secret::from).ok_or_else(|| missing(setting))
        };
        let auth = &self.auth;
        let kind = match self.auth_type.as_deref() {
            Some("password" | "v3password") => "password",
            Some("token" | "v3token") => "token",
            Some("v3applicationcredential") => "application",
            None if auth.application_credential_id.is_some() => "application",
            None if auth.token.is_some() && auth.password.is_none() => "token",
            None => "password",
            Some(other) => {
                let why = format!(
                    "auth_type {other:?} is not supported: use password, v3applicationcredential or token"
                );
                return Err(ConfigError::Wrong { origin: origin.to_owned(), why });
            }
        };
        match kind {
            "application" => Ok(Credentials::Application {
                id: auth
                    .application_credential_id
                    .clone()
                    .ok_or_else(|| missing("application_credential_id"))?,
                secret: secret(
                    &auth.application_credential_secret,
                    "application_credential_secret",
                )?,
            }),
            "token" => Ok(Credentials::Token(secret(&auth.token, "token")?)),
            _ => {
                let password = secret(&auth.password, "password")?;
                match (&auth.user_id, &auth.username) {
                    (Some(id), _) => Ok(Credentials::UserId { id: id.clone(), password }),
                    (None, Some(user)) => Ok(Credentials::Password {
                        user: user.clone(),
                        domain: auth.domain(&auth.user_domain_id, &auth.user_domain_name),
                        password,
                    }),
                    (None, None) => Err(missing("username")),
                }
            }
        }
    }
}

impl Auth {
    fn scope(&self, credentials: &Credentials) -> Scope {
        if matches!(credentials, Credentials::Application { .. }) {
            return Scope::Given;
        }
        if let Some(id) = &self.project_id {
            return Scope::Project(id.clone());
        }
        if let Some(name) = &self.project_name {
            let domain = self.domain(&self.project_domain_id, &self.project_domain_name);
            return Scope::ProjectName { name: name.clone(), domain };
        }
        match (&self.domain_id, &self.domain_name, &self.system_scope) {
            (Some(id), ..) => Scope::Domain(Named::Id(id.clone())),
            (None, Some(name), _) => Scope::Domain(Named::Name(name.clone())),
            (None, None, Some(_)) => Scope::System,
            (None, None, None) => Scope::Given,
        }
    }

    fn domain(&self, id: &Option<String>, name: &Option<String>) -> Named {
        match (id, name, &self.default_domain) {
            (Some(id), ..) => Named::Id(id.clone()),
            (None, Some(name), _) => Named::Name(name.clone()),
            (None, None, default) => Named::Id(default.clone().unwrap_or("default".to_owned())),
        }
    }
}

fn merged(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut first), Value::Object(second)) => {
            for (name, value) in second {
                let known = first.remove(&name).unwrap_or_default();
                first.insert(name, merged(known, value));
            }
            Value::Object(first)
        }
        (Value::Null, second) => second,
        (first, _) => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> Settings {
        from_variables(set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn text(settings: &Settings) -> String {
        match settings.builder("here") {
            Ok(builder) => format!("{builder:?}"),
            Err(error) => error.to_string(),
        }
    }

    const URL: (&str, &str) = ("OS_AUTH_URL", "http://h/v3");

    #[test]
    fn variables_say_who_calls_and_for_what() {
        let user =
            [URL, ("OS_USERNAME", "u"), ("OS_PASSWORD", "hush"), ("OS_USER_DOMAIN_NAME", "d")];
        let project =
            [("OS_TENANT_NAME", "p"), ("OS_PROJECT_DOMAIN_ID", "x"), ("OS_REGION_NAME", "r")];
        let shown = text(&variables(&[&user[..], &project[..]].concat()));
        for part in
            ["\"u\"", "Name(\"d\")", "ProjectName { name: \"p\", domain: Id(\"x\") }", "\"r\""]
        {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let application = [
            URL,
            ("OS_APPLICATION_CREDENTIAL_ID", "a"),
            ("OS_APPLICATION_CREDENTIAL_SECRET", "hush"),
            ("OS_PROJECT_NAME", ""),
        ];
        let shown = text(&variables(&application));
        assert!(shown.contains("Application { id: \"a\"") && shown.contains("Given"), "{shown}");
        assert!(!shown.contains("hush"));
        let by_id =
            [URL, ("OS_USER_ID", "u1"), ("OS_PASSWORD", "hush"), ("OS_SYSTEM_SCOPE", "all")];
        let shown = text(&variables(&by_id));
        assert!(shown.contains("UserId { id: \"u1\"") && shown.contains("System"), "{shown}");
    }

    #[test]
    fn what_is_missing_or_not_supported_is_said() {
        let missing = |set: &[(&str, &str)]| text(&variables(set));
        assert_eq!(missing(&[]), "here: auth_url is missing");
        assert_eq!(missing(&[URL]), "here: password is missing");
        assert_eq!(missing(&[URL, ("OS_PASSWORD", "hush")]), "here: username is missing");
        let kind = missing(&[URL, ("OS_AUTH_TYPE", "v3oidcpassword")]);
        assert!(kind.contains("v3oidcpassword") && kind.contains("not supported"), "{kind}");
        let user = [URL, ("OS_USERNAME", "u"), ("OS_PASSWORD", "hush"), ("OS_INTERFACE", "secret")];
        assert_eq!(missing(&user), "here: \"secret\" is not public, internal or admin");
    }

    #[test]
    fn a_second_file_completes_the_first() {
        let first = variables(&[URL, ("OS_USERNAME", "u")]);
        let second = variables(&[("OS_USERNAME", "other"), ("OS_PASSWORD", "hush")]);
        let shown = text(&first.completed_by(&second));
        assert!(shown.contains("\"u\"") && !shown.contains("other"), "{shown}");
    }
}
