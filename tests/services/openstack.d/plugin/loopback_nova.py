"""Nova's fake virt driver for tests, and what Nova needs patched for it. Import before Nova's drivers.

A server whose name contains `loopback-fail` goes to ERROR; `loopback-slow` takes 15 s more to build.
"""

import sys
import time
import types
import uuid

import nova.virt
from nova import exception
from nova.compute import manager
from nova.scheduler.client import report
from nova.servicegroup import api as servicegroup
from nova.virt import fake


class LoopbackDriver(fake.FakeDriver):
    """Nodes keep their identity over a restart; FakeDriver makes a random one each time."""

    def _uuid(self, node):
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, "loopback-" + node))

    def get_available_resource(self, nodename):
        resource = super().get_available_resource(nodename)
        if resource:
            resource["uuid"] = self._uuid(nodename)
        return resource

    def get_nodenames_by_uuid(self, refresh=False):
        return {self._uuid(node): node for node in self.get_available_nodes()}

    def spawn(self, context, instance, *args, **named):
        name = instance.display_name or ""
        if "loopback-fail" in name:
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason="loopback-fail")
        if "loopback-slow" in name:
            time.sleep(15)
        return super().spawn(context, instance, *args, **named)


# `compute_driver` must name something below nova.virt.
module = types.ModuleType("nova.virt.loopback")
module.LoopbackDriver = LoopbackDriver
sys.modules["nova.virt.loopback"] = module
nova.virt.loopback = module

# At every claim the resource tracker reads the allocations of every server of the node, one GET each,
# to heal PCI devices, of which the fake driver has none: 100 servers would cost 10,000 requests.
report.SchedulerReportClient.get_allocations_for_provider_tree = lambda self, context, node: {}
# The first heartbeat at once, not after 5 s: the scheduler passes over a compute with an old one.
servicegroup.INITIAL_REPORTING_DELAY = 0
# A node's identity comes from its host's name, not from a file in state_path.
manager.ComputeManager._ensure_existing_node_identity = lambda self, service_ref: None
