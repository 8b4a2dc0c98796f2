"""The moto server as tests/services/moto starts it: `moto_server.py DIR PORT`.

Besides serving, it writes DIR/port once it is ready, and one line a request to DIR/actions.log,
before the client gets the reply.
"""

import io
import os
import signal
import sys
import threading
import time
from datetime import datetime, timezone
from urllib.parse import parse_qsl

# Without these, unknown images, key pairs and instance types are accepted.
os.environ.setdefault("MOTO_ENABLE_AMI_VALIDATION", "1")
os.environ.setdefault("MOTO_ENABLE_KEYPAIR_VALIDATION", "1")
os.environ.setdefault("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "1")

from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server  # noqa: E402
from werkzeug.test import Client  # noqa: E402


def write(path: str, text: str) -> None:
    """Writes a file so that a reader sees all of it or nothing."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


class Recorded:
    """Passes requests on to `app` and records the action and status of each."""

    def __init__(self, app, path: str) -> None:
        self.app = app
        self.log = open(path, "a", buffering=1, encoding="utf-8")
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        pairs = dict(parse_qsl(body.decode("utf-8", "replace"))) if form else {}
        name = pairs.get("Action")
        what = f"ACTION {name}" if name else f"OTHER {environ['REQUEST_METHOD']} {environ['PATH_INFO']}"

        def recorded(status, headers, exc_info=None):
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            with self.lock:
                self.log.write(f"{now} {what} {status.split(' ')[0]}\n".replace("\r", ""))
            return start_response(status, headers, exc_info)

        return self.app(environ, recorded)


def watch(pid_file: str) -> None:
    """Ends this process when its pid file is gone or names another one."""
    while True:
        time.sleep(2)
        try:
            with open(pid_file, encoding="utf-8") as file:
                own = file.read().strip() == str(os.getpid())
        except OSError:
            own = False
        if not own:
            os._exit(0)


def main() -> None:
    folder, port = sys.argv[1], int(sys.argv[2])
    pid_file = os.path.join(folder, "pid")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    write(pid_file, f"{os.getpid()}\n")
    threading.Thread(target=watch, args=(pid_file,), daemon=True).start()

    app = DomainDispatcherApplication(create_backend_app)
    # The first request loads the EC2 part, which takes seconds: do it before anybody waits.
    scope = "AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/ec2/aws4_request, Signature=x"
    Client(app).post(
        "/",
        data={"Action": "DescribeAvailabilityZones", "Version": "2016-11-15"},
        headers={"Authorization": scope, "Host": "127.0.0.1"},
    )
    server = make_server(
        "127.0.0.1",
        port,
        Recorded(app, os.path.join(folder, "actions.log")),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.port)
    write(os.path.join(folder, "port"), f"{server.port}\n")
    server.serve_forever()


main()
