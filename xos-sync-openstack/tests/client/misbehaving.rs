//! Servers that hang, break down, refuse, answer nonsense, or repeat what they were sent.

use std::net::TcpListener;
use std::time::Duration;

use xos_sync_openstack::client::{
    Attachment, Cloud, CloudError, Credentials, ErrorKind, NewServer, NewUser, Scope, ServerQuery,
    Service,
};

use crate::support::{Answer, PASSWORD, Server, TOKEN, token};

const AUTH: &str = "POST /v3/auth/tokens";
const NO_SERVERS: &str = r#"{"servers": []}"#;

fn new_server() -> NewServer {
    NewServer {
        name: "web".to_owned(),
        image_id: "i".to_owned(),
        flavor_id: "f".to_owned(),
        networks: vec![Attachment::Network("n".to_owned())],
        user_data: Some("the-user-data".into()),
        ..NewServer::default()
    }
}

async fn list(cloud: &Cloud) -> Result<usize, CloudError> {
    Ok(cloud.servers(&ServerQuery::default()).all().await?.len())
}

fn gets(server: &Server) -> usize {
    server.lines().iter().filter(|line| line.starts_with("GET ")).count()
}

#[tokio::test]
async fn a_hanging_service_is_given_up_and_a_changing_call_is_not_repeated() {
    let server = Server::start([Answer::Silence]);
    let error = server.client().create_server(&new_server()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.outcome_unknown() && error.message().contains("did not answer within 2s"),
        "{error}"
    );
    assert_eq!(server.lines(), [AUTH, "POST /v2.1/servers"]);

    let error = list(&server.client()).await.unwrap_err();
    assert!(!error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_broken_connection_is_an_unknown_outcome_for_changes_and_no_matter_for_reads() {
    let server = Server::start([Answer::Close, Answer::ok(NO_SERVERS)]);
    let error = server.client().delete_server("s").await.unwrap_err();
    assert!(error.outcome_unknown() && error.message().contains("broke"), "{error}");
    let server = Server::start([Answer::Close, Answer::ok(NO_SERVERS)]);
    assert_eq!(list(&server.client()).await.unwrap(), 0);
    assert_eq!(gets(&server), 2);
}

#[tokio::test]
async fn nobody_listening_is_said_and_nothing_was_done() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let cloud = Cloud::builder(&url, Credentials::password("admin", PASSWORD)).build().unwrap();
    let error = cloud.create_server(&new_server()).await.unwrap_err();
    assert_eq!((error.kind(), error.service()), (ErrorKind::Unavailable, Service::Identity));
    assert!(
        !error.outcome_unknown() && error.message().starts_with("no connection to http://127"),
        "{error}"
    );
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_asked_again_then_by_reads_only() {
    let busy = Answer::new(503, "Retry-After: 1\r\n", "<html>busy</html>");
    let server = Server::start([busy.clone(), Answer::ok(NO_SERVERS)]);
    let began = std::time::Instant::now();
    list(&server.client()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    let server = Server::start([busy]);
    let error = server.client().create_server(&new_server()).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(
        error.to_string(),
        "cannot create server web: busy (Nova POST /servers, HTTP 503, request req-503)"
    );
    assert_eq!(server.lines().len(), 2);

    // Longer than a call may take: for the caller.
    let server = Server::start([Answer::new(503, "Retry-After: 60\r\n", "")]);
    let error = list(&server.client()).await.unwrap_err();
    assert_eq!((error.retry_after(), gets(&server)), (Some(Duration::from_secs(60)), 1));
}

#[tokio::test]
async fn a_throttled_change_was_not_carried_out_and_is_sent_again() {
    let busy =
        Answer::new(429, "Retry-After: 0\r\n", r#"{"overLimit": {"message": "Slow down."}}"#);
    let server =
        Server::start([busy, Answer::new(202, "", r#"{"server": {"id": "s", "adminPass": "x"}}"#)]);
    assert_eq!(server.client().create_server(&new_server()).await.unwrap(), "s");
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let refused = Answer::new(
        401,
        "",
        r#"{"error": {"code": 401, "message": "The request you have made requires authentication."}}"#,
    );
    let server = Server::start([
        Answer::ok(NO_SERVERS),
        refused.clone(),
        Answer::new(202, "", r#"{"server": {"id": "s"}}"#),
    ]);
    let cloud = server.client();
    list(&cloud).await.unwrap();
    assert_eq!(cloud.create_server(&new_server()).await.unwrap(), "s");
    assert_eq!(server.lines().len(), 5);
    let used: Vec<_> = server
        .requests()
        .iter()
        .filter_map(|request| {
            request.lines().find_map(|line| line.strip_prefix("x-auth-token: ").map(str::to_owned))
        })
        .collect();
    assert_eq!(used, ["the-token-1", "the-token-1", "the-token-2"]);

    let server = Server::start([refused]);
    let error = server.client().create_server(&new_server()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(!error.outcome_unknown(), "{error}");
    assert_eq!(server.lines(), [AUTH, "POST /v2.1/servers", AUTH, "POST /v2.1/servers"]);
}

#[tokio::test]
async fn many_callers_share_one_token() {
    let server = Server::start([Answer::ok(NO_SERVERS)]);
    let cloud = server.client();
    let calls = (0..8).map(|_| {
        let cloud = cloud.clone();
        tokio::spawn(async move { list(&cloud).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(server.lines().iter().filter(|line| *line == AUTH).count(), 1);

    // Another project is another token; the same project again is not.
    list(&cloud.in_project("other")).await.unwrap();
    list(&cloud.in_project("other")).await.unwrap();
    assert_eq!(server.lines().iter().filter(|line| *line == AUTH).count(), 2);
}

#[tokio::test]
async fn a_token_about_to_expire_is_renewed_before_it_is_used() {
    let server = Server::with_keystone([Answer::ok(NO_SERVERS)], |number, url| {
        let Answer::Text(text) = token(&format!("{TOKEN}-{number}"), url) else { unreachable!() };
        Answer::Text(match number {
            1 => text.replace("2099", "2020"),
            _ => text,
        })
    });
    let cloud = server.client();
    for _ in 0..3 {
        list(&cloud).await.unwrap();
    }
    assert_eq!(server.lines().iter().filter(|line| *line == AUTH).count(), 2);
}

#[tokio::test]
async fn a_token_that_was_given_is_exchanged_and_not_renewed() {
    let server = Server::start([Answer::new(401, "", "{}")]);
    let cloud = Cloud::builder(&server.url, Credentials::Token("given".into()));
    let cloud = cloud.scope(Scope::Project("p".to_owned())).build().unwrap();
    let error = list(&cloud).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_shown_and_its_outcome_is_unknown() {
    let bodies = [
        "<html>Welcome to the hotel! hunter2</html>",
        r#"{"server": {"adminPass": "hunter2"}}"#,
        r#"{"server": {"id": 7, "adminPass": "hunter2"}}"#,
        r#"{"server": "hunter2"}"#,
        r#"{"adminPass": "hunter2"}"#,
        "",
    ];
    for body in bodies {
        let server = Server::start([Answer::ok(body)]);
        let error = server.client().create_server(&new_server()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Garbled, "{error}");
        assert!(error.outcome_unknown() && error.request_id() == Some("req-200"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        assert_eq!(server.lines().len(), 2, "it was sent again");
    }
}

#[tokio::test]
async fn what_a_service_repeats_of_a_request_is_hidden() {
    let secrets = ["the-user-data", "dGhlLXVzZXItZGF0YQ==", "the-token-1"];
    let echo = Answer::new(400, "", &format!("I got {}", secrets.join(" and ")));
    let server = Server::start([echo]);
    let error = server.client().create_server(&new_server()).await.unwrap_err();
    assert_eq!(error.message(), "I got *** and *** and ***");

    let echo =
        Answer::new(400, "", r#"{"error": {"message": "user: {password: the-\"password\"}"}}"#);
    let server = Server::start([echo.clone()]);
    let user = NewUser { password: Some(PASSWORD.into()), ..NewUser::default() };
    let error = server.client().create_user(&user).await.unwrap_err();
    assert!(!format!("{error:?}").contains("password\\\"}"), "{error}");
    assert!(error.message().contains("***"), "{error}");

    let server = Server::with_keystone([Answer::ok("")], move |_, _| echo.clone());
    let error = list(&server.client()).await.unwrap_err();
    assert_eq!((error.service(), error.kind()), (Service::Identity, ErrorKind::Invalid));
    assert!(error.message().contains("***"), "{error}");
    assert!(!format!("{:?} {:?}", server.client(), user).contains("the-\\\""));
}

#[tokio::test]
async fn a_listing_follows_the_next_page_on_the_services_own_address() {
    let item = |id: &str| {
        format!(
            r#"{{"id": "{id}", "name": "n", "status": "ACTIVE", "tenant_id": "p", "user_id": "u", "created": "c",
            "image": "", "flavor": {{"original_name": "f"}}}}"#
        )
    };
    let page = |ids: &[&str], next: &str| {
        let items: Vec<_> = ids.iter().map(|id| item(id)).collect();
        Answer::ok(&format!(
            r#"{{"servers": [{}], "servers_links": [{{"rel": "next", "href": "{next}"}}]}}"#,
            items.join(",")
        ))
    };
    let server = Server::start([
        page(&["a", "b"], "http://evil.example.org/x?limit=2&marker=b&tags=t"),
        page(&[], "http://evil.example.org/x?limit=2&marker=c"),
        Answer::ok(&format!(r#"{{"servers": [{}]}}"#, item("d"))),
    ]);
    let query = ServerQuery { tag: Some("t".to_owned()), ..ServerQuery::default() };
    let found = server.client().servers(&query).all().await.unwrap();
    let ids: Vec<_> = found.iter().map(|server| server.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "d"]);
    assert_eq!(
        server.lines()[1..],
        [
            "GET /v2.1/servers/detail?tags=t&limit=100",
            "GET /v2.1/servers/detail?tags=t&limit=2&marker=b",
            "GET /v2.1/servers/detail?tags=t&limit=2&marker=c",
        ]
    );

    let round = Server::start([page(&["a"], "http://h/x?marker=a")]);
    let error = round.client().servers(&query).all().await.unwrap_err();
    assert!(error.message().contains("does not end"), "{error}");
    assert_eq!(gets(&round), 2);
}

#[tokio::test]
async fn an_image_that_glance_stops_taking_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image");
    std::fs::write(&file, vec![7; 1 << 20]).unwrap();
    let server = Server::start([Answer::Silence]);
    let error = server.client().upload_image("i", &file).await.unwrap_err();
    assert!(error.outcome_unknown() && error.message().contains("nothing moved for 2s"), "{error}");

    let missing = server.client().upload_image("i", &folder.path().join("none")).await.unwrap_err();
    assert!(missing.message().contains("cannot be read"), "{missing}");
}

#[tokio::test]
async fn a_cloud_that_is_too_old_says_what_it_knows() {
    let old = r#"{"computeFault": {"message": "Version 2.79 is not supported by the API. Minimum is 2.1 and maximum is 2.60.", "code": 406}}"#;
    let server = Server::start([Answer::new(406, "", old)]);
    let error = list(&server.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("maximum is 2.60"), "{error}");
    assert!(server.requests()[1].contains("x-openstack-nova-api-version: 2.79"));
}
