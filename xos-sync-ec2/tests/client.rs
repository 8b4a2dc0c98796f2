//! The EC2 client against moto, started by `tests/services/moto`, and against servers that misbehave.
//!
//! One moto serves all tests of this file; each test works in a region of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "client/configuration.rs"]
mod configuration;
#[path = "client/log.rs"]
mod log;
mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use support::{Moto, SECRET, Server, error, http, script, zones};
use xos_sync_ec2::client::{
    Ec2, Ec2Error, ErrorKind, Filter, Image, ImageQuery, Instance, InstanceQuery, InstanceState,
    KeyPairQuery, RunInstance, Tag,
};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice";
const ODD: &str = " Größe: 1 & 2 <b>\"quoted\"</b> = + % # 🦀 ";

async fn some_image(ec2: &Ec2) -> Image {
    let mut pages = ec2.describe_images(
        ImageQuery::new().owner("amazon").filter(Filter::new("root-device-type", ["ebs"])),
    );
    while let Some(images) = pages.next().await.unwrap() {
        if let Some(image) = images.into_iter().find(|image| !image.block_devices.is_empty()) {
            return image;
        }
    }
    panic!("no image with a volume");
}

async fn instance(ec2: &Ec2, image: &Image, tag: &str) -> Instance {
    let tags = vec![Tag::new("purpose", tag)];
    ec2.run_instance(&RunInstance { tags, ..RunInstance::new(tag, &image.image_id, "t3.micro") })
        .await
        .unwrap()
}

#[tokio::test]
async fn zones_images_and_types_are_listed() {
    let moto = Moto::shared();
    let ec2 = moto.client("eu-west-1");

    let zones = ec2.describe_availability_zones().await.unwrap();
    let names: Vec<_> = zones.iter().map(|zone| zone.zone_name.as_str()).collect();
    assert_eq!(names, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    assert!(
        zones.iter().all(|zone| zone.is_available() && zone.region.as_deref() == Some("eu-west-1"))
    );

    let image = some_image(&ec2).await;
    assert_eq!(image.state, "available");
    assert!(image.name.is_some() && image.root_device_name.is_some());
    let by_id = ec2.describe_images(ImageQuery::new().ids([&image.image_id])).all().await.unwrap();
    assert_eq!(by_id.first(), Some(&image));
    let name = image.name.unwrap();
    let by_name = ec2
        .describe_images(ImageQuery::new().filter(Filter::new("name", [&name])))
        .all()
        .await
        .unwrap();
    assert!(by_name.iter().any(|found| found.image_id == image.image_id));
    let unknown =
        ec2.describe_images(ImageQuery::new().ids(["ami-00000000"])).all().await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{unknown}");

    let in_a = Filter::new("location", ["eu-west-1a"]);
    let types = ec2.describe_instance_type_offerings(&[in_a]).all().await.unwrap();
    assert!(types.iter().all(|offering| offering.zone_name == "eu-west-1a"));
    assert!(types.iter().any(|offering| offering.instance_type == "t3.micro"));
}

#[tokio::test]
async fn key_pairs_come_and_go() {
    let moto = Moto::shared();
    let ec2 = moto.client("eu-west-2");
    let name = "Zoë & Søn's key";

    let key = ec2.import_key_pair(name, PUBLIC_KEY, &[Tag::new("owner", ODD)]).await.unwrap();
    assert_eq!(key.key_name, name);
    assert_eq!(key.tag("owner"), Some(ODD));
    let listed = ec2.describe_key_pairs(KeyPairQuery::new().names([name])).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].fingerprint, key.fingerprint);
    assert!(listed[0].public_key.as_ref().unwrap().starts_with("ssh-ed25519 AAAAC3"));
    assert_eq!(listed[0].tag("owner"), Some(ODD));
    let tagged = ec2
        .describe_key_pairs(KeyPairQuery::new().filter(Filter::tag("owner", ODD)))
        .await
        .unwrap();
    assert_eq!(tagged.len(), 1);

    let twice = ec2.import_key_pair(name, PUBLIC_KEY, &[]).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Duplicate, "{twice}");
    assert_eq!(twice.code(), Some("InvalidKeyPair.Duplicate"));
    let bad = ec2.import_key_pair("bad", "ssh-ed25519 AAAA", &[]).await.unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Invalid, "{bad}");

    ec2.delete_key_pair(name).await.unwrap();
    ec2.delete_key_pair(name).await.unwrap();
    let gone = ec2.describe_key_pairs(KeyPairQuery::new().names([name])).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");
    assert!(ec2.describe_key_pairs(KeyPairQuery::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_instance_lives_and_leaves_no_volume_behind() {
    let moto = Moto::shared();
    let ec2 = moto.client("us-west-2");
    let image = some_image(&ec2).await;
    ec2.import_key_pair("alice", PUBLIC_KEY, &[]).await.unwrap();

    let wanted = RunInstance {
        key_name: Some("alice".to_owned()),
        user_data: Some(format!("#!/bin/sh\necho '{ODD}'\n").into_bytes()),
        zone_name: Some("us-west-2b".to_owned()),
        disposable_devices: image.block_devices.clone(),
        tags: vec![Tag::new("uid", "u-1"), Tag::new("odd key &", ODD), Tag::new("empty", "")],
        ..RunInstance::new("u-1-0", &image.image_id, "t3.micro")
    };
    let made = ec2.run_instance(&wanted).await.unwrap();
    assert_eq!(made.image_id, Some(image.image_id));
    assert_eq!(made.zone_name.as_deref(), Some("us-west-2b"));
    assert_eq!(made.client_token.as_deref(), Some("u-1-0"));
    let id = made.instance_id.as_str();

    let by_tag =
        InstanceQuery::new().filter(Filter::tag("uid", "u-1")).states(InstanceState::living());
    let found = ec2.describe_instances(by_tag.clone()).all().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].instance_id.as_str(), &found[0].state), (id, &InstanceState::Running));
    assert_eq!(found[0].tag("odd key &"), Some(ODD));
    assert_eq!(found[0].tag("empty"), Some(""));
    assert_eq!(found[0].key_name.as_deref(), Some("alice"));
    assert!(found[0].private_ip.is_some() && found[0].launch_time.is_some());
    let query = Filter::tag("odd key &", ODD);
    assert_eq!(
        ec2.describe_instances(InstanceQuery::new().filter(query)).all().await.unwrap().len(),
        1
    );

    let volumes = ec2.describe_volumes(&[Filter::tag("uid", "u-1")]).all().await.unwrap();
    assert_eq!(volumes.len(), found[0].volume_ids.len());
    assert!(!volumes.is_empty());
    for volume in &volumes {
        assert_eq!((volume.state.as_str(), volume.tag("odd key &")), ("in-use", Some(ODD)));
        assert_eq!(volume.attachments[0].instance_id, id);
    }

    ec2.create_tags(&[id], &[Tag::new("uid", "u-2"), Tag::new("more", "x")]).await.unwrap();
    ec2.delete_tags(&[id], &["empty", "never there"]).await.unwrap();
    let found = ec2.describe_instances_by_id(&[id]).await.unwrap();
    assert_eq!(
        (found[0].tag("uid"), found[0].tag("more"), found[0].tag("empty")),
        (Some("u-2"), Some("x"), None)
    );

    let stopping = ec2.stop_instances(&[id]).await.unwrap();
    assert_eq!(stopping[0].instance_id, id);
    assert_eq!(ec2.describe_instances_by_id(&[id]).await.unwrap()[0].state, InstanceState::Stopped);
    ec2.modify_instance_type(id, "t3.small").await.unwrap();
    ec2.start_instances(&[id]).await.unwrap();
    let found = ec2.describe_instances_by_id(&[id]).await.unwrap();
    assert_eq!(
        (found[0].instance_type.as_deref(), &found[0].state),
        (Some("t3.small"), &InstanceState::Running)
    );

    let changes = ec2.terminate_instances(&[id]).await.unwrap();
    assert!(changes[0].current.is_gone());
    assert_eq!(changes[0].previous, InstanceState::Running);
    ec2.terminate_instances(&[id]).await.unwrap();
    assert!(ec2.describe_instances_by_id(&[id]).await.unwrap()[0].state.is_gone());
    assert!(ec2.describe_instances(by_tag).all().await.unwrap().is_empty());
    assert!(ec2.describe_volumes(&[Filter::tag("uid", "u-1")]).all().await.unwrap().is_empty());
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let moto = Moto::shared();
    let ec2 = moto.client("eu-west-3");
    let image = some_image(&ec2).await.image_id;
    let run = async |image: &str, kind: &str, key: Option<&str>| -> Ec2Error {
        let wanted =
            RunInstance { key_name: key.map(str::to_owned), ..RunInstance::new("t", image, kind) };
        ec2.run_instance(&wanted).await.unwrap_err()
    };

    let error = run("ami-00000000", "t3.micro", None).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().starts_with("cannot start an instance of ami-00000000 as t3.micro: "),
        "{error}"
    );
    assert!(error.to_string().contains("RunInstances, InvalidAMIID.NotFound, HTTP 400"), "{error}");
    assert_eq!(
        (error.action(), error.status(), error.outcome_unknown()),
        ("RunInstances", Some(400), false)
    );
    assert!(error.request_id().is_some());
    let malformed =
        ec2.describe_images(ImageQuery::new().ids(["not an ami"])).all().await.unwrap_err();
    assert_eq!(
        (malformed.kind(), malformed.code()),
        (ErrorKind::Invalid, Some("InvalidAMIID.Malformed"))
    );
    // AWS itself calls this an invalid parameter.
    assert_eq!(run(&image, "t3.colossal", None).await.code(), Some("InvalidInstanceType.NotFound"));
    assert_eq!(run(&image, "t3.micro", Some("nobody")).await.kind(), ErrorKind::NotFound);

    let error = ec2.terminate_instances(&["i-0123456789abcdef0"]).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(ec2.stop_instances(&["i-0123456789abcdef0"]).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn lists_of_nothing_mean_nothing() {
    // No server: a call would fail.
    let nowhere = Ec2::builder()
        .endpoint("http://127.0.0.1:1")
        .region("eu-west-1")
        .credentials("AKID", SECRET);
    let ec2 = nowhere.build().unwrap();
    let none: [&str; 0] = [];
    assert!(ec2.terminate_instances(&none).await.unwrap().is_empty());
    assert!(ec2.describe_instances_by_id(&none).await.unwrap().is_empty());
    assert!(
        ec2.describe_instances(InstanceQuery::new().states([])).all().await.unwrap().is_empty()
    );
    assert!(ec2.describe_images(ImageQuery::new().ids(none)).all().await.unwrap().is_empty());
    assert!(ec2.describe_key_pairs(KeyPairQuery::new().names(none)).await.unwrap().is_empty());
    ec2.delete_tags(&["i-1"], &none).await.unwrap();
}

#[tokio::test]
async fn listings_go_on_to_the_last_page_and_unknown_ids_are_left_out() {
    let moto = Moto::shared();
    let ec2 = moto.client("ap-south-1");
    let image = some_image(&ec2).await;
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(instance(&ec2, &image, "paged").await.instance_id);
    }

    let query = InstanceQuery::new().filter(Filter::tag("purpose", "paged"));
    let mut pages = ec2.instance_pages(query, 5);
    let (mut sizes, mut listed) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await.unwrap() {
        sizes.push(page.len());
        listed.extend(page.into_iter().map(|instance| instance.instance_id));
    }
    assert_eq!(sizes, [5, 5, 2]);
    listed.sort();
    made.sort();
    assert_eq!(listed, made);
    assert!(pages.next().await.unwrap().is_none());

    // 100 distinct ids a call; a call that names an unknown one is made again by filter.
    let unknown = (0..190).map(|n| format!("i-0000000000000{n:04}"));
    let wanted: Vec<_> = unknown.chain(made.clone()).chain(made.clone()).collect();
    let found = ec2.describe_instances_by_id(&wanted).await.unwrap();
    assert_eq!(found.len(), made.len());
}

#[tokio::test]
async fn each_call_is_in_the_servers_record() {
    let moto = Moto::start();
    let ec2 = moto.client("sa-east-1");
    ec2.delete_key_pair("nobody").await.unwrap();
    ec2.delete_key_pair("nobody").await.unwrap();
    assert_eq!((moto.calls("DeleteKeyPair"), moto.calls("RunInstances")), (2, 0));

    // What the script says of itself: starting again finds the server, stopping ends it.
    let again = script().arg("start").arg(moto.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(again.stdout).unwrap().trim(), moto.url);
    assert!(script().arg("stop").arg(moto.folder.path()).status().unwrap().success());
    // Whether the outcome is known depends on whether the client has already seen that the connection it
    // keeps was closed: if not, it sends the request and gets no answer.
    let error = ec2.delete_key_pair("nobody").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_and_was_not_carried_out() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ec2 = Ec2::builder()
        .endpoint(&url)
        .region("eu-west-1")
        .credentials("AKID", SECRET)
        .build()
        .unwrap();
    let error = ec2.delete_key_pair("k").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status(), error.outcome_unknown()),
        (ErrorKind::Unavailable, None, false)
    );
    assert!(error.to_string().contains(&url) && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_reply_that_is_not_ec2s_is_garbled() {
    let login = "<html><title>Log in</title><p>Please</html>";
    for (answer, shown) in [
        (http(200, "", login), "Log in"),
        (http(404, "", login), "Log in"),
        (http(200, "", "<OtherResponse/>"), "OtherResponse"),
        (http(200, "", &zones().replace("zoneName", "name")), "lacks zoneName"),
        (http(302, "Location: http://127.0.0.1:1/\r\n", "moved"), "moved"),
    ] {
        let server = Server::start([answer]);
        let error = server.client().describe_availability_zones().await.unwrap_err();
        let expected =
            if error.status() == Some(302) { ErrorKind::Unavailable } else { ErrorKind::Garbled };
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.to_string().contains(shown), "{error}");
    }
}

#[tokio::test]
async fn an_echo_of_the_request_shows_no_secret() {
    let server = Server::start([http(200, "", "")]);
    let ec2 = Ec2::builder().endpoint(&server.url).region("eu-west-1");
    let ec2 = ec2.session_credentials("AKID", SECRET, "the/session+token").build().unwrap();
    let wanted = RunInstance {
        user_data: Some(b"password=hush?>".to_vec()),
        ..RunInstance::new("t", "ami-1", "t3.micro")
    };
    ec2.run_instance(&wanted).await.unwrap_err();
    let sent = server.requests().remove(0);
    let signature =
        sent.split("Signature=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(sent.contains("the/session+token") && !sent.contains(SECRET));

    // The same words again, as a proxy's error page may have them.
    for echo in [
        signature.as_str(),
        "the/session+token",
        SECRET,
        "cGFzc3dvcmQ9aHVzaD8%2B",
        "cGFzc3dvcmQ9aHVzaD8+",
    ] {
        assert!(echo == SECRET || echo.ends_with('+') || sent.contains(echo), "{echo} in {sent}");
        let body = format!("You sent: {echo}");
        let server = Server::start([http(400, "", &body)]);
        let ec2 = Ec2::builder().endpoint(&server.url).region("eu-west-1");
        let ec2 = ec2.session_credentials("AKID", SECRET, "the/session+token").build().unwrap();
        let error = ec2.run_instance(&wanted).await.unwrap_err();
        let shown = format!("{error} {error:?} {ec2:?} {wanted:?}");
        // The signature changes with the second.
        assert!(echo == signature || !shown.contains(echo), "{shown}");
        assert!(shown.contains("You sent: "), "{shown}");
    }
}

#[tokio::test]
async fn throttled_calls_wait_as_long_as_they_are_told() {
    let busy = http(503, "Retry-After: 1\r\n", &error("RequestLimitExceeded"));
    let server = Server::start([busy, http(200, "", "<DeleteKeyPairResponse/>")]);
    let started = Instant::now();
    // A changing call: AWS said that it was not carried out.
    server.client().delete_key_pair("k").await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);

    // Too long to wait here: the caller is told.
    let server =
        Server::start([http(503, "Retry-After: 3600\r\n", &error("RequestLimitExceeded"))]);
    let error = server.client().delete_key_pair("k").await.unwrap_err();
    let retry_after = Some(Duration::from_secs(3600));
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after }, "{error}");
    assert_eq!((server.requests().len(), error.request_id()), (1, Some("r-1")));
}

#[tokio::test]
async fn reading_calls_are_repeated_after_a_fault_and_changing_ones_are_not() {
    let fault = http(500, "", &error("InternalError"));
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Desc".to_owned();
    let server = Server::start([fault.clone(), broken.clone(), http(200, "", &zones())]);
    assert_eq!(server.client().describe_availability_zones().await.unwrap().len(), 1);
    assert_eq!(server.requests().len(), 3);

    for answer in [fault, broken] {
        let server = Server::start([answer]);
        let error = server.client().delete_key_pair("k").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome_unknown()),
            (ErrorKind::Unavailable, true),
            "{error}"
        );
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_hanging_server_costs_the_time_out_once() {
    let server = Server::start([String::new()]);
    let started = Instant::now();
    let error = server.client().terminate_instances(&["i-1"]).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Unavailable, true), "{error}");
    assert!(error.to_string().contains("did not answer within 2s"), "{error}");
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_token_that_repeats_ends_the_listing() {
    let page = "<DescribeVolumesResponse><volumeSet/><nextToken>again</nextToken></DescribeVolumesResponse>";
    let server = Server::start([http(200, "", page)]);
    let mut pages = server.client().describe_volumes(&[]);
    assert_eq!(pages.next().await.unwrap(), Some(Vec::new()));
    assert_eq!(pages.next().await.unwrap_err().kind(), ErrorKind::Garbled);
    assert_eq!(pages.next().await.unwrap(), None);
    assert!(server.requests()[1].contains("NextToken=again"));
}

#[tokio::test]
async fn a_listing_goes_on_after_an_error() {
    let first =
        "<DescribeVolumesResponse><volumeSet/><nextToken>n</nextToken></DescribeVolumesResponse>";
    let last = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>";
    let refused = http(400, "", &error("UnauthorizedOperation"));
    let server = Server::start([http(200, "", first), refused, http(200, "", last)]);
    let mut pages = server.client().describe_volumes(&[]);
    pages.next().await.unwrap();
    assert_eq!(pages.next().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(pages.next().await.unwrap(), Some(Vec::new()));
    assert_eq!(pages.next().await.unwrap(), None);
    assert!(server.requests()[2].contains("NextToken=n"));
}
