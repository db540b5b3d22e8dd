#!/bin/sh
# Prepares a real server for TUN, and undoes it: as for direct routing (see real-server-dr.sh), the virtual IP sits on the
# loopback interface and is kept from ARP. The outer header of the director's packets is taken off by the kernel's ipip
# device, or where the kernel has none by an eBPF program on the interface; that program takes GRE and GUE (port 6080) as
# well, IPv6 within and without, and is what TUNNEL=ebpf asks for.
#
#   real-server-tun.sh start 172.18.100.8 eth0
#   real-server-tun.sh stop 172.18.100.8 eth0
#
# DECAPSULATOR names the program; it is part of the package, beside this folder.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: $0 start|stop VIRTUAL-IP INTERFACE" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
program=${DECAPSULATOR:-$here/../dist/forward/ebpf/bpf/decapsulate.bpf.o}
vip=$2 interface=$3

case $1 in
start)
    "$here/real-server-dr.sh" start "$vip"
    if [ "${TUNNEL:-}" != ebpf ] && ip link add tunl-tanist type ipip local any remote any 2>/dev/null; then
        # Packets from the tunnel come from addresses whose way back is another interface.
        echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
        echo 0 >/proc/sys/net/ipv4/conf/tunl-tanist/rp_filter
        ip link set tunl-tanist up
    else
        tc qdisc replace dev "$interface" clsact
        tc filter replace dev "$interface" ingress protocol all prio 1 handle 1 bpf direct-action object-file "$program" section tc
    fi
    ;;
stop)
    ip link delete tunl-tanist 2>/dev/null || tc filter delete dev "$interface" ingress prio 1
    "$here/real-server-dr.sh" stop "$vip"
    ;;
*)
    echo "usage: $0 start|stop VIRTUAL-IP INTERFACE" >&2
    exit 2
    ;;
esac
