//! What should be there, as the rows say it: a line each, in order.

use crate::world::World;

/// A query each, of which each row is a line.
const LINES: [&str; 16] = [
    "SELECT 'project ' || c.tenant_id || ' ' || s.login_base || ' ' || s.enabled || ' ' || s.name AS word
     FROM controller_sites AS c JOIN sites AS s ON s.id = c.site_id",
    "SELECT 'project ' || c.tenant_id || ' ' || s.name || ' ' || s.enabled || ' ' || s.description AS word
     FROM controller_slices AS c JOIN slices AS s ON s.id = c.slice_id",
    "SELECT 'user ' || c.kuser_id || ' ' || u.email || ' ' || u.is_active AS word
     FROM controller_users AS c JOIN users AS u ON u.id = c.user_id",
    "SELECT 'role ' || u.email || ' ' || r.role || ' ' || s.login_base AS word
     FROM controller_site_privileges AS c JOIN site_privileges AS p ON p.id = c.site_privilege_id
         JOIN users AS u ON u.id = p.user_id JOIN sites AS s ON s.id = p.site_id
         JOIN site_roles AS r ON r.id = p.role_id",
    // Keystone's `admin` would be the whole cloud's.
    "SELECT 'role ' || u.email || ' ' || CASE r.role WHEN 'admin' THEN 'manager' ELSE r.role END
         || ' ' || s.name AS word
     FROM controller_slice_privileges AS c JOIN slice_privileges AS p ON p.id = c.slice_privilege_id
         JOIN users AS u ON u.id = p.user_id JOIN slices AS s ON s.id = p.slice_id
         JOIN slice_roles AS r ON r.id = p.role_id",
    "SELECT 'role root admin ' || name AS word FROM slices",
    "SELECT 'key xos-' || b.uid AS word FROM users AS u JOIN users_sync AS b ON b.object_id = u.id
     WHERE u.public_key IS NOT NULL",
    "SELECT 'image ' || c.glance_image_id || ' ' || i.name || ' active public ' || i.disk_format AS word
     FROM controller_images AS c JOIN images AS i ON i.id = c.image_id",
    "SELECT 'network ' || c.net_id || ' ' || n.name || ' ' || p.tenant_id AS word
     FROM controller_networks AS c JOIN networks AS n ON n.id = c.network_id
         JOIN controller_slices AS p ON p.slice_id = n.owner_id",
    "SELECT 'subnet ' || subnet_id || ' ' || net_id || ' ' || subnet AS word FROM controller_networks",
    // What is at the router: the external network, and the subnet.
    "SELECT 'router ' || c.router_id || ' ' || n.name || ' ' || p.tenant_id || ' leads out of ' || c.subnet_id
         AS word
     FROM controller_networks AS c JOIN networks AS n ON n.id = c.network_id
         JOIN controller_slices AS p ON p.slice_id = n.owner_id
         JOIN network_templates AS t ON t.id = n.template_id AND t.translation = 'nat'",
    "SELECT 'group default ' || tenant_id AS word FROM controller_slices",
    "SELECT 'server ' || i.instance_id || ' ' || i.name || ' ACTIVE ' || f.flavor || ' '
         || c.glance_image_id || ' ' || p.tenant_id || ' ' || b.uid AS word
     FROM instances AS i JOIN instances_sync AS b ON b.object_id = i.id JOIN slices AS s ON s.id = i.slice_id
         JOIN flavors AS f ON f.id = COALESCE(i.flavor_id, s.default_flavor_id)
         JOIN controller_images AS c ON c.image_id = i.image_id
         JOIN controller_slices AS p ON p.slice_id = i.slice_id",
    // But for those of `goal::RESIZED`.
    "SELECT 'host ' || i.instance_id || ' ' || n.name AS word
     FROM instances AS i JOIN nodes AS n ON n.id = i.node_id
     WHERE i.name NOT IN ('hub_web-1', 'hub_db-1', 'hub_job-1', 'hub_job-5')",
    "SELECT 'address ' || i.instance_id || ' ' || n.name || ' ' || p.ip AS word
     FROM ports AS p JOIN instances AS i ON i.id = p.instance_id JOIN networks AS n ON n.id = p.network_id",
    "SELECT 'port ' || p.port_id || ' ' || p.mac || ' ' || p.ip || ' ' || c.subnet_id AS word
     FROM ports AS p JOIN controller_networks AS c ON c.network_id = p.network_id",
];

/// What should be there.
pub(super) async fn lines(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for query in LINES {
        for line in world.words(query).await {
            lines.push(line.unwrap_or_else(|| panic!("something is not known: {query}")));
        }
    }
    lines.sort();
    lines
}

/// How many lines there are of each kind, in order.
pub(super) fn counts(lines: &[String]) -> Vec<(&str, usize)> {
    let mut counts = Vec::<(&str, usize)>::new();
    for line in lines {
        let (kind, _) = line.split_once(' ').unwrap();
        match counts.last_mut() {
            Some((last, count)) if *last == kind => *count += 1,
            _ => counts.push((kind, 1)),
        }
    }
    counts
}
