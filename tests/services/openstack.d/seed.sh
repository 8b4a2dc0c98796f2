# The state that each start begins with: databases, the administrator, the catalogue, known hosts.
# Read by tests/services/openstack.

# Under a lock, beside its place, moved there when whole.
seed() {
    [ -d "$seeded" ] && return
    (
        flock 9
        [ -d "$seeded" ] && exit 0
        say "making the state that each start begins with (a minute, 170 MB)"
        local work=$seeded.new
        [ ! -d "$work" ] || (cd "$work" && end)
        rm -rf "$root"/target/services/openstack-seeded-*[0-9a-f] "$work"
        mkdir -p "$work"
        cd "$work"
        make_state
        mv data "$seeded"
        rm -rf "$work"
    ) 9>"$root/target/services/openstack-seeded.lock"
    [ -d "$seeded" ] || die "the state could not be made; $seeded.new/log says why"
}

make_state() {
    local name
    choose_ports
    configure
    mkdir -p data/{mysql,lock,nova,neutron,images,staging,tasks}
    mkdir -m 700 data/{fernet,credential}
    trap end EXIT
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$PWD/data/mysql" --skip-test-db \
        --auth-root-authentication-method=normal >log/mysql-install.out 2>&1 9>&-
    start_mysql
    for name in "${databases[@]}"; do echo "create database $name character set utf8mb3;"; done | sql
    make_tables
    start_keystone
    await keystone answers "$(url_of keystone)"
    "$venv/bin/python" "$files/seed.py" services "$(url_of keystone)/v3" "$admin_password" "$service_password" \
        "image=glance=$(url_of glance)" "placement=placement=$(url_of placement)" \
        "compute=nova=$(url_of nova)/v2.1" "network=neutron=$(url_of neutron)" >&2
    start_others
    for name in "${services[@]}"; do await "$name" answers "$(url_of "$name")"; done
    # The computes report when Nova maps them to its cell; the wait is part of each start.
    "$venv/bin/python" "$files/seed.py" wait "$(url_of keystone)/v3" "$admin_password" 0 "${hosts[@]}" >&2
    manage nova cell_v2 discover_hosts >log/discover-hosts.out 2>&1
    end
    trap - EXIT
}

# manage SERVICE COMMAND...
manage() {
    local name=$1
    shift
    "$venv/bin/$name-manage" --config-file "etc/$name.conf" "$@"
}

# Three at a time; the order within each matters. All are waited for, since they need the database.
make_tables() {
    local jobs=() job failed=
    keystone_and_others >log/tables-keystone.out 2>&1 9>&- & jobs+=($!)
    nova_tables >log/tables-nova.out 2>&1 9>&- & jobs+=($!)
    "$venv/bin/neutron-db-manage" --config-file etc/neutron.conf --config-file etc/ml2_conf.ini upgrade heads \
        >log/tables-neutron.out 2>&1 9>&- & jobs+=($!)
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    [ -z "$failed" ] || die "tables could not be made; $PWD/log/tables-*.out say why"
}

keystone_and_others() {
    local me
    me=$(id -un)
    manage keystone db_sync &&
        manage keystone fernet_setup --keystone-user "$me" --keystone-group "$(id -gn)" &&
        manage keystone credential_setup --keystone-user "$me" --keystone-group "$(id -gn)" &&
        manage keystone bootstrap --bootstrap-password "$admin_password" --bootstrap-region-id RegionOne \
            --bootstrap-public-url "$(url_of keystone)/v3" --bootstrap-internal-url "$(url_of keystone)/v3" &&
        "$venv/bin/glance-manage" --config-file etc/glance-api.conf db_sync &&
        manage placement db sync
}

nova_tables() {
    local cell0="mysql+pymysql://root@localhost/nova_cell0?unix_socket=$socket&charset=utf8mb4"
    manage nova api_db sync &&
        manage nova cell_v2 map_cell0 --database_connection "$cell0" &&
        manage nova db sync &&
        manage nova cell_v2 create_cell --name cell1
}
