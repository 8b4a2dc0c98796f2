"""Serves a WSGI application with waitress, and writes a line a request to DIR/log/access-NAME.log:
start, milliseconds, method, path and query, status, user agent."""

import os
import signal
import time

import waitress

LINE = "%.3f %5.0f %s %s%s %s %s\n"


def end_at_once(*_):
    os._exit(0)


def logged(application, log):
    def call(environ, start_response):
        began, statuses = time.time(), []
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        query = environ.get("QUERY_STRING")

        def noted(status, headers, *exception):
            statuses.append(status[:3])
            return start_response(status, headers, *exception)

        try:
            return application(environ, noted)
        finally:
            log.write(
                LINE
                % (
                    began,
                    (time.time() - began) * 1000,
                    environ["REQUEST_METHOD"],
                    path,
                    "?" + query if query else "",
                    statuses[-1] if statuses else "-",
                    environ.get("HTTP_USER_AGENT", "-")[:60],
                )
            )

    return call


def serve(name, application, port, threads):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, end_at_once)
    log = open(os.path.join("log", f"access-{name}.log"), "a", buffering=1)
    waitress.serve(
        logged(application, log),
        listen=f"127.0.0.1:{port}",
        threads=threads,
        connection_limit=1000,
        backlog=256,
        channel_timeout=300,
        asyncore_use_poll=True,
        max_request_body_size=1 << 40,
        ident=None,
    )
