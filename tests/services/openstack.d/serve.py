"""serve.py NAME MODULE PORT THREADS: serves the module's `application`."""

import importlib
import sys

name, module, port, threads = sys.argv[1:]
sys.argv = [name]  # the applications read it

from loopback_wsgi import serve  # noqa: E402

serve(name, importlib.import_module(module).application, int(port), int(threads))
