//! Brought up, changed, and taken down to nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use xos_sync_core::status::{ObjectStatus, State, Status};

use super::goal::{self, Offer};
use super::rows::{self, counts};
use super::witness::{Witness, openstack_does};
use crate::loopback::eventually;
use crate::proxy::changes;
use crate::world::World;

/// How long the witness and the rows may differ.
const LONGEST: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn thirty_instances_come_change_and_go() {
    let world = World::new("whole", 1).await;
    let offer = Offer::new(&world).await;
    let mut witness = Witness::default();
    let clock = Clock::default();
    goal::begin(&world).await;
    world.in_line().await;
    goal::populate(&world).await;
    world.in_line().await;
    clock.tell("brought up");
    // The listing of ports adds their rows.
    world.checked().await;
    clock.tell("its ports listed");
    let there = is_as_the_rows_say(&world, &offer, &mut witness).await;
    assert_eq!(
        counts(&there),
        [
            ("address", 35),
            ("group", 6),
            ("host", 26),
            ("image", 2),
            ("key", 2),
            ("network", 6),
            ("port", 35),
            ("project", 8),
            ("role", 14),
            ("router", 2),
            ("server", 30),
            ("subnet", 6),
            ("user", 5),
        ]
    );
    clock.tell("seen by the witness");
    only_looked_at(&world).await;
    clock.tell("looked at once more");

    change(&world).await;
    clock.tell("changed");
    break_servers(&world).await;
    clock.tell("broken and repaired");
    world.checked().await;
    let there = is_as_the_rows_say(&world, &offer, &mut witness).await;
    assert_eq!(
        counts(&there),
        [
            ("address", 45),
            ("group", 6),
            ("host", 26),
            ("image", 2),
            ("key", 2),
            ("network", 7),
            ("port", 45),
            ("project", 8),
            ("role", 14),
            ("router", 2),
            ("server", 30),
            ("subnet", 7),
            ("user", 5),
        ]
    );
    clock.tell("seen by the witness");
    only_looked_at(&world).await;
    clock.tell("looked at once more");

    take_down(&world).await;
    clock.tell("taken down");
    assert_eq!(is_as_the_rows_say(&world, &offer, &mut witness).await, [""; 0]);
    clock.tell("seen by the witness");
    offer.close(&world).await;
    world.close().await;
}

/// What the witness sees and what the rows say come to be the same; returns it. Nova shows what has
/// changed of a server a moment later.
async fn is_as_the_rows_say(world: &World, offer: &Offer, witness: &mut Witness) -> Vec<String> {
    let end = Instant::now() + LONGEST;
    loop {
        let (there, rows) = (witness.lines(world, offer), rows::lines(world).await);
        if there == rows || Instant::now() > end {
            assert_eq!(there, rows);
            return there;
        }
    }
}

/// Each step comes round once more, and changes nothing.
async fn only_looked_at(world: &World) {
    world.take();
    world.checked().await;
    let calls = world.take();
    assert_eq!(changes(&calls), [""; 0], "it only reads");
    let mut reads = BTreeMap::<_, usize>::new();
    for call in &calls {
        let path = call.split(['/', '?']).take(3).collect::<Vec<_>>().join("/");
        *reads.entry(path).or_default() += 1;
    }
    println!("a settled pass: 0 changing requests, {} reading ones: {reads:?}", calls.len());
}

/// What people change.
async fn change(world: &World) {
    let name = &world.name;
    for statement in [
        "UPDATE instances SET name = 'new-' || name WHERE name LIKE 'lab_web-%' AND name > 'lab_web-2'"
            .to_owned(),
        format!(
            "UPDATE instances SET flavor_id = (SELECT id FROM flavors WHERE flavor = '{name}-large')
             WHERE name IN ('hub_web-1', 'hub_db-1', 'hub_job-1')"
        ),
        "UPDATE instances SET flavor_id = NULL WHERE name = 'hub_job-5'".to_owned(),
        "UPDATE users SET is_active = FALSE WHERE email = 'eve@x.example'".to_owned(),
        "UPDATE slices SET description = 'another one' WHERE name = 'hub_db'".to_owned(),
        "DELETE FROM slice_privileges WHERE user_id = (SELECT id FROM users WHERE email = 'bob@x.example')"
            .to_owned(),
        goal::privilege("slice", "cleo", "hub_job", "admin"),
        "INSERT INTO networks (name, template_id, owner_id)
         SELECT 'hub_web-extra', t.id, s.id FROM slices AS s, network_templates AS t
         WHERE s.name = 'hub_web' AND t.name = 'inner'"
            .to_owned(),
        goal::joins("lab_job", "lab_web-net"),
    ] {
        world.sql(&statement).await;
    }
    world.in_line().await;
    // The listing finds the servers of slices that are on other networks now.
    world.checked().await;
}

/// What happens behind our back: one server breaks, another one goes.
async fn break_servers(world: &World) {
    let server = async |name: &str| {
        world
            .word(&format!("SELECT instance_id AS word FROM instances WHERE name = '{name}'"))
            .await
    };
    let (broken, lost) = (server("lab_db-2").await, server("hub_db-2").await);
    openstack_does(&[
        format!("server set --state error --auto-approve {broken}"),
        format!("server delete --wait {lost}"),
    ]);
    let is_told = |status: &Status| {
        let failed = |it: &&ObjectStatus| it.model == "Instance" && it.state == State::Failed;
        let open = status.objects.iter().filter(|it| it.state != State::Enacted).count();
        open == 1 && status.objects.iter().any(|it| failed(&it))
    };
    world.looked("the broken one is told, and all others are in line", is_told).await;
    let said = "SELECT b.backend_status AS word FROM instances AS i JOIN instances_sync AS b ON b.object_id = i.id
                WHERE i.name = 'lab_db-2'";
    let said = world.word(said).await;
    assert!(
        said.contains(&format!("the server {broken}, which has run, is in the state ERROR")),
        "{said}"
    );
    assert!(said.contains("delete it there to have another one made"), "{said}");
    let admin = &world.side().admin;
    admin.delete_server(&broken).await.unwrap();
    eventually("the end of a server", async || match admin.server(&broken).await {
        Err(error) if error.is_not_found() => Ok(Some(())),
        other => other.map(|_| None),
    })
    .await;
    world.checked().await;
    assert_ne!((server("lab_db-2").await, server("hub_db-2").await), (broken, lost));
}

/// All goes, but for the project in which somebody else has put something, until that is gone.
async fn take_down(world: &World) {
    let project = world.side().project("lab_web").await.id;
    let group = format!("theirs-{}", world.name);
    openstack_does(&[format!("security group create --project {project} {group}")]);
    for image in ["disk", "other"] {
        std::fs::remove_file(world.file(&format!("{}-{image}.raw", world.name), "")).unwrap();
    }
    for table in ["slices", "users", "sites", "images"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    let is_last = |status: &Status| {
        let left = |model: &str| status.objects.iter().filter(|it| it.model == model).count();
        (left("ControllerSlice"), left("Instance"), left("ControllerNetwork")) == (1, 0, 0)
    };
    let mut said = String::new();
    // Until it was looked at once more it tells of something that has gone meanwhile.
    while !said.contains(&format!("it has the security group {group}")) {
        world.until("the project is all that is left", is_last).await;
        said = world
            .word("SELECT COALESCE(backend_status, '') AS word FROM controller_slices_sync")
            .await;
    }
    assert!(said.starts_with("waiting until the project lab_web is empty"), "{said}");
    openstack_does(&[format!("security group delete {group}")]);
    world.in_line().await;
}

/// Tells how long things took.
struct Clock(std::cell::Cell<Instant>);

impl Default for Clock {
    fn default() -> Self {
        Self(std::cell::Cell::new(Instant::now()))
    }
}

impl Clock {
    fn tell(&self, what: &str) {
        println!("{what}: {:.1} s", self.0.replace(Instant::now()).elapsed().as_secs_f64());
    }
}
