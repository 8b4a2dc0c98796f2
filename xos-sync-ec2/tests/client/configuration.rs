//! Where the client takes its configuration from: each case is a process of its own.

use xos_sync_ec2::client::Ec2;

use crate::support::{Moto, SECRET, Server, child, http};

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
    let answer = match Ec2::from_env().await {
        Ok(ec2) => {
            let zones = ec2.describe_availability_zones().await.map(|zones| zones.len());
            format!("{} {} {zones:?}", ec2.region(), ec2.endpoint())
        }
        Err(error) => error.to_string(),
    };
    println!("answer: {answer}");
}

#[test]
fn configuration_comes_from_variables_and_profiles() {
    let moto = Moto::shared();
    let url = moto.url.as_str();
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_REGION", "eu-north-1"),
    ];
    let expected = format!("eu-north-1 {url} Ok(3)");
    assert_eq!(with_environment(&[&keys[..], &[("AWS_ENDPOINT_URL", url)]].concat()), expected);
    // The more precise one wins, and no proxy stands before this machine.
    let precise = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_EC2", url),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
    ];
    assert_eq!(with_environment(&[&keys[..], &precise].concat()), expected);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let profile = "[profile lab]\nregion = eu-north-1\nservices = lab\n\
                   credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}'\n\
                   [services lab]\nec2 =\n  endpoint_url = ";
    std::fs::write(&file, format!("{profile}{url}\n")).unwrap();
    let lab = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("AWS_PROFILE", "lab"),
        ("PATH", "/usr/bin:/bin"),
    ];
    assert_eq!(with_environment(&lab), expected);
}

#[test]
fn credentials_come_from_the_instance_metadata() {
    let moto = Moto::shared();
    let url = moto.url.as_str();
    let key = "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\
               \"Token\":\"T\",\"LastUpdated\":\"2020-01-01T00:00:00Z\",\"Expiration\":\"2099-01-01T00:00:00Z\"}";
    let token = http(200, "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", "imds-token");
    let metadata = Server::start([token, http(200, "", "role"), http(200, "", key)]);
    let answer = with_environment(&[
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url),
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "eu-north-1"),
    ]);
    let firsts: Vec<_> = metadata
        .requests()
        .iter()
        .map(|request| request.lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(answer, format!("eu-north-1 {url} Ok(3)"), "{firsts:?}");
    assert!(firsts[2].ends_with("/role HTTP/1.1"), "{firsts:?}");
}

#[test]
fn missing_configuration_is_said_at_the_start() {
    let nothing = [("AWS_EC2_METADATA_DISABLED", "true")];
    assert!(with_environment(&nothing).contains("AWS_REGION"));
    let answer = with_environment(&[nothing[0], ("AWS_REGION", "eu-north-1")]);
    assert!(answer.contains("no usable AWS credentials"), "{answer}");
    let refused = ("AWS_ENDPOINT_URL", "http://user:hush@127.0.0.1");
    let answer = with_environment(&[nothing[0], ("AWS_REGION", "eu-north-1"), refused]);
    assert!(answer.contains("AWS_ENDPOINT_URL") && !answer.contains("hush"), "{answer}");
}
