# Ports, and the configuration of one cloud. The current folder is DIR.
# Read by tests/services/openstack.

admin_password=admin
service_password=svc
# Relative, as all services run in DIR: a socket's path may have 107 bytes only, and the state that was
# seeded elsewhere holds it.
socket=data/mysql/mysql.sock

# Five ports in a row that nobody listens on, below those that the system gives to outgoing connections.
choose_ports() {
    local first n service
    for _ in $(seq 200); do
        first=$((20000 + RANDOM % 2000 * 5))
        for n in 0 1 2 3 4; do
            if (exec 3<>"/dev/tcp/127.0.0.1/$((first + n))") 2>/dev/null; then continue 2; fi
        done
        n=0
        for service in "${services[@]}"; do echo "$service $((first + n++))"; done >ports
        return
    done
    die "no ports are free"
}

port_of() { sed -n "s/^$1 //p" ports; }

url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }

# fill SERVICE FILE...: the files one after the other, with what stands for @NAME@.
fill() {
    local service=$1
    shift
    sed -e "s|@DIR@|$PWD|g" -e "s|@VENV@|$venv|g" -e "s|@SERVICE@|$service|g" \
        -e "s|@DATABASE@|mysql+pymysql://root@localhost|g" \
        -e "s|@SOCKET@|unix_socket=$socket\&charset=utf8mb4|g" \
        -e "s|@ADMIN_PASSWORD@|$admin_password|g" -e "s|@SERVICE_PASSWORD@|$service_password|g" \
        -e "s|@KEYSTONE@|$(port_of keystone)|g" -e "s|@GLANCE@|$(port_of glance)|g" "${@/#/$files/etc/}"
}

# How a service calls others: one section for each.
clients() {
    local section
    for section in "$@"; do
        fill any client.conf | sed "s|@SECTION@|$section|"
    done
}

configure() {
    mkdir -p etc log run
    ln -sfn "$venv" venv
    fill keystone common.conf keystone.conf >etc/keystone.conf
    fill glance common.conf glance-api.conf authtoken.conf >etc/glance-api.conf
    fill placement common.conf placement.conf authtoken.conf >etc/placement.conf
    { fill nova common.conf nova.conf authtoken.conf; clients placement neutron service_user; } >etc/nova.conf
    { fill neutron common.conf neutron.conf authtoken.conf; clients nova placement; } >etc/neutron.conf
    fill neutron ml2_conf.ini >etc/ml2_conf.ini
    cp "$venv/etc/nova/api-paste.ini" etc/ # Nova takes it from where its configuration is
    export OS_KEYSTONE_CONFIG_DIR=$PWD/etc OS_GLANCE_CONFIG_DIR=$PWD/etc OS_PLACEMENT_CONFIG_DIR=$PWD/etc
    export OS_NOVA_CONFIG_DIR=$PWD/etc OS_NEUTRON_CONFIG_DIR=$PWD/etc
    export OS_NEUTRON_CONFIG_FILES='neutron.conf;ml2_conf.ini'
    export LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$files/plugin
    # Where a list of the plugins found is kept, among others.
    export XDG_CACHE_HOME=$venv/cache HOME=$PWD/data
}
