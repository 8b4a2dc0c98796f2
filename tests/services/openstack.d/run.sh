# Starts and ends one cloud on the state in DIR/data. The current folder is DIR.
# Read by tests/services/openstack.

running() {
    local name
    [ -e clouds.yaml ] || return 1
    for name in mysql "${services[@]}"; do [ -n "$(pid_of "$name")" ] || return 1; done
}

sql() { mariadb --no-defaults --socket="$socket" --user=root "$@"; }

start_mysql() {
    local as=()
    [ "$(id -u)" != 0 ] || as=(--user=root)
    launch mysql mariadbd --no-defaults "${as[@]}" --datadir="$PWD/data/mysql" --socket=mysql.sock \
        --pid-file=mysql.pid --skip-networking --skip-log-bin --innodb-flush-log-at-trx-commit=0 \
        --innodb-doublewrite=0 --innodb-flush-method=nosync --innodb-buffer-pool-size=128M \
        --innodb-log-file-size=24M --performance-schema=off --max-connections=400 \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci
    await MariaDB sql -e 'select 1'
}

# NAME MODULE THREADS
start_api() { launch "$1" "$venv/bin/python" "$files/serve.py" "$1" "$2" "$(port_of "$1")" "$3"; }

start_keystone() { start_api keystone keystone.wsgi.api 4; }

start_others() {
    start_api placement placement.wsgi.api 4
    start_api glance glance.wsgi.api 4
    start_api neutron neutron.wsgi.api 6
    launch nova "$venv/bin/python" "$files/nova_all.py" "$(port_of nova)" 8 "${hosts[@]}"
}

answers() { [ "$(curl --noproxy '*' -s -m 5 -o /dev/null -w '%{http_code}' "$1/")" -gt 0 ]; }

# The catalogue that was seeded has the ports of another cloud.
set_endpoints() {
    local entry
    {
        for entry in identity=keystone=/v3 image=glance= placement=placement= compute=nova=/v2.1 network=neutron=; do
            IFS='=' read -r type service path <<<"$entry"
            echo "update endpoint join service on endpoint.service_id = service.id
                  set endpoint.url = '$(url_of "$service")$path' where service.type = '$type';"
        done
    } | sql keystone
}

boot() {
    local since service
    since=$(date +%s)
    choose_ports
    configure
    trap end_and_forget EXIT
    start_mysql
    set_endpoints
    start_keystone
    start_others
    for service in "${services[@]}"; do await "$service" answers "$(url_of "$service")"; done
    "$venv/bin/python" "$files/seed.py" wait "$(url_of keystone)/v3" "$admin_password" "$since" "${hosts[@]}" >&2 ||
        die "$PWD/log says why"
    trap - EXIT
    fill any clouds.yaml >clouds.yaml
}

end() {
    terminate 10 "${services[@]}"
    terminate 20 mysql
}

# When the data is not wanted any more, there is nothing to write back.
end_and_forget() {
    terminate 5 "${services[@]}"
    terminate 0 mysql
}
