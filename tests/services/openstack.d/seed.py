"""seed.py services KEYSTONE ADMIN_PASSWORD SERVICE_PASSWORD TYPE=NAME=URL...
       makes the services' user and the catalogue;
seed.py wait KEYSTONE ADMIN_PASSWORD SINCE HOST...
       waits until Nova's services have reported since SINCE (seconds) and the hosts have an inventory."""

import calendar
import sys
import time

from keystoneauth1 import exceptions, identity, session

mode, keystone, password, *rest = sys.argv[1:]
admin = session.Session(
    identity.V3Password(
        keystone,
        username="admin",
        password=password,
        user_domain_id="default",
        project_name="admin",
        project_domain_id="default",
        reauthenticate=True,
    ),
    timeout=60,
)


def at(service):
    return {"endpoint_filter": {"service_type": service, "interface": "public"}}


def make(kind, **fields):
    return admin.post(f"{keystone}/{kind}s", json={kind: fields}).json()[kind]["id"]


def services(service_password, *catalogue):
    project = make("project", name="service", domain_id="default")
    user = make("user", name="svc", domain_id="default", password=service_password)
    roles = {role["name"]: role["id"] for role in admin.get(f"{keystone}/roles").json()["roles"]}
    for role in ("admin", "service"):
        admin.put(f"{keystone}/projects/{project}/users/{user}/roles/{roles[role]}")
    for entry in catalogue:
        kind, name, url = entry.split("=")
        service = make("service", type=kind, name=name, enabled=True)
        for interface in ("public", "internal", "admin"):
            make("endpoint", service_id=service, interface=interface, url=url, region_id="RegionOne")


def reported(service, since):
    at = service["updated_at"] and time.strptime(service["updated_at"][:19], "%Y-%m-%dT%H:%M:%S")
    return service["state"] == "up" and at and calendar.timegm(at) >= since


def up(since, hosts):
    """Whether all is there; a restored database still has the heartbeats of the last run."""
    found = admin.get("/os-services", **at("compute")).json()["services"]
    found = {(s["binary"], s["host"]) for s in found if reported(s, since)}
    wanted = {("nova-compute", host) for host in hosts}
    wanted |= {(f"nova-{name}", "controller") for name in ("conductor", "scheduler")}
    providers = admin.get("/resource_providers?resources=VCPU:1", microversion="1.39", **at("placement"))
    return wanted <= found and len(providers.json()["resource_providers"]) >= len(hosts)


def wait(since, *hosts):
    end = time.time() + 120
    while time.time() < end:
        try:
            if up(int(since), hosts):
                return
            last = "not all services have reported"
        except exceptions.ClientException as error:
            last = error
        time.sleep(0.3)
    sys.exit(f"the cloud is not up: {last}")


{"services": services, "wait": wait}[mode](*rest)
