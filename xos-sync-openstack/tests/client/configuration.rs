//! Where the client takes its configuration from: each case is a process of its own.

use xos_sync_openstack::client::Cloud;

use crate::support::{Answer, PASSWORD, Server, child};

/// What the child below prints with exactly these variables set.
fn with_environment(variables: &[(&str, &str)]) -> String {
    let mut command = child("configuration::child_with_its_own_environment");
    command.env_clear().env("HOME", "/nonexistent").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.split_once("answer: ")).expect(&text).1.to_owned()
}

#[tokio::test]
#[ignore = "run by the tests of configuration, in a process of its own"]
async fn child_with_its_own_environment() {
    let answer = match Cloud::from_env() {
        Ok(cloud) => {
            let identity = cloud.identity().await.map(|identity| identity.user_name);
            format!("{} {:?} {identity:?}", cloud.auth_url(), cloud.region())
        }
        Err(error) => error.to_string(),
    };
    println!("answer: {answer}");
}

#[test]
fn configuration_comes_from_variables_and_files() {
    let server = Server::start([Answer::ok("{}")]);
    let url = server.url.as_str();
    let variables = [
        ("OS_AUTH_URL", url),
        ("OS_USERNAME", "admin"),
        ("OS_PASSWORD", PASSWORD),
        ("OS_PROJECT_NAME", "p"),
        ("OS_REGION_NAME", "one"),
        // No proxy stands before this machine.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
    ];
    let expected = format!("{url}/v3 Some(\"one\") Ok(\"admin\")");
    assert_eq!(with_environment(&variables), expected);
    let sent = server.requests().pop().unwrap();
    assert!(
        sent.contains(r#""scope":{"project":{"domain":{"id":"default"},"name":"p"}}"#),
        "{sent}"
    );

    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("openstack");
    std::fs::create_dir(&own).unwrap();
    let clouds = format!(
        "clouds:\n  lab:\n    auth: {{auth_url: '{url}', username: admin}}\n    region_name: two\n"
    );
    std::fs::write(own.join("clouds.yaml"), clouds).unwrap();
    std::fs::write(own.join("secure.yaml"), "clouds: {lab: {auth: {password: hush}}}").unwrap();
    let lab = [("OS_CLOUD", "lab"), ("XDG_CONFIG_HOME", folder.path().to_str().unwrap())];
    let expected = format!("{url}/v3 Some(\"two\") Ok(\"admin\")");
    assert_eq!(with_environment(&lab), expected);
    assert!(server.requests().pop().unwrap().contains("hush"));
}

#[test]
fn missing_configuration_is_said_at_the_start() {
    assert!(with_environment(&[]).starts_with("no cloud is configured: set OS_CLOUD"));
    let answer = with_environment(&[("OS_CLOUD", "lab")]);
    assert!(answer.contains("/nonexistent/.config/openstack/clouds.yaml"), "{answer}");
    let answer = with_environment(&[
        ("OS_AUTH_URL", "http://u:hush@h"),
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "hush"),
    ]);
    assert!(answer.contains("must not have a user") && !answer.contains("hush"), "{answer}");
}
