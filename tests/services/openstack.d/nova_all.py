"""nova_all.py PORT THREADS HOST...: all of Nova in one process with calls in memory, the way of Nova's
own functional tests: API, conductor, scheduler, and a compute service for each HOST."""

import sys

port, threads, *hosts = sys.argv[1:]
sys.argv = ["nova-all"]  # Nova reads it

from nova import monkey_patch  # noqa: E402

monkey_patch.patch(backend="threading")

import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
import types  # noqa: E402

import loopback_nova  # noqa: E402, F401
import os_vif  # noqa: E402
from loopback_wsgi import serve  # noqa: E402
from nova import objects, service  # noqa: E402
from nova.compute import rpcapi as compute  # noqa: E402
from nova.conductor import rpcapi as conductor  # noqa: E402
from nova.scheduler import rpcapi as scheduler  # noqa: E402
from nova.wsgi import osapi_compute  # noqa: E402
from oslo_messaging._drivers import impl_fake  # noqa: E402

# The driver in memory looks for messages each 50 ms.
impl_fake.time = types.SimpleNamespace(time=time.time, sleep=lambda s: time.sleep(min(s, 0.01)))
objects.register_all()
os_vif.initialize()
running = []


def run(binary, host, topic, other_topic=None):
    made = service.Service.create(binary=binary, host=host, topic=topic, topic_alt=other_topic)
    made.start()
    running.append(made)


def boot():
    try:
        run("nova-conductor", "controller", conductor.RPC_TOPIC)
        run("nova-scheduler", "controller", scheduler.RPC_TOPIC)
        for host in hosts:
            run("nova-compute", host, compute.RPC_TOPIC, compute.RPC_TOPIC_ALT)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


threading.Thread(target=boot, daemon=True).start()
serve("nova", osapi_compute.application, int(port), int(threads))
