"""What the Python clients have in common: operations from the input, a line for each."""

import sys
from urllib.parse import parse_qs, urlsplit


def settings(url: str) -> dict:
    """The parts of a database's URL: of a server with a search path, or a file."""
    if not url.startswith("postgres"):
        return {"file": url}
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "dbname": parts.path[1:],
        "options": parse_qs(parts.query).get("options", [""])[0],
    }


def serve(operations: dict) -> None:
    """Runs `operation argument…` for each line, until the input ends."""
    for line in sys.stdin:
        name, *arguments = line.split()
        try:
            answer = f"ok {operations[name](*arguments)}"
        except Exception as error:  # what an application would see
            text = " ".join(str(error).split())
            answer = f"error {type(error).__name__}: {text}"
        print(answer, flush=True)
