# What must be on the machine: Debian's MariaDB, and OpenStack in a virtual environment of its own.
# Read by tests/services/openstack.

PATH=$PATH:/usr/sbin

install_packages() {
    command -v flock >/dev/null || die "needs flock (package util-linux)"
    command -v curl >/dev/null || install_package curl
    if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then
        install_package mariadb-server-core
    fi
    command -v mariadb >/dev/null || install_package mariadb-client-core
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || die "needs python3, 3.11 or newer"
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv
}

# The packages named -core are programs only: no server of the system's is started.
install_package() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "needs the package $1 (Debian, Ubuntu: apt-get install --no-install-recommends $1)"
    fi
    say "installing the package $1"
    [ -n "${updated:-}" ] || { apt-get -qq update >&2; updated=1; }
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$1" >/dev/null
}

# A virtual environment cannot be moved, so it is built in place, under a lock; the marker, laid down
# last, tells a whole one from one whose installation was interrupted.
install_venv() {
    [ -e "$venv/.complete" ] && return
    mkdir -p "$(dirname "$venv")"
    (
        flock 9
        [ -e "$venv/.complete" ] && exit 0
        say "installing OpenStack into $venv (two minutes, 600 MB)"
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        # First what is pinned, as it is, which saves the search for versions that fit; then whatever
        # another Python than the one that the versions were pinned with needs besides.
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --no-deps -r "$files/constraints.txt" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r "$files/requirements.txt" -c "$files/constraints.txt" >&2
        : >"$venv/.complete"
    ) 9>"$venv.lock"
    [ -e "$venv/.complete" ] || die "the installation failed"
}
