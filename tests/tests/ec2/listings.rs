//! What EC2 offers, as rows; and what it no longer offers.

use diesel::prelude::*;
use serde_json::json;
use xos_sync_core::models::{
    Image, Node, Site, SiteDeployment, images, nodes, site_deployments, sites,
};
use xos_sync_core::status::State;

use super::world::{World, message};

#[tokio::test(flavor = "multi_thread")]
async fn zones_types_and_images_become_rows_once() {
    let world = World::discovered("ap-northeast-1").await;
    let zones = ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"];
    for _ in 0..2 {
        let (found, links, types, amis) = world
            .write(|conn| {
                let sites: Vec<Site> =
                    sites::table.order(sites::login_base).select(Site::as_select()).load(conn)?;
                let links: Vec<SiteDeployment> =
                    site_deployments::table.select(SiteDeployment::as_select()).load(conn)?;
                let nodes: Vec<Node> = nodes::table.select(Node::as_select()).load(conn)?;
                let images: Vec<Image> = images::table.select(Image::as_select()).load(conn)?;
                Ok((sites, links, nodes, images))
            })
            .await;
        assert_eq!(found.iter().map(|site| site.login_base.as_str()).collect::<Vec<_>>(), zones);
        assert_eq!(links.len(), 3);
        assert_eq!(types.len(), 6, "two types in three zones");
        assert!(types.iter().any(|node| node.name == "t3.small.ap-northeast-1c"));
        assert_eq!(amis.len(), 2, "{amis:#?}");
        assert!(amis.iter().all(|ami| ami.backend_id == ami.path && ami.path.is_some()));
        world.checked().await;
    }
    assert_eq!(world.proxy.changes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_vanished_is_shown_and_heals_when_it_is_back() {
    let world = World::discovered("ap-northeast-2").await;
    // Seen from another region, the zones are gone.
    let status = world
        .until_in("ap-northeast-3", true, "the error on the site", |status| {
            let gone = |it: &&xos_sync_core::status::ObjectStatus| {
                it.model == "Site" && it.state == State::Failed
            };
            status.objects.iter().filter(gone).count() >= 4
        })
        .await;
    let said = message(&status, "Site", State::Failed).unwrap();
    assert!(
        said.contains("zone ap-northeast-2a is no longer offered by EC2 in region ap-northeast-3"),
        "{said}"
    );
    world.sql("DELETE FROM sites WHERE login_base LIKE 'ap-northeast-3%'").await;
    world
        .until_in("ap-northeast-2", true, "the zones", |status| {
            message(status, "Site", State::Failed).is_none()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_images_are_listed_and_one_that_vanished_is_shown() {
    let world = World::discovered("ap-east-1").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let id = world.get(web.id).await.into_object().instance_id.unwrap();
    let made = world.moto.call(
        world.region,
        "create_image",
        &json!({ "InstanceId": id, "Name": "our golden image" }),
    );
    world.checked().await;
    let golden = |conn: &mut xos_sync_core::db::AnyConnection| -> QueryResult<Image> {
        images::table
            .filter(images::name.eq("our golden image"))
            .select(Image::as_select())
            .first(conn)
    };
    assert_eq!(world.write(golden).await.backend_id.as_deref(), made["ImageId"].as_str());

    world.moto.call(world.region, "deregister_image", &json!({ "ImageId": made["ImageId"] }));
    let status = world
        .until_in(world.region, true, "the error on the image", |status| {
            message(status, "Image", State::Failed).is_some()
        })
        .await;
    let said = message(&status, "Image", State::Failed).unwrap();
    assert!(said.contains("there is no image ami-") && said.contains("ap-east-1"), "{said}");
    assert_eq!(world.witness().only()["id"], id, "the instance of another image is not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ec2_does_not_offer_is_said() {
    let world = World::discovered("af-south-1").await;
    world
        .sql("INSERT INTO nodes (name, site_deployment_id) SELECT 't9.huge.' || availability_zone, id FROM site_deployments LIMIT 1")
        .await;
    let said = world.failure("Node").await;
    assert!(said.contains("does not offer the instance type t9.huge in zone af-south-1"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_not_ec2s_are_none_of_its_business() {
    let world = World::discovered("eu-south-1").await;
    world.sql("INSERT INTO deployments (name) VALUES ('ViCCI')").await;
    world.sql("INSERT INTO sites (name, login_base) VALUES ('Princeton', 'princeton')").await;
    world.sql("INSERT INTO images (name, path) VALUES ('local', '/images/local.img')").await;
    world
        .sql(
            "INSERT INTO site_deployments (site_id, deployment_id) SELECT s.id, d.id FROM sites s, deployments d \
             WHERE s.login_base = 'princeton' AND d.name = 'ViCCI'",
        )
        .await;
    world
        .sql("INSERT INTO nodes (name, site_deployment_id) SELECT 'node1.princeton', max(id) FROM site_deployments")
        .await;
    let status = world.in_line().await;
    for (model, foreign) in
        [("Deployment", 1), ("Site", 1), ("Image", 1), ("SiteDeployment", 1), ("Node", 1)]
    {
        let counts = &status.models.iter().find(|it| it.model == model).unwrap().counts;
        assert_eq!(counts.get(&State::Goal), Some(&foreign), "{model}: {counts:?}");
    }
}
